/* SPDX-License-Identifier: MIT */
/* lib/str and lib/result: every bound at its edge and one past it. */
#include "lib/str.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

START_TEST(spans)
{
    ck_assert_uint_eq(span_of(NULL).len, 0);
    ck_assert(span_equal(span_of(NULL), span_of("")));
    ck_assert(span_equal(SPAN("ab"), span_of("ab")));
    ck_assert(!span_equal(SPAN("ab"), SPAN("aB")));
    ck_assert(!span_equal(SPAN("ab"), SPAN("abc")));
    ck_assert(span_equal_case(SPAN("aB-1"), SPAN("Ab-1")));
    ck_assert(!span_equal_case(SPAN("ab"), SPAN("a")));
    ck_assert(span_ends_case(SPAN("mail.LOCAL"), SPAN(".local")));
    ck_assert(span_ends_case(SPAN(".local"), SPAN(".local")));
    ck_assert(span_ends_case(SPAN("x"), SPAN("")));
    ck_assert(!span_ends_case(SPAN("local"), SPAN(".local")));
    ck_assert(span_equal(span_trim(SPAN(" \ta b\t ")), SPAN("a b")));
    ck_assert_uint_eq(span_trim(SPAN(" \t ")).len, 0);
    ck_assert_uint_eq(span_trim(SPAN("\n")).len, 1);
}
END_TEST

START_TEST(builders_at_their_bound)
{
    struct {
        char array[8], guard;
    } s = { .guard = 'G' };
    struct strbuf b;

    strbuf_init(&b, s.array, sizeof s.array);
    ck_assert_str_eq(s.array, "");
    strbuf_adds(&b, "1234567");
    ck_assert(!b.cut);
    ck_assert_uint_eq(b.len, 7);
    strbuf_adds(&b, "");
    strbuf_add(&b, (struct span){ NULL, 0 });
    ck_assert(!b.cut);
    strbuf_addc(&b, '8');
    ck_assert(b.cut);
    ck_assert_str_eq(s.array, "1234567");

    strbuf_init(&b, s.array, sizeof s.array);
    strbuf_adds(&b, "12345678");
    ck_assert(b.cut);
    ck_assert_str_eq(s.array, "1234567");

    strbuf_init(&b, s.array, sizeof s.array);
    strbuf_addf(&b, "%s", "1234567");
    ck_assert(!b.cut);
    strbuf_addf(&b, "%d", 8);
    ck_assert(b.cut);
    ck_assert_str_eq(s.array, "1234567");
    ck_assert_uint_eq(b.len, 7);

    strbuf_init(&b, s.array, 1);
    strbuf_addc(&b, 'x');
    strbuf_addf(&b, "x");
    strbuf_add_clean(&b, SPAN("x"));
    strbuf_add_quoted(&b, SPAN("x y"));
    ck_assert(b.cut);
    ck_assert_str_eq(s.array, "");
    ck_assert_int_eq(s.guard, 'G');
}
END_TEST

START_TEST(numbers_are_written)
{
    static const uint64_t numbers[] = { 0, 1, 9, 10, 65535, UINT64_MAX };

    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        char array[21], expected[24];
        struct strbuf b;
        strbuf_init(&b, array, sizeof array);
        strbuf_addu(&b, numbers[i]);
        snprintf(expected, sizeof expected, "%" PRIu64, numbers[i]);
        ck_assert_str_eq(array, expected);
        ck_assert(!b.cut);
    }
}
END_TEST

