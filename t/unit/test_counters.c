/* SPDX-License-Identifier: MIT */
/*
 * policyd/counters: jobs are counted by its thread and come back, state.db has them soon after,
 * at once for who asks, and all of them at the end.
 */
#include "policyd/counters.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policyd/log.h"
#include "t/unit/store_fixture.h"

enum { TURNS_MAX = 10000, MESSAGES = 300 };

static struct event_base *base;
static struct writer *writer;
static struct counters *counters;
static unsigned done;

static void on_changed(void *context)
{
    (void)context;
}

static void start(void)
{
    struct writer_config config = { .accounts_db = store_path("accounts.db"),
                                    .state_db = store_path("state.db"),
                                    .changed = on_changed };
    struct error e = { "" };

    ck_assert_msg(writer_open(base, &config, &writer, &e) == OK, "%s", e.text);
    ck_assert_msg(counters_open(base, writer, config.state_db, &counters, &e) == OK, "%s", e.text);
}

static void stop(void)
{
    counters_stop(counters);
    writer_close(&writer);
    counters_close(&counters);
}

static void set_up(void)
{
    struct error e;
    struct store *s = store_opened("sqlite", DATABASE_ACCOUNTS, STORE_CREATE);

    store_close(&s);
    ck_assert_int_eq(log_open(store_path("log"), &e), OK);
    base = event_base_new();
    ck_assert_ptr_nonnull(base);
    done = 0;
    start();
}

static void tear_down(void)
{
    stop();
    event_base_free(base);
    log_close();
}

/* Turns the loop until so many came back. */
static void wait_for(unsigned count)
{
    for (unsigned turns = 0; done < count; turns++) {
        ck_assert_uint_lt(turns, TURNS_MAX);
        counters_commit(counters);
        writer_commit(writer);
        ck_assert_int_eq(event_base_loop(base, EVLOOP_ONCE), 0);
    }
}

/* ---- a message ---- */

struct message {
    struct job job;
    struct change change;
    struct change_set set;
};

static void on_done(struct job *job)
{
    (void)job;
    done++;
}

static void submit(struct message *m, const char *key, const char *limits)
{
    memset(m, 0, sizeof *m);
    m->change.kind = CHANGE_USAGE;
    m->change.field[FIELD_KEY] = key;
    m->change.field[FIELD_NUMBER] = "1";
    m->change.field[FIELD_RECIPIENTS] = "3";
    m->change.field[FIELD_BYTES] = "1000";
    m->change.field[FIELD_LIMITS] = limits;
    m->set = (struct change_set){ .change = &m->change, .count = 1, .result = BAD };
    m->job = (struct job){ .database = DATABASE_STATE, .set = &m->set, .sets = 1, .done = on_done };
    ck_assert(counters_take(&m->set));
    counters_submit(counters, &m->job);
}

static enum result count(const char *key)
{
    static struct message m;

    submit(&m, key, "86400:2::");
    wait_for(done + 1);
    return m.set.result;
}

/* Messages that state.db has of the key. */
static uint64_t stored(const char *key)
{
    struct store *s = store_opened("sqlite", DATABASE_STATE, STORE_READ);
    struct usage usage;
    uint64_t used[USAGE_UNITS];

    ck_assert_int_eq(usage_parse(store_rows(s, QUERY_USAGE, &key, 1), &usage), OK);
    usage_used(&usage, 86400, usage.windows > 0 ? usage.window[0].newest * 7200 : NOW, used);
    store_close(&s);
    return used[USAGE_MESSAGES];
}

/* ---- settling ---- */

struct asked {
    struct settling settling;
    enum result result;
};

static void on_settled(struct settling *settling, enum result r)
{
    ((struct asked *)settling)->result = r;
    done++;
}

static enum result settle(void)
{
    static struct asked asked;

    asked = (struct asked){ { NULL, on_settled }, BAD };
    counters_settle(counters, &asked.settling);
    wait_for(done + 1);
    return asked.result;
}

START_TEST(counted_and_settled)
{
    ck_assert_int_eq(count("host"), OK);
    ck_assert_int_eq(count("host"), OK);
    ck_assert_int_eq(count("host"), LIMIT);
    ck_assert_int_eq(settle(), OK);
    ck_assert_uint_eq(stored("host"), 2);
    ck_assert_int_eq(settle(), OK); /* nothing to be written */
}
END_TEST

/* By itself, within moments. */
START_TEST(written_by_itself)
{
    ck_assert_int_eq(count("host"), OK);
    for (unsigned turns = 0; stored("host") == 0; turns++) {
        ck_assert_uint_lt(turns, TURNS_MAX);
        writer_commit(writer);
        ck_assert_int_eq(event_base_loop(base, EVLOOP_ONCE), 0);
    }
    ck_assert_uint_eq(stored("host"), 1);
}
END_TEST

