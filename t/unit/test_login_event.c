/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/login_event.h"

#define BEGIN "event=login\n"

static const struct login_event whole = {
    .account = "o'brien@xn--bcher-kva.example",
    .service = "imap",
    .mechanism = "SCRAM-SHA-256",
    .server_name = "imap27.example.com",
    .client = "2001:db8::1",
    .cause = "starttls",
    .security = LOGIN_IMPLICIT,
    .outcome = LOGIN_REFUSED,
    .port = 993,
    .bare = true,
    .lost = 7,
};

static struct span format(const struct login_event *e)
{
    static char text[LOGIN_EVENT_MAX];
    struct strbuf b;

    strbuf_init(&b, text, sizeof text);
    ck_assert_int_eq(login_event_format(e, &b), OK);
    return (struct span){ text, b.len };
}

START_TEST(read_as_written)
{
    struct login_event e;
    struct error error;

    ck_assert_int_eq(login_event_parse(format(&whole), &e, &error), OK);
    ck_assert_str_eq(e.account, whole.account);
    ck_assert_str_eq(e.service, whole.service);
    ck_assert_str_eq(e.mechanism, whole.mechanism);
    ck_assert_str_eq(e.server_name, whole.server_name);
    ck_assert_str_eq(e.client, whole.client);
    ck_assert_str_eq(e.cause, whole.cause);
    ck_assert_int_eq(e.security, LOGIN_IMPLICIT);
    ck_assert_int_eq(e.outcome, LOGIN_REFUSED);
    ck_assert_uint_eq(e.port, 993);
    ck_assert(e.bare);
    ck_assert_uint_eq(e.lost, 7);
}
END_TEST

START_TEST(the_longest_fits)
{
    struct login_event e = whole;

    memset(e.account, 'a', sizeof e.account - 1);
    memset(e.server_name, 'b', sizeof e.server_name - 1);
    memset(e.service, 'c', sizeof e.service - 1);
    memset(e.mechanism, 'd', sizeof e.mechanism - 1);
    memset(e.cause, 'e', sizeof e.cause - 1);
    memset(e.client, 'f', sizeof e.client - 1);
    e.lost = UINT64_MAX;
    ck_assert_uint_lt(format(&e).len, LOGIN_EVENT_MAX);
}
END_TEST

START_TEST(a_value_is_never_a_line)
{
    struct login_event e = whole;
    struct error error;

    memcpy(e.account, "a@b.example\noutcome=ok", 23);
    ck_assert(login_event_parse(format(&e), &e, &error) != OK || e.outcome == LOGIN_REFUSED);
}
END_TEST

START_TEST(of_no_account)
{
    struct login_event e;
    struct error error;

    ck_assert_int_eq(login_event_parse(SPAN(BEGIN "account=x@y.example\noutcome=unknown\n"), &e, &error), OK);
    ck_assert_str_eq(e.account, "");
}
END_TEST

START_TEST(unknown_names_are_passed_over)
{
    struct login_event e;
    struct error error;

    ck_assert_int_eq(login_event_parse(SPAN(BEGIN "account=x@y.example\ncolour=red\n"), &e, &error), OK);
    ck_assert_str_eq(e.account, "x@y.example");
}
END_TEST

static const struct {
    const char *text, *line;
} bad[] = {
    { "", "no event=login" },
    { BEGIN, "no event=login" },
    { "event=logout\naccount=x@y.example\n", "no event=login" },
    { BEGIN "account=x@y.example", "no event=login" }, /* cut off */
    { BEGIN "account=x@y.example\n\n", "a line without '='" },
    { BEGIN "service=imap\n", "no account" },
    { BEGIN "account=X@Y.example\n", "account: 'X@Y.example' cannot be" }, /* not canonical */
    { BEGIN "account=x y@z.example\n", "account: " },
    { BEGIN "account=x@y.example\nclient=192.0.2.256\n", "client: " },
    { BEGIN "account=x@y.example\nport=0\n", "port: " },
    { BEGIN "account=x@y.example\nport=65536\n", "port: " },
    { BEGIN "account=x@y.example\nservice=im ap\n", "service: " },
    { BEGIN "account=x@y.example\nservice=\n", "service: " },
    { BEGIN "account=x@y.example\nmechanism=PLAIN<script>\n", "mechanism: " },
    { BEGIN "account=x@y.example\nmechanism=ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF\n", "mechanism: " },
    { BEGIN "account=x@y.example\nsecurity=rot13\n", "security: " },
    { BEGIN "account=x@y.example\noutcome=granted\n", "outcome: " },
    { BEGIN "account=x@y.example\nbare=2\n", "bare: " },
    { BEGIN "account=x@y.example\nlost=-1\n", "lost: " },
    { BEGIN "account=x@y.example\nserver_name=a..b\n", "server_name: " },
};

START_TEST(refused)
{
    struct login_event e;
    struct error error = { "" };

    ck_assert_int_eq(login_event_parse(span_of(bad[_i].text), &e, &error), BAD);
    ck_assert_msg(strstr(error.text, bad[_i].line) != NULL, "%s", error.text);
}
END_TEST

/* Every octet of a good one, changed in every way: never read beyond it, and what is
 * accepted can be written and read again. */
START_TEST(damaged)
{
    struct span good = format(&whole);
    struct login_event e, again;
    struct error error;

    for (size_t i = 0; i < good.len; i++)
        for (unsigned value = 0; value < 256; value++) {
            char *text = malloc(good.len);
            memcpy(text, good.ptr, good.len);
            text[i] = (char)value;
            if (login_event_parse((struct span){ text, good.len }, &e, &error) == OK) {
                char copy[LOGIN_EVENT_MAX];
                struct strbuf b;
                strbuf_init(&b, copy, sizeof copy);
                ck_assert_int_eq(login_event_format(&e, &b), OK);
                ck_assert_int_eq(login_event_parse((struct span){ copy, b.len }, &again, &error), OK);
                ck_assert_mem_eq(&e, &again, sizeof e);
            }
            free(text);
        }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("login_event");
    TCase *tc = tcase_create("login_event");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(tc, read_as_written);
    tcase_add_test(tc, the_longest_fits);
    tcase_add_test(tc, a_value_is_never_a_line);
    tcase_add_test(tc, of_no_account);
    tcase_add_test(tc, unknown_names_are_passed_over);
    tcase_add_loop_test(tc, refused, 0, sizeof bad / sizeof *bad);
    tcase_add_test(tc, damaged);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
