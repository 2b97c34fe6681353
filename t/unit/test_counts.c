/* SPDX-License-Identifier: MIT */
/* policyd/counts and policyd/histogram: bounds, bounded causes, outcomes. */
#include "policyd/counts.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

static struct counts counts;
static struct decision decision;

static void set_up(void)
{
    counts = (struct counts){ 0 };
    decision = (struct decision){ .decided_by = -1 };
}

static void find(enum check_id id, enum mode mode, const char *cause)
{
    struct finding *f = &decision.finding[id];

    f->verdict = VERDICT_REFUSE;
    f->mode = mode;
    ck_assert_int_eq(str_copy(span_of(cause), f->cause, sizeof f->cause), OK);
}

START_TEST(value_at_a_bound_is_below_it)
{
    struct histogram h = { 0 };

    histogram_add(&h, size_bounds, 4);
    histogram_add(&h, size_bounds, 5);
    histogram_add(&h, size_bounds, size_bounds[HISTOGRAM_BUCKETS - 1] + 1);
    ck_assert_uint_eq(h.bucket[2], 1);
    ck_assert_uint_eq(h.bucket[3], 1);
    ck_assert_uint_eq(h.count, 3); /* the last is in no bucket */
    ck_assert_uint_eq(h.sum, 9 + size_bounds[HISTOGRAM_BUCKETS - 1] + 1);
}
END_TEST

START_TEST(bounds_grow)
{
    for (size_t i = 1; i < HISTOGRAM_BUCKETS; i++) {
        ck_assert_uint_gt(duration_bounds[i], duration_bounds[i - 1]);
        ck_assert_uint_gt(size_bounds[i], size_bounds[i - 1]);
    }
}
END_TEST

START_TEST(outcomes)
{
    counts_add(&counts, &decision, 1);
    decision.decided_by = CHECK_ACCESS;
    counts_add(&counts, &decision, 1);
    decision.degraded = true;
    counts_add(&counts, &decision, 1);
    counts_add(&counts, &decision, 1);
    ck_assert_uint_eq(counts.outcome[OUTCOME_PASS], 1);
    ck_assert_uint_eq(counts.outcome[OUTCOME_REFUSE], 1);
    ck_assert_uint_eq(counts.outcome[OUTCOME_DEFER], 2);
    ck_assert_uint_eq(counts.duration.count, 4);
}
END_TEST

START_TEST(findings_by_mode_and_cause)
{
    const struct check_counts *c = &counts.check[CHECK_HELO_LOCAL];

    find(CHECK_HELO_LOCAL, MODE_ENFORCE, ".local");
    counts_add(&counts, &decision, 1);
    find(CHECK_HELO_LOCAL, MODE_OBSERVE, ".lan");
    counts_add(&counts, &decision, 1);
    counts_add(&counts, &decision, 1);
    find(CHECK_HELO_LOCAL, MODE_OFF, ".off");
    counts_add(&counts, &decision, 1);
    ck_assert_uint_eq(c->verdict[VERDICT_REFUSE], 4);
    ck_assert_uint_eq(c->causes, 2);
    ck_assert_str_eq(c->cause[0].name, ".local");
    ck_assert_uint_eq(c->cause[0].refused, 1);
    ck_assert_uint_eq(c->cause[0].observed, 0);
    ck_assert_str_eq(c->cause[1].name, ".lan");
    ck_assert_uint_eq(c->cause[1].observed, 2);
}
END_TEST

START_TEST(causes_are_bounded)
{
    const struct check_counts *c = &counts.check[CHECK_ACCESS];
    char name[24];

    for (int i = 0; i < COUNTS_CAUSES_MAX + 3; i++) {
        snprintf(name, sizeof name, "cause %d", i);
        find(CHECK_ACCESS, MODE_ENFORCE, name);
        counts_add(&counts, &decision, 1);
    }
    ck_assert_uint_eq(c->causes, COUNTS_CAUSES_MAX);
    ck_assert_str_eq(c->cause[COUNTS_CAUSES_MAX].name, "");
    ck_assert_uint_eq(c->cause[COUNTS_CAUSES_MAX].refused, 3);
}
END_TEST

START_TEST(only_what_was_timed_has_a_duration)
{
    decision.finding[CHECK_ACCESS].elapsed_ns = 1500;
    counts_add(&counts, &decision, 1);
    ck_assert_uint_eq(counts.check[CHECK_ACCESS].duration.count, 1);
    ck_assert_uint_eq(counts.check[CHECK_ACCESS].duration.bucket[1], 1); /* to 2.5 us */
    ck_assert_uint_eq(counts.check[CHECK_STARTTLS].duration.count, 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("counts");
    TCase *t = tcase_create("all");
    SRunner *r;
    int failed;

    tcase_add_checked_fixture(t, set_up, NULL);
    tcase_add_test(t, value_at_a_bound_is_below_it);
    tcase_add_test(t, bounds_grow);
    tcase_add_test(t, outcomes);
    tcase_add_test(t, findings_by_mode_and_cause);
    tcase_add_test(t, causes_are_bounded);
    tcase_add_test(t, only_what_was_timed_has_a_duration);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
