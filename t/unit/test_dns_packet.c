/* SPDX-License-Identifier: MIT */
/* Questions into octets, replies into classes. */
#include "policyd/dns_packet.h"

#include <check.h>
#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>

#include "t/unit/dns_reply.h"

#define SOA(ttl, minimum) "example. " ttl " IN SOA ns.example. root.example. 1 7200 900 1209600 " minimum

static struct dns_query query_of(const char *name, enum dns_type type)
{
    struct dns_query query = { .type = type };

    ck_assert_int_eq(dns_name_set(span_of(name), &query.name), OK);
    return query;
}

static const struct {
    const char *name;
    enum result result;
    size_t length;
} names[] = {
    { "a", OK, 3 },
    { "mail.example.com", OK, 18 },
    { "Mail.Example.COM.", OK, 18 },
    { "_dmarc.*.example", OK, 18 },
    { "", BAD, 0 },
    { ".", BAD, 0 },
    { "..", BAD, 0 },
    { ".example", BAD, 0 },
    { "a..example", BAD, 0 },
    { "example..", BAD, 0 },
    { "a b.example", BAD, 0 },
    { "a\\.example", BAD, 0 },
    { "[192.0.2.1]", BAD, 0 },
    { "m\xc3\xbcller.example", BAD, 0 },
};

START_TEST(name_forms)
{
    struct dns_name name;

    ck_assert_int_eq(dns_name_set(span_of(names[_i].name), &name), names[_i].result);
    if (names[_i].result == OK)
        ck_assert_uint_eq(name.length, names[_i].length);
}
END_TEST

START_TEST(name_holds_no_nul)
{
    struct dns_name name;

    ck_assert_int_eq(dns_name_set((struct span){ "a\0b.example", 11 }, &name), BAD);
    ck_assert_int_eq(dns_name_set((struct span){ NULL, 0 }, &name), BAD);
}
END_TEST

START_TEST(name_case_is_folded)
{
    struct dns_query a = query_of("MAIL.Example.org", DNS_A), b = query_of("mail.example.ORG.", DNS_A);

    ck_assert(dns_name_equal(&a.name, &b.name));
    b = query_of("mail.example.or", DNS_A);
    ck_assert(!dns_name_equal(&a.name, &b.name));
}
END_TEST

/* count labels of a given length, joined by dots. */
static struct span labels(char *array, size_t count, size_t length)
{
    size_t used = 0;

    for (size_t i = 0; i < count; i++) {
        memset(array + used, 'a', length);
        used += length;
        array[used++] = '.';
    }
    return (struct span){ array, used - 1 };
}

START_TEST(name_limits)
{
    char text[300];
    struct dns_name name;
    struct span longest;

    ck_assert_int_eq(dns_name_set(labels(text, 1, 63), &name), OK);
    ck_assert_int_eq(dns_name_set(labels(text, 1, 64), &name), BAD);
    longest = labels(text, 127, 1);
    ck_assert_uint_eq(longest.len, DNS_NAME_MAX);
    ck_assert_int_eq(dns_name_set(longest, &name), OK);
    ck_assert_uint_eq(name.length, DNS_NAME_OCTETS);
    ck_assert_int_eq(dns_name_set(labels(text, 128, 1), &name), BAD);
    labels(text, 127, 1);
    text[253] = 'a';
    ck_assert_int_eq(dns_name_set((struct span){ text, 254 }, &name), BAD);
    text[253] = '.';
    ck_assert_int_eq(dns_name_set((struct span){ text, 254 }, &name), OK);
}
END_TEST

START_TEST(built_question)
{
    struct dns_query query = query_of("Mail.Example.com", DNS_MX);
    struct dns_packet octets;
    ldns_pkt *packet;
    char *question;

    ck_assert_int_eq(dns_packet_build(&query, 0xbeef, _i == 1, &octets), OK);
    ck_assert_int_eq(ldns_wire2pkt(&packet, octets.octets, octets.length), LDNS_STATUS_OK);
    ck_assert_uint_eq(ldns_pkt_id(packet), 0xbeef);
    ck_assert(!ldns_pkt_qr(packet) && ldns_pkt_rd(packet));
    ck_assert_uint_eq(ldns_pkt_edns_udp_size(packet), _i == 1 ? DNS_EDNS_OCTETS : 0);
    ck_assert_uint_eq(ldns_pkt_qdcount(packet), 1);
    question = ldns_rr2str(ldns_rr_list_rr(ldns_pkt_question(packet), 0));
    ck_assert_str_eq(question, "mail.example.com.\tIN\tMX\n");
    free(question);
    ldns_pkt_free(packet);
}
END_TEST

