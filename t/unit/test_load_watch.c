/* SPDX-License-Identifier: MIT */
/*
 * policyd/load_watch: what /proc tells, and what is told of it: a line in the log and an event
 * for each check that is shed or run again, also after a restart.
 */
#include "policyd/load_watch.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/check_info.h"
#include "policyd/log.h"
#include "t/unit/store_fixture.h"

enum { TURNS_MAX = 10000 };

static struct event_base *base;
static struct writer *writer;
static struct events *events;
static struct load_files files;
static struct load_watch *watch;
static struct config options;
static uint64_t ns;
static size_t in_flight;

static size_t lookups(void)
{
    return in_flight;
}

static int64_t date(void)
{
    return NOW + (int64_t)(ns / 1000000000);
}

/* A second goes by with each reading: the timer is always late by its own measure. */
static uint64_t monotonic_ns(void)
{
    return ns;
}

static void open_watch(void)
{
    struct load_watch_config config = { &files, lookups, date, monotonic_ns, store_path("state.db") };

    ck_assert_int_eq(load_watch_open(base, events, &options, &config, &watch), OK);
}

static void write_proc(const char *name, const char *text)
{
    FILE *f = fopen(store_path(name), "w"); /* the same file: it stays open in the watch */

    ck_assert_ptr_nonnull(f);
    ck_assert_int_ge(fputs(text, f), 0);
    ck_assert_int_eq(fclose(f), 0);
}

static const char *proc(void)
{
    static char path[4096];

    ck_assert_int_lt(snprintf(path, sizeof path, "%s", store_path("loadavg")), (int)sizeof path);
    *strrchr(path, '/') = '\0';
    return path;
}

static void set_up(void)
{
    struct writer_config config;
    struct error e = { "" };

    store_fixture_open();
    config = (struct writer_config){ store_path("accounts.db"), store_path("state.db"), NULL, NULL, 0 };
    struct store *s = store_opened("sqlite", DATABASE_ACCOUNTS, STORE_CREATE);
    store_close(&s);
    ck_assert_int_eq(log_open(store_path("log"), &e), OK);
    ck_assert_int_eq(mkdir(store_path("pressure"), 0700), 0);
    write_proc("pressure/cpu", "some avg10=0.00 avg60=0.00 avg300=0.00 total=1\n");
    write_proc("pressure/io", "some avg10=0.00 avg60=0.00 avg300=0.00 total=1\n");
    write_proc("loadavg", "0.10 0.20 0.30 1/92 100\n");
    load_files_open(proc(), &files);
    files.cores = 2;
    options = (struct config){ .load = { 80, 60, 8, 0, 192, true, 10 } };
    ns = UINT64_C(1000000000000);
    in_flight = 0;
    base = event_base_new();
    ck_assert_msg(writer_open(base, &config, &writer, &e) == OK, "%s", e.text);
    ck_assert_int_eq(events_open(base, writer, &events), OK);
    open_watch();
}

static void tear_down(void)
{
    load_watch_close(&watch);
    load_files_close(&files);
    events_finish(events);
    writer_close(&writer);
    events_free(&events);
    event_base_free(base);
    log_close();
    ck_assert_int_eq(remove(store_path("pressure/cpu")), 0);
    ck_assert_int_eq(remove(store_path("pressure/io")), 0);
    store_fixture_close();
}

static struct load_sample read_now(void)
{
    struct load_sample s = { { 0 } };

    load_files_read(&files, &s);
    return s;
}

/* time, kind, subject of what is written, without the time */
static const char *written(void)
{
    static char text[4096];
    struct store *s = store_opened("sqlite", DATABASE_STATE, STORE_READ);
    char rows[4096], *save = rows;
    struct strbuf b;

    strbuf_init(&b, text, sizeof text);
    ck_assert_int_eq(str_copy(span_of(store_rows(s, QUERY_SHED_EVENTS, NULL, 0)), rows, sizeof rows), OK);
    store_close(&s);
    for (char *line; (line = strsep(&save, "\n")) != NULL && *line;)
        strbuf_addf(&b, "%s%s", b.len > 0 ? "\n" : "", strchr(line, '|') + 1);
    return text;
}

static void turn(void)
{
    events_turn(events, NULL);
    writer_commit(writer);
    log_flush();
    ck_assert_int_eq(event_base_loop(base, EVLOOP_ONCE), 0);
}

static void turn_until_written(const char *expected)
{
    for (unsigned turns = 0; strcmp(written(), expected) != 0; turns++) {
        ck_assert_msg(turns < TURNS_MAX, "'%s'", written());
        turn();
    }
}

static const char *logged(void)
{
    static char text[8192];
    FILE *f = fopen(store_path("log"), "r");
    size_t len;

    log_flush();
    ck_assert_ptr_nonnull(f);
    len = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[len] = '\0';
    return text;
}

/* ---- /proc ---- */

START_TEST(files_are_read_again_and_again)
{
    write_proc("pressure/cpu",
               "some avg10=85.37 avg60=26.36 avg300=35.95 total=265342533\nfull avg10=1.00\n");
    write_proc("pressure/io", "some avg10=0.90 avg60=0.84 avg300=0.68 total=17165247\n");
    write_proc("loadavg", "4.29 4.78 2.59 6/92 11454\n");
    struct load_sample s = read_now();
    ck_assert_double_eq(s.value[LOAD_CPU], 85.37);
    ck_assert_double_eq(s.value[LOAD_IO], 0.9);
    ck_assert_double_eq(s.value[LOAD_RUN_QUEUE], 2.5); /* five others on two cores */
    write_proc("loadavg", "4.29 4.78 2.59 1/92 11454\n");
    ck_assert_double_eq(read_now().value[LOAD_RUN_QUEUE], 0);
}
END_TEST

