/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "policyctl/plan.h"

#define FORM "write DATE CHECK|all off|observe|hold|enforce [host|DOMAIN|ADDRESS] [until DATE]"

static struct plan plan; /* too large for the stack */

static void reset(void)
{
    setenv("TZ", "UTC0", 1);
    tzset();
    memset(&plan, 0, sizeof plan);
}

/* "CHECK MODE SCOPE STARTS EXPIRES" */
static const char *shown(const struct step *s)
{
    static char text[ADDRESS_MAX + 128];

    snprintf(text, sizeof text, "%s %s '%s' %" PRId64 " %" PRId64, check_infos[s->id].name, mode_name(s->mode),
             s->scope, s->starts, s->expires);
    return text;
}

static const struct {
    const char *line, *step;
} good[] = {
    { "2027-01-15 starttls enforce", "starttls enforce '' 1799971200 0" },
    { "2027-01-15 starttls enforce host", "starttls enforce '' 1799971200 0" },
    { "  2027-01-15\tstarttls  observe\tExample.COM \r\n", "starttls observe 'example.com' 1799971200 0" },
    { "2027-01-15T08:30 helo_fqdn off b\xc3\xbc" "cher.example # why",
      "helo_fqdn off 'xn--bcher-kva.example' 1800001800 0" },
    { "2027-01-15 sender_login enforce User@example.com until 2027-01-16",
      "sender_login enforce 'user@example.com' 1799971200 1800057600" },
    { "2027-01-15 sender_login enforce until 2027-01-16", "sender_login enforce '' 1799971200 1800057600" },
};

START_TEST(a_step)
{
    struct error e = { "" };

    reset();
    ck_assert_msg(plan_line(&plan, good[_i].line, &e) == OK, "%s", e.text);
    ck_assert_uint_eq(plan.count, 1);
    ck_assert_str_eq(shown(&plan.step[0]), good[_i].step);
}
END_TEST

static const char *const nothing[] = { "", "\n", " \t\r\n", "# 2027-01-15 starttls enforce", "  #" };

START_TEST(no_step)
{
    struct error e;

    reset();
    ck_assert_int_eq(plan_line(&plan, nothing[_i], &e), OK);
    ck_assert_uint_eq(plan.count, 0);
}
END_TEST

static const struct {
    const char *line, *error;
} bad[] = {
    { "2027-01-15", FORM },
    { "2027-01-15 starttls", FORM },
    { "2027-01-15 starttls enforce a.example b.example", FORM },
    { "2027-01-15 starttls enforce host until 2027-01-16 x", FORM },
    { "2027-01-15 starttls enforce host untill 2027-01-16", FORM },
    { "2027-01-15 starttls until 2027-01-16", "'until' is none of off, observe and enforce" },
    { "2027-02-30 starttls enforce", "no date '2027-02-30': write YYYY-MM-DD or YYYY-MM-DDTHH:MM" },
    { "2027-01-15 startls enforce", "no check 'startls': see policyctl policy show" },
    { "2027-01-15 starttls Enforce", "'Enforce' is none of off, observe and enforce" },
    { "2027-01-15 starttls enforce until tomorrow", "no date 'tomorrow': write YYYY-MM-DD or YYYY-MM-DDTHH:MM" },
    { "2027-01-15 starttls enforce until 2027-01-15", "it would end before it begins" },
};

START_TEST(refused)
{
    struct error e = { "" };

    reset();
    ck_assert_int_eq(plan_line(&plan, bad[_i].line, &e), BAD);
    ck_assert_str_eq(e.text, bad[_i].error);
    ck_assert_uint_eq(plan.count, 0);
}
END_TEST

START_TEST(bad_scopes)
{
    static const char *const scopes[] = { "..", "a..b", "@example.com", "user@", "us er@example.com" };
    char line[128];
    struct error e;

    for (size_t i = 0; i < sizeof scopes / sizeof *scopes; i++) {
        reset();
        snprintf(line, sizeof line, "2027-01-15 starttls enforce %s", scopes[i]);
        ck_assert_msg(plan_line(&plan, line, &e) == BAD, "%s", line);
        ck_assert_uint_eq(plan.count, 0);
    }
}
END_TEST

