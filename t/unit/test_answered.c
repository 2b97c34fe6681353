/* SPDX-License-Identifier: MIT */
/* policyd/answered: kept for its time and not a second more, bounded. */
#include "policyd/answered.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

static struct answered *a;
static int decided_by;

static void set_up(void)
{
    ck_assert_int_eq(answered_open(&a), OK);
}

static void tear_down(void)
{
    answered_close(&a);
    ck_assert_ptr_null(a);
    answered_close(&a);
}

START_TEST(kept_for_its_time)
{
    ck_assert_ptr_null(answered_find(a, SPAN("k"), 1000, &decided_by));
    answered_add(a, SPAN("k"), "DUNNO", 3, 1000);
    ck_assert_str_eq(answered_find(a, SPAN("k"), 1000, &decided_by), "DUNNO");
    ck_assert_int_eq(decided_by, 3);
    ck_assert_str_eq(answered_find(a, SPAN("k"), 1000 + ANSWERED_KEEP_S, &decided_by), "DUNNO");
    ck_assert_ptr_null(answered_find(a, SPAN("k"), 1000 + ANSWERED_KEEP_S + 1, &decided_by));
    ck_assert_ptr_null(answered_find(a, SPAN("K"), 1000, &decided_by));
    ck_assert_ptr_null(answered_find(a, SPAN("kk"), 1000, &decided_by));
    answered_add(a, SPAN("k"), "554 5.7.1 no", 3, 2000);
    ck_assert_str_eq(answered_find(a, SPAN("k"), 2000, &decided_by), "554 5.7.1 no");
    answered_add(a, SPAN("k"), "", 3, 2001);
    ck_assert_str_eq(answered_find(a, SPAN("k"), 2001, &decided_by), "");
}
END_TEST

/* A key's end and an action's beginning are never mixed up. */
START_TEST(keys_and_actions)
{
    answered_add(a, SPAN("ab"), "cd", 3, 0);
    answered_add(a, SPAN("a\0b"), "x", 3, 0);
    ck_assert_ptr_null(answered_find(a, SPAN("abc"), 0, &decided_by));
    ck_assert_ptr_null(answered_find(a, SPAN("abcd"), 0, &decided_by));
    ck_assert_str_eq(answered_find(a, SPAN("a\0b"), 0, &decided_by), "x");
    ck_assert_ptr_null(answered_find(a, SPAN("a\0c"), 0, &decided_by));
}
END_TEST

START_TEST(bounded)
{
    unsigned kept = 0;
    char key[16];

    for (int i = 0; i < ANSWERED_MAX * 4; i++) {
        snprintf(key, sizeof key, "%d", i);
        answered_add(a, span_of(key), key, 3, 0);
        ck_assert_str_eq(answered_find(a, span_of(key), 0, &decided_by), key);
    }
    for (int i = 0; i < ANSWERED_MAX * 4; i++) {
        snprintf(key, sizeof key, "%d", i);
        kept += answered_find(a, span_of(key), 0, &decided_by) != NULL;
    }
    ck_assert_uint_le(kept, ANSWERED_MAX);
    ck_assert_uint_gt(kept, ANSWERED_MAX / 2);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("answered");
    Suite *suite = suite_create("answered");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, t);
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, kept_for_its_time);
    tcase_add_test(t, keys_and_actions);
    tcase_add_test(t, bounded);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
