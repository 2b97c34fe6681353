/* SPDX-License-Identifier: MIT */
/* lib/address.h: canonical text, comparing, input by people, extensions, wrappings. */
#include "lib/address.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static struct address parsed(const char *text)
{
    struct address a;

    ck_assert_msg(address_parse(span_of(text), &a) == OK, "%s does not parse", text);
    return a;
}

/* What must hold of every address that a function hands out. */
static void check_form(const struct address *a)
{
    struct address again;

    ck_assert_uint_eq(a->len, strlen(a->text));
    ck_assert_uint_le(a->local_len, a->len);
    ck_assert(a->local_len == a->len || a->text[a->local_len] == '@');
    again = parsed(a->text);
    ck_assert_str_eq(again.text, a->text);
    ck_assert_uint_eq(again.local_len, a->local_len);
    ck_assert(address_equal(&again, a));
}

static const struct {
    const char *text, *canonical;
    size_t local_len;
} forms[] = {
    { "", "", 0 },
    { "user@example.com", "user@example.com", 4 },
    { "User@EXAMPLE.Com.", "user@example.com", 4 },
    { "user@localhost", "user@localhost", 4 },
    { "john", "john", 4 },
    { "user@", "user@", 4 },
    { "@example.com", "@example.com", 0 },
    { "@", "@", 0 },
    { "o'brien@x", "o'brien@x", 7 },
    { "a?b@x", "a?b@x", 3 },
    { "!#$%&'*+-/=?^_`{|}~@x", "!#$%&'*+-/=?^_`{|}~@x", 19 },
    /* quotes: taken off where not needed, the same for the form Postfix sends */
    { "\"john\"@d", "john@d", 4 },
    { "\"jo\\hn\"@d", "john@d", 4 },
    { "\"x y\"@x", "\"x y\"@x", 5 },
    { "x y@x", "\"x y\"@x", 5 },
    { "\"a@b\"@d", "\"a@b\"@d", 5 },
    { "a@b@d", "\"a@b\"@d", 5 },
    { "\"a\\\"b\\\\c\"@d", "\"a\\\"b\\\\c\"@d", 9 },
    { "a\"b\\c@d", "\"a\\\"b\\\\c\"@d", 9 },
    { "a..b@d", "\"a..b\"@d", 6 },
    { "\"a..b\"@d", "\"a..b\"@d", 6 },
    { ".a@d", "\".a\"@d", 4 },
    { "a.@d", "\"a.\"@d", 4 },
    { ".@d", "\".\"@d", 3 },
    { "\"a.b\"@d", "a.b@d", 3 },
    { "\"\"@d", "@d", 0 },
    { "\"\"", "", 0 },
    { "\"a@b\"", "\"a@b\"", 5 },
    /* no quoted string: every octet counts, the last '@' splits */
    { "\"a\"@b@c", "\"\\\"a\\\"@b\"@c", 9 },
    { "\"a", "\"\\\"a\"", 5 },
    { "\"a\\\"@d", "\"\\\"a\\\\\\\"\"@d", 9 },
    { "\"a\"b@d", "\"\\\"a\\\"b\"@d", 8 },
    { "\"", "\"\\\"\"", 4 },
    { "<a@d>", "\"<a\"@d>", 4 },
    { "a\"@d", "\"a\\\"\"@d", 5 },
    /* UTF-8 local parts: NFC, case-folded */
    { "JÜRGEN@d", "jürgen@d", 7 },
    { "ju\xcc\x88rgen@d", "jürgen@d", 7 },
    { "straße@d", "strasse@d", 7 },
    { "\xe2\x84\xaa@d", "k@d", 1 },             /* Kelvin sign */
    { "a\xcd\xbe@d", "\"a;\"@d", 4 },           /* U+037E is canonically ';' */
    { "\"ü\\ü ü\"@d", "\"üü ü\"@d", 9 },
    /* domains */
    { "u@BÜCHER.example", "u@xn--bcher-kva.example", 1 },
    { "u@bu\xcc\x88" "cher.example.", "u@xn--bcher-kva.example", 1 },
    { "u@XN--BCHER-KVA.Example", "u@xn--bcher-kva.example", 1 },
    { "u@bücher\xe3\x80\x82" "example", "u@xn--bcher-kva.example", 1 }, /* U+3002 */
    { "u@bücher.example\xe3\x80\x82", "u@xn--bcher-kva.example", 1 },
    { "u@straße.example", "u@xn--strae-oqa.example", 1 },
    { "u@strasse.example", "u@strasse.example", 1 },
    { "u@a_b.bücher.de", "u@a_b.xn--bcher-kva.de", 1 },
    { "u@xn--x", "u@xn--x", 1 },
    { "u@[192.0.2.1]", "u@[192.0.2.1]", 1 },
    { "u@[IPv6:2001:DB8::1]", "u@[ipv6:2001:db8::1]", 1 },
    { "u@d..", "u@d..", 1 },
    { "u@.", "u@.", 1 },
    /* what IDNA refuses stays, label by label */
    { "u@\xe2\x98\xba.BÜCHER.de", "u@\xe2\x98\xba.xn--bcher-kva.de", 1 },
    { "u@xn--zzzzzzzz.bücher.de", "u@xn--zzzzzzzz.xn--bcher-kva.de", 1 },
    { "u@r3---sn.bücher.de", "u@r3---sn.xn--bcher-kva.de", 1 },
    { "u@exa\xef\xbc\xa0mple.com", "u@exa\xef\xbc\xa0mple.com", 1 }, /* U+FF20 never becomes '@' */
    { "u@foo bar.ü", "u@foo bar.xn--tda", 1 },
};

