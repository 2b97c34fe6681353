/* SPDX-License-Identifier: MIT */
/*
 * The contract of lib/store.h for limits and for what is counted against them, the same for
 * every backend: one key over its limit undoes the whole set, a request that comes again adds
 * nothing, a preview changes nothing, and what no longer counts goes.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "t/unit/change_line.h"
#include "t/unit/store_fixture.h"

static const char *const backends[] = { "sqlite", "memory" };
enum { BACKENDS = 2, LINES_MAX = 4 };

static const char *row(struct store *s, const char *key)
{
    return store_rows(s, QUERY_USAGE, &key, 1);
}

/* ---- limits ---- */

static const struct {
    const char *line;
    enum result result;
    const char *error;
} steps[] = {
    { "domain-add domain=example.com kind=mailbox", OK, NULL },
    { "account-add address=john@example.com kind=user password={X}1", OK, NULL },
    { "limit-set counted_by=account window=60 messages=30", OK, NULL },
    { "limit-set counted_by=account window=3600 messages=200 recipients=500", OK, NULL },
    { "limit-set counted_by=account window=3600 bytes=1000", OK, NULL }, /* takes its place */
    { "limit-set counted_by=relay window=60 messages=300 scope=example.com", OK, NULL },
    { "limit-set counted_by=domain window=86400 recipients=9 scope=Example.com", OK, NULL },
    { "limit-set counted_by=host window=60 messages=1000", OK, NULL },
    { "limit-set counted_by=account window=60 messages=0 scope=john@example.com", OK, NULL },
    { "limit-set counted_by=client window=60 messages=5 client=192.0.2.7/24", BAD, "192.0.2.7/24" },
    { "limit-set counted_by=client window=60 messages=5 client=192.0.2.0/24", OK, NULL },
    { "limit-set counted_by=client window=60 messages=6", OK, NULL },
    { "limit-set counted_by=account window=60 messages=5 client=192.0.2.0/24", BAD,
      "a network's limit counts by client" },
    { "limit-set counted_by=client window=60 messages=5 scope=example.com", BAD,
      "only a network, or the host" },
    { "limit-set counted_by=client window=60 messages=5 scope=example.com client=192.0.2.1", BAD,
      "goes without" },
    { "limit-set counted_by=domain window=60 messages=5 scope=john@example.com", BAD,
      "an account's limit counts" },
    { "limit-set counted_by=host window=60 messages=5 scope=example.com", BAD, "has no narrower scope" },
    { "limit-set counted_by=account window=60", BAD, "a limit of what?" },
    { "limit-set counted_by=account window=0 messages=5", BAD, "a window of at least a second" },
    { "limit-set counted_by=account window=2678401 messages=5", BAD, "is no window" },
    { "limit-set counted_by=account window=60 messages=5 scope=nobody@example.com", NOT_FOUND,
      "no account or domain" },
    { "limit-set counted_by=nobody window=60 messages=5", BAD,
      "is none of account|relay|domain|client|host" },
    { "limit-unset counted_by=client client=192.0.2.1 window=60", NOT_FOUND, "no such limit" },
    { "limit-unset counted_by=client window=61", NOT_FOUND, "no such limit" },
    { "limit-unset counted_by=client window=60", OK, NULL },
    { "limit-set counted_by=account window=1 messages=1", OK, NULL },
    { "limit-set counted_by=account window=2 messages=1", OK, NULL },
    { "limit-set counted_by=account window=3 messages=1", OK, NULL },
    { "limit-set counted_by=account window=4 messages=1", OK, NULL },
    { "limit-set counted_by=account window=5 messages=1", NOT_FOUND, "has 6 windows already" },
    { "limit-set counted_by=account window=4 messages=2", OK, NULL },
};

