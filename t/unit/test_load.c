/* SPDX-License-Identifier: MIT */
/*
 * policyd/load over simulated load: order, least times, and that nothing flaps, whatever the
 * curve.
 */
#include "policyd/load.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

enum { DATE = 1800000000, HOLD_S = 60, HOUR_S = 3600, CHANGES_MAX = 4096 };

static struct load load;
static struct load_limits limits;
static struct load_sample sample;
static uint64_t now_ms;

static struct {
    uint64_t ms;
    unsigned from, to;
} seen[CHANGES_MAX];
static size_t changes;

static struct load_time now(void)
{
    return (struct load_time){ now_ms, DATE + (int64_t)(now_ms / 1000) };
}

static void set_up(void)
{
    limits = (struct load_limits){ { 80, 60, 8, 250, 192, LOAD_STRESS_LIMIT }, HOLD_S * UINT64_C(1000) };
    for (unsigned i = 0; i < LOAD_READINGS; i++)
        sample.value[i] = 0;
    now_ms = 5000000;
    changes = 0;
    load_init(&load, now());
}

static void note(const struct load_change *c)
{
    if (!c)
        return;
    ck_assert_uint_lt(changes, CHANGES_MAX);
    seen[changes].ms = now_ms;
    seen[changes].from = c->from;
    seen[changes++].to = c->to;
    ck_assert_uint_eq(c->to, load.level);
    ck_assert_int_eq(c->date, load.since);
    ck_assert_str_ne(c->cause, "");
}

static void second(void)
{
    now_ms += 1000;
    note(load_take(&load, &limits, &sample, now()));
}

/* share: of its limit. */
static void seconds(unsigned count, enum load_reading reading, double share)
{
    sample.value[reading] = limits.limit[reading] * share;
    while (count-- > 0)
        second();
}

typedef double curve_fn(unsigned second);

static void run(curve_fn *curve, unsigned count)
{
    for (unsigned s = 0; s < count; s++)
        seconds(1, LOAD_LOOKUPS, curve(s));
}

/* One step at a time, each after the least time in the level before. */
static void ck_order(void)
{
    for (size_t i = 0; i < changes; i++) {
        bool rises = seen[i].to > seen[i].from;
        ck_assert_uint_eq(rises ? seen[i].to - seen[i].from : seen[i].from - seen[i].to, 1);
        if (i == 0)
            continue;
        ck_assert_uint_eq(seen[i].from, seen[i - 1].to);
        ck_assert_uint_ge(seen[i].ms - seen[i - 1].ms, rises ? LOAD_RISE_MS : limits.hold_ms);
    }
}

/* ---- curves ---- */

static double ramp(unsigned s)
{
    return s < 100 ? s / 50.0 : s < 200 ? 2 : s < 299 ? (299.5 - s) / 50 : 0;
}

START_TEST(ramp_sheds_in_order_and_restores_in_reverse)
{
    static const unsigned levels[] = { 1, 2, 3, 2, 1, 0 };

    run(ramp, HOUR_S);
    ck_order();
    ck_assert_uint_eq(changes, 6);
    for (size_t i = 0; i < changes; i++)
        ck_assert_uint_eq(seen[i].to, levels[i]);
    /* The limit is reached with the 51st sample; calm begins with the 266th. */
    ck_assert_uint_eq(seen[0].ms, 5000000 + 53 * 1000);
    ck_assert_uint_eq(seen[2].ms, seen[0].ms + 2 * LOAD_RISE_MS);
    ck_assert_uint_eq(seen[3].ms, 5000000 + (266 + HOLD_S) * 1000);
    ck_assert_uint_eq(seen[5].ms, seen[3].ms + 2 * HOLD_S * 1000);
}
END_TEST

static double around(unsigned s)
{
    return 0.9 + s % 10 * 0.022; /* up to 1.098, five seconds of ten over */
}

static double deep(unsigned s)
{
    return s % 30 < 15 ? 1.5 : 0;
}

static double slow(unsigned s)
{
    return s % 400 < 200 ? 1.5 : 0;
}

static double noise(unsigned s)
{
    static unsigned state;

    if (s == 0)
        state = 1;
    state = state * 1103515245 + 12345;
    return (state >> 16 & 0xff) / 128.0; /* up to 2 */
}

static double wave(unsigned s)
{
    return 0.85 + 0.4 * sin(s / 9.0);
}

static double own_making(unsigned s)
{
    return s < HOUR_S && load.level == 0 ? 1.2 : 0.1;
}

static double two_of_three(unsigned s)
{
    return s < HOUR_S ? 1.4 - 0.55 * load.level : 0;
}

/* Once what is shed is shed, a load that does not go away, or comes back within the hold time,
 * changes nothing.  One that is slower, or of one's own making, is tried again after a time
 * that doubles. */
