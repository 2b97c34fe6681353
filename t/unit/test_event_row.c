/* SPDX-License-Identifier: MIT */
/*
 * lib/event_row and lib/event_follow: the line of JSON that tells an event, names, and a
 * reader that finds what is new, page by page, also where the database begins again.
 */
#include "lib/event_follow.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "t/unit/store_fixture.h"

static const char *json(const char *const column[static EVENT_COLUMNS])
{
    static char line[2048];
    char *memory;
    size_t size;
    FILE *f = open_memstream(&memory, &size);

    event_json(column, f);
    ck_assert_int_eq(fclose(f), 0);
    ck_assert_int_eq(str_copy((struct span){ memory, size }, line, sizeof line), OK);
    free(memory);
    return line;
}

START_TEST(one_line_of_json)
{
    const char *const full[EVENT_COLUMNS] = {
        "7",    "1800000000",      "account_suspended",   "o'brien@example.com",
        "",     "smtp,imap",       "stolen \"password\"", "1800003600",
        "root", "\xc2\x9b[31m\xff"
    };
    const char *const bare[EVENT_COLUMNS] = { "8",  "1800000001", "zone_off", "", "bl.example",
                                              NULL, "",           NULL,       "", "" };

    ck_assert_str_eq(json(full),
                     "{\"version\":1,\"id\":7,\"time\":1800000000,\"kind\":\"account_suspended\","
                     "\"account\":\"o'brien@example.com\",\"subject\":null,\"services\":\"smtp,imap\","
                     "\"reason\":\"stolen \\\"password\\\"\",\"until\":1800003600,\"by\":\"root\","
                     "\"evidence\":\"\\u009b[31m\xef\xbf\xbd\"}\n");
    ck_assert_str_eq(json(bare),
                     "{\"version\":1,\"id\":8,\"time\":1800000001,\"kind\":\"zone_off\",\"account\":null,"
                     "\"subject\":\"bl.example\",\"services\":null,\"reason\":null,\"until\":null,"
                     "\"by\":null,\"evidence\":null}\n");
}
END_TEST

START_TEST(names_of_kinds)
{
    enum event_kind kind;

    for (unsigned k = 0; k < EVENT_KINDS; k++) {
        ck_assert_ptr_nonnull(event_kind_name((enum event_kind)k));
        ck_assert_int_eq(event_kind_parse(event_kind_name((enum event_kind)k), &kind), OK);
        ck_assert_uint_eq(kind, k);
    }
    ck_assert_int_eq(event_kind_parse("account", &kind), NOT_FOUND);
}
END_TEST

/* ---- following ---- */

struct seen {
    char text[65536];
    struct strbuf b;
    size_t stop_after; /* 0: never */
    size_t count;
};

static bool note(const char *const column[static EVENT_COLUMNS], void *context)
{
    struct seen *s = context;

    strbuf_addf(&s->b, "%s%s", s->b.len > 0 ? " " : "", column[EVENT_ID]);
    return ++s->count != s->stop_after;
}

static struct seen seen;

/* The numbers of the events that a poll hands out. */
static const char *polled(struct event_follow *f)
{
    struct error e;
    enum result r;

    strbuf_init(&seen.b, seen.text, sizeof seen.text);
    seen.count = 0;
    r = event_follow_poll(f, note, &seen, &e);
    ck_assert_int_eq(r, seen.count > 0 ? OK : NOT_FOUND);
    return seen.text;
}

static struct event_follow following(void)
{
    seen.stop_after = 0;
    return (struct event_follow){ .state_db = store_path("state.db"), .account = "" };
}

START_TEST(what_is_new)
{
    struct store *s = store_opened("sqlite", DATABASE_STATE, STORE_CREATE);
    struct event_follow f = following(), johns = following(), late = following();

    johns.account = "john@example.com";
    ck_assert_str_eq(polled(&f), "");
    store_done(s, "event-add event=limit_hit account=john@example.com start=100");
    store_done(s, "event-add event=limit_hit account=anna@example.com start=200");
    ck_assert_str_eq(polled(&f), "1 2");
    ck_assert_str_eq(polled(&f), "");
    store_done(s, "event-add event=zone_off subject=bl.example");
    ck_assert_str_eq(polled(&f), "3");
    ck_assert_int_eq(f.time, NOW);
    ck_assert_str_eq(polled(&johns), "1");
    ck_assert_int_eq(event_follow_skip(&late, NULL), OK);
    ck_assert_str_eq(polled(&late), "");
    event_follow_close(&late);
    late = following();
    late.since = 200;
    event_follow_close(&johns);
    ck_assert_str_eq(polled(&late), "2 3");
    event_follow_close(&late);
    event_follow_close(&f);
    store_close(&s);
}
END_TEST

START_TEST(pages_and_stops)
{
    struct store *s = store_opened("sqlite", DATABASE_STATE, STORE_CREATE);
    struct event_follow f = following();

    for (unsigned i = 0; i < 300; i++)
        store_done(s, "event-add event=limit_hit");
    seen.stop_after = 2;
    ck_assert_str_eq(polled(&f), "1 2");
    ck_assert_str_eq(polled(&f), "3 4"); /* the rest is not forgotten, though nothing changed */
    seen.stop_after = 0;
    (void)polled(&f);
    ck_assert_uint_eq(seen.count, 296);
    ck_assert_int_eq(f.id, 300);
    event_follow_close(&f);
    store_close(&s);
}
END_TEST