START_TEST(built_longest_question)
{
    char text[300];
    struct dns_query query = { .type = DNS_TXT };
    struct dns_packet octets;

    ck_assert_int_eq(dns_name_set(labels(text, 127, 1), &query.name), OK);
    ck_assert_int_eq(dns_packet_build(&query, 1, true, &octets), OK);
    ck_assert_uint_eq(octets.length, 12 + 255 + 4 + 11);
}
END_TEST

#define A1    "a.example. 300 A 192.0.2.1"
#define CNAME "a.example. 50 CNAME b.example."
#define NS    "example. 9 NS ns.example."

#define ANSWER(s, t)    .kind = DNS_REPLY_ANSWER, .status = DNS_##s, .ttl = (t)
#define ADDRESSES(n, t) ANSWER(FOUND, t), .count = (n)
#define ALIAS(n, t)     .kind = DNS_REPLY_ALIAS, .status = DNS_FAILED, .aliases = (n), .ttl = (t)

/* The question is the one asked, a.example, unless text.question says else ("": none). */
static const struct {
    enum dns_type type;
    struct reply_text text;
    enum dns_reply_kind kind;
    enum dns_status status;
    size_t count, aliases;
    uint32_t ttl;
} replies[] = {
    { .text.answer = A1, ADDRESSES(1, 300) },
    { .text = { .question = "A.EXAMPLE. A", .answer = "A.eXample. 300 A 192.0.2.1" }, ADDRESSES(1, 300) },
    { .text.answer = A1 "\na.example. 60 A 192.0.2.2\nb.example. 1 A 192.0.2.3", ADDRESSES(2, 60) },
    { .type = DNS_AAAA, .text.answer = "a.example. 1 AAAA 2001:db8::1", ADDRESSES(1, 1) },
    { .type = DNS_MX, .text.answer = "a.example. 9 MX 10 mail.example.", ANSWER(FOUND, 9) },
    { .type = DNS_MX, .text.answer = "a.example. 9 MX 0 .", ANSWER(FOUND, 9) },
    { .type = DNS_TXT, .text.answer = "a.example. 9 TXT \"x\"", ANSWER(FOUND, 9) },
    { .text.answer = "a.example. 9 CH A 192.0.2.1", ANSWER(NODATA, 0) },
    { .text.answer = "a.example. 2147483648 A 192.0.2.1", ADDRESSES(1, 0) },

    /* none: how long that holds is in the SOA */
    { .text.authority = SOA("900", "60"), ANSWER(NODATA, 60) },
    { .text.authority = SOA("30", "60"), ANSWER(NODATA, 30) },
    { ANSWER(NODATA, 0) },
    { .text.authority = NS, .kind = DNS_REPLY_USELESS },
    { .text.authority = SOA("900", "60") "\n" NS, ANSWER(NODATA, 60) },
    { .text = { .authority = SOA("900", "60"), .rcode = 3 }, ANSWER(NXDOMAIN, 60) },
    { .text.rcode = 3, ANSWER(NXDOMAIN, 0) },

    /* aliases */
    { .text.answer = CNAME "\nb.example. 70 A 192.0.2.1", ADDRESSES(1, 50), .aliases = 1 },
    { .text.answer = "c.example. 40 A 192.0.2.1\nb.example. 70 CNAME C.example.\n" CNAME,
      ADDRESSES(1, 40),
      .aliases = 2 },
    { .text = { .answer = CNAME, .authority = SOA("900", "60") }, ANSWER(NODATA, 50), .aliases = 1 },
    { .text = { .answer = CNAME, .authority = SOA("900", "20"), .rcode = 3 },
      ANSWER(NXDOMAIN, 20),
      .aliases = 1 },
    { .text.answer = CNAME, ALIAS(1, 50) },
    { .text = { .answer = CNAME, .authority = NS }, ALIAS(1, 50) },
    { .text.answer = CNAME "\nb.example. 50 CNAME a.example.",
      ANSWER(FAILED, 50),
      .aliases = DNS_ALIASES_MAX },
    { .text.answer = "a.example. 50 CNAME a.example.", ANSWER(FAILED, 50), .aliases = DNS_ALIASES_MAX },

    /* no answer at all */
    { .text.rcode = 1, .kind = DNS_REPLY_NO_EDNS },
    { .text = { .question = "", .rcode = 1 }, .kind = DNS_REPLY_NO_EDNS },
    { .text.rcode = 4, .kind = DNS_REPLY_NO_EDNS },
    { .text.rcode = 16, .kind = DNS_REPLY_NO_EDNS },
    { .text.rcode = 2, .kind = DNS_REPLY_USELESS },
    { .text = { .question = "", .rcode = 2 }, .kind = DNS_REPLY_USELESS },
    { .text.question = "", .kind = DNS_REPLY_USELESS },
    { .text = { .question = "", .rcode = 3 }, .kind = DNS_REPLY_USELESS },
    { .text.rcode = 5, .kind = DNS_REPLY_USELESS },
    { .text = { .answer = A1, .rcode = 2 }, .kind = DNS_REPLY_USELESS },
    { .text.truncated = true, .kind = DNS_REPLY_TRUNCATED },
    { .text = { .answer = A1, .truncated = true }, .kind = DNS_REPLY_TRUNCATED },

    /* not the answer to this question */
    { .text = { .question = "b.example. A", .answer = A1 }, .kind = DNS_REPLY_OTHER },
    { .text = { .question = "a.example. AAAA", .answer = A1 }, .kind = DNS_REPLY_OTHER },
    { .text = { .question = "a.example. CH A", .answer = A1 }, .kind = DNS_REPLY_OTHER },
    { .text = { .question = "b.example. A", .rcode = 2 }, .kind = DNS_REPLY_OTHER },
};

