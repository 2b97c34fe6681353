/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/message_text.h"

#define TEN "0123456789"
#define NINETY TEN TEN TEN TEN TEN TEN TEN TEN TEN

/* What the function prints; the caller frees it. */
static char *printed(const char *text, int width)
{
    char *buffer = NULL;
    size_t size;
    FILE *f = open_memstream(&buffer, &size);

    ck_assert_ptr_nonnull(f);
    if (width)
        message_wrap(text, (unsigned)width, f);
    else
        message_header(text, f);
    ck_assert_int_eq(fclose(f), 0);
    return buffer;
}

static const struct {
    const char *text, *wrapped; /* at ten characters */
} cases[] = {
    { "", "" },
    { "one", "one\n" },
    { "one two th", "one two th\n" },
    { "one two thr", "one two\nthr\n" },
    { "one  two ", "one two\n" },
    { "one\n\ntwo", "one\n\ntwo\n" },
    { "a " TEN TEN " b", "a\n" TEN TEN "\nb\n" },
    { "\xc3\xa4\xc3\xa4\xc3\xa4 \xc3\xa4\xc3\xa4\xc3\xa4 \xc3\xa4\xc3\xa4", "\xc3\xa4\xc3\xa4\xc3\xa4 \xc3\xa4\xc3\xa4\xc3\xa4 \xc3\xa4\xc3\xa4\n" },
    { " one two three four\nfive six seven", " one two three four\nfive six\nseven\n" },
};

START_TEST(paragraphs)
{
    char *const text = printed(cases[_i].text, 10);

    ck_assert_str_eq(text, cases[_i].wrapped);
    free(text);
}
END_TEST

static const struct {
    const char *text, *field;
} fields[] = {
    { "Please change", "Please change\n" },
    { "one\ntwo", "one two\n" },
    { "\xc3\xa4 b_?=", "=?utf-8?Q?=C3=A4_b=5F=3F=3D?=\n" },
    { "\xff", "=?utf-8?Q?=FF?=\n" },
    { "\xc3\xa4" TEN TEN TEN TEN TEN "1234567\xe2\x82\xac",
      "=?utf-8?Q?=C3=A4" TEN TEN TEN TEN TEN "1234567?=\n =?utf-8?Q?=E2=82=AC?=\n" },
};

START_TEST(header)
{
    char *text = printed(fields[_i].text, 0);

    ck_assert_str_eq(text, fields[_i].field);
    free(text);
}
END_TEST

/* Whatever it holds: encoded words of at most 75 characters (RFC 2047, 2). */
START_TEST(header_lines)
{
    char *text = printed("\xc3\xa4" NINETY "\n" NINETY "\xf0\x9f\x93\xa7\xf0\x9f\x93\xa7" NINETY, 0);
    char *rest = text, *line;
    size_t lines = 0;

    for (; (line = strsep(&rest, "\n")) && *line; lines++) {
        ck_assert_uint_le(strlen(line), 76);
        ck_assert_int_eq(strncmp(line + (*line == ' '), "=?utf-8?Q?", 10), 0);
    }
    ck_assert_uint_gt(lines, 4);
    free(text);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("message_text");
    TCase *c = tcase_create("message_text");

    tcase_add_loop_test(c, paragraphs, 0, sizeof cases / sizeof *cases);
    tcase_add_loop_test(c, header, 0, sizeof fields / sizeof *fields);
    tcase_add_test(c, header_lines);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