START_TEST(parse_gives_canonical_text)
{
    struct address a = parsed(forms[_i].text);

    ck_assert_str_eq(a.text, forms[_i].canonical);
    ck_assert_uint_eq(a.local_len, forms[_i].local_len);
    check_form(&a);
}
END_TEST

static const struct {
    const char *text;
    size_t len;
} bad[] = {
    { "a\0b@d", 5 },
    { "ab@d\0", 5 },
    { "a\nb@d", 5 },
    { "a\x7f@d", 4 },
    { "\"a\tb\"@d", 7 },
    { "a@d\r", 4 },
    { "\xff@d", 3 },
    { "a@\xe4", 3 },
    { "\xc0\xaf@d", 4 },       /* overlong */
    { "\xed\xa0\x80@d", 5 },   /* surrogate */
    { "\"\xc3\\\xbc\"@d", 7 }, /* a backslash inside a character */
};

START_TEST(parse_refuses_what_is_no_text)
{
    struct address a;

    ck_assert_int_eq(address_parse((struct span){ bad[_i].text, bad[_i].len }, &a), BAD);
    ck_assert_uint_eq(a.len, 0);
    ck_assert_str_eq(a.text, "");
}
END_TEST

/* Parses head, `count` times unit, tail. */
static enum result parse_long(const char *head, const char *unit, size_t count, const char *tail,
                              struct address *a)
{
    char text[4096];
    struct strbuf b;

    strbuf_init(&b, text, sizeof text);
    strbuf_adds(&b, head);
    for (size_t i = 0; i < count; i++)
        strbuf_adds(&b, unit);
    strbuf_adds(&b, tail);
    ck_assert(!b.cut);
    return address_parse((struct span){ text, b.len }, a);
}