START_TEST(limits)
{
    struct store *s = store_opened(backends[_i], DATABASE_ACCOUNTS, STORE_CREATE);
    const char *const account[] = { "", "account" }, *const john[] = { "john@example.com", "account" };

    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct error e = { "" };
        enum result r = change_line_apply(s, span_of(steps[i].line), NOW, &e);
        ck_assert_msg(r == steps[i].result, "%s: %s: %s", steps[i].line, result_name(r), e.text);
        ck_assert_msg(!steps[i].error || strstr(e.text, steps[i].error), "%s: %s", steps[i].line, e.text);
    }
    ck_assert_str_eq(store_rows(s, QUERY_LIMITS, account, 2),
                     "1|1|-|-\n2|1|-|-\n3|1|-|-\n4|2|-|-\n60|30|-|-\n3600|-|-|1000");
    ck_assert_str_eq(store_rows(s, QUERY_LIMIT_NETWORKS, NULL, 0), "192.0.2.0/24");
    ck_assert_ptr_nonnull(strstr(store_rows(s, QUERY_ACCOUNT, john, 1), "|1")); /* has_limit */
    store_done(s, "limit-set counted_by=account window=0");
    ck_assert_str_eq(store_rows(s, QUERY_LIMITS, account, 2), "0|-|-|-");
    store_done(s, "limit-set counted_by=account window=60 messages=4");
    ck_assert_str_eq(store_rows(s, QUERY_LIMITS, account, 2), "60|4|-|-");
    store_done(s, "account-remove address=john@example.com");
    ck_assert_str_eq(store_rows(s, QUERY_LIMITS, john, 2), "");
    store_done(s, "domain-remove domain=example.com");
    ck_assert_str_eq(store_rows(s, QUERY_LIMITS_ALL, NULL, 0),
                     "|account|60|4|-|-\n|host|60|1000|-|-\n192.0.2.0/24|client|60|5|-|-");
    store_close(&s);
}
END_TEST

/* ---- usage ---- */

/* Lines as one set. */
static struct change_set apply_at(struct store *s, int64_t now, const char *const lines[static LINES_MAX])
{
    static struct change_line parsed[LINES_MAX];
    static struct change change[LINES_MAX];
    struct change_set set = { .change = change, .result = BAD };
    struct change_set *const sets[] = { &set };
    struct error e = { "" };

    for (; set.count < LINES_MAX && lines[set.count]; set.count++) {
        ck_assert_msg(change_line_parse(span_of(lines[set.count]), &parsed[set.count], &e) == OK, "%s",
                      e.text);
        change[set.count] = parsed[set.count].change;
    }
    ck_assert_int_eq(store_apply(s, sets, 1, now), OK);
    return set;
}

static struct change_set apply(struct store *s, const char *first, const char *second)
{
    return apply_at(s, NOW, (const char *const[LINES_MAX]){ first, second });
}

#define JOHN(resend)                                                                                         \
    "usage key=\"account john@example.com\" number=1 recipients=3 bytes=1000 limits=60:2:: resend=" resend
#define HOST "usage key=host number=1 recipients=3 bytes=1000 limits=60:3::"

START_TEST(counted_until_the_limit)
{
    struct store *s = store_opened(backends[_i], DATABASE_STATE, STORE_CREATE);
    struct change_set set = apply(s, JOHN(""), NULL);

    ck_assert_int_eq(set.result, OK);
    ck_assert(!set.repeated);
    ck_assert_str_eq(row(s, "account john@example.com"), "60@360000000:1,3,1000");
    ck_assert_int_eq(apply(s, JOHN(""), NULL).result, OK);
    set = apply(s, JOHN(""), NULL);
    ck_assert_int_eq(set.result, LIMIT);
    ck_assert_str_eq(
        set.error.text,
        "john@example.com may send 2 messages in 1 minute and has sent 2: try again in 65 seconds");
    ck_assert_str_eq(row(s, "account john@example.com"), "60@360000000:2,6,2000");
    store_close(&s);
}
END_TEST