START_TEST(what_is_odd_is_not_known)
{
    static const char *const odd[] = { "", "\n", "full avg10=1.00\n", "1.00 2.00 3.00",
                                       "1.00 2.00 3.00 4\n" };

    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        write_proc("pressure/cpu", odd[i]);
        write_proc("loadavg", odd[i]);
        ck_assert_double_lt(read_now().value[LOAD_CPU], 0);
        ck_assert_double_lt(read_now().value[LOAD_RUN_QUEUE], 0);
    }
}
END_TEST

START_TEST(a_kernel_that_tells_nothing)
{
    struct load_sample s = { { 0 } };
    struct load_files none;

    load_files_open("/nonexistent", &none);
    load_files_read(&none, &s);
    for (unsigned i = LOAD_CPU; i <= LOAD_RUN_QUEUE; i++)
        ck_assert_double_lt(s.value[i], 0);
    load_files_close(&none);
}
END_TEST

/* ---- telling ---- */

START_TEST(each_check_is_told_once)
{
    load_watch_set_mode(watch, LOAD_ON, "root");
    load_watch_set_mode(watch, LOAD_ON, "root");
    turn_until_written("check_shed|helo_resolve\ncheck_shed|dnsbl\ncheck_shed|greylist");
    ck_assert_ptr_nonnull(
        strstr(logged(), "load: level 3, helo_resolve, dnsbl, greylist not run: by hand\n"));
    load_watch_set_mode(watch, LOAD_OFF, "root");
    turn_until_written("check_shed|helo_resolve\ncheck_shed|dnsbl\ncheck_shed|greylist\n"
                       "check_restored|helo_resolve\ncheck_restored|dnsbl\ncheck_restored|greylist");
    ck_assert_ptr_nonnull(
        strstr(logged(), "load: level 0, helo_resolve, dnsbl, greylist run again: by hand\n"));
}
END_TEST

/* What was shed when an earlier one ended, by whatever, is over. */
START_TEST(a_restart_ends_it)
{
    load_watch_set_mode(watch, LOAD_ON, "root");
    turn_until_written("check_shed|helo_resolve\ncheck_shed|dnsbl\ncheck_shed|greylist");
    for (int i = 0; i < 2; i++) { /* told once */
        load_watch_close(&watch);
        open_watch();
        ck_assert_uint_eq(load_watch_load(watch)->level, 0);
        turn_until_written("check_shed|helo_resolve\ncheck_shed|dnsbl\ncheck_shed|greylist\n"
                           "check_restored|helo_resolve\ncheck_restored|dnsbl\ncheck_restored|greylist");
    }
}
END_TEST

START_TEST(limits_are_those_of_the_configuration)
{
    static struct config other;
    struct load_limits l = load_watch_limits(watch);

    ck_assert_double_eq(l.limit[LOAD_LOOKUPS], 192);
    ck_assert_double_eq(l.limit[LOAD_STRESS], LOAD_STRESS_LIMIT);
    ck_assert_uint_eq(l.hold_ms, 10000);
    other = (struct config){ .load = { .hold_s = 1 } };
    load_watch_reload(watch, &other);
    l = load_watch_limits(watch);
    for (unsigned i = 0; i < LOAD_READINGS; i++)
        ck_assert_double_eq(l.limit[i], 0);
}
END_TEST

/* By the timer itself, whose seconds here are as long as the test says. */
START_TEST(sampled_shed_and_restored)
{
    in_flight = 200;
    for (unsigned turns = 0; load_watch_load(watch)->level == 0; turns++) {
        ck_assert_uint_lt(turns, TURNS_MAX);
        ns += 1000000000;
        turn();
    }
    ck_assert_double_eq(load_watch_load(watch)->sample.value[LOAD_LOOKUPS], 200);
    ck_assert_double_ge(load_watch_load(watch)->sample.value[LOAD_LAG], 700);
    ck_assert_str_eq(load_history(load_watch_load(watch), 0)->cause, "lookups 200 of 192");
    turn_until_written("check_shed|dnsbl");
    in_flight = 0;
    for (unsigned turns = 0; load_watch_load(watch)->level > 0; turns++) {
        ck_assert_uint_lt(turns, TURNS_MAX);
        ns += 20 * UINT64_C(1000000000);
        turn();
    }
    turn_until_written("check_shed|dnsbl\ncheck_restored|dnsbl");
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("load_watch");
    Suite *suite = suite_create("load_watch");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, t);
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, files_are_read_again_and_again);
    tcase_add_test(t, what_is_odd_is_not_known);
    tcase_add_test(t, a_kernel_that_tells_nothing);
    tcase_add_test(t, each_check_is_told_once);
    tcase_add_test(t, a_restart_ends_it);
    tcase_add_test(t, limits_are_those_of_the_configuration);
    tcase_add_test(t, sampled_shed_and_restored);
    tcase_set_timeout(t, 60);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