START_TEST(parse_keeps_to_its_limits)
{
    struct address a;

    ck_assert_int_eq(parse_long("", "a", LOCAL_MAX, "@d", &a), OK);
    ck_assert_uint_eq(a.local_len, LOCAL_MAX);
    check_form(&a);
    ck_assert_int_eq(parse_long("", "a", LOCAL_MAX + 1, "@d", &a), LIMIT);
    ck_assert_uint_eq(a.len, 0);
    ck_assert_int_eq(parse_long("", "a", LOCAL_MAX, "", &a), OK);
    ck_assert_int_eq(parse_long("", "a", LOCAL_MAX + 1, "", &a), LIMIT);
    /* the quotes that it needs count, those it does not need do not */
    ck_assert_int_eq(parse_long("\"", "a", LOCAL_MAX, "\"@d", &a), OK);
    ck_assert_int_eq(parse_long("\"", "\\a", LOCAL_MAX, "\"@d", &a), OK);
    ck_assert_int_eq(parse_long("\"", "\\a", LOCAL_MAX + 1, "\"@d", &a), LIMIT);
    ck_assert_int_eq(parse_long(" ", "a", LOCAL_MAX - 3, "@d", &a), OK);
    ck_assert_uint_eq(a.local_len, LOCAL_MAX);
    check_form(&a);
    ck_assert_int_eq(parse_long(" ", "a", LOCAL_MAX - 2, "@d", &a), LIMIT);
    /* U+0390 folds to three times its length in code points, six octets for two */
    ck_assert_int_eq(parse_long("", "\xce\x90", 127, "@d", &a), OK);
    check_form(&a);
    ck_assert_int_eq(parse_long("", "\xef\xac\x83", 85, "@d", &a), OK); /* ffi ligature */
    ck_assert_uint_eq(a.local_len, LOCAL_MAX);
    ck_assert_int_eq(parse_long("", "\xc7\xb0", 85, "@d", &a), OK); /* j with caron, one character */
    check_form(&a);
    /* U+1F80 folds to two characters, five octets for three */
    ck_assert_int_eq(parse_long("", "\xe1\xbe\x80", 51, "@d", &a), OK);
    ck_assert_uint_eq(a.local_len, LOCAL_MAX);
    check_form(&a);
    ck_assert_int_eq(parse_long("", "\xe1\xbe\x80", 52, "@d", &a), LIMIT);
    /* domain */
    ck_assert_int_eq(parse_long("u@", "a", DOMAIN_MAX, "", &a), OK);
    ck_assert_uint_eq(a.len, 2 + DOMAIN_MAX);
    check_form(&a);
    ck_assert_int_eq(parse_long("u@", "a", DOMAIN_MAX, ".", &a), OK);
    ck_assert_int_eq(parse_long("u@", "a", DOMAIN_MAX + 1, "", &a), LIMIT);
    ck_assert_uint_eq(a.len, 0);
    ck_assert_int_eq(parse_long("u@", "ü.", DOMAIN_MAX / 8, "d", &a), OK); /* xn--tda. */
    ck_assert_uint_eq(a.len, 2 + DOMAIN_MAX / 8 * 8 + 1);
    check_form(&a);
    ck_assert_int_eq(parse_long("u@", "\xe2\x98\xba", DOMAIN_MAX / 3, "", &a), OK); /* stays */
    ck_assert_uint_eq(a.len, 2 + DOMAIN_MAX);
    ck_assert_int_eq(parse_long("u@", "\xe2\x98\xba", DOMAIN_MAX / 3, "a", &a), LIMIT);
    ck_assert_int_eq(parse_long("u@", "ü", 3000 / 2, "", &a), LIMIT);
}
END_TEST

START_TEST(the_longest_address_fits)
{
    char text[ADDRESS_MAX + 2];
    struct address a;

    memset(text, 'A', sizeof text);
    text[LOCAL_MAX] = '@';
    ck_assert_int_eq(address_parse((struct span){ text, ADDRESS_MAX }, &a), OK);
    ck_assert_uint_eq(a.len, ADDRESS_MAX);
    check_form(&a);
    ck_assert_int_eq(address_parse((struct span){ text, ADDRESS_MAX + 1 }, &a), LIMIT);
}
END_TEST

START_TEST(equal_by_canonical_text_only)
{
    struct address u = parsed("Jürgen@Bücher.example"), a = parsed("JÜRGEN@xn--bcher-kva.EXAMPLE.");
    struct address sharp = parsed("u@straße.example"), ss = parsed("u@strasse.example");
    struct address bare = parsed("john"), open = parsed("john@");

    ck_assert(address_equal(&u, &a));
    ck_assert(!address_equal(&sharp, &ss));
    ck_assert(!address_equal(&bare, &open));
}
END_TEST

