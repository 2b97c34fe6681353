/* SPDX-License-Identifier: MIT */
/* Who waits for what: shared questions, limits, cancelling, reloading, descriptors. */
#include "t/unit/resolver_fixture.h"

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum { NAMES_MAX = 300, WAIT_MS = 60000 /* a time-out that is never reached */ };

static char questions[NAMES_MAX][32], answers[NAMES_MAX][48];
static struct script_row rows[NAMES_MAX + 1];

static const char *name_of(unsigned i)
{
    static char name[32];

    snprintf(name, sizeof name, "h%u.example", i);
    return name;
}

/* h0.example, h1.example and so on have an A record each. */
static const struct script_row *make_script(unsigned flags)
{
    for (unsigned i = 0; i < NAMES_MAX; i++) {
        snprintf(questions[i], sizeof questions[i], "h%u.example. A", i);
        snprintf(answers[i], sizeof answers[i], "h%u.example. 60 A 192.0.2.7", i);
        rows[i] = (struct script_row){ .question = questions[i], .flags = flags, .reply.answer = answers[i] };
    }
    rows[NAMES_MAX].question = NULL;
    return rows;
}

static void run_until_asked(unsigned questions_asked)
{
    for (unsigned turns = 0; dns_server_counts(first).udp < questions_asked; turns++) {
        ck_assert_uint_lt(turns, 500);
        run_for(1);
    }
}

START_TEST(identical_questions_are_shared)
{
    enum { CLIENTS = 1000 };
    static const char *const spellings[] = { "h0.example", "H0.Example", "h0.example." };
    static struct client clients[CLIENTS];

    open_resolver(make_script(SCRIPT_HOLD), 1, WAIT_MS, 0);
    for (unsigned i = 0; i < CLIENTS; i++) {
        client_init(&clients[i]);
        ck_assert_int_eq(ask(&clients[i], spellings[i % 3], DNS_A, NULL), DNS_PENDING);
    }
    ck_assert_uint_eq(stats().in_flight, 1);
    ck_assert_uint_eq(stats().shared, CLIENTS - 1);
    run_until_asked(1);
    dns_server_release(first);
    run_until_idle();
    for (unsigned i = 0; i < CLIENTS; i++) {
        ck_assert_uint_eq(clients[i].woken, 1);
        ck_assert_int_eq(ask(&clients[i], spellings[i % 3], DNS_A, NULL), DNS_FOUND);
    }
    ck_assert_uint_eq(dns_server_counts(first).udp, 1);
}
END_TEST

static const unsigned limits[] = { 1, 4, 0 }; /* 0: the default, 256 */

START_TEST(in_flight_limit)
{
    static struct client clients[NAMES_MAX], late;
    unsigned limit = limits[_i] ? limits[_i] : RESOLVER_IN_FLIGHT;

    open_resolver(make_script(SCRIPT_HOLD), 1, WAIT_MS, limits[_i]);
    for (unsigned i = 0; i <= limit; i++) {
        client_init(&clients[i]);
        ck_assert_int_eq(ask(&clients[i], name_of(i), DNS_A, NULL), i < limit ? DNS_PENDING : DNS_FAILED);
    }
    client_init(&late);
    ck_assert_int_eq(ask(&late, name_of(0), DNS_A, NULL), DNS_PENDING); /* shares */
    ck_assert_uint_eq(stats().in_flight, limit);
    ck_assert_uint_eq(stats().over_limit, 1);
    run_until_asked(limit);
    dns_server_release(first);
    run_until_idle();
    for (unsigned i = 0; i <= limit; i++)
        ck_assert_uint_eq(clients[i].woken, i < limit ? 1 : 0);
    ck_assert_uint_eq(late.woken, 1);
    ck_assert_int_eq(ask(&clients[limit], name_of(limit), DNS_A, NULL), DNS_PENDING); /* was not kept */
    ck_assert_uint_eq(stats().in_flight_peak, limit);
}
END_TEST

START_TEST(flood_of_names_stays_bounded)
{
    struct client client;
    unsigned pending = 0;
    char name[32];

    open_resolver(make_script(SCRIPT_HOLD), 1, WAIT_MS, 0);
    for (unsigned i = 0; i < 10000; i++) {
        snprintf(name, sizeof name, "h%u.example", i);
        client_init(&client);
        pending += ask(&client, name, DNS_A, NULL) == DNS_PENDING;
        source->cancel(source, &client.waiter);
    }
    ck_assert_uint_eq(pending, RESOLVER_IN_FLIGHT);
    ck_assert_uint_eq(stats().over_limit, 10000 - RESOLVER_IN_FLIGHT);
}
END_TEST