START_TEST(one_over_its_limit_undoes_all)
{
    struct store *s = store_opened(backends[_i], DATABASE_STATE, STORE_CREATE);

    ck_assert_int_eq(apply(s, HOST, JOHN("")).result, OK);
    ck_assert_int_eq(apply(s, HOST, JOHN("")).result, OK);
    ck_assert_int_eq(apply(s, HOST, JOHN("")).result, LIMIT);
    ck_assert_str_eq(row(s, "host"), "60@360000000:2,6,2000");
    ck_assert_int_eq(apply(s, HOST, NULL).result, OK);
    struct change_set set = apply(s, HOST, JOHN(""));
    ck_assert_int_eq(set.result, LIMIT);
    ck_assert_str_eq(set.error.text,
                     "this host may send 3 messages in 1 minute and has sent 3: try again in 65 seconds");
    store_close(&s);
}
END_TEST

START_TEST(a_request_that_comes_again_adds_nothing)
{
    struct store *s = store_opened(backends[_i], DATABASE_STATE, STORE_CREATE);
    struct change_set set;

    ck_assert_int_eq(apply(s, JOHN("18446744073709551615"), HOST).result, OK);
    set = apply(s, JOHN("18446744073709551615"), HOST);
    ck_assert_int_eq(set.result, OK);
    ck_assert(set.repeated);
    ck_assert_str_eq(row(s, "host"), "60@360000000:1,3,1000");
    ck_assert_str_eq(row(s, "account john@example.com"),
                     "60@360000000:1,3,1000 !1800000000-0:ffffffffffffffff");
    ck_assert_int_eq(apply(s, JOHN("7"), HOST).result, OK);
    ck_assert_int_eq(apply(s, JOHN("8"), HOST).result, LIMIT);
    set = apply(s, JOHN("7"), HOST); /* what was let pass stays so */
    ck_assert_int_eq(set.result, OK);
    ck_assert(set.repeated);
    store_close(&s);
}
END_TEST

START_TEST(a_preview_changes_nothing)
{
    struct store *s = store_opened(backends[_i], DATABASE_STATE, STORE_CREATE);
    struct change_line line;
    struct change_set set = { .change = &line.change, .count = 1 };

    ck_assert_int_eq(change_line_parse(span_of(JOHN("7")), &line, NULL), OK);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(store_preview(s, &set, NOW), OK);
        ck_assert_int_eq(set.result, OK);
        ck_assert(!set.repeated);
    }
    ck_assert_str_eq(row(s, "account john@example.com"), "");
    ck_assert_int_eq(apply(s, JOHN("7"), NULL).result, OK);
    ck_assert_int_eq(store_preview(s, &set, NOW), OK);
    ck_assert(set.repeated);
    ck_assert_int_eq(apply(s, JOHN("8"), NULL).result, OK);
    ck_assert_int_eq(change_line_parse(span_of(JOHN("9")), &line, NULL), OK);
    ck_assert_int_eq(store_preview(s, &set, NOW), OK);
    ck_assert_int_eq(set.result, LIMIT);
    ck_assert_ptr_nonnull(strstr(set.error.text, "try again in"));
    store_close(&s);
}
END_TEST

START_TEST(odd_rows_and_changes)
{
    struct store *s = store_opened(backends[_i], DATABASE_STATE, STORE_CREATE);

    ck_assert_int_eq(apply(s, "usage key=host number=1 recipients=1 bytes=1 limits=x", NULL).result, BAD);
    ck_assert_int_eq(apply(s, "usage key=host number=x recipients=1 bytes=1", NULL).result, BAD);
    ck_assert_int_eq(
        apply(s, "usage key=host number=1 recipients=1 bytes=1 resend=18446744073709551616", NULL).result,
        BAD);
    ck_assert_str_eq(row(s, "host"), "");
    if (_i == 0) { /* a damaged row is begun anew */
        run_sql(store_path("state.db"),
                "INSERT INTO usage (key, counts, expires) VALUES ('host', 'damaged', 0)");
        ck_assert_int_eq(apply(s, HOST, NULL).result, OK);
        ck_assert_str_eq(row(s, "host"), "60@360000000:1,3,1000");
    }
    store_close(&s);
}
END_TEST