START_TEST(parts_of_an_address)
{
    struct address a = parsed("\"x y\"@d"), bare = parsed("john"), open = parsed("john@");
    char buffer[LOCAL_MAX + 1];

    ck_assert(span_equal(address_local(&a), SPAN("\"x y\"")));
    ck_assert(span_equal(address_domain(&a), SPAN("d")));
    ck_assert(span_equal(address_local_unquoted(&a, buffer), SPAN("x y")));
    ck_assert(span_equal(address_local_unquoted(&bare, buffer), SPAN("john")));
    ck_assert_ptr_null(address_domain(&bare).ptr);
    ck_assert_uint_eq(address_domain(&bare).len, 0);
    ck_assert_ptr_nonnull(address_domain(&open).ptr);
    ck_assert_uint_eq(address_domain(&open).len, 0);
}
END_TEST

START_TEST(join_takes_the_local_part_unquoted)
{
    struct address a;

    ck_assert_int_eq(address_join(SPAN("\"X y"), SPAN("Bücher.de"), &a), OK);
    ck_assert_str_eq(a.text, "\"\\\"x y\"@xn--bcher-kva.de");
    check_form(&a);
    ck_assert_int_eq(address_join(SPAN("a@b"), (struct span){ NULL, 0 }, &a), OK);
    ck_assert_str_eq(a.text, "\"a@b\"");
    ck_assert_int_eq(address_join(SPAN("a\n"), SPAN("d"), &a), BAD);
    ck_assert_int_eq(address_join(SPAN("a"), SPAN("d\n"), &a), BAD);
    ck_assert_str_eq(a.text, "");
}
END_TEST

START_TEST(the_same_local_part_elsewhere)
{
    struct address a = parsed("\"x y\"@d"), bare = parsed("john"), r;
    char domain[DOMAIN_MAX + 1];

    ck_assert_int_eq(address_in_domain(&a, SPAN("example.org"), &r), OK);
    ck_assert_str_eq(r.text, "\"x y\"@example.org");
    check_form(&r);
    ck_assert_int_eq(address_in_domain(&bare, SPAN("example.org"), &r), OK);
    ck_assert_str_eq(r.text, "john@example.org");
    check_form(&r);
    memset(domain, 'd', sizeof domain);
    ck_assert_int_eq(address_in_domain(&a, (struct span){ domain, DOMAIN_MAX }, &r), OK);
    check_form(&r);
    ck_assert_int_eq(address_in_domain(&a, (struct span){ domain, DOMAIN_MAX + 1 }, &r), LIMIT);
    ck_assert_str_eq(r.text, "");
}
END_TEST

static const struct {
    const char *text;
    bool bare_allowed;
    enum result result;
    const char *says; /* what the line must hold; or the canonical text */
} inputs[] = {
    { "User@Example.COM", false, OK, "user@example.com" },
    { "o'brien@x", false, OK, "o'brien@x" },
    { "\"x y\"@example.com", false, OK, "\"x y\"@example.com" },
    { "user@[192.0.2.1]", false, OK, "user@[192.0.2.1]" },
    { "user@Bücher.de", false, OK, "user@xn--bcher-kva.de" },
    { "john", true, OK, "john" },
    { "john", false, BAD, "no domain: john" },
    { "", true, BAD, "no local part" },
    { "@example.com", false, BAD, "no local part: @example.com" },
    { "\"\"@example.com", false, BAD, "no local part" },
    { "user@", false, BAD, "domain is empty" },
    { "x y@example.com", false, BAD, "double quotes" },
    { " user@example.com", false, BAD, "double quotes" },
    { "user@example.com ", false, BAD, "no host name can have" },
    { "a@b@example.com", false, BAD, "double quotes" },
    { "<user@example.com>", false, BAD, "double quotes" },
    { "a,b@example.com", true, BAD, "double quotes" },
    { "user@exa mple.com", false, BAD, "no host name can have" },
    { "user@-example.com", false, BAD, "hyphen" },
    { "us\ner@example.com", false, BAD, "control character" },
    { "us\xffr@example.com", false, BAD, "UTF-8" },
};