static const struct {
    const char *name;
    curve_fn *curve;
    size_t most;
} saw[] = {
    { "around the limit", around, 3 },
    { "from nothing to over and back, twice a minute", deep, 3 },
    { "noise", noise, 3 },
    { "wave", wave, 3 },
    { "slow enough to be calm and busy in turn", slow, 12 },
    { "only what is shed makes it", own_making, 16 },
    { "two checks of three make it", two_of_three, 16 },
};

START_TEST(no_curve_flaps)
{
    run(saw[_i].curve, HOUR_S);
    ck_order();
    ck_assert_msg(changes <= saw[_i].most, "%s: %zu changes", saw[_i].name, changes);
    ck_assert_uint_ge(changes, 1);
}
END_TEST

static double spikes(unsigned s)
{
    return s % 7 < LOAD_RISE_SAMPLES - 1 ? 50 : 0.2;
}

START_TEST(spikes_shed_nothing)
{
    run(spikes, HOUR_S);
    ck_assert_uint_eq(changes, 0);
}
END_TEST

/* A day of quiet, and the hold time is what it was. */
START_TEST(hold_time_doubles_and_comes_back)
{
    unsigned hold = HOLD_S;

    for (int i = 0; i < 7; i++) {
        seconds(6, LOAD_LAG, 1.2);
        ck_assert_uint_eq(load.level, 1);
        sample.value[LOAD_LAG] = 0;
        while (load.level > 0)
            second();
        ck_assert_uint_ge(seen[changes - 1].ms - seen[changes - 2].ms, hold * UINT64_C(1000));
        ck_assert_uint_le(seen[changes - 1].ms - seen[changes - 2].ms, (hold + 10) * UINT64_C(1000));
        if (hold < HOLD_S * LOAD_HOLDS_MAX)
            hold *= 2;
    }
    seconds(24 * HOUR_S, LOAD_LAG, 0);
    seconds(3, LOAD_LAG, 1.2);
    ck_assert_uint_eq(load.level, 1);
    seconds(HOLD_S + 1, LOAD_LAG, 0);
    ck_assert_uint_eq(load.level, 0);
    ck_order();
}
END_TEST

/* Between calm and the limit nothing moves, neither up nor down. */
START_TEST(between_calm_and_limit)
{
    seconds(10, LOAD_IO, 1);
    ck_assert_uint_eq(load.level, 2);
    seconds(HOUR_S, LOAD_IO, 0.75);
    ck_assert_uint_eq(load.level, 2);
    seconds(HOLD_S - 1, LOAD_IO, 0.69);
    seconds(1, LOAD_IO, 0.71); /* and the calm begins anew */
    seconds(HOLD_S, LOAD_IO, 0.69);
    ck_assert_uint_eq(load.level, 2);
    seconds(1, LOAD_IO, 0.69);
    ck_assert_uint_eq(load.level, 1);
    seconds(5, LOAD_IO, 1);
    ck_assert_uint_eq(load.level, 2);
    ck_order();
}
END_TEST

/* ---- readings ---- */

START_TEST(any_reading_will_do)
{
    if (_i == LOAD_STRESS)
        return;
    seconds(5, (enum load_reading)_i, 1);
    ck_assert_uint_eq(load.level, 1);
    ck_assert_ptr_eq(load_history(&load, 1), NULL);
    ck_assert_ptr_nonnull(strstr(load_history(&load, 0)->cause, load_reading_names[_i]));
}
END_TEST

START_TEST(cause_names_the_furthest)
{
    sample.value[LOAD_CPU] = 84.26;
    seconds(5, LOAD_LOOKUPS, 1.25);
    ck_assert_str_eq(load_history(&load, 0)->cause, "lookups 240 of 192");
    seconds(5, LOAD_LOOKUPS, 0);
    ck_assert_str_eq(load_history(&load, 0)->cause, "cpu_pressure 84.3 of 80");
    sample.value[LOAD_CPU] = 0;
    seconds(HOLD_S + 1, LOAD_LOOKUPS, 0);
    ck_assert_str_eq(load_history(&load, 0)->cause, "calm for 60 s");
}
END_TEST

/* A limit of 0, or a kernel that does not tell: neither load nor in the way of a calm. */
START_TEST(what_does_not_count)
{
    for (unsigned i = 0; i < LOAD_READINGS; i++)
        sample.value[i] = 1e6;
    limits = (struct load_limits){ { 0 }, 1000 };
    for (unsigned s = 0; s < 100; s++)
        second();
    ck_assert_uint_eq(load.level, 0);
    set_up();
    for (unsigned i = 0; i < LOAD_READINGS; i++)
        sample.value[i] = -1;
    seconds(10, LOAD_LAG, 2);
    ck_assert_uint_eq(load.level, 2);
    seconds(3 * HOLD_S, LOAD_LAG, 0);
    ck_assert_uint_eq(load.level, 0);
}
END_TEST