static void sweep_at(struct store *s, int64_t now, unsigned times)
{
    while (times-- > 0)
        ck_assert_int_eq(apply_at(s, now, (const char *const[LINES_MAX]){ "usage-sweep" }).result, OK);
}

/* A few at a time, and what still counts stays. */
START_TEST(what_no_longer_counts_goes)
{
    enum { ROWS = 1500 };
    struct store *s = store_opened(backends[_i], DATABASE_STATE, STORE_CREATE);
    unsigned left = 0;
    char line[160], key[40];

    for (int i = 0; i < ROWS; i++) {
        snprintf(line, sizeof line,
                 "usage key=\"client k%04d\" number=1 recipients=1 bytes=1 limits=%d:9::", i,
                 i % 3 == 0 ? 3600 : 60);
        ck_assert_int_eq(apply(s, line, NULL).result, OK);
    }
    sweep_at(s, NOW + 64, 8);
    ck_assert_str_ne(row(s, "client k0001"), "");
    sweep_at(s, NOW + 65, 8);
    for (int i = 0; i < ROWS; i++) {
        snprintf(key, sizeof key, "client k%04d", i);
        left += *row(s, key) != '\0';
    }
    ck_assert_uint_eq(left, ROWS / 3);
    sweep_at(s, NOW + 7200, 4);
    ck_assert_str_eq(row(s, "client k0000"), "");
    store_close(&s);
}
END_TEST

/* Past their number, a new client is not counted; one that is known, and an account, are. */
START_TEST(clients_are_bounded)
{
    struct store *s = store_opened("sqlite", DATABASE_STATE, STORE_CREATE);

    ck_assert_int_eq(
        apply(s, "usage key=\"client 192.0.2.1\" number=1 recipients=1 bytes=1 limits=60:9::", NULL).result,
        OK);
    run_sql(store_path("state.db"),
            "UPDATE usage_sweep SET clients = clients + 262143"); /* USAGE_CLIENTS_MAX - 1 */
    ck_assert_int_eq(
        apply(s, "usage key=\"client 192.0.2.2\" number=1 recipients=1 bytes=1 limits=60:9::", NULL).result,
        OK);
    ck_assert_int_eq(
        apply(s, "usage key=\"client 192.0.2.1\" number=1 recipients=1 bytes=1 limits=60:9::", NULL).result,
        OK);
    ck_assert_int_eq(apply(s, JOHN(""), NULL).result, OK);
    ck_assert_str_eq(row(s, "client 192.0.2.2"), "");
    ck_assert_str_eq(row(s, "client 192.0.2.1"), "60@360000000:2,2,2");
    ck_assert_str_ne(row(s, "account john@example.com"), "");
    sweep_at(s, NOW + 100, 2);
    ck_assert_int_eq(
        apply(s, "usage key=\"client 192.0.2.2\" number=1 recipients=1 bytes=1 limits=60:9::", NULL).result,
        OK);
    ck_assert_str_ne(row(s, "client 192.0.2.2"), "");
    store_close(&s);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("store usage");
    Suite *suite = suite_create("store usage");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, t);
    tcase_add_checked_fixture(t, store_fixture_open, store_fixture_close);
    tcase_add_loop_test(t, limits, 0, BACKENDS);
    tcase_add_loop_test(t, counted_until_the_limit, 0, BACKENDS);
    tcase_add_loop_test(t, one_over_its_limit_undoes_all, 0, BACKENDS);
    tcase_add_loop_test(t, a_request_that_comes_again_adds_nothing, 0, BACKENDS);
    tcase_add_loop_test(t, a_preview_changes_nothing, 0, BACKENDS);
    tcase_add_loop_test(t, odd_rows_and_changes, 0, BACKENDS);
    tcase_add_loop_test(t, what_no_longer_counts_goes, 0, BACKENDS);
    tcase_add_test(t, clients_are_bounded);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