START_TEST(two_answers_wake_once)
{
    struct client client;

    open_resolver(make_script(SCRIPT_HOLD), 1, WAIT_MS, 0);
    client_init(&client);
    ck_assert_int_eq(ask(&client, "h0.example", DNS_A, NULL), DNS_PENDING);
    ck_assert_int_eq(ask(&client, "h1.example", DNS_A, NULL), DNS_PENDING);
    ck_assert_int_eq(ask(&client, "h0.example", DNS_A, NULL), DNS_PENDING); /* again, no second wait */
    run_until_asked(2);
    dns_server_release(first);
    run_until_idle();
    ck_assert_uint_eq(client.woken, 1);
    ck_assert_int_eq(ask(&client, "h0.example", DNS_A, NULL), DNS_FOUND);
    ck_assert_int_eq(ask(&client, "h1.example", DNS_A, NULL), DNS_FOUND);
}
END_TEST

START_TEST(waits_limit)
{
    struct client client;

    open_resolver(make_script(SCRIPT_HOLD), 1, WAIT_MS, 0);
    client_init(&client);
    for (unsigned i = 0; i < DNS_WAITS_MAX; i++)
        ck_assert_int_eq(ask(&client, name_of(i), DNS_A, NULL), DNS_PENDING);
    ck_assert_int_eq(ask(&client, name_of(DNS_WAITS_MAX), DNS_A, NULL), DNS_FAILED);
    ck_assert_int_eq(ask(&client, name_of(0), DNS_A, NULL), DNS_PENDING);
    source->cancel(source, &client.waiter);
}
END_TEST

START_TEST(cancelled_waiter_sleeps_on)
{
    struct client gone, stays;

    open_resolver(make_script(SCRIPT_HOLD), 1, WAIT_MS, 0);
    client_init(&gone);
    client_init(&stays);
    ck_assert_int_eq(ask(&gone, "h0.example", DNS_A, NULL), DNS_PENDING);
    ck_assert_int_eq(ask(&stays, "h0.example", DNS_A, NULL), DNS_PENDING);
    ck_assert_int_eq(ask(&gone, "h1.example", DNS_A, NULL), DNS_PENDING);
    source->cancel(source, &gone.waiter);
    for (size_t i = 0; i < DNS_WAITS_MAX; i++)
        ck_assert_ptr_null(gone.waiter.waits[i].question);
    run_until_asked(2);
    dns_server_release(first);
    run_until_idle();
    ck_assert_uint_eq(gone.woken, 0);
    ck_assert_uint_eq(stays.woken, 1);
    ck_assert_int_eq(ask(&stays, "h1.example", DNS_A, NULL), DNS_FOUND); /* the question went on */
}
END_TEST

/* A waiter that asks, cancels another one and goes away while it is woken. */
struct busy {
    struct dns_waiter waiter;
    struct busy **self, **other;
};

static unsigned busy_woken;

static void busy_wake(struct dns_waiter *waiter)
{
    struct busy *b = (struct busy *)waiter;
    struct dns_answer answer;

    busy_woken++;
    ck_assert_int_eq(source->ask(source, span_of("h0.example"), DNS_A, waiter, &answer), DNS_FOUND);
    ck_assert_int_eq(source->ask(source, span_of("h2.example"), DNS_A, waiter, &answer), DNS_PENDING);
    source->cancel(source, waiter);
    if (*b->other) {
        source->cancel(source, &(*b->other)->waiter);
        free(*b->other);
        *b->other = NULL;
    }
    *b->self = NULL;
    free(b);
}

START_TEST(wake_may_do_anything)
{
    struct busy *pair[2];
    struct dns_answer answer;

    open_resolver(make_script(SCRIPT_HOLD), 1, WAIT_MS, 0);
    busy_woken = 0;
    for (int i = 0; i < 2; i++) {
        pair[i] = calloc(1, sizeof *pair[i]);
        *pair[i] = (struct busy){ .waiter.wake = busy_wake, .self = &pair[i], .other = &pair[1 - i] };
        ck_assert_int_eq(source->ask(source, span_of("h0.example"), DNS_A, &pair[i]->waiter, &answer),
                         DNS_PENDING);
        ck_assert_int_eq(source->ask(source, span_of("h1.example"), DNS_A, &pair[i]->waiter, &answer),
                         DNS_PENDING);
    }
    run_until_asked(2);
    dns_server_set_script(first, make_script(0));
    dns_server_release(first);
    run_until_idle();
    ck_assert_uint_eq(busy_woken, 1);
    ck_assert(!pair[0] && !pair[1]);
}
END_TEST

START_TEST(closing_forgets_the_waiters)
{
    struct client clients[2];

    open_resolver(make_script(SCRIPT_SILENT), 2, WAIT_MS, 0);
    for (int i = 0; i < 2; i++) {
        client_init(&clients[i]);
        ck_assert_int_eq(ask(&clients[i], "h0.example", DNS_A, NULL), DNS_PENDING);
    }
    resolver_close(&resolver);
    for (int i = 0; i < 2; i++) {
        ck_assert_ptr_null(clients[i].waiter.waits[DNS_WAITS_MAX - 1].question);
        ck_assert_uint_eq(clients[i].woken, 0);
    }
}
END_TEST