START_TEST(one_request_is_no_stress)
{
    for (unsigned s = 0; s < HOUR_S; s++) {
        if (s % LOAD_STRESS_SAMPLES == 0)
            for (unsigned i = 0; i < 1000; i++) /* many within a second are one */
                load_stressed(&load);
        second();
    }
    ck_assert_uint_eq(changes, 0);
}
END_TEST

START_TEST(stress_counts_while_it_is_seen)
{
    for (unsigned s = 0; s < 60; s++) {
        load_stressed(&load);
        second();
    }
    ck_assert_uint_eq(load.level, 3);
    ck_assert_str_eq(load_history(&load, 0)->cause, "stress 5 of 2");
    for (unsigned s = 0; s < 3 * (HOLD_S + LOAD_STRESS_SAMPLES); s++)
        second();
    ck_order();
    ck_assert_uint_eq(changes, 6);
    ck_assert_uint_eq(load.level, 0);
}
END_TEST

/* ---- by hand ---- */

START_TEST(by_hand)
{
    note(load_set_mode(&load, LOAD_ON, now()));
    ck_assert_uint_eq(load.level, LOAD_LEVEL_MAX);
    ck_assert_str_eq(load_history(&load, 0)->cause, "by hand");
    seconds(HOUR_S, LOAD_CPU, 0);
    ck_assert_uint_eq(load.level, LOAD_LEVEL_MAX);
    note(load_set_mode(&load, LOAD_OFF, now()));
    seconds(HOUR_S, LOAD_CPU, 5);
    ck_assert_uint_eq(load.level, 0);
    ck_assert_uint_eq(changes, 2);
    ck_assert_ptr_eq(load_set_mode(&load, LOAD_OFF, now()), NULL);
}
END_TEST

/* auto goes on from the level that is: all at once is only by hand. */
START_TEST(auto_goes_on_by_the_readings)
{
    load_set_mode(&load, LOAD_ON, now());
    seconds(HOUR_S, LOAD_CPU, 0);
    ck_assert_ptr_eq(load_set_mode(&load, LOAD_AUTO, now()), NULL);
    changes = 0;
    seconds(HOLD_S - 1, LOAD_CPU, 0);
    ck_assert_uint_eq(load.level, 3);
    seconds(2 * HOLD_S + 1, LOAD_CPU, 0);
    ck_assert_uint_eq(load.level, 0);
    ck_assert_uint_eq(changes, 3);
    ck_order();
    load_set_mode(&load, LOAD_OFF, now());
    seconds(HOUR_S, LOAD_CPU, 2);
    load_set_mode(&load, LOAD_AUTO, now());
    seconds(4, LOAD_CPU, 2);
    ck_assert_uint_eq(load.level, 0);
    seconds(1, LOAD_CPU, 2);
    ck_assert_uint_eq(load.level, 1);
}
END_TEST

START_TEST(words)
{
    enum load_mode mode;

    for (unsigned m = 0; m < LOAD_MODES; m++) {
        ck_assert_int_eq(load_mode_parse(span_of(load_mode_names[m]), &mode), OK);
        ck_assert_uint_eq(mode, m);
    }
    ck_assert_int_eq(load_mode_parse(SPAN("maybe"), &mode), BAD);
    ck_assert_int_eq(load_mode_parse(SPAN(""), &mode), BAD);
}
END_TEST

/* The newest first, as many as there is room for. */
START_TEST(history)
{
    ck_assert_ptr_eq(load_history(&load, 0), NULL);
    for (unsigned i = 0; i < LOAD_HISTORY + 5; i++) {
        now_ms += 1000;
        load_set_mode(&load, i % 2 ? LOAD_OFF : LOAD_ON, now());
    }
    for (unsigned i = 0; i < LOAD_HISTORY; i++) {
        ck_assert_uint_eq(load_history(&load, i)->to, i % 2 ? 0 : LOAD_LEVEL_MAX);
        ck_assert_int_eq(load_history(&load, i)->date, now().date - i);
    }
    ck_assert_ptr_eq(load_history(&load, LOAD_HISTORY), NULL);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("load");
    Suite *suite = suite_create("load");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, t);
    tcase_add_checked_fixture(t, set_up, NULL);
    tcase_add_test(t, ramp_sheds_in_order_and_restores_in_reverse);
    tcase_add_loop_test(t, no_curve_flaps, 0, sizeof saw / sizeof *saw);
    tcase_add_test(t, spikes_shed_nothing);
    tcase_add_test(t, hold_time_doubles_and_comes_back);
    tcase_add_test(t, between_calm_and_limit);
    tcase_add_loop_test(t, any_reading_will_do, 0, LOAD_READINGS);
    tcase_add_test(t, cause_names_the_furthest);
    tcase_add_test(t, what_does_not_count);
    tcase_add_test(t, one_request_is_no_stress);
    tcase_add_test(t, stress_counts_while_it_is_seen);
    tcase_add_test(t, by_hand);
    tcase_add_test(t, auto_goes_on_by_the_readings);
    tcase_add_test(t, words);
    tcase_add_test(t, history);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