START_TEST(check_judges_input_by_people)
{
    struct address a;
    struct error e = { "" };

    ck_assert_int_eq(address_check(inputs[_i].text, inputs[_i].bare_allowed, &a, &e), inputs[_i].result);
    if (inputs[_i].result == OK) {
        ck_assert_str_eq(a.text, inputs[_i].says);
        ck_assert_str_eq(e.text, "");
    } else {
        ck_assert_msg(strstr(e.text, inputs[_i].says) != NULL, "%s", e.text);
        ck_assert_str_eq(a.text, "");
    }
}
END_TEST

START_TEST(check_of_too_long_an_address)
{
    char text[LOCAL_MAX + 16];
    struct address a;
    struct error e = { "" };

    memset(text, 'a', LOCAL_MAX + 1);
    memcpy(text + LOCAL_MAX + 1, "@d", sizeof "@d");
    ck_assert_int_eq(address_check(text, false, &a, &e), LIMIT);
    ck_assert_msg(strstr(e.text, "longer than 255") != NULL, "%s", e.text);
    ck_assert_int_eq(address_check(text + 1, false, &a, &e), OK);
}
END_TEST

static const struct {
    const char *text;
    enum result result;
    const char *says;
} domains[] = {
    { "Example.COM.", OK, "example.com" },
    { "localhost", OK, "localhost" },
    { "a_b.example", OK, "a_b.example" },
    { "3com.example", OK, "3com.example" },
    { "Bücher.example", OK, "xn--bcher-kva.example" },
    { "xn--zzzzzzzz.example", OK, "xn--zzzzzzzz.example" },
    { "[192.0.2.1]", OK, "[192.0.2.1]" },
    { "[IPv6:2001:DB8::1]", OK, "[ipv6:2001:db8::1]" },
    { "", BAD, "empty" },
    { ".", BAD, "empty label" },
    { "a..b", BAD, "empty label: a..b" },
    { ".example", BAD, "empty label" },
    { "a-.example", BAD, "hyphen" },
    { "exa@mple", BAD, "no host name can have" },
    { "exa\xef\xbc\xa0mple.com", BAD, "no host name can have" },
    { "\xe2\x98\xba.com", BAD, "disallowed" },
    { "192.0.2.1", BAD, "in brackets" },
    { "[192.0.2.1", BAD, "closing bracket" },
    { "[", BAD, "closing bracket" },
    { "[]", BAD, "neither" },
    { "[192.0.2.256]", BAD, "neither" },
    { "[IPv6:192.0.2.1]", BAD, "neither" },
    { "[2001:db8::1]", BAD, "neither" },
    { "[IPv6:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]", BAD, "neither" },
    { "exam\tple", BAD, "control character" },
};

START_TEST(domain_check_judges_input_by_people)
{
    char domain[DOMAIN_MAX + 1];
    struct error e = { "" };

    ck_assert_int_eq(domain_check(domains[_i].text, domain, &e), domains[_i].result);
    if (domains[_i].result == OK) {
        ck_assert_str_eq(domain, domains[_i].says);
    } else {
        ck_assert_msg(strstr(e.text, domains[_i].says) != NULL, "%s", e.text);
        ck_assert_str_eq(domain, "");
    }
}
END_TEST

