/* SPDX-License-Identifier: MIT */
/* What servers may say and do, over real sockets, and what becomes of it. */
#include "t/unit/resolver_fixture.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define SOA "example. 900 SOA ns.example. root.example. 1 7200 900 1209600 60"

enum { SERVFAIL = 2, NXDOMAIN = 3, NOTIMP = 4, REFUSED = 5 };

#define HOST(text) .row.question = "h.example. A", .row.reply.answer = (text)
#define GOOD       HOST("h.example. 60 A 192.0.2.7")
#define NONE(type) .row.question = "h.example. " type, .row.reply.authority = SOA

/* A row each: the script for h.example, what is found (with the address 192.0.2.7,
 * where it is an A record), the questions that the server gets, and what is counted. */
static const struct {
    struct script_row row;
    enum dns_type type;
    enum dns_status status;
    unsigned udp, tcp, ignored, timed_out;
} classes[] = {
    { GOOD, .status = DNS_FOUND, .udp = 1 },
    { .row.question = "h.example. MX",
      .row.reply.answer = "h.example. 60 MX 0 .",
      .type = DNS_MX,
      .status = DNS_FOUND,
      .udp = 1 },
    { NONE("AAAA"), .type = DNS_AAAA, .status = DNS_NODATA, .udp = 1 },
    { NONE("A"), .row.reply.rcode = NXDOMAIN, .status = DNS_NXDOMAIN, .udp = 1 },
    { HOST("h.example. 60 CNAME g.example.\ng.example. 60 A 192.0.2.7"), .status = DNS_FOUND, .udp = 1 },

    { GOOD, .row.reply.rcode = SERVFAIL, .status = DNS_FAILED, .udp = 1 },
    { GOOD, .row.reply.rcode = REFUSED, .status = DNS_FAILED, .udp = 1 },
    { GOOD, .row.reply.rcode = NOTIMP, .status = DNS_FAILED, .udp = 2 },
    { GOOD, .row.flags = SCRIPT_GARBAGE, .status = DNS_FAILED, .udp = 1 },
    { HOST("h.example. 60 CNAME h.example."), .status = DNS_FAILED, .udp = 1 },
    { GOOD, .row.flags = SCRIPT_NO_EDNS, .status = DNS_FOUND, .udp = 2 },

    { GOOD, .row.flags = SCRIPT_TRUNCATE, .status = DNS_FOUND, .udp = 1, .tcp = 1 },
    { GOOD, .row.flags = SCRIPT_TRUNCATE | SCRIPT_SPLIT, .status = DNS_FOUND, .udp = 1, .tcp = 1 },
    { GOOD, .row.flags = SCRIPT_TRUNCATE_TCP, .status = DNS_FAILED, .udp = 1, .tcp = 1 },
    { GOOD, .row.flags = SCRIPT_TRUNCATE | SCRIPT_CLOSE, .status = DNS_FAILED, .udp = 1, .tcp = 1 },
    { GOOD, .row.flags = SCRIPT_TRUNCATE | SCRIPT_TCP_LENGTH, .status = DNS_FAILED, .udp = 1, .tcp = 1 },
    { GOOD, .row.flags = SCRIPT_TRUNCATE | SCRIPT_TCP_SILENT, .status = DNS_FAILED, .udp = 1, .tcp = 1,
      .timed_out = 1 },

    { GOOD, .row.flags = SCRIPT_FORGE_ID, .status = DNS_FOUND, .udp = 1, .ignored = 1 },
    { GOOD, .row.flags = SCRIPT_FORGE_QUESTION, .status = DNS_FOUND, .udp = 1, .ignored = 1 },
    { GOOD, .row.flags = SCRIPT_FORGE_SOURCE, .status = DNS_FOUND, .udp = 1 },
    { GOOD, .row.flags = SCRIPT_FORGE_ID | SCRIPT_SILENT, .status = DNS_FAILED, .udp = 2, .ignored = 2,
      .timed_out = 1 },
    { GOOD, .row.flags = SCRIPT_FORGE_QUESTION | SCRIPT_SILENT, .status = DNS_FAILED, .udp = 2, .ignored = 2,
      .timed_out = 1 },
    { GOOD, .row.flags = SCRIPT_FORGE_SOURCE | SCRIPT_SILENT, .status = DNS_FAILED, .udp = 2,
      .timed_out = 1 },
    { GOOD, .row.flags = SCRIPT_TRUNCATE | SCRIPT_FORGE_ID, .status = DNS_FAILED, .udp = 1, .tcp = 1,
      .ignored = 2 },
    { GOOD, .row.flags = SCRIPT_NOISE, .status = DNS_FAILED, .udp = 2, .ignored = 2, .timed_out = 1 },
    { GOOD, .row.flags = SCRIPT_SILENT, .status = DNS_FAILED, .udp = 2, .timed_out = 1 },
};

