/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdlib.h>

#include "policyctl/suggest.h"

static const struct {
    const char *a, *b;
    size_t distance;
} pairs[] = {
    { "", "", 0 },
    { "", "abc", 3 },
    { "account", "account", 0 },
    { "acount", "account", 1 },
    { "accountt", "account", 1 },
    { "accoont", "account", 1 },
    { "acconut", "account", 1 }, /* two neighbours swapped */
    { "ca", "abc", 3 },          /* optimal string alignment: not 2 */
    { "kitten", "sitting", 3 },
    { "Account", "account", 1 },
    { "abcdefghijklmnopqrstuvwxyz012345", "abcdefghijklmnopqrstuvwxyz012345", 0 },
    { "abcdefghijklmnopqrstuvwxyz0123456", "abcdefghijklmnopqrstuvwxyz0123456", SUGGEST_LENGTH_MAX },
};

START_TEST(distance)
{
    ck_assert_uint_eq(suggest_distance(pairs[_i].a, pairs[_i].b), pairs[_i].distance);
    ck_assert_uint_eq(suggest_distance(pairs[_i].b, pairs[_i].a), pairs[_i].distance);
}
END_TEST

START_TEST(near)
{
    ck_assert(suggest_is_near("lst", "list"));
    ck_assert(suggest_is_near("polcy", "policy"));
    ck_assert(suggest_is_near("epxort-map", "export-maps"));
    ck_assert(suggest_is_near("ad", "add"));
    ck_assert(!suggest_is_near("x", "add"));
    ck_assert(!suggest_is_near("grant", "alias"));
    ck_assert(!suggest_is_near("", "add"));
    ck_assert(!suggest_is_near("abcdefghijklmnopqrstuvwxyz0123456", "add"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("policyctl_suggest");
    TCase *t = tcase_create("suggest");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, t);
    tcase_add_loop_test(t, distance, 0, sizeof pairs / sizeof *pairs);
    tcase_add_test(t, near);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
