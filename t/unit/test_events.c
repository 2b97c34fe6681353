/* SPDX-License-Identifier: MIT */
/*
 * policyd/events: in order and once each, whatever fails in between; those that
 * accounts.db holds are taken over after a start, and only once where an earlier start got
 * half way.
 */
#include "policyd/events.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policyd/log.h"
#include "t/unit/store_fixture.h"

enum { TURNS_MAX = 10000 };

static struct event_base *base;
static struct writer *writer;
static struct events *events;
static struct store *accounts; /* as policyd reads it */

static void on_changed(void *context)
{
    (void)context;
    if (events)
        events_accounts_changed(events, false);
}

static void start(void)
{
    struct writer_config config = { store_path("accounts.db"), store_path("state.db"), on_changed, NULL, 0 };
    struct error e = { "" };

    ck_assert_msg(writer_open(base, &config, &writer, &e) == OK, "%s", e.text);
    accounts = store_opened("sqlite", DATABASE_ACCOUNTS, STORE_READ);
    ck_assert_int_eq(events_open(base, writer, &events), OK);
}

static void stop(void)
{
    events_finish(events);
    writer_close(&writer);
    events_free(&events);
    store_close(&accounts);
}

static void set_up(void)
{
    struct store *s;
    struct error e;

    store_fixture_open();
    s = store_opened("sqlite", DATABASE_ACCOUNTS, STORE_CREATE);
    store_done(s, "domain-add domain=example.com kind=mailbox");
    store_done(s, "account-add address=john@example.com kind=user password={X}1");
    store_close(&s);
    ck_assert_int_eq(log_open(store_path("log"), &e), OK);
    base = event_base_new();
    start();
}

static void tear_down(void)
{
    stop();
    event_base_free(base);
    log_close();
    store_fixture_close();
}

/* id, kind, account, by of each event, as another process sees them. */
static const char *written(void)
{
    static char text[65536];
    const char *const params[] = { "0", "", "0" };
    struct store *s = store_opened("sqlite", DATABASE_STATE, STORE_READ);
    struct strbuf b;
    char rows[65536], *save = rows;

    strbuf_init(&b, text, sizeof text);
    ck_assert_int_eq(str_copy(span_of(store_rows(s, QUERY_EVENTS, params, 3)), rows, sizeof rows), OK);
    for (char *line; (line = strsep(&save, "\n")) != NULL && *line;) {
        char *column[EVENT_COLUMNS];
        for (unsigned i = 0; i < EVENT_COLUMNS; i++)
            column[i] = strsep(&line, "|");
        strbuf_addf(&b, "%s%s %s %s %s", b.len > 0 ? "\n" : "", column[EVENT_ID], column[EVENT_KIND],
                    column[EVENT_ACCOUNT], column[EVENT_BY]);
    }
    store_close(&s);
    return text;
}

static const char *left_in_accounts(void)
{
    const char *const after = "0";
    struct store *s = store_opened("sqlite", DATABASE_ACCOUNTS, STORE_READ);
    const char *rows = store_rows(s, QUERY_ACCOUNT_EVENTS, &after, 1);

    store_close(&s);
    return rows;
}

static void turn(void)
{
    events_turn(events, accounts);
    writer_commit(writer);
    ck_assert_int_eq(event_base_loop(base, EVLOOP_ONCE), 0);
}

static void turn_until_written(const char *expected)
{
    for (unsigned turns = 0; strcmp(written(), expected) != 0 || *left_in_accounts(); turns++) {
        ck_assert_msg(turns < TURNS_MAX, "'%s' '%s'", written(), left_in_accounts());
        turn();
    }
}

static void account_change(const char *line)
{
    struct store *s = store_opened("sqlite", DATABASE_ACCOUNTS, STORE_WRITE);

    store_done(s, line);
    store_close(&s);
}

static void add(enum event_kind kind, const char *by)
{
    events_add(events, &(struct event_report){ .kind = kind, .by = by }, NOW);
}