START_TEST(reply_classes)
{
    const struct script_row rows[] = { classes[_i].row, { .question = NULL } };
    struct dns_answer answer;
    struct dns_server_counts counts;

    open_resolver(rows, 1, classes[_i].timed_out ? 2000 : 20000, 0);
    ck_assert_int_eq(resolve("h.example", classes[_i].type, &answer), classes[_i].status);
    if (answer.status == DNS_FOUND && classes[_i].type == DNS_A) {
        ck_assert_uint_eq(answer.count, 1);
        ck_assert_mem_eq(answer.address[0], "\300\0\2\7", 4);
    }
    counts = dns_server_counts(first);
    ck_assert_uint_eq(counts.udp, classes[_i].udp);
    ck_assert_uint_eq(counts.tcp, classes[_i].tcp);
    ck_assert_uint_eq(stats().wire.ignored, classes[_i].ignored);
    ck_assert_uint_eq(stats().wire.timed_out, classes[_i].timed_out);
    ck_assert_uint_eq(stats().failed, classes[_i].status == DNS_FAILED);
}
END_TEST

static const struct script_row host[] = {
    { .question = "h.example. A", .reply.answer = "h.example. 60 A 192.0.2.7" },
    { .question = "g.example. A", .reply.answer = "g.example. 60 A 192.0.2.7" },
    { .question = NULL },
};

static const struct script_row silent[] = {
    { .question = "h.example. A", .flags = SCRIPT_SILENT },
    { .question = "g.example. A", .flags = SCRIPT_SILENT },
    { .question = NULL },
};

static const struct script_row failing[] = {
    { .question = "h.example. A", .reply.rcode = SERVFAIL }, { .question = NULL }, /* all else is REFUSED */
};

START_TEST(edns_is_asked_for_first)
{
    const struct script_row rows[] = {
        { .question = "h.example. A", .flags = SCRIPT_NO_EDNS, .reply.answer = "h.example. 60 A 192.0.2.7" },
        { .question = NULL },
    };

    open_resolver(rows, 1, 20000, 0);
    ck_assert_int_eq(resolve("h.example", DNS_A, NULL), DNS_FOUND);
    ck_assert_uint_eq(dns_server_counts(first).edns, 1);
    ck_assert_uint_eq(dns_server_counts(first).plain, 1);
}
END_TEST

START_TEST(second_server_answers_for_a_silent_one)
{
    uint64_t start = real_ms();

    open_resolver(host, 2, 8000, 0);
    dns_server_set_script(first, silent);
    ck_assert_int_eq(resolve("h.example", DNS_A, NULL), DNS_FOUND);
    ck_assert_uint_ge(real_ms() - start + TIMER_EARLY_MS, 2000); /* a quarter of the time-out */
    ck_assert_uint_eq(stats().wire.silent, 1);

    /* and is asked first from now on, for a while */
    ck_assert_int_eq(resolve("g.example", DNS_A, NULL), DNS_FOUND);
    ck_assert_uint_eq(dns_server_counts(first).udp, 1);
    ck_assert_uint_eq(dns_server_counts(second).udp, 2);
}
END_TEST

START_TEST(second_server_answers_at_once_for_a_failing_one)
{
    uint64_t start = real_ms();

    open_resolver(host, 2, 60000, 0);
    dns_server_set_script(first, failing);
    ck_assert_int_eq(resolve("h.example", DNS_A, NULL), DNS_FOUND);
    ck_assert_int_eq(resolve("g.example", DNS_A, NULL), DNS_FOUND);
    ck_assert_uint_lt(real_ms() - start, 10000); /* the slice is 15 s */
    ck_assert_uint_eq(dns_server_counts(first).udp, 2);
}
END_TEST