START_TEST(domain_lengths)
{
    char text[300], domain[DOMAIN_MAX + 1];
    struct error e;

    for (size_t i = 0; i < sizeof text; i++)
        text[i] = i % 64 == 63 ? '.' : 'a';
    text[63] = '\0';
    ck_assert_int_eq(domain_check(text, domain, &e), OK);
    text[63] = 'a';
    text[64] = '\0';
    ck_assert_int_eq(domain_check(text, domain, &e), BAD);
    ck_assert_msg(strstr(e.text, "more than 63") != NULL, "%s", e.text);
    text[63] = '.';
    text[64] = 'a';
    text[253] = '\0';
    ck_assert_int_eq(domain_check(text, domain, &e), OK);
    text[253] = 'a';
    text[254] = '\0';
    ck_assert_int_eq(domain_check(text, domain, &e), BAD);
    ck_assert_msg(strstr(e.text, "longer than 253") != NULL, "%s", e.text);
    text[254] = text[255] = 'a';
    text[256] = '\0';
    ck_assert_int_eq(domain_check(text, domain, &e), LIMIT);
    ck_assert_msg(strstr(e.text, "longer than 253") != NULL, "%s", e.text);
}
END_TEST

static const struct {
    const char *text, *delimiters, *stripped; /* NULL: NOT_FOUND */
} extensions[] = {
    { "john+lists@d", "+", "john@d" },
    { "john+@d", "+", "john@d" },
    { "john+lists", "+", "john" },
    { "john+a+b@d", "+", "john@d" },
    { "john+a-b@d", "+-", "john@d" },
    { "john-smith+a@d", "+-", "john@d" },
    { "john-smith+a@d", "+", "john-smith@d" },
    { "\"x y+a\"@d", "+", "\"x y\"@d" },
    { "\"john+x y\"@d", "+", "john@d" },
    { "john.+a@d", "+", "\"john.\"@d" },
    { "\"a\\\"+b\"@d", "+", "\"a\\\"\"@d" },
    { "Jürgen+x@bücher.de", "+", "jürgen@xn--bcher-kva.de" },
    { "postmaster+a@d", "+", "postmaster@d" },
    { "list-request+a@d", "+", "list-request@d" },
    { "owner-list@d", "+", NULL },
    { "owner-a+b@d", "+", "owner-a@d" },
    { "john@d", "+", NULL },
    { "john+a@d", "", NULL },
    { "+john@d", "+", NULL },
    { "+john+a@d", "+", NULL },
    { "john@d+e", "+", NULL },
    { "double-bounce@d", "-", NULL },
    { "Mailer-Daemon@d", "-", NULL },
    { "mailer-daemon2@d", "-", "mailer@d" },
    { "owner-list@d", "-", NULL },
    { "Owner-list+x@d", "+-", NULL },
    { "list-Request@d", "-", NULL },
    { "-request@d", "-", NULL },
    { "a-requests@d", "-", "a@d" },
    { "postmaster@d", "p", NULL },
    { "postmaster@d", "t", NULL },
    { "", "+", NULL },
    { "@d", "+", NULL },
};

START_TEST(strip_extension_as_postfix)
{
    struct address a = parsed(extensions[_i].text), r = parsed("untouched@d");
    enum result got = address_strip_extension(&a, extensions[_i].delimiters, &r);

    ck_assert_int_eq(got, extensions[_i].stripped ? OK : NOT_FOUND);
    ck_assert_str_eq(r.text, extensions[_i].stripped ? extensions[_i].stripped : "untouched@d");
    check_form(&r);
}
END_TEST

