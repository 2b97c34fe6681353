/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "policyctl/letter/words.h"

extern const char *const words_english[];

static char path[64];

static void setup(void)
{
    snprintf(path, sizeof path, "test_words.%ld", (long)getpid());
}

static void teardown(void)
{
    unlink(path);
}

/* The English words, with `text` in place of all from the line `from` to the section `to`. */
static void write_words(const char *from, const char *to, const char *text)
{
    FILE *f = fopen(path, "we");
    bool skip = false;

    ck_assert_ptr_nonnull(f);
    for (size_t i = 0; words_english[i]; i++) {
        if (from && strcmp(words_english[i], from) == 0) {
            skip = true;
            fputs(text, f);
        } else if (to && strcmp(words_english[i], to) == 0)
            skip = false;
        if (!skip)
            fprintf(f, "%s\n", words_english[i]);
    }
    ck_assert_int_eq(fclose(f), 0);
}

static struct words *load(const char *file)
{
    struct error e = { "" };
    struct words *words;

    ck_assert_msg(words_load(file, &words, &e) == OK, "%s", e.text);
    return words;
}

static const char *filled(const char *section, const struct word_values *values)
{
    static char text[WORDS_TEXT_MAX * 2];
    struct strbuf b;
    struct words *words;

    write_words("[starttls]", "[implicit_tls]", section);
    words = load(path);
    strbuf_init(&b, text, sizeof text);
    words_fill(words, SECTION_STARTTLS, values, &b);
    words_free(&words);
    ck_assert_ptr_null(words);
    return text;
}

static const struct {
    const char *section, *text;
} fills[] = {
    { "[starttls]\nPort {port}\n", "Port 143" },
    { "[starttls]\n{port}{server}{port}\n", "143imap.example.net143" },
    { "[starttls]\n\n\none\ntwo {port}\n  three\r\n# not this\n\n\n\nfour\n\n", "one two 143\n  three\n\nfour" },
    { "[starttls]\none:\n\n Port {port}\n Server {server}\nnext\n", "one:\n\n Port 143\n Server imap.example.net\nnext" },
    { "[starttls]\none\n Port {port}\n", "one\n Port 143" },
    { "[starttls]\n<{helo}>\n", "<>" },
    { "[starttls]\n<{sender}>\n", "<a?b?c{port}>" },
};

START_TEST(fill)
{
    struct word_values values = { { NULL } };

    values.of[WORD_PORT] = "143";
    values.of[WORD_SERVER] = "imap.example.net";
    values.of[WORD_SENDER] = "a\rb\nc{port}";
    ck_assert_str_eq(filled(fills[_i].section, &values), fills[_i].text);
}
END_TEST

static const struct {
    const char *section, *error; /* behind "FILE:" */
} wrong[] = {
    { "", " section [starttls] is missing: see en.txt" },
    { "[starttls]\n\n# only this\n", " section [starttls] is missing: see en.txt" },
    { "[starttls\ntext\n", "N: a section's name stands between [ and ]" },
    { "[starttls]\none\n[Starttls]\ntwo\n", "N: no section 'Starttls': see en.txt" },
    { "[starttls]\none\n[subject]\ntwo\n", "N: section 'subject' is there already" },
    { "[starttls]\n{user}\n", "N: '{user}' is no placeholder: see en.txt" },
    { "[starttls]\nopen {port\n", "N: '{port' is no placeholder: see en.txt" },
    { "[starttls]\n\xff\n", "N: not UTF-8" },
};

/* Error texts hold a line number that en.txt decides: N stands for it. */
static const char *without_number(const char *text)
{
    static char plain[512];
    size_t file = strlen(path) + 1;

    ck_assert_int_eq(strncmp(text, path, strlen(path)), 0);
    size_t digits = strspn(text + file, "0123456789");
    snprintf(plain, sizeof plain, "%s%s", digits ? "N" : "", text + file + digits);
    return plain;
}

START_TEST(what_is_wrong)
{
    struct error e = { "" };
    struct words *words;

    write_words("[starttls]", "[implicit_tls]", wrong[_i].section);
    ck_assert_int_eq(words_load(path, &words, &e), BAD);
    ck_assert_ptr_null(words);
    ck_assert_str_eq(without_number(e.text), wrong[_i].error);
}
END_TEST

START_TEST(too_long)
{
    struct error e = { "" };
    struct words *words;
    char section[WORDS_TEXT_MAX + 64] = "[starttls]\n";
    char expected[96];

    memset(section + strlen(section), 'x', WORDS_LINE_MAX);
    write_words("[starttls]", "[implicit_tls]", section);
    ck_assert_int_eq(words_load(path, &words, &e), LIMIT);
    snprintf(expected, sizeof expected, "N: a line of more than %d octets", WORDS_LINE_MAX - 2);
    ck_assert_str_eq(without_number(e.text), expected);

    for (size_t i = 1000; i < WORDS_TEXT_MAX + 20; i += 1000)
        section[i] = '\n';
    section[WORDS_TEXT_MAX + 20] = '\0';
    memset(section + 11 + WORDS_LINE_MAX, 'x', WORDS_TEXT_MAX + 20 - 11 - WORDS_LINE_MAX);
    for (size_t i = 1000; i < WORDS_TEXT_MAX + 20; i += 1000)
        section[i] = '\n';
    write_words("[starttls]", "[implicit_tls]", section);
    ck_assert_int_eq(words_load(path, &words, &e), LIMIT);
    snprintf(expected, sizeof expected, "N: the section is longer than %d octets", WORDS_TEXT_MAX - 1);
    ck_assert_str_eq(without_number(e.text), expected);
}
END_TEST

START_TEST(no_such_file)
{
    struct error e = { "" };
    struct words *words;

    ck_assert_int_eq(words_load(path, &words, &e), BAD);
    ck_assert_str_eq(without_number(e.text), " No such file or directory");
}
END_TEST

/* A translation says as much as the original: the same placeholders in each section. */
START_TEST(translation)
{
    struct words *english = load(NULL), *german = load(LETTER_DIR "/de.txt"), *file = load(LETTER_DIR "/en.txt");

    for (unsigned section = 0; section < SECTION_COUNT; section++)
        for (unsigned word = 0; word < WORD_COUNT; word++) {
            struct word_values values = { { NULL } };
            char text[3][WORDS_TEXT_MAX * 2];
            const struct words *const of[3] = { english, german, file };
            values.of[word] = "\xc2\xa4";
            for (size_t i = 0; i < 3; i++) {
                struct strbuf b;
                strbuf_init(&b, text[i], sizeof text[i]);
                words_fill(of[i], section, &values, &b);
            }
            ck_assert_msg(!strstr(text[0], values.of[word]) == !strstr(text[1], values.of[word]),
                          "section %u, placeholder %u", section, word);
            ck_assert_str_eq(text[0], text[2]);
        }
    words_free(&english);
    words_free(&german);
    words_free(&file);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("words");
    TCase *c = tcase_create("words");

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_loop_test(c, fill, 0, sizeof fills / sizeof *fills);
    tcase_add_loop_test(c, what_is_wrong, 0, sizeof wrong / sizeof *wrong);
    tcase_add_test(c, too_long);
    tcase_add_test(c, no_such_file);
    tcase_add_test(c, translation);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