START_TEST(all_silent_fails_in_time)
{
    uint64_t start = real_ms();

    open_resolver(silent, 2, 4000, 0); /* four slices of a second, of which a busy machine takes none away */
    ck_assert_int_eq(resolve("h.example", DNS_A, NULL), DNS_FAILED);
    ck_assert_uint_ge(real_ms() - start + TIMER_EARLY_MS, 4000);
    ck_assert_uint_le(real_ms() - start, 20000);
    ck_assert_uint_eq(dns_server_counts(first).udp, 2); /* two rounds */
    ck_assert_uint_eq(dns_server_counts(second).udp, 2);
    ck_assert_uint_eq(stats().wire.timed_out, 1);
}
END_TEST

START_TEST(no_server_there_fails_at_once)
{
    uint64_t start = real_ms();
    struct dns_answer answer;

    open_resolver(host, 2, 60000, 0);
    dns_server_free(&first);
    dns_server_free(&second);
    ck_assert_int_eq(resolve("h.example", DNS_A, &answer), DNS_FAILED);
    ck_assert_uint_lt(real_ms() - start, 10000);
}
END_TEST

static void run_until_second_is_asked(void)
{
    for (unsigned turns = 0; dns_server_counts(second).udp == 0; turns++) {
        ck_assert_uint_lt(turns, 500);
        run_for(20);
    }
}

static const struct script_row held[] = {
    { .question = "h.example. A", .flags = SCRIPT_HOLD, .reply.answer = "h.example. 60 A 192.0.2.7" },
    { .question = NULL },
};

/* Each server gets its time to answer, even when another is asked meanwhile. */
START_TEST(late_answer_counts)
{
    struct client client;

    open_resolver(silent, 2, 12000, 0); /* slices of 3 s */
    dns_server_set_script(first, held);
    client_init(&client);
    ck_assert_int_eq(ask(&client, "h.example", DNS_A, NULL), DNS_PENDING);
    run_until_second_is_asked();
    dns_server_release(first);
    run_until(&client.woken, 1);
    ck_assert_int_eq(ask(&client, "h.example", DNS_A, NULL), DNS_FOUND);
}
END_TEST

START_TEST(failure_asks_a_silent_server_again)
{
    struct client client;
    uint64_t start;

    open_resolver(failing, 2, 12000, 0); /* slices of 3 s */
    dns_server_set_script(first, held);
    client_init(&client);
    ck_assert_int_eq(ask(&client, "h.example", DNS_A, NULL), DNS_PENDING);
    run_until_second_is_asked();
    start = real_ms();
    while (dns_server_counts(first).udp < 2) {
        run_for(1);
        ck_assert_uint_lt(real_ms() - start, 2100); /* the slice is 3 s */
    }
    dns_server_release(first);
    run_until(&client.woken, 1);
    ck_assert_int_eq(ask(&client, "h.example", DNS_A, NULL), DNS_FOUND);
}
END_TEST

START_TEST(late_failure_does_not_hurry_the_other)
{
    static const struct script_row held_failure[] = {
        { .question = "h.example. A", .flags = SCRIPT_HOLD, .reply.rcode = SERVFAIL },
        { .question = NULL },
    };
    struct client client;

    open_resolver(silent, 2, 12000, 0); /* slices of 3 s */
    dns_server_set_script(first, held_failure);
    client_init(&client);
    ck_assert_int_eq(ask(&client, "h.example", DNS_A, NULL), DNS_PENDING);
    run_until_second_is_asked();
    dns_server_release(first);
    for (unsigned turns = 0; stats().wire.useless == 0; turns++) {
        ck_assert_uint_lt(turns, 500);
        run_for(20);
    }
    run_for(200);
    ck_assert_uint_eq(stats().wire.useless, 1);
    ck_assert_uint_eq(dns_server_counts(second).udp, 1);
    source->cancel(source, &client.waiter);
}
END_TEST