START_TEST(in_order)
{
    add(EVENT_ZONE_OFF, "a");
    add(EVENT_ZONE_ON, "b");
    turn_until_written("1 zone_off  a\n2 zone_on  b");
    add(EVENT_LIMIT_HIT, "c");
    turn_until_written("1 zone_off  a\n2 zone_on  b\n3 limit_hit  c");
}
END_TEST

START_TEST(texts_are_bounded_lines)
{
    static char text[1000], expected[1000];

    memset(text, 'x', sizeof text - 1);
    memcpy(text + 399, "\xc3\xa4", 2); /* cut within */
    text[5] = '\n';
    snprintf(expected, sizeof expected, "1 limit_hit  %.399s", text);
    *strchr(expected, '\n') = '?';
    add(EVENT_LIMIT_HIT, text);
    turn_until_written(expected);
}
END_TEST

START_TEST(a_full_queue_loses_and_counts)
{
    for (unsigned i = 0; i < EVENTS_MAX + 3; i++)
        add(EVENT_LIMIT_HIT, "x");
    ck_assert_uint_eq(events_lost(events), 3);
}
END_TEST

START_TEST(those_of_accounts_while_it_runs)
{
    account_change("account-suspend address=john@example.com reason=stolen by=root evidence=much");
    events_accounts_changed(events, false);
    turn_until_written("1 account_suspended john@example.com root");
    account_change("account-release address=john@example.com by=anna");
    account_change("account-release address=john@example.com new_password=1 by=anna");
    events_accounts_changed(events, false);
    turn_until_written("1 account_suspended john@example.com root\n2 account_released john@example.com anna\n"
                       "3 password_demanded john@example.com anna");
}
END_TEST

/* More than one page, written while nobody looked. */
START_TEST(those_of_accounts_after_a_start)
{
    static char expected[16384];
    struct store *s;
    struct strbuf b;

    stop();
    strbuf_init(&b, expected, sizeof expected);
    s = store_opened("sqlite", DATABASE_ACCOUNTS, STORE_WRITE); /* once: each close would wait for the disk */
    for (unsigned i = 1; i <= 150; i++) {
        store_done(s, "account-suspend address=john@example.com reason=x by=root");
        strbuf_addf(&b, "%s%u account_suspended john@example.com root", i > 1 ? "\n" : "", i);
    }
    store_close(&s);
    start();
    turn_until_written(expected);
}
END_TEST

/* Killed between the two: state.db has it, accounts.db still holds it. */
START_TEST(taken_over_once)
{
    struct store *s;

    account_change("account-suspend address=john@example.com reason=x by=root");
    stop();
    s = store_opened("sqlite", DATABASE_STATE, STORE_WRITE);
    store_done(s, "event-add event=account_suspended account=john@example.com reason=x by=root origin=1 "
                  "start=1800000000");
    store_close(&s);
    start();
    turn_until_written("1 account_suspended john@example.com root");
}
END_TEST

/* A state.db that cannot be written now: nothing is lost, and the order stays. */
START_TEST(state_away)
{
    const char *path = store_path("state.db"), *aside = store_path("aside.db");

    add(EVENT_ZONE_OFF, "a");
    turn_until_written("1 zone_off  a");
    ck_assert_int_eq(rename(path, aside), 0);
    account_change("account-suspend address=john@example.com reason=x by=root");
    add(EVENT_ZONE_ON, "b");
    events_accounts_changed(events, false);
    turn();
    ck_assert_str_ne(left_in_accounts(), "");
    ck_assert_int_eq(rename(aside, path), 0);
    turn_until_written("1 zone_off  a\n2 zone_on  b\n3 account_suspended john@example.com root");
    ck_assert_uint_eq(events_lost(events), 0);
}
END_TEST

/* A copy of accounts.db as it is now. */
static void copy_accounts(void)
{
    char sql[512];

    snprintf(sql, sizeof sql, "VACUUM INTO '%s'", store_path("copy.db"));
    run_sql(store_path("accounts.db"), sql);
}