START_TEST(reply_classes)
{
    static const char *const questions[] = { "a.example. A", "a.example. AAAA", "a.example. MX",
                                             "a.example. TXT" };
    struct dns_query query = query_of("a.example", replies[_i].type);
    struct reply_text text = replies[_i].text;
    unsigned char octets[REPLY_OCTETS_MAX];
    struct dns_reply reply;

    if (!text.question)
        text.question = questions[replies[_i].type];
    else if (!*text.question)
        text.question = NULL;
    dns_packet_read(octets, reply_build(&text, 4711, octets), &query, 4711, &reply);
    ck_assert_int_eq(reply.kind, replies[_i].kind);
    if (replies[_i].kind != DNS_REPLY_ANSWER && replies[_i].kind != DNS_REPLY_ALIAS)
        return;
    ck_assert_int_eq(reply.answer.status, replies[_i].status);
    ck_assert_uint_eq(reply.answer.count, replies[_i].count);
    ck_assert_uint_eq(reply.aliases, replies[_i].aliases);
    ck_assert_uint_eq(reply.ttl, replies[_i].ttl);
}
END_TEST

static size_t good_reply(unsigned char *octets_r)
{
    struct reply_text text = { .question = "a.example. A", .answer = "a.example. 300 A 192.0.2.7" };

    return reply_build(&text, 4711, octets_r);
}

START_TEST(reply_forged_header)
{
    struct dns_query query = query_of("a.example", DNS_A);
    unsigned char octets[REPLY_OCTETS_MAX];
    size_t length = good_reply(octets);
    struct dns_reply reply;

    dns_packet_read(octets, length, &query, 4712, &reply);
    ck_assert_int_eq(reply.kind, DNS_REPLY_OTHER);
    octets[2] &= 0x7f; /* a question */
    dns_packet_read(octets, length, &query, 4711, &reply);
    ck_assert_int_eq(reply.kind, DNS_REPLY_OTHER);
    octets[2] |= 0x80 | 5 << 3; /* UPDATE */
    dns_packet_read(octets, length, &query, 4711, &reply);
    ck_assert_int_eq(reply.kind, DNS_REPLY_OTHER);
}
END_TEST

/* No prefix of a reply is taken for an answer. */
START_TEST(reply_cut_anywhere)
{
    struct dns_query query = query_of("a.example", DNS_A);
    unsigned char octets[REPLY_OCTETS_MAX];
    size_t length = good_reply(octets);
    struct dns_reply reply;

    for (size_t cut = 0; cut < length; cut++) {
        unsigned char *copy = malloc(cut ? cut : 1); /* exact, so that over-reading shows */
        memcpy(copy, octets, cut);
        dns_packet_read(copy, cut, &query, 4711, &reply);
        ck_assert_int_eq(reply.kind, cut < 12 ? DNS_REPLY_OTHER : DNS_REPLY_USELESS);
        free(copy);
    }
    dns_packet_read(octets, length, &query, 4711, &reply);
    ck_assert_int_eq(reply.kind, DNS_REPLY_ANSWER);
    ck_assert_mem_eq(reply.answer.address[0], "\300\0\2\7", 4);
}
END_TEST