START_TEST(all_that_the_scope_can_have)
{
    struct error e;

    reset();
    ck_assert_int_eq(plan_line(&plan, "2027-01-15 all enforce", &e), OK);
    ck_assert_uint_eq(plan.count, CHECK_COUNT);
    reset();
    ck_assert_int_eq(plan_line(&plan, "2027-01-15 all enforce user@example.com", &e), OK);
    ck_assert_uint_gt(plan.count, 1);
    for (size_t i = 0; i < plan.count; i++)
        ck_assert_int_eq(check_infos[plan.step[i].id].subject, SUBJECT_LOGIN);
}
END_TEST

START_TEST(one_step_at_a_time)
{
    struct error e;

    reset();
    ck_assert_int_eq(plan_line(&plan, "2027-01-15 starttls enforce example.com", &e), OK);
    ck_assert_int_eq(plan_line(&plan, "2027-01-15T00:01 starttls off example.com", &e), OK);
    ck_assert_int_eq(plan_line(&plan, "2027-01-15 starttls enforce example.net", &e), OK);
    ck_assert_int_eq(plan_line(&plan, "2027-01-15T00:00 starttls off EXAMPLE.com", &e), BAD);
    ck_assert_str_eq(e.text, "starttls has a step in that scope at that time already");
    ck_assert_uint_eq(plan.count, 3);
}
END_TEST

START_TEST(bounds)
{
    char line[PLAN_LINE_MAX + 1];
    struct error e;

    reset();
    memset(line, ' ', sizeof line);
    line[PLAN_LINE_MAX - 1] = '\0';
    ck_assert_int_eq(plan_line(&plan, line, &e), OK);
    line[PLAN_LINE_MAX - 1] = ' ';
    line[PLAN_LINE_MAX] = '\0';
    ck_assert_int_eq(plan_line(&plan, line, &e), LIMIT);
    ck_assert_str_eq(e.text, "the line is longer than 1023 octets");
    for (int i = 0; i <= PLAN_STEPS_MAX; i++) {
        snprintf(line, sizeof line, "2027-01-15 starttls enforce d%d.example", i);
        ck_assert_int_eq(plan_line(&plan, line, &e), i < PLAN_STEPS_MAX ? OK : LIMIT);
    }
    ck_assert_str_eq(e.text, "more than 256 steps");
}
END_TEST

START_TEST(a_file)
{
    char path[] = "/tmp/plan.XXXXXX", expected[64];
    struct error e;
    FILE *f = fdopen(mkstemp(path), "w");

    reset();
    ck_assert_ptr_nonnull(f);
    fputs("# a plan\n\n2027-01-15 starttls enforce\n2027-01-16 starttls", f);
    fclose(f);
    ck_assert_int_eq(plan_read(path, &plan, &e), BAD);
    snprintf(expected, sizeof expected, "%s:4: write DATE", path);
    ck_assert_msg(strncmp(e.text, expected, strlen(expected)) == 0, "%s", e.text);
    ck_assert_uint_eq(plan.step[0].line, 3);
    unlink(path);
    ck_assert_int_eq(plan_read(path, &plan, &e), BAD);
    snprintf(expected, sizeof expected, "%s: No such file or directory", path);
    ck_assert_str_eq(e.text, expected);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("policyctl_plan");
    TCase *t = tcase_create("plan");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, t);
    tcase_add_loop_test(t, a_step, 0, sizeof good / sizeof *good);
    tcase_add_loop_test(t, no_step, 0, sizeof nothing / sizeof *nothing);
    tcase_add_loop_test(t, refused, 0, sizeof bad / sizeof *bad);
    tcase_add_test(t, bad_scopes);
    tcase_add_test(t, all_that_the_scope_can_have);
    tcase_add_test(t, one_step_at_a_time);
    tcase_add_test(t, bounds);
    tcase_add_test(t, a_file);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
