/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdlib.h>

#include "policyctl/setup/lines.h"

static const char main_cf[] = "# smtpd_helo_restrictions = none\n"
                              "smtpd_helo_restrictions =\n"
                              "    permit_mynetworks,\n"
                              "# a remark\n"
                              "\n"
                              "\treject\n"
                              "smtpd_helo_restrictions_not = x\n"
                              "a=1\n"
                              "a = 2\n"
                              " # indented, and a remark all the same\n"
                              "empty =\n"
                              "last = value";

static void expect_value(const char *name, size_t found, size_t line, const char *value)
{
    char text[200];
    struct strbuf b;
    struct lines l;

    strbuf_init(&b, text, sizeof text);
    main_cf_find(main_cf, name, &l);
    ck_assert_uint_eq(l.found, found);
    ck_assert_uint_eq(l.line, line);
    if (found > 0) {
        ck_assert(main_cf_value(&l, &b));
        ck_assert_str_eq(text, value);
    }
}

START_TEST(parameters)
{
    expect_value("smtpd_helo_restrictions", 1, 2, "permit_mynetworks, reject");
    expect_value("smtpd_helo", 0, 0, NULL);
    expect_value("a", 2, 9, "2");
    expect_value("empty", 1, 11, "");
    expect_value("last", 1, 12, "value");
}
END_TEST

START_TEST(too_long)
{
    char text[10];
    struct strbuf b;
    struct lines l;

    strbuf_init(&b, text, sizeof text);
    main_cf_find(main_cf, "smtpd_helo_restrictions", &l);
    ck_assert(!main_cf_value(&l, &b));
}
END_TEST

static const char master_cf[] = "#smtp inet n - y - - smtpd\n"
                                "smtp      inet  n       -       y       -       -       smtpd -v\n"
                                "smtp      unix  -       -       y       -       -       smtp\n"
                                "submission inet n - y - - smtpd\n"
                                "  -o smtpd_sender_restrictions=\n"
                                "#  -o smtpd_sender_restrictions=reject\n"
                                "  -o { smtpd_sender_restrictions = reject }\n"
                                "  -o {smtpd_helo_restrictions=permit} -o smtpd_sender_restrictions_too=x\n"
                                "  -o name=smtpd_sender_restrictions=y\n"
                                "pickup unix n - y 60 1 pickup\n";

START_TEST(services)
{
    struct lines l;

    master_cf_find(master_cf, "smtp", "inet", &l);
    ck_assert_uint_eq(l.found, 1);
    ck_assert_uint_eq(l.line, 2);
    master_cf_find(master_cf, "submission", "inet", &l);
    ck_assert_uint_eq(l.line, 4);
    ck_assert(span_ends_case(l.text, SPAN("=y")));
    ck_assert_uint_eq(master_cf_count(&l, "smtpd_sender_restrictions"), 2);
    ck_assert_uint_eq(master_cf_count(&l, "smtpd_helo_restrictions"), 1);
    ck_assert_uint_eq(master_cf_count(&l, "smtpd_recipient_restrictions"), 0);
    master_cf_find(master_cf, "smtps", "inet", &l);
    ck_assert_uint_eq(l.found, 0);
}
END_TEST

static const struct {
    const char *text, *pattern; /* NULL: none */
    size_t line;
} includes[] = {
    { "!include conf.d/*.conf\n!include_try local.conf\n", "conf.d/*.conf", 1 },
    { "a = b\n!include_try /opt/x/conf.d/*.conf", "/opt/x/conf.d/*.conf", 2 },
    { "!include a/*.conf\n\n!include b/*.conf\n", "b/*.conf", 3 },
    { "protocol imap {\n  !include conf.d/*.conf\n}\n", NULL, 0 },
    { "dict {\n}\n!include conf.d/*.conf\n", "conf.d/*.conf", 3 },
    { "#!include conf.d/*.conf\n!include_try x/*.protocol\n", NULL, 0 },
    { "", NULL, 0 },
};

START_TEST(include)
{
    struct lines l;

    dovecot_conf_include(includes[_i].text, &l);
    ck_assert_uint_eq(l.found > 0, includes[_i].pattern != NULL);
    ck_assert(span_equal(l.text, span_of(includes[_i].pattern)));
    ck_assert_uint_eq(l.line, includes[_i].line);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("setup_lines");
    TCase *tc = tcase_create("lines");

    tcase_add_test(tc, parameters);
    tcase_add_test(tc, too_long);
    tcase_add_test(tc, services);
    tcase_add_loop_test(tc, include, 0, (int)(sizeof includes / sizeof *includes));
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