static enum dns_status read_lines(const char *lines, const char *question, enum dns_type type,
                                  struct dns_reply *reply_r)
{
    struct dns_query query = query_of("c0.example", type);
    struct reply_text text = { .question = question, .answer = lines };
    unsigned char octets[REPLY_OCTETS_MAX];

    dns_packet_read(octets, reply_build(&text, 1, octets), &query, 1, reply_r);
    ck_assert_int_eq(reply_r->kind, DNS_REPLY_ANSWER);
    return reply_r->answer.status;
}

START_TEST(reply_alias_limit)
{
    char lines[2048];
    struct strbuf b;
    struct dns_reply reply;

    for (size_t aliases = DNS_ALIASES_MAX; aliases <= DNS_ALIASES_MAX + 1; aliases++) {
        strbuf_init(&b, lines, sizeof lines);
        for (size_t i = 0; i < aliases; i++)
            strbuf_addf(&b, "c%zu.example. 60 CNAME c%zu.example.\n", i, i + 1);
        strbuf_addf(&b, "c%zu.example. 60 A 192.0.2.1\n", aliases);
        ck_assert_int_eq(read_lines(lines, "c0.example. A", DNS_A, &reply),
                         aliases <= DNS_ALIASES_MAX ? DNS_FOUND : DNS_FAILED);
    }
}
END_TEST

START_TEST(reply_address_limit)
{
    char lines[2048];
    struct strbuf b;
    struct dns_reply reply;

    strbuf_init(&b, lines, sizeof lines);
    for (size_t i = 0; i < DNS_RECORDS_MAX + 1; i++)
        strbuf_addf(&b, "c0.example. 60 AAAA 2001:db8::%zu\n", i);
    ck_assert_int_eq(read_lines(lines, "c0.example. AAAA", DNS_AAAA, &reply), DNS_FOUND);
    ck_assert_uint_eq(reply.answer.count, DNS_RECORDS_MAX);
    ck_assert_uint_eq(reply.answer.address[DNS_RECORDS_MAX - 1][15], 0x15);
}
END_TEST

START_TEST(reply_text)
{
    struct dns_reply reply;
    char lines[1024];
    struct strbuf b;

    read_lines("c0.example. 9 TXT \"one \" \"two\"\nc0.example. 9 TXT \"three\"", "c0.example. TXT", DNS_TXT,
               &reply);
    ck_assert_str_eq(reply.answer.text, "one two");
    read_lines("c0.example. 9 TXT \"a\\000b\"", "c0.example. TXT", DNS_TXT, &reply);
    ck_assert_str_eq(reply.answer.text, "a?b");
    strbuf_init(&b, lines, sizeof lines);
    strbuf_addf(&b, "c0.example. 9 TXT \"%0200d\" \"%0200d\"", 1, 2);
    read_lines(lines, "c0.example. TXT", DNS_TXT, &reply);
    ck_assert_uint_eq(strlen(reply.answer.text), DNS_TEXT_MAX);
}
END_TEST

#define COUNT(array) (int)(sizeof(array) / sizeof(array)[0])

int main(void)
{
    Suite *suite = suite_create("dns_packet");
    TCase *tests = tcase_create("all");
    SRunner *runner = srunner_create(suite);
    int failed;

    suite_add_tcase(suite, tests);
    tcase_add_loop_test(tests, name_forms, 0, COUNT(names));
    tcase_add_test(tests, name_holds_no_nul);
    tcase_add_test(tests, name_case_is_folded);
    tcase_add_test(tests, name_limits);
    tcase_add_loop_test(tests, built_question, 0, 2);
    tcase_add_test(tests, built_longest_question);
    tcase_add_loop_test(tests, reply_classes, 0, COUNT(replies));
    tcase_add_test(tests, reply_forged_header);
    tcase_add_test(tests, reply_cut_anywhere);
    tcase_add_test(tests, reply_alias_limit);
    tcase_add_test(tests, reply_address_limit);
    tcase_add_test(tests, reply_text);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