/* Put in its place: the numbers of its events begin again. */
static void put_copy_back(void)
{
    store_close(&accounts);
    ck_assert_int_eq(unlink(store_path("accounts.db-wal")) | unlink(store_path("accounts.db-shm")), 0);
    ck_assert_int_eq(rename(store_path("copy.db"), store_path("accounts.db")), 0);
    accounts = store_opened("sqlite", DATABASE_ACCOUNTS, STORE_READ);
    events_accounts_changed(events, true);
}

/* The same number in the same second is another event where it says something else, and
 * comes once likewise. */
START_TEST(put_back_within_a_second)
{
    const char both[] = "1 account_suspended john@example.com root\n3 account_suspended john@example.com anna";
    struct store *s; /* 2 was given to the one that was not taken over */

    copy_accounts();
    account_change("account-suspend address=john@example.com reason=x by=root");
    events_accounts_changed(events, false);
    turn_until_written("1 account_suspended john@example.com root");
    put_copy_back();
    account_change("account-suspend address=john@example.com reason=x by=anna");
    stop();
    for (unsigned i = 0; i < 2; i++) {
        s = store_opened("sqlite", DATABASE_STATE, STORE_WRITE);
        store_done(s, "event-add event=account_suspended account=john@example.com services=all reason=x by=anna "
                      "origin=1 start=1800000000");
        store_close(&s);
        ck_assert_str_eq(written(), both);
    }
    start();
    turn_until_written(both);
}
END_TEST

/* Those of the table that is gone may be many, and their numbers high: one of the table in
 * its place stays there until state.db has it. */
START_TEST(put_back_while_many_wait)
{
    const char *path = store_path("state.db"), *aside = store_path("aside.db");
    struct store *s;

    copy_accounts();
    add(EVENT_ZONE_OFF, "a");
    turn_until_written("1 zone_off  a");
    ck_assert_int_eq(rename(path, aside), 0);
    s = store_opened("sqlite", DATABASE_ACCOUNTS, STORE_WRITE);
    for (unsigned i = 1; i <= 150; i++)
        store_done(s, "account-suspend address=john@example.com reason=x by=root");
    store_close(&s);
    events_accounts_changed(events, false);
    turn();
    put_copy_back();
    account_change("account-suspend address=john@example.com reason=x by=anna");
    events_accounts_changed(events, false);
    ck_assert_int_eq(rename(aside, path), 0);
    for (unsigned turns = 0; !strstr(written(), "anna"); turns++) {
        ck_assert_msg(*left_in_accounts() != '\0' || strstr(written(), "anna"), "after %u turns it is nowhere", turns);
        ck_assert_uint_lt(turns, TURNS_MAX);
        turn();
    }
    for (unsigned turns = 0; *left_in_accounts() != '\0'; turns++) {
        ck_assert_msg(turns < TURNS_MAX, "'%s' stays", left_in_accounts());
        turn();
    }
}
END_TEST

START_TEST(a_stop_writes_what_waits)
{
    add(EVENT_ZONE_OFF, "a");
    stop();
    ck_assert_str_eq(written(), "1 zone_off  a");
    start();
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("events");
    Suite *suite = suite_create("events");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, t);
    tcase_set_timeout(t, 60); /* 150 changes wait for the disk one by one */
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, in_order);
    tcase_add_test(t, texts_are_bounded_lines);
    tcase_add_test(t, a_full_queue_loses_and_counts);
    tcase_add_test(t, those_of_accounts_while_it_runs);
    tcase_add_test(t, those_of_accounts_after_a_start);
    tcase_add_test(t, taken_over_once);
    tcase_add_test(t, state_away);
    tcase_add_test(t, put_back_within_a_second);
    tcase_add_test(t, put_back_while_many_wait);
    tcase_add_test(t, a_stop_writes_what_waits);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
