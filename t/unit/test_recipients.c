/* SPDX-License-Identifier: MIT */
/*
 * policyd/recipients: how many of a message's recipients are elsewhere; never too few,
 * whatever Postfix refused and whatever was not asked.
 */
#include "policyd/recipients.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#define NOW 1700000000

static struct recipients *recipients;

static void set_up(void)
{
    ck_assert_int_eq(recipients_open(&recipients), OK);
}

static void tear_down(void)
{
    recipients_close(&recipients);
}

static void note(const char *recipient, bool local)
{
    recipients_note(recipients, SPAN("1.a.0"), span_of(recipient), local, NOW);
}

static uint64_t elsewhere(uint64_t count)
{
    return recipients_elsewhere(recipients, SPAN("1.a.0"), count, NOW);
}

START_TEST(local_ones_do_not_count)
{
    note("a@here.example", true);
    note("b@here.example", true);
    note("c@there.example", false);
    ck_assert_uint_eq(elsewhere(3), 1);
}
END_TEST

START_TEST(one_that_several_hooks_ask_about_counts_once)
{
    note("c@there.example", false);
    note("c@there.example", false);
    note("a@here.example", true);
    note("a@here.example", true);
    ck_assert_uint_eq(elsewhere(2), 1);
}
END_TEST

/* Fifty local names that do not exist hide nothing. */
START_TEST(what_postfix_refuses_hides_nothing)
{
    char name[32];

    for (int i = 0; i < 50; i++) {
        snprintf(name, sizeof name, "nobody%d@here.example", i);
        note(name, true);
        snprintf(name, sizeof name, "user%d@there.example", i);
        note(name, false);
    }
    ck_assert_uint_eq(elsewhere(50), 50);
    ck_assert_uint_eq(elsewhere(20), 20);
}
END_TEST

START_TEST(what_was_not_asked_counts)
{
    ck_assert_uint_eq(elsewhere(7), 7);
    note("a@here.example", true);
    ck_assert_uint_eq(elsewhere(7), 6);
    ck_assert_uint_eq(recipients_elsewhere(recipients, SPAN("1.a.1"), 7, NOW), 7);
    recipients_note(recipients, SPAN(""), SPAN("a@here.example"), true, NOW);
    ck_assert_uint_eq(recipients_elsewhere(recipients, SPAN(""), 7, NOW), 7);
}
END_TEST

START_TEST(one_given_up_is_forgotten)
{
    note("a@here.example", true);
    ck_assert_uint_eq(recipients_elsewhere(recipients, SPAN("1.a.0"), 1, NOW + RECIPIENTS_KEEP_S), 0);
    ck_assert_uint_eq(recipients_elsewhere(recipients, SPAN("1.a.0"), 1, NOW + RECIPIENTS_KEEP_S + 1), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("recipients");
    TCase *tc = tcase_create("recipients");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, local_ones_do_not_count);
    tcase_add_test(tc, one_that_several_hooks_ask_about_counts_once);
    tcase_add_test(tc, what_postfix_refuses_hides_nothing);
    tcase_add_test(tc, what_was_not_asked_counts);
    tcase_add_test(tc, one_given_up_is_forgotten);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