static const struct {
    const char *text, *unwrapped; /* NULL: NOT_FOUND */
} wrappings[] = {
    { "prvs=4068eb2540=john@d", "john@d" },
    { "PRVS=4068EB2540=John@d", "john@d" },
    { "prvs=4068eb2540=john", "john" },
    { "prvs=john/0123abcdef@d", "john@d" },
    { "prvs=4068eb2540=a=b@d", "a=b@d" },
    { "\"prvs=4068eb2540=x y\"@d", "\"x y\"@d" },
    { "msprvs1=1202020UU5ulBw=bounces@d", "bounces@d" },
    { "btv1==068a4973b3a==john@d", "john@d" },
    { "SRS0=HHHH=TT=example.org=john@d", "john@example.org" },
    { "srs0+HHHH=TT=example.org=john@d", "john@example.org" },
    { "SRS0-HHHH=TT=Example.ORG=john=x@d", "john=x@example.org" },
    { "SRS0=H+/H=TT=bücher.de=john@d", "john@xn--bcher-kva.de" },
    { "SRS1=GGGG=other.example==HHHH=TT=example.org=john@d", "john@example.org" },
    { "SRS1+GGGG=other.example=+HHHH=TT=example.org=john@d", "john@example.org" },
    { "SRS1-GGGG=other.example=-HHHH=TT=example.org=john@d", "john@example.org" },
    { "prvs=4068eb2540=SRS0=HHHH=TT=example.org=john@d", "john@example.org" },
    { "SRS0=HHHH=TT=example.org=prvs=4068eb2540=john@d", "john@example.org" },
    { "prvs=1=prvs=1=prvs=1=prvs=1=prvs=1=prvs=1=prvs=1=prvs=1=john@d", "john@d" },
    { "prvs=1=prvs=1=prvs=1=prvs=1=prvs=1=prvs=1=prvs=1=prvs=1=prvs=1=john@d", "prvs=1=john@d" },
    { "john@d", NULL },
    { "", NULL },
    { "prvs=@d", NULL },
    { "prvs=john@d", NULL },
    { "prvs==john@d", NULL },
    { "prvs=tag=@d", NULL },
    { "prvs=/0123abcdef@d", NULL },
    { "prvs=john/012aabcdef@d", NULL },
    { "prvs=john/0123abcdeg@d", NULL },
    { "prvs=john/0123abcde@d", NULL },
    { "btv1=068a4973b3a=john@d", NULL },
    { "btv1==068a4973b3a=john@d", NULL },
    { "btv1==068a4973b3a==@d", NULL },
    { "SRS0@d", NULL },
    { "SRS0-team@d", NULL },
    { "SRS0_HHHH=TT=example.org=john@d", NULL },
    { "SRS0=HHHH=TT=example.org@d", NULL },
    { "SRS0=HHHH=TT=example.org=@d", NULL },
    { "SRS0=HHHH=TT==john@d", NULL },
    { "SRS0=HHHH==example.org=john@d", NULL },
    { "SRS1=GGGG=other.example=HHHH=TT=example.org=john@d", NULL },
    { "SRS1=GGGG=other.example==HHHH=TT=example.org@d", NULL },
    { "SRS1=GGGG==HHHH=TT=example.org=john@d", NULL },
    { "\"SRS0=HHHH=TT=a@b=john\"@d", NULL },
    { "SRS2=HHHH=TT=example.org=john@d", NULL },
};

START_TEST(unwrap_batv_and_srs)
{
    struct address a = parsed(wrappings[_i].text), r = parsed("untouched@d");

    ck_assert_int_eq(address_unwrap(&a, &r), wrappings[_i].unwrapped ? OK : NOT_FOUND);
    ck_assert_str_eq(r.text, wrappings[_i].unwrapped ? wrappings[_i].unwrapped : "untouched@d");
    check_form(&r);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("address");
    TCase *t = tcase_create("address");

    tcase_add_loop_test(t, parse_gives_canonical_text, 0, COUNT(forms));
    tcase_add_loop_test(t, parse_refuses_what_is_no_text, 0, COUNT(bad));
    tcase_add_test(t, parse_keeps_to_its_limits);
    tcase_add_test(t, the_longest_address_fits);
    tcase_add_test(t, equal_by_canonical_text_only);
    tcase_add_test(t, parts_of_an_address);
    tcase_add_test(t, join_takes_the_local_part_unquoted);
    tcase_add_test(t, the_same_local_part_elsewhere);
    tcase_add_loop_test(t, check_judges_input_by_people, 0, COUNT(inputs));
    tcase_add_test(t, check_of_too_long_an_address);
    tcase_add_loop_test(t, domain_check_judges_input_by_people, 0, COUNT(domains));
    tcase_add_test(t, domain_lengths);
    tcase_add_loop_test(t, strip_extension_as_postfix, 0, COUNT(extensions));
    tcase_add_loop_test(t, unwrap_batv_and_srs, 0, COUNT(wrappings));
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    SRunner *runner = srunner_create(suite());
    int failed;

    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
