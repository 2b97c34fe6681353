/* SPDX-License-Identifier: MIT */
/*
 * policyd/habits: what changed is in state.db after the turn, and is read back; memory is
 * bounded, and what left it is not lost; a file that cannot be read begins nothing anew.
 */
#include "policyd/habits.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "policyd/log.h"
#include "t/unit/store_fixture.h"

enum { ACCOUNTS = 9000 }; /* more than are at hand */

static struct event_base *base;
static struct writer *writer;
static struct habits *habits;

static void on_changed(void *context)
{
    (void)context;
}

static void open_all(void)
{
    struct writer_config config = { store_path("accounts.db"), store_path("state.db"), on_changed, NULL, 0 };
    struct error e = { "" };

    ck_assert_msg(writer_open(base, &config, &writer, &e) == OK, "%s", e.text);
    ck_assert_int_eq(habits_open(base, writer, store_path("state.db"), &habits), OK);
}

static void close_all(void)
{
    habits_stop(habits);
    writer_close(&writer);
    habits_close(&habits);
}

static void set_up(void)
{
    struct error e;
    struct store *s = store_opened("sqlite", DATABASE_ACCOUNTS, STORE_CREATE);

    store_close(&s);
    ck_assert_int_eq(log_open(store_path("log"), &e), OK);
    base = event_base_new();
    ck_assert_ptr_nonnull(base);
    open_all();
}

static void tear_down(void)
{
    close_all();
    event_base_free(base);
    log_close();
}

static void hit(const char *account)
{
    struct behaviour *b = habits_change(habits, account);

    ck_assert_ptr_nonnull(b);
    behaviour_limit_hit(b, NOW);
}

static unsigned hits(const char *account)
{
    struct behaviour_source *source = habits_source(habits);
    const struct behaviour *b = source->get(source, account, NOW);

    ck_assert_ptr_nonnull(b);
    return sliding_sum(&b->window[SIGNAL_LIMIT_HIT], signal_infos[SIGNAL_LIMIT_HIT].window_s, NOW);
}

static bool take(const struct row *row, void *context)
{
    ck_assert_int_eq(behaviour_parse(span_of(row->column[0]), context), OK);
    return false;
}

/* What state.db has, read by somebody else. */
static enum result written(const char *account, struct behaviour *behaviour_r)
{
    struct store *s = store_opened("sqlite", DATABASE_STATE, STORE_READ);
    enum result r = store_query(s, QUERY_BEHAVIOUR, &account, 1, take, behaviour_r);

    store_close(&s);
    return r;
}

START_TEST(a_turn_writes_what_changed)
{
    struct behaviour b;

    ck_assert_uint_eq(hits("john@example.com"), 0);
    hit("john@example.com");
    hit("john@example.com");
    ck_assert_uint_eq(hits("john@example.com"), 2);
    ck_assert_int_eq(written("john@example.com", &b), NOT_FOUND);
    habits_turn(habits);
    writer_commit(writer);
    writer_close(&writer);
    ck_assert_int_eq(written("john@example.com", &b), OK);
    ck_assert_int_eq(b.since, NOW);
    habits_close(&habits);
    open_all();
    ck_assert_uint_eq(hits("john@example.com"), 2);
}
END_TEST

START_TEST(a_stop_writes_the_rest)
{
    hit("john@example.com");
    close_all();
    open_all();
    ck_assert_uint_eq(hits("john@example.com"), 1);
}
END_TEST

START_TEST(more_accounts_than_memory_has)
{
    char account[32];

    for (unsigned i = 0; i < ACCOUNTS; i++) {
        snprintf(account, sizeof account, "user%u@example.com", i);
        hit(account);
    }
    habits_turn(habits);
    close_all();
    open_all();
    for (unsigned i = 0; i < ACCOUNTS; i += 100) {
        snprintf(account, sizeof account, "user%u@example.com", i);
        ck_assert_uint_eq(hits(account), 1);
    }
}
END_TEST

static void on_kept(struct habit_wait *wait)
{
    (void)wait;
    ck_assert_int_eq(event_base_loopbreak(base), 0);
}

START_TEST(a_message_past_a_few_waits)
{
    struct habit_wait wait = { on_kept };
    struct behaviour b;

    hit("john@example.com");
    ck_assert(!habits_sent(habits, "john@example.com", HABIT_UNKEPT_MOST, &wait));
    ck_assert(habits_sent(habits, "john@example.com", 1, &wait));
    writer_commit(writer);
    event_base_dispatch(base);
    ck_assert_int_eq(written("john@example.com", &b), OK);
    ck_assert(!habits_sent(habits, "john@example.com", HABIT_UNKEPT_MOST, &wait));
    ck_assert(!habits_sent(habits, "nobody@example.com", 100, &wait));
}
END_TEST

START_TEST(who_waits_is_told_of_a_failure)
{
    struct habit_wait wait = { on_kept };

    hit("john@example.com");
    ck_assert_int_eq(rename(store_path("state.db"), store_path("state.away")), 0);
    ck_assert(habits_sent(habits, "john@example.com", HABIT_UNKEPT_MOST + 1, &wait));
    writer_commit(writer);
    event_base_dispatch(base);
    ck_assert(habits_sent(habits, "john@example.com", 1, &wait));
    ck_assert_int_eq(rename(store_path("state.away"), store_path("state.db")), 0);
    writer_commit(writer);
    event_base_dispatch(base);
    ck_assert(!habits_sent(habits, "john@example.com", 1, &wait));
}
END_TEST

START_TEST(a_file_that_is_away_begins_nothing_anew)
{
    hit("john@example.com");
    close_all();
    open_all();
    ck_assert_int_eq(rename(store_path("state.db"), store_path("state.away")), 0);
    ck_assert_ptr_null(habits_source(habits)->get(habits_source(habits), "john@example.com", NOW));
    ck_assert_ptr_null(habits_change(habits, "john@example.com"));
    ck_assert_int_eq(rename(store_path("state.away"), store_path("state.db")), 0);
    ck_assert_uint_eq(hits("john@example.com"), 1);
}
END_TEST

START_TEST(an_alarm_an_hour)
{
    ck_assert(habits_alarm(habits, "john@example.com", NOW));
    ck_assert(!habits_alarm(habits, "john@example.com", NOW + 3599));
    ck_assert(habits_alarm(habits, "anna@example.com", NOW + 3599));
    ck_assert(habits_alarm(habits, "john@example.com", NOW + 3600));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("habits");
    TCase *tc = tcase_create("habits");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_set_timeout(tc, 30);
    tcase_add_checked_fixture(tc, store_fixture_open, store_fixture_close);
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, a_turn_writes_what_changed);
    tcase_add_test(tc, a_stop_writes_the_rest);
    tcase_add_test(tc, more_accounts_than_memory_has);
    tcase_add_test(tc, a_message_past_a_few_waits);
    tcase_add_test(tc, who_waits_is_told_of_a_failure);
    tcase_add_test(tc, a_file_that_is_away_begins_nothing_anew);
    tcase_add_test(tc, an_alarm_an_hour);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
