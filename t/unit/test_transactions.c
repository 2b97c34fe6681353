/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "policyd/transactions.h"

enum { NOW = 1000000 };

static struct transactions *transactions;
static const struct sighting helo = { CHECK_HELO_FQDN, false, "pc", "not_fqdn", "", "192.0.2.0/24", "504 5.5.2 x" };

static void create(void)
{
    ck_assert_int_eq(transactions_open(&transactions), OK);
}

static void destroy(void)
{
    transactions_close(&transactions);
}

static bool note(const char *instance, const struct sighting *s, int64_t now)
{
    return transactions_note(transactions, span_of(instance), s, now);
}

static void collect(const struct sighting *s, void *context)
{
    struct strbuf *b = context;

    strbuf_addf(b, "%s %s %s %s%s;", s->subject, s->cause, s->network, s->sample, s->refused ? " refused" : "");
}

static const char *end(const char *instance, int64_t now)
{
    static char text[8192];
    struct strbuf b;

    strbuf_init(&b, text, sizeof text);
    transactions_end(transactions, span_of(instance), now, collect, &b);
    return text;
}

START_TEST(a_finding_counts_once_a_transaction)
{
    ck_assert(note("1a.2b", &helo, NOW));
    ck_assert(!note("1a.2b", &helo, NOW + 5));
    ck_assert(note("1a.2c", &helo, NOW));
    ck_assert_str_eq(end("1a.2b", NOW + 6), "pc not_fqdn 192.0.2.0/24 504 5.5.2 x;");
    ck_assert_str_eq(end("1a.2b", NOW + 6), "");
    ck_assert(note("1a.2b", &helo, NOW + 7)); /* the next message, under the same instance */
}
END_TEST

START_TEST(each_part_makes_another_finding)
{
    struct sighting other[] = { helo, helo, helo, helo, helo, helo };

    other[0].check = CHECK_HELO_LOCAL;
    other[1].refused = true;
    other[2].subject = "pd";
    other[3].cause = "other";
    other[4].network = "";
    other[5].envelope_sender = "x@example.com";
    ck_assert(note("i", &helo, NOW));
    for (size_t i = 0; i < 6; i++) {
        ck_assert(note("i", &other[i], NOW));
        ck_assert(!note("i", &other[i], NOW));
    }
}
END_TEST

START_TEST(without_an_instance_nothing_is_kept)
{
    ck_assert(note("", &helo, NOW));
    ck_assert(note("", &helo, NOW));
    ck_assert_str_eq(end("", NOW), "");
}
END_TEST

START_TEST(findings_of_one_are_bounded)
{
    struct sighting s = helo;
    char subject[16];

    s.subject = subject;
    for (int i = 0; i < TRANSACTION_FINDINGS_MAX; i++) {
        snprintf(subject, sizeof subject, "host%d", i);
        ck_assert(note("i", &s, NOW));
    }
    snprintf(subject, sizeof subject, "one more");
    ck_assert(!note("i", &s, NOW));
    ck_assert_ptr_null(strstr(end("i", NOW), "one more"));
}
END_TEST

START_TEST(given_up_after_its_time)
{
    ck_assert(note("i", &helo, NOW));
    ck_assert(!note("i", &helo, NOW + TRANSACTION_KEEP_S));
    ck_assert(note("i", &helo, NOW + 2 * TRANSACTION_KEEP_S + 1));
    ck_assert_str_eq(end("i", NOW + 4 * TRANSACTION_KEEP_S), "");
}
END_TEST

START_TEST(a_flood_stays_within_bounds)
{
    char instance[24];
    unsigned known = 0;

    for (int i = 0; i < 4 * TRANSACTIONS_MAX; i++) {
        snprintf(instance, sizeof instance, "%x.%d", i * 7919, i);
        ck_assert(note(instance, &helo, NOW));
    }
    for (int i = 0; i < 4 * TRANSACTIONS_MAX; i++) {
        snprintf(instance, sizeof instance, "%x.%d", i * 7919, i);
        known += *end(instance, NOW) != '\0';
    }
    ck_assert_uint_le(known, TRANSACTIONS_MAX);
    ck_assert_uint_gt(known, TRANSACTIONS_MAX / 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("transactions");
    TCase *tc = tcase_create("transactions");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tc, create, destroy);
    tcase_add_test(tc, a_finding_counts_once_a_transaction);
    tcase_add_test(tc, each_part_makes_another_finding);
    tcase_add_test(tc, without_an_instance_nothing_is_kept);
    tcase_add_test(tc, findings_of_one_are_bounded);
    tcase_add_test(tc, given_up_after_its_time);
    tcase_add_test(tc, a_flood_stays_within_bounds);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