static const struct {
    const char *text, *clean, *quoted;
} encoded[] = {
    { "abc", "abc", "abc" },
    { "", "", "\"\"" },
    { "a b", "a b", "\"a b\"" },
    { "a=b@c/%s", "a=b@c/%s", "a=b@c/%s" },
    { "say \"hi\" \\", "say \"hi\" \\", "\"say \\\"hi\\\" \\\\\"" },
    { "a\r\nb\tc\x7f", "a??b?c?", "\"a\\x0d\\x0ab\\x09c\\x7f\"" },
    { "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f", "\"gr\xc3\xbc\xc3\x9f\"" },
    { "\xff\xc3", "??", "\"\\xff\\xc3\"" },
    { "\xed\xa0\x80", "???", "\"\\xed\\xa0\\x80\"" },         /* a surrogate */
    { "\xc0\xaf", "??", "\"\\xc0\\xaf\"" },                    /* a longer form of '/' */
    { "\xe0\x80\xaf|", "???|", "\"\\xe0\\x80\\xaf|\"" },
    { "\xf4\x90\x80\x80", "????", "\"\\xf4\\x90\\x80\\x80\"" }, /* past U+10FFFF */
    { "\xf0\x9f\x93\xa7", "\xf0\x9f\x93\xa7", "\"\xf0\x9f\x93\xa7\"" },
};

START_TEST(encoding)
{
    char array[128];
    struct strbuf b;

    strbuf_init(&b, array, sizeof array);
    strbuf_add_clean(&b, span_of(encoded[_i].text));
    ck_assert_str_eq(array, encoded[_i].clean);
    strbuf_init(&b, array, sizeof array);
    strbuf_add_quoted(&b, span_of(encoded[_i].text));
    ck_assert_str_eq(array, encoded[_i].quoted);
}
END_TEST

START_TEST(clean_text_is_never_half_a_character)
{
    static const char text[] = "a\xc3\xbc\xe2\x82\xac\xf0\x9f\x93\xa7z";

    for (size_t size = 1; size <= sizeof text; size++) {
        char array[sizeof text];
        struct strbuf b;
        strbuf_init(&b, array, size);
        strbuf_add_clean(&b, span_of(text));
        ck_assert(utf8_valid((struct span){ array, b.len }));
        ck_assert_uint_eq(strlen(array), b.len);
        ck_assert_int_eq(b.cut, size < sizeof text);
    }
}
END_TEST

START_TEST(utf8_lengths)
{
    ck_assert_uint_eq(utf8_length("", 0), 0);
    ck_assert_uint_eq(utf8_length("a", 1), 1);
    ck_assert_uint_eq(utf8_length("\xc3\xbc", 2), 2);
    ck_assert_uint_eq(utf8_length("\xc3\xbc", 1), 0);
    ck_assert_uint_eq(utf8_length("\xe2\x82\xac", 3), 3);
    ck_assert_uint_eq(utf8_length("\xf4\x8f\xbf\xbf", 4), 4);
    ck_assert_uint_eq(utf8_length("\x80", 1), 0);
    ck_assert_uint_eq(utf8_length("\xc1\xbf", 2), 0);
    ck_assert_uint_eq(utf8_length("\xf5\x80\x80\x80", 4), 0);
    ck_assert_uint_eq(utf8_length("\xe2\x82x", 3), 0);
    ck_assert(utf8_valid(SPAN("")));
    ck_assert(!utf8_valid(SPAN("ab\xc3")));
}
END_TEST

START_TEST(copies)
{
    char array[4] = "zzz";

    ck_assert_int_eq(str_copy(SPAN("abc"), array, sizeof array), OK);
    ck_assert_str_eq(array, "abc");
    ck_assert_int_eq(str_copy(SPAN("abcd"), array, sizeof array), LIMIT);
    ck_assert_str_eq(array, "");
    ck_assert_int_eq(str_copy((struct span){ NULL, 0 }, array, sizeof array), OK);
    ck_assert_str_eq(array, "");
}
END_TEST

static const struct {
    const char *text;
    uint64_t min, max;
    enum result result;
} numbers[] = {
    { "0", 0, 0, OK },
    { "00012", 0, 12, OK },
    { "18446744073709551615", 0, UINT64_MAX, OK },
    { "18446744073709551616", 0, UINT64_MAX, BAD },
    { "99999999999999999999", 0, UINT64_MAX, BAD },
    { "10", 1, 9, BAD },
    { "0", 1, 9, BAD },
    { "", 0, 9, BAD },
    { "-1", 0, 9, BAD },
    { "+1", 0, 9, BAD },
    { " 1", 0, 9, BAD },
    { "1 ", 0, 9, BAD },
    { "0x1", 0, 9, BAD },
};

