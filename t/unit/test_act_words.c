/* SPDX-License-Identifier: MIT */
/*
 * postern-act's argument vectors, templates and notices: no value becomes two words, an
 * option, or a header.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "postern-act/argv.h"
#include "postern-act/notice.h"

static struct task *task_of(const char *account, const char *reason)
{
    const char *const column[EVENT_COLUMNS] = {
        "7", "1800000000", "account_suspended", account, "", "all", reason, NULL, "root", ""
    };
    struct task *t = task_make(column);

    ck_assert_ptr_nonnull(t);
    return t;
}

/* ---- argument vectors ---- */

static struct argv argv;

/* The words in brackets. */
static const char *shown(void)
{
    static char text[ARGV_TEXT_MAX * 2];
    struct strbuf b;

    strbuf_init(&b, text, sizeof text);
    for (size_t i = 0; i < argv.count; i++)
        strbuf_addf(&b, "[%s]", argv.word[i]);
    ck_assert_ptr_null(argv.word[argv.count]);
    return text;
}

START_TEST(words)
{
    struct error e;

    ck_assert_int_eq(argv_words(&argv, "/bin/x  -c  /etc ", &e), OK);
    ck_assert_int_eq(argv_add(&argv, "a b", &e), OK);
    ck_assert_int_eq(argv_add(&argv, "", &e), OK);
    ck_assert_str_eq(shown(), "[/bin/x][-c][/etc][a b][]");
}
END_TEST

static const struct {
    const char *command, *account, *reason, *words;
} filled[] = {
    { "/bin/x {kind} --account={account} {id}", "a@x.example", "r",
      "[/bin/x][account_suspended][--account=a@x.example][7]" },
    { "/bin/x {reason} {domain}", "a@x.example", "two words; $(id) `id`",
      "[/bin/x][two words; $(id) `id`][x.example]" },
    { "/bin/x {subject} x{by}y {until}", "a@x.example", "", "[/bin/x][][xrooty][]" },
    { "/bin/x --account={account}", "-rf@x.example", "", "[/bin/x][--account=-rf@x.example]" },
    { "/bin/x {account}", "-rf@x.example", "", NULL },
    { "/bin/x {reason}{account}", "-rf@x.example", "", NULL },
    { "/bin/x {reason}", "a@x.example", "{account}", "[/bin/x][{account}]" },
};

START_TEST(members_of_the_event)
{
    struct task *t = task_of(filled[_i].account, filled[_i].reason);
    struct error e = { "" };
    enum result r = argv_event(&argv, filled[_i].command, t, &e);

    ck_assert_int_eq(r, filled[_i].words ? OK : BAD);
    if (filled[_i].words)
        ck_assert_str_eq(shown(), filled[_i].words);
    else
        ck_assert_ptr_nonnull(strstr(e.text, "would be taken for an option"));
    task_free(t);
}
END_TEST

START_TEST(bounds_of_a_vector)
{
    char command[ARGV_MAX * 2 + 3], long_word[ARGV_TEXT_MAX + 1];
    struct error e;

    for (size_t i = 0; i < ARGV_MAX + 1; i++)
        memcpy(command + i * 2, "x ", 3);
    ck_assert_int_eq(argv_words(&argv, command, &e), LIMIT);
    command[ARGV_MAX * 2] = '\0';
    ck_assert_int_eq(argv_words(&argv, command, &e), OK);
    ck_assert_uint_eq(argv.count, ARGV_MAX);
    memset(long_word, 'x', ARGV_TEXT_MAX);
    long_word[ARGV_TEXT_MAX] = '\0';
    ck_assert_int_eq(argv_words(&argv, "/bin/x", &e), OK);
    ck_assert_int_eq(argv_add(&argv, long_word, &e), LIMIT);
}
END_TEST

/* ---- templates ---- */

static char path[] = "/tmp/postern-act.XXXXXX";

static const char *file_with(const char *text)
{
    memcpy(path, "/tmp/postern-act.XXXXXX", sizeof path);
    int fd = mkstemp(path);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    return path;
}

static const struct {
    const char *text, *why;
} bad_templates[] = {
    { "", "the section [*] is missing" },
    { "# nothing\n\n", "the section [*] is missing" },
    { "hello\n", ":1: stands above the first section: hello" },
    { "[limit_hit]\nSubject: x\n\nx\n", "the section [*] is missing" },
    { "[*]\nSubject: x\n", "the section [*] is missing, or has no text" },
    { "[*]\nSubject: x\n\nx\n[*]\n", ":5: a second section [*]" },
    { "[nothing]\n", ":1: no event: [nothing]" },
    { "[*]\nFrom: x\n", ":2: a section begins with \"Subject: ...\", not with: From: x" },
    { "[*]\nSubject: x\nBcc: y\n", ":3: an empty line stands behind the subject, not: Bcc: y" },
    { "[*]\nSubject: x\n\n{password}\n", ":4: no placeholder: {password}" },
    { "[*]\nSubject: {account\n", ":2: no placeholder: {account" },
    { "[*]\nSubject: x\n\n\xff\n", ":4: is no UTF-8" },
};

