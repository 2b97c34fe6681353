/* SPDX-License-Identifier: MIT */
/*
 * policyd/habit_table: what is packed and unpacked is what it was, what is written may go
 * and what is not stays, and changes come in their order.
 */
#include "policyd/habit_table.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#define NOW 1700000000

static struct habit_table *table;

static void tear_down(void)
{
    habit_table_free(&table);
}

static struct habit *add(const char *account)
{
    struct behaviour b = { .since = 0 };
    struct habit *h;

    behaviour_limit_hit(&b, NOW);
    h = habit_table_add(table, account, &b);
    ck_assert_ptr_nonnull(h);
    return h;
}

static const char *name(unsigned i)
{
    static char account[32];

    snprintf(account, sizeof account, "user%u@example.com", i);
    return account;
}

static unsigned hits(const struct habit *h)
{
    return sliding_sum(&h->behaviour->window[SIGNAL_LIMIT_HIT], signal_infos[SIGNAL_LIMIT_HIT].window_s, NOW);
}

START_TEST(packed_ones_come_back_as_they_were)
{
    table = habit_table_new(3, 1 << 20);
    for (unsigned i = 0; i < 100; i++)
        for (unsigned n = 0; n < i % 5 + 1; n++) {
            struct habit *h = habit_table_find(table, name(i));
            if (h)
                behaviour_limit_hit(h->behaviour, NOW);
            else
                add(name(i));
        }
    for (unsigned i = 0; i < 100; i++) {
        struct habit *h = habit_table_find(table, name(i));
        ck_assert_ptr_nonnull(h);
        ck_assert_uint_eq(hits(h), i % 5 + 1);
        ck_assert_int_eq(h->behaviour->since, NOW);
    }
    ck_assert_ptr_null(habit_table_find(table, "nobody@example.com"));
}
END_TEST

START_TEST(the_one_used_longest_ago_is_packed)
{
    struct habit *a, *b;

    table = habit_table_new(2, 1 << 20);
    a = add("a@example.com");
    b = add("b@example.com");
    ck_assert_ptr_eq(habit_table_find(table, "a@example.com"), a);
    add("c@example.com");
    ck_assert_ptr_nonnull(a->behaviour);
    ck_assert_ptr_null(b->behaviour);
}
END_TEST

START_TEST(what_is_not_written_stays)
{
    table = habit_table_new(1, 2000);
    for (unsigned i = 0; i < 50; i++)
        habit_table_change(table, add(name(i)));
    ck_assert(habit_table_is_full(table));
    for (unsigned i = 0; i < 50; i++)
        ck_assert_ptr_nonnull(habit_table_find(table, name(i)));
    for (unsigned i = 0; i < 50; i++) {
        struct habit *h = habit_table_changed(table);
        ck_assert_str_eq(h->account, name(i));
        habit_table_written(table);
    }
    ck_assert_ptr_null(habit_table_changed(table));
    for (unsigned i = 50; i < 60; i++)
        add(name(i));
    ck_assert(!habit_table_is_full(table));
    ck_assert_ptr_null(habit_table_find(table, name(0)));
    ck_assert_ptr_nonnull(habit_table_find(table, name(59)));
}
END_TEST

START_TEST(a_change_counts_once_until_it_is_written)
{
    struct habit *h;

    table = habit_table_new(4, 1 << 20);
    h = add("a@example.com");
    habit_table_change(table, h);
    habit_table_change(table, h);
    habit_table_written(table);
    ck_assert_ptr_null(habit_table_changed(table));
    habit_table_change(table, h);
    ck_assert_ptr_eq(habit_table_changed(table), h);
}
END_TEST

START_TEST(the_text_is_the_same_packed_or_not)
{
    char near[BEHAVIOUR_TEXT_MAX], packed[BEHAVIOUR_TEXT_MAX];
    struct strbuf b;
    struct habit *h;

    table = habit_table_new(1, 1 << 20);
    h = add("a@example.com");
    strbuf_init(&b, near, sizeof near);
    habit_format(h, &b);
    add("b@example.com");
    ck_assert_ptr_null(h->behaviour);
    strbuf_init(&b, packed, sizeof packed);
    habit_format(h, &b);
    ck_assert_str_eq(near, packed);
}
END_TEST

/* Wherever it stands among those that changed. */
START_TEST(dropped_ones_leave_the_others)
{
    static const unsigned drops[] = { 2, 0, 4 }; /* in the middle, first, last */

    table = habit_table_new(2, 1 << 20);
    for (unsigned i = 0; i < 5; i++)
        habit_table_change(table, add(name(i)));
    for (size_t i = 0; i < 3; i++)
        habit_table_drop(table, habit_table_find(table, name(drops[i])));
    habit_table_change(table, add(name(5)));
    for (unsigned i = 0; i < 6; i++) {
        bool is_there = i == 1 || i == 3 || i == 5;
        ck_assert(!habit_table_find(table, name(i)) == !is_there);
        if (!is_there)
            continue;
        ck_assert_str_eq(habit_table_changed(table)->account, name(i));
        habit_table_written(table);
    }
    ck_assert_ptr_null(habit_table_changed(table));
    habit_table_drop(table, habit_table_find(table, name(1)));
    ck_assert_ptr_null(habit_table_find(table, name(1)));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("habit_table");
    TCase *tc = tcase_create("habit_table");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tc, NULL, tear_down);
    tcase_add_test(tc, packed_ones_come_back_as_they_were);
    tcase_add_test(tc, the_one_used_longest_ago_is_packed);
    tcase_add_test(tc, what_is_not_written_stays);
    tcase_add_test(tc, dropped_ones_leave_the_others);
    tcase_add_test(tc, a_change_counts_once_until_it_is_written);
    tcase_add_test(tc, the_text_is_the_same_packed_or_not);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