/* While counts and folds cross each other. */
START_TEST(all_of_it_at_the_end)
{
    static struct message messages[MESSAGES];
    static struct asked asked;

    for (unsigned i = 0; i < MESSAGES; i++) {
        submit(&messages[i], i % 3 ? "host" : "account john@example.com", "86400:::");
        if (i % 50 == 0)
            wait_for(i); /* but the last one */
        if (i == MESSAGES / 2) {
            asked = (struct asked){ { NULL, on_settled }, BAD };
            counters_settle(counters, &asked.settling);
        }
    }
    stop();
    ck_assert_uint_eq(done, MESSAGES + 1);
    ck_assert_uint_eq(stored("host"), MESSAGES * 2 / 3);
    ck_assert_uint_eq(stored("account john@example.com"), MESSAGES / 3);
    ck_assert_int_eq(access(store_path("state.db-usage0"), F_OK), -1);
    start();
    ck_assert_int_eq(settle(), OK);
    ck_assert_uint_eq(stored("host"), MESSAGES * 2 / 3);
}
END_TEST

START_TEST(cannot_be_settled)
{
    ck_assert_int_eq(count("host"), OK);
    ck_assert_int_eq(settle(), OK);
    ck_assert_int_eq(rename(store_path("state.db"), store_path("aside")), 0);
    ck_assert_int_eq(count("host"), OK);
    ck_assert_int_eq(settle(), TRY_AGAIN);
    ck_assert_int_eq(rename(store_path("aside"), store_path("state.db")), 0);
    ck_assert_int_eq(settle(), OK);
    ck_assert_uint_eq(stored("host"), 2);
}
END_TEST

/* ---- while it cannot be counted ---- */

/* One message of the host, which a check wanted committed with that result. */
static enum result stand_in(enum check_id id, enum result committed)
{
    struct change change = { .kind = CHANGE_USAGE };
    struct commit commit = { .count = 1, .check = { id }, .set = { { .change = &change, .count = 1, .result = committed } } };

    change.field[FIELD_KEY] = "host";
    change.field[FIELD_NUMBER] = change.field[FIELD_RECIPIENTS] = change.field[FIELD_BYTES] = "1";
    change.field[FIELD_LIMITS] = "86400:2::";
    counters_stand_in(counters, &commit, NOW);
    return commit.set[0].result;
}

START_TEST(memory_stands_in_until_it_is_counted_again)
{
    ck_assert_int_eq(stand_in(CHECK_SEND_LIMIT, TRY_AGAIN), OK);
    ck_assert_int_eq(stand_in(CHECK_SEND_LIMIT, TRY_AGAIN), OK);
    ck_assert_int_eq(stand_in(CHECK_SEND_LIMIT, TRY_AGAIN), LIMIT);
    (void)stand_in(CHECK_COMPROMISE, OK);
    ck_assert_int_eq(stand_in(CHECK_SEND_LIMIT, TRY_AGAIN), LIMIT);
    ck_assert_int_eq(stand_in(CHECK_SEND_LIMIT, OK), OK);
    ck_assert_int_eq(stand_in(CHECK_SEND_LIMIT, TRY_AGAIN), OK);
}
END_TEST

/* ---- forgetting ---- */

START_TEST(forgotten_before_the_writer_does)
{
    struct change change = { .kind = CHANGE_FORGET };
    struct change_set set = { .change = &change, .count = 1, .result = BAD };
    struct job job = { .database = DATABASE_STATE, .set = &set, .sets = 1, .done = on_done };

    ck_assert(!counters_take(&set));
    change.field[FIELD_ADDRESS] = "john@example.com";
    ck_assert_int_eq(count("account john@example.com"), OK);
    ck_assert_int_eq(count("account mary@example.com"), OK);
    ck_assert_int_eq(counters_forget(counters, "john@example.com", &job), OK);
    wait_for(done + 1);
    ck_assert_int_eq(set.result, OK);
    ck_assert_int_eq(settle(), OK);
    ck_assert_uint_eq(stored("account john@example.com"), 0);
    ck_assert_uint_eq(stored("account mary@example.com"), 1);
    ck_assert_int_eq(count("account john@example.com"), OK);
    ck_assert_int_eq(count("account john@example.com"), OK);
    ck_assert_int_eq(count("account john@example.com"), LIMIT);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("counters");
    TCase *t = tcase_create("counters");
    SRunner *r;
    int failed;

    tcase_add_checked_fixture(t, store_fixture_open, store_fixture_close);
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, counted_and_settled);
    tcase_add_test(t, written_by_itself);
    tcase_add_test(t, all_of_it_at_the_end);
    tcase_add_test(t, cannot_be_settled);
    tcase_add_test(t, memory_stands_in_until_it_is_counted_again);
    tcase_add_test(t, forgotten_before_the_writer_does);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
