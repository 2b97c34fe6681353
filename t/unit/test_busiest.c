/* SPDX-License-Identifier: MIT */
/* policyd/busiest: order, decay, and floods that stay within their bounds. */
#include "policyd/busiest.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { MINUTE = 60000, HOUR = 60 * MINUTE };

static struct busiest *busiest;
static struct busiest_row rows[BUSIEST_MAX + 1];

static void create(void)
{
    ck_assert_int_eq(busiest_open(&busiest), OK);
}

static void destroy(void)
{
    busiest_close(&busiest);
}

static void sent(const char *key, double messages, uint64_t now)
{
    busiest_add(busiest, BY_ACCOUNT, span_of(key), &(struct busy){ messages, 3 * messages, 0 }, now);
}

static void refused(const char *key, double replies, uint64_t now)
{
    busiest_add(busiest, BY_ACCOUNT, span_of(key), &(struct busy){ .refused = replies }, now);
}

static size_t list(enum busiest_order order, uint64_t now, size_t max)
{
    return busiest_list(busiest, BY_ACCOUNT, order, now, rows, max);
}

START_TEST(who_sends_most_comes_first)
{
    sent("a", 2, 0);
    sent("b", 5, 0);
    sent("a", 1, 0);
    refused("c", 9, 0);
    ck_assert_uint_eq(list(ORDER_SENT, 0, 10), 2); /* c sent nothing */
    ck_assert_str_eq(rows[0].key, "b");
    ck_assert_str_eq(rows[1].key, "a");
    ck_assert_double_eq_tol(rows[1].busy[SPAN_MINUTE].sent, 3, 1e-9);
    ck_assert_double_eq_tol(rows[1].busy[SPAN_HOUR].recipients, 9, 1e-9);
    ck_assert_uint_eq(list(ORDER_REFUSED, 0, 10), 1);
    ck_assert_str_eq(rows[0].key, "c");
}
END_TEST

START_TEST(kinds_are_apart)
{
    sent("a", 1, 0);
    ck_assert_uint_eq(busiest_list(busiest, BY_CLIENT, ORDER_SENT, 0, rows, 10), 0);
}
END_TEST

START_TEST(a_minute_forgets_sooner_than_an_hour)
{
    sent("early", 100, 0);
    sent("late", 2, 10 * MINUTE);
    ck_assert_uint_eq(list(ORDER_SENT, 10 * MINUTE, 10), 2);
    ck_assert_str_eq(rows[0].key, "late");
    ck_assert_double_eq_tol(rows[1].busy[SPAN_MINUTE].sent, 100 * exp(-10), 1e-9);
    ck_assert_double_eq_tol(rows[1].busy[SPAN_HOUR].sent, 100 * exp(-1.0 / 6), 1e-9);
    ck_assert_uint_eq(list(ORDER_SENT, 20 * HOUR, 10), 0);
}
END_TEST

START_TEST(a_steady_rate_shows_as_what_came_in_that_time)
{
    for (uint64_t now = 0; now < 5 * MINUTE; now += 1000)
        sent("steady", 1, now);
    ck_assert_uint_eq(list(ORDER_SENT, 5 * MINUTE, 1), 1);
    ck_assert_double_eq_tol(rows[0].busy[SPAN_MINUTE].sent, 60, 2);
}
END_TEST

START_TEST(the_list_is_cut_at_its_end)
{
    const char *const names[] = { "a", "b", "c", "d", "e" };

    for (size_t i = 0; i < 5; i++)
        sent(names[i], (double)(1 + (i * 3) % 5), 0); /* a 1, b 4, c 2, d 5, e 3 */
    ck_assert_uint_eq(list(ORDER_SENT, 0, 3), 3);
    ck_assert_str_eq(rows[0].key, "d");
    ck_assert_str_eq(rows[1].key, "b");
    ck_assert_str_eq(rows[2].key, "e");
}
END_TEST

START_TEST(a_flood_of_names_pushes_out_nobody_who_does_much)
{
    char name[24];

    sent("heavy", 3, 0);
    for (int i = 0; i < 20 * BUSIEST_MAX; i++) {
        snprintf(name, sizeof name, "flood%d", i);
        refused(name, 1, 1);
    }
    ck_assert_uint_eq(list(ORDER_SENT, 1, 10), 1);
    ck_assert_str_eq(rows[0].key, "heavy");
    ck_assert_uint_eq(list(ORDER_REFUSED, 1, BUSIEST_MAX + 1), BUSIEST_MAX - 1);
}
END_TEST

START_TEST(a_key_that_is_empty_or_too_long_is_nobody)
{
    static char text[BUSIEST_KEY_MAX + 1];

    memset(text, 'x', BUSIEST_KEY_MAX);
    sent("", 1, 0);
    sent(text, 1, 0);
    ck_assert_uint_eq(list(ORDER_SENT, 0, 10), 0);
    text[BUSIEST_KEY_MAX - 1] = '\0';
    sent(text, 1, 0);
    ck_assert_uint_eq(list(ORDER_SENT, 0, 10), 1);
    ck_assert_str_eq(rows[0].key, text);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("busiest");
    TCase *t = tcase_create("all");
    SRunner *r;
    int failed;

    tcase_add_checked_fixture(t, create, destroy);
    tcase_add_test(t, who_sends_most_comes_first);
    tcase_add_test(t, kinds_are_apart);
    tcase_add_test(t, a_minute_forgets_sooner_than_an_hour);
    tcase_add_test(t, a_steady_rate_shows_as_what_came_in_that_time);
    tcase_add_test(t, the_list_is_cut_at_its_end);
    tcase_add_test(t, a_flood_of_names_pushes_out_nobody_who_does_much);
    tcase_add_test(t, a_key_that_is_empty_or_too_long_is_nobody);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