START_TEST(wrong_templates)
{
    struct template *t = NULL;
    struct error e = { "" };

    ck_assert_int_eq(template_load(file_with(bad_templates[_i].text), &t, &e), BAD);
    ck_assert_msg(strstr(e.text, bad_templates[_i].why) && strncmp(e.text, path, strlen(path)) == 0, "%s",
                  e.text);
    unlink(path);
}
END_TEST

START_TEST(lines_without_values_are_left_out)
{
    const char *value[TEMPLATE_VALUES] = { [EVENT_KIND] = "zone_off", [EVENT_REASON] = "a\nb\x1b" };
    char subject_text[200], body_text[1000];
    struct template *t = NULL;
    struct strbuf subject, body;
    struct error e = { "" };

    ck_assert_msg(
        template_load(file_with("[*]\nSubject: {kind}: {reason}\n\nalways\n\nBy: {by}\nBy: {by} {kind}\n"
                                "[limit_hit]\nSubject: other\n\nother\n"),
                      &t, &e) == OK,
        "%s", e.text);
    unlink(path);
    strbuf_init(&subject, subject_text, sizeof subject_text);
    strbuf_init(&body, body_text, sizeof body_text);
    template_fill(t, EVENT_ZONE_OFF, value, &subject, &body);
    ck_assert_str_eq(subject_text, "zone_off: a?b?");
    ck_assert_str_eq(body_text, "always\n\nBy:  zone_off\n");
    strbuf_init(&body, body_text, sizeof body_text);
    template_fill(t, EVENT_LIMIT_HIT, value, &subject, &body);
    ck_assert_str_eq(body_text, "other\n");
    template_free(&t);
}
END_TEST

/* ---- notices ---- */

static char *message(const char *account, const char *reason, const char *const *to, size_t recipients)
{
    const struct notice n = { .from = "postmaster@mx.example",
                              .to = to,
                              .recipients = recipients,
                              .host = "mx.example",
                              .held_back = 2,
                              .now = 1800000001 };
    struct task *t = task_of(account, reason);
    struct template *template = NULL;
    struct error e = { "" };
    char *text;

    ck_assert_msg(template_load("", &template, &e) == OK, "%s", e.text);
    text = notice_text(&n, t, template);
    ck_assert_ptr_nonnull(text);
    template_free(&template);
    task_free(t);
    return text;
}

static unsigned header_lines(const char *text)
{
    const char *end = strstr(text, "\n\n");
    unsigned count = 0;

    ck_assert_ptr_nonnull(end);
    for (const char *p = text; p < end; p = strchr(p, '\n') + 1)
        count += *p != ' ';
    return count;
}

START_TEST(a_notice)
{
    static const char head[] =
        "From: Postern <postmaster@mx.example>\nTo: admin@x.example,\n contact@y.example\n"
        "Subject: [mx.example] a@x.example was suspended\nDate: ";
    const char *const to[] = { "admin@x.example", "j\xc3\xbcrgen@x.example", "contact@y.example" };
    char *text = message("a@x.example", "stolen", to, 3);

    ck_assert_int_eq(strncmp(text, head, sizeof head - 1), 0);
    ck_assert_ptr_nonnull(strstr(text, "\nMessage-ID: <event.7.1800000000@mx.example>\n"));
    ck_assert_ptr_nonnull(strstr(text, "\nReason: stolen\nBy: root\n"));
    ck_assert_ptr_nonnull(strstr(text, "\n2 other notices were held back by their limit"));
    ck_assert_ptr_null(strstr(text, "Until:"));
    free(text);
    text = message("a@x.example", "stolen", to + 1, 1);
    ck_assert_ptr_nonnull(strstr(text, "\nTo: undisclosed-recipients:;\n"));
    free(text);
}
END_TEST

static const char *const odd_accounts[] = { "a\nBcc: evil@y.example\n@x.example", "a\r\n\r\nbody@x.example",
                                            "\xc3\xa4\nBcc: x@x.example", "\"a\\\nb\"@x.example",
                                            "\xff@x.example" };

START_TEST(no_header_by_a_name)
{
    const char *const to[] = { "admin@x.example" };
    char *plain = message("a@x.example", "r", to, 1),
         *odd = message(odd_accounts[_i], odd_accounts[_i], to, 1);

    ck_assert_uint_eq(header_lines(odd), header_lines(plain));
    ck_assert_ptr_null(strstr(odd, "\nBcc"));
    ck_assert_ptr_null(strchr(odd, '\r'));
    free(plain);
    free(odd);
}
END_TEST

#define COUNT(array) (int)(sizeof(array) / sizeof *(array))

int main(void)
{
    TCase *t = tcase_create("act_words");
    Suite *suite = suite_create("act_words");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, t);
    tcase_add_test(t, words);
    tcase_add_loop_test(t, members_of_the_event, 0, COUNT(filled));
    tcase_add_test(t, bounds_of_a_vector);
    tcase_add_loop_test(t, wrong_templates, 0, COUNT(bad_templates));
    tcase_add_test(t, lines_without_values_are_left_out);
    tcase_add_test(t, a_notice);
    tcase_add_loop_test(t, no_header_by_a_name, 0, COUNT(odd_accounts));
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