START_TEST(reload_asks_the_new_servers)
{
    const char *addresses[] = { dns_server_address(second) };
    struct resolver_config config = { .servers = addresses, .server_count = 1, .timeout_ms = WAIT_MS };
    struct client client;
    struct error error;

    open_resolver(make_script(0), 1, WAIT_MS, 0);
    ck_assert_int_eq(resolve("h0.example", DNS_A, NULL), DNS_FOUND);
    dns_server_free(&first);
    first = dns_server_new(base, make_script(SCRIPT_SILENT));
    addresses[0] = "nonsense";
    ck_assert_int_eq(resolver_reload(resolver, &config, &error), BAD);
    addresses[0] = dns_server_address(first);
    ck_assert_int_eq(resolver_reload(resolver, &config, &error), OK);
    client_init(&client);
    ck_assert_int_eq(ask(&client, "h1.example", DNS_A, NULL), DNS_PENDING);
    run_until_asked(1);
    make_script(0); /* for the second */
    addresses[0] = dns_server_address(second);
    ck_assert_int_eq(resolver_reload(resolver, &config, &error), OK);
    run_until(&client.woken, 1);
    ck_assert_int_eq(ask(&client, "h1.example", DNS_A, NULL), DNS_FOUND);
    ck_assert_int_eq(ask(&client, "h0.example", DNS_A, NULL), DNS_FOUND); /* the cache stays */
    ck_assert_uint_eq(dns_server_counts(second).udp, 1);
}
END_TEST

static unsigned open_descriptors(void)
{
    DIR *directory = opendir("/proc/self/fd");
    unsigned count = 0;

    while (readdir(directory))
        count++;
    closedir(directory);
    return count;
}

START_TEST(no_descriptor_left)
{
    static const unsigned flags[] = { 0, SCRIPT_TRUNCATE, SCRIPT_TRUNCATE | SCRIPT_CLOSE, SCRIPT_GARBAGE,
                                      SCRIPT_SILENT };
    unsigned before = open_descriptors();

    open_resolver(make_script(0), 2, 100, 0);
    for (unsigned i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        make_script(flags[i]);
        resolve(name_of(i), DNS_A, NULL);
        ck_assert_uint_eq(stats().in_flight, 0);
    }
    for (unsigned turns = 0; open_descriptors() != before; turns++) { /* the servers close theirs */
        ck_assert_msg(turns < 100, "%u descriptors, %u before", open_descriptors(), before);
        run_for(10);
    }
}
END_TEST

START_TEST(out_of_descriptors_fails_at_once)
{
    struct client client;
    struct rlimit old, low;
    int lowest;

    open_resolver(make_script(0), 2, WAIT_MS, 0);
    client_init(&client);
    lowest = open("/dev/null", O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(lowest, 0);
    close(lowest);
    getrlimit(RLIMIT_NOFILE, &old);
    low = old;
    low.rlim_cur = (rlim_t)lowest;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
    ck_assert_int_eq(ask(&client, "h0.example", DNS_A, NULL), DNS_FAILED);
    setrlimit(RLIMIT_NOFILE, &old);
    ck_assert_uint_eq(stats().in_flight, 0);
    ck_assert_int_eq(resolve("h0.example", DNS_A, NULL), DNS_FOUND); /* and was not kept */
}
END_TEST

START_TEST(no_random_numbers_no_question)
{
    struct client client;

    open_resolver(make_script(0), 1, WAIT_MS, 0);
    client_init(&client);
    random_result = TRY_AGAIN;
    ck_assert_int_eq(ask(&client, "h0.example", DNS_A, NULL), DNS_FAILED);
    random_result = OK;
    ck_assert_int_eq(resolve("h0.example", DNS_A, NULL), DNS_FOUND);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("resolver_sharing");
    TCase *tests = tcase_create("all");
    SRunner *runner = srunner_create(suite);
    int failed;

    suite_add_tcase(suite, tests);
    tcase_set_timeout(tests, 30);
    tcase_add_checked_fixture(tests, fixture_setup, fixture_teardown);
    tcase_add_test(tests, identical_questions_are_shared);
    tcase_add_loop_test(tests, in_flight_limit, 0, 3);
    tcase_add_test(tests, flood_of_names_stays_bounded);
    tcase_add_test(tests, two_answers_wake_once);
    tcase_add_test(tests, waits_limit);
    tcase_add_test(tests, cancelled_waiter_sleeps_on);
    tcase_add_test(tests, wake_may_do_anything);
    tcase_add_test(tests, closing_forgets_the_waiters);
    tcase_add_test(tests, reload_asks_the_new_servers);
    tcase_add_test(tests, no_descriptor_left);
    tcase_add_test(tests, out_of_descriptors_fails_at_once);
    tcase_add_test(tests, no_random_numbers_no_question);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