START_TEST(numbers_are_read)
{
    uint64_t number = 77;
    enum result r = str_number(span_of(numbers[_i].text), numbers[_i].min, numbers[_i].max, &number);

    ck_assert_msg(r == numbers[_i].result, "%s: %s", numbers[_i].text, result_name(r));
    if (r == OK)
        ck_assert_uint_eq(number, strtoull(numbers[_i].text, NULL, 10));
    else
        ck_assert_uint_eq(number, 77);
}
END_TEST

START_TEST(errors_are_one_line)
{
    struct error e;
    char longer[600];

    ck_assert_int_eq(error_set(&e, BAD, "%s: %d", "a\nb\x7f\t", 7), BAD);
    ck_assert_str_eq(e.text, "a?b??: 7");
    memset(longer, 'x', sizeof longer);
    longer[sizeof longer - 1] = '\0';
    ck_assert_int_eq(error_set(&e, LIMIT, "%s", longer), LIMIT);
    ck_assert_uint_eq(strlen(e.text), sizeof e.text - 1);
    ck_assert_int_eq(error_set(NULL, TRY_AGAIN, "nobody"), TRY_AGAIN);
    ck_assert_str_eq(result_name(TRY_AGAIN), "TRY_AGAIN");
    ck_assert_str_eq(result_name(BAD), "BAD");
}
END_TEST

/* The values of its authors, and in parts as in one. */
START_TEST(hashes)
{
    static const struct {
        const char *text;
        uint64_t hash;
    } known[] = { { "", 0xcbf29ce484222325 }, { "a", 0xaf63dc4c8601ec8c }, { "foobar", 0x85944171f73967e8 } };

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        ck_assert_uint_eq(str_hash(STR_HASH_START, span_of(known[i].text)), known[i].hash);
    ck_assert_uint_eq(str_hash(str_hash(STR_HASH_START, SPAN("foo")), SPAN("bar")), known[2].hash);
}
END_TEST

START_TEST(numbers_as_text)
{
    char text[STR_NUMBER_MAX];

    ck_assert_str_eq(str_number_text(0, text), "0");
    ck_assert_str_eq(str_number_text(UINT64_MAX, text), "18446744073709551615");
}
END_TEST

/* Numbered names fill a table as chance would, and each octet counts. */
START_TEST(key_hashes)
{
    enum { SLOTS = 1024 };
    static unsigned used[SLOTS];
    char key[40];
    unsigned filled = 0;
    int n;

    for (unsigned i = 0; i < SLOTS; i++) {
        n = snprintf(key, sizeof key, i % 2 ? "%u" : "user%u@example.com", i);
        filled += used[str_key_hash((struct span){ key, (size_t)n }) % SLOTS]++ == 0;
    }
    ck_assert_uint_gt(filled, SLOTS * 58 / 100); /* 1 - 1/e, less four standard deviations */
    for (size_t len = 0; len < sizeof key; len++) {
        memset(key, 0, sizeof key);
        uint64_t h = str_key_hash((struct span){ key, len });
        ck_assert_uint_ne(h, str_key_hash((struct span){ key, len + 1 }));
        for (size_t i = 0; i < len; i++) {
            key[i] = 1;
            ck_assert_uint_ne(h, str_key_hash((struct span){ key, len }));
            key[i] = 0;
        }
    }
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("str");
    Suite *suite = suite_create("str");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, t);
    tcase_add_test(t, spans);
    tcase_add_test(t, builders_at_their_bound);
    tcase_add_test(t, numbers_are_written);
    tcase_add_loop_test(t, encoding, 0, sizeof encoded / sizeof *encoded);
    tcase_add_test(t, clean_text_is_never_half_a_character);
    tcase_add_test(t, utf8_lengths);
    tcase_add_test(t, copies);
    tcase_add_loop_test(t, numbers_are_read, 0, sizeof numbers / sizeof *numbers);
    tcase_add_test(t, hashes);
    tcase_add_test(t, numbers_as_text);
    tcase_add_test(t, key_hashes);
    tcase_add_test(t, errors_are_one_line);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