START_TEST(alias_out_of_the_packet_is_asked_for)
{
    static const struct script_row rows[] = {
        { .question = "alias.example. A", .reply.answer = "alias.example. 5 CNAME Other.example." },
        { .question = "other.example. A", .reply.answer = "other.example. 7 CNAME h.example." },
        { .question = "h.example. A", .reply.answer = "h.example. 60 A 192.0.2.7" },
        { .question = "dangling.example. A", .reply.answer = "dangling.example. 60 CNAME none.example." },
        { .question = "none.example. A", .reply.rcode = NXDOMAIN, .reply.authority = SOA },
        { .question = NULL },
    };
    struct dns_answer answer;

    open_resolver(rows, 1, 20000, 0);
    ck_assert_int_eq(resolve("alias.example", DNS_A, &answer), DNS_FOUND);
    ck_assert_mem_eq(answer.address[0], "\300\0\2\7", 4);
    ck_assert_uint_eq(dns_server_counts(first).udp, 3);
    ck_assert_int_eq(resolve("dangling.example", DNS_A, &answer), DNS_NXDOMAIN);
    clock_skew_ms = 5001; /* the least TTL on the way is 5 s */
    ck_assert_int_eq(resolve("alias.example", DNS_A, &answer), DNS_FOUND);
    ck_assert_uint_eq(dns_server_counts(first).udp, 8);
}
END_TEST

START_TEST(alias_loop_over_packets_is_bounded)
{
    static const struct script_row rows[] = {
        { .question = "a.example. A", .reply.answer = "a.example. 60 CNAME b.example." },
        { .question = "b.example. A", .reply.answer = "b.example. 60 CNAME a.example." },
        { .question = NULL },
    };

    open_resolver(rows, 1, 20000, 0);
    ck_assert_int_eq(resolve("a.example", DNS_A, NULL), DNS_FAILED);
    ck_assert_uint_eq(dns_server_counts(first).udp, DNS_ALIASES_MAX + 1);
}
END_TEST

START_TEST(impossible_names_are_not_asked)
{
    static const char *const names[] = { "", ".", "a..b", "[192.0.2.1]", "a b.example" };

    open_resolver(host, 1, 200, 0);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        ck_assert_int_eq(resolve(names[i], DNS_A, NULL), DNS_NXDOMAIN);
    ck_assert_uint_eq(dns_server_counts(first).udp, 0);
}
END_TEST

START_TEST(answers_are_kept_for_their_time)
{
    static const struct script_row rows[] = {
        { .question = "h.example. A", .reply.answer = "h.example. 60 A 192.0.2.7" },
        { .question = "none.example. A", .reply.rcode = NXDOMAIN, .reply.authority = SOA }, /* 60 s */
        { .question = "fail.example. A", .reply.rcode = SERVFAIL },
        { .question = NULL },
    };
    static const char *const names[] = { "h.example", "none.example", "fail.example" };
    static const enum dns_status status[] = { DNS_FOUND, DNS_NXDOMAIN, DNS_FAILED };
    static const uint64_t skew[] = { 0, 4000, 5001, 59000, 64001 };
    static const unsigned asked[] = { 3, 3, 4, 5, 8 }; /* at these times, in all */

    open_resolver(rows, 1, 20000, 0);
    for (size_t t = 0; t < sizeof skew / sizeof skew[0]; t++) {
        clock_skew_ms = skew[t];
        for (size_t i = 0; i < 3; i++)
            ck_assert_int_eq(resolve(names[i], DNS_A, NULL), status[i]);
        ck_assert_uint_eq(dns_server_counts(first).udp, asked[t]);
    }
    ck_assert_uint_eq(stats().cache_entries, 3);
}
END_TEST

#define COUNT(array) (int)(sizeof(array) / sizeof(array)[0])

int main(void)
{
    Suite *suite = suite_create("resolver");
    TCase *tests = tcase_create("all");
    SRunner *runner = srunner_create(suite);
    int failed;

    suite_add_tcase(suite, tests);
    tcase_set_timeout(tests, 30);
    tcase_add_checked_fixture(tests, fixture_setup, fixture_teardown);
    tcase_add_loop_test(tests, reply_classes, 0, COUNT(classes));
    tcase_add_test(tests, edns_is_asked_for_first);
    tcase_add_test(tests, second_server_answers_for_a_silent_one);
    tcase_add_test(tests, second_server_answers_at_once_for_a_failing_one);
    tcase_add_test(tests, all_silent_fails_in_time);
    tcase_add_test(tests, no_server_there_fails_at_once);
    tcase_add_test(tests, late_answer_counts);
    tcase_add_test(tests, failure_asks_a_silent_server_again);
    tcase_add_test(tests, late_failure_does_not_hurry_the_other);
    tcase_add_test(tests, alias_out_of_the_packet_is_asked_for);
    tcase_add_test(tests, alias_loop_over_packets_is_bounded);
    tcase_add_test(tests, impossible_names_are_not_asked);
    tcase_add_test(tests, answers_are_kept_for_their_time);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