static void remove_state(void)
{
    ck_assert_int_eq(unlink(store_path("state.db")), 0);
    (void)!unlink(store_path("state.db-wal"));
    (void)!unlink(store_path("state.db-shm"));
}

/* A database that was made anew counts from 1 again; what a restored one says again is old.
 * _i: whether it is opened before it has an event. */
START_TEST(a_database_that_begins_again)
{
    struct store *s = store_opened("sqlite", DATABASE_STATE, STORE_CREATE);
    struct event_follow f = following();
    struct error e = { "" };

    for (unsigned i = 0; i < 5; i++)
        store_done(s, "event-add event=limit_hit start=500");
    ck_assert_str_eq(polled(&f), "1 2 3 4 5");
    store_close(&s);
    remove_state();
    ck_assert_int_eq(event_follow_poll(&f, note, &seen, &e), TRY_AGAIN);
    ck_assert_str_ne(e.text, "");
    s = store_opened("sqlite", DATABASE_STATE, STORE_CREATE);
    if (_i)
        ck_assert_str_eq(polled(&f), "");
    store_done(s, "event-add event=limit_hit start=400");
    store_done(s, "event-add event=limit_hit start=600");
    ck_assert_str_eq(polled(&f), "2");
    event_follow_close(&f);
    store_close(&s);
}
END_TEST

/* One that was put back has gone on to the number that was read, or past it: its event of
 * that number is another. What is older than the last one is old here too. */
START_TEST(a_database_that_went_on)
{
    struct store *s = store_opened("sqlite", DATABASE_STATE, STORE_CREATE);
    struct event_follow f = following();

    for (unsigned i = 0; i < 5; i++)
        store_done(s, "event-add event=limit_hit start=500");
    ck_assert_str_eq(polled(&f), "1 2 3 4 5");
    store_close(&s);
    event_follow_close(&f);
    remove_state();
    s = store_opened("sqlite", DATABASE_STATE, STORE_CREATE);
    for (unsigned i = 0; i < 3; i++)
        store_done(s, "event-add event=limit_hit start=400");
    for (unsigned i = 0; i < 4; i++)
        store_done(s, "event-add event=limit_hit start=600");
    ck_assert_str_eq(polled(&f), "4 5 6 7");
    event_follow_close(&f);
    ck_assert_str_eq(polled(&f), "");
    event_follow_close(&f);
    store_close(&s);
}
END_TEST

/* An event that was forgotten, though it was the newest, makes no other new. */
START_TEST(the_newest_is_gone)
{
    struct store *s = store_opened("sqlite", DATABASE_STATE, STORE_CREATE);
    struct event_follow f = following();

    store_done(s, "event-add event=limit_hit start=500");
    store_done(s, "event-add event=limit_hit start=500");
    ck_assert_str_eq(polled(&f), "1 2");
    event_follow_close(&f);
    run_sql(store_path("state.db"), "DELETE FROM event WHERE id = 2");
    ck_assert_str_eq(polled(&f), "");
    store_done(s, "event-add event=limit_hit");
    ck_assert_str_eq(polled(&f), "3");
    event_follow_close(&f);
    store_close(&s);
}
END_TEST

/* The newest EVENT_ROWS_MAX stay; what is older than the date goes, and its number with it. */
START_TEST(trimmed)
{
    struct store *s = store_opened("sqlite", DATABASE_STATE, STORE_CREATE);
    struct event_follow f = following();

    store_done(s, "event-add event=limit_hit start=100");
    store_done(s, "event-add event=limit_hit start=200");
    store_done(s, "state-trim number=1 start=150");
    ck_assert_str_eq(polled(&f), "2");
    store_done(s, "state-trim number=1 start=300");
    store_done(s, "event-add event=limit_hit");
    ck_assert_str_eq(polled(&f), "3");
    run_sql(store_path("state.db"), "UPDATE sqlite_sequence SET seq = 65537 WHERE name = 'event'");
    store_done(s, "event-add event=limit_hit"); /* 65538 */
    f.id = 0;
    f.read = false;
    ck_assert_str_eq(polled(&f), "3 65538");
    store_done(s, "event-add event=limit_hit"); /* 65539 */
    f.id = 0;
    ck_assert_str_eq(polled(&f), "65538 65539");
    event_follow_close(&f);
    store_close(&s);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("event_row");
    Suite *suite = suite_create("event_row");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, t);
    tcase_add_checked_fixture(t, store_fixture_open, store_fixture_close);
    tcase_add_test(t, one_line_of_json);
    tcase_add_test(t, names_of_kinds);
    tcase_add_test(t, what_is_new);
    tcase_add_test(t, pages_and_stops);
    tcase_add_loop_test(t, a_database_that_begins_again, 0, 2);
    tcase_add_test(t, a_database_that_went_on);
    tcase_add_test(t, the_newest_is_gone);
    tcase_add_test(t, trimmed);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
