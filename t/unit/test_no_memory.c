/* SPDX-License-Identifier: MIT */
/*
 * Every allocation fails in turn, alone and with all that follow: the answer is a result and
 * a line of text, nothing crashes, nothing is half done, and afterwards all goes on.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_file.h"
#include "lib/usage.h"
#include "lib/usage_rows.h"
#include "policyd/dns_cache.h"
#include "policyd/rows.h"
#include "policyd/transactions.h"
#include "t/unit/scarce.h"
#include "t/unit/store_fixture.h"

enum { NUMBER_MAX = 100000 };

/* While allocations fail: libcheck makes some, too. */
#define ck_scarce(condition, ...)                    \
    do {                                             \
        scarce_pause();                              \
        ck_assert_msg((condition), __VA_ARGS__);     \
        scarce_go_on();                              \
    } while (0)

static const char *const backends[] = { "sqlite", "memory" };

/* Calls fn(n, all) with the n-th allocation failing, from the first to the last. */
static unsigned each_failure(void (*fn)(void *context), void *context)
{
    unsigned total = 0;

    for (int all = 0; all <= 1; all++)
        for (unsigned n = 1; n <= NUMBER_MAX; n++) {
            scarce_begin(n, all != 0);
            fn(context);
            if (!scarce_end())
                break;
            total++;
        }
    return total;
}

/* ---- the configuration ---- */

static const char *config_text = "listen = {\"inet:127.0.0.1:10040\", 'unix:/tmp/p'}\n"
                                 "trusted_networks += {192.0.2.0/24, 2001:db8::/32}\n"
                                 "submission_ports = {587, 465}\n"
                                 "help_url = \"https://help.example/\"\n"
                                 "dns { servers = {127.0.0.1, \"::1@5353\"} }\n"
                                 "dovecot { home = \"/srv/{domain}/{local}\" }\n"
                                 "dnsbl { zones = {\"list.example*2\"} }\n";

static void load_config(void *context)
{
    unsigned *loaded = context;
    struct config *c = NULL;
    struct error e = { "" };
    enum result r = config_load(config_file_path, &c, &e);

    ck_scarce((r == OK) == (c != NULL) && (r == OK || (e.text[0] != '\0' && !strchr(e.text, '\n'))), "'%s'", e.text);
    *loaded += r == OK;
    config_free(&c);
}

START_TEST(configuration)
{
    struct config *c = config_file_load(config_text); /* writes the file, too */
    unsigned loaded = 0;

    config_free(&c);
    ck_assert_uint_gt(each_failure(load_config, &loaded), 20);
    ck_assert_uint_ge(loaded, 2); /* once all succeeds */
}
END_TEST

/* ---- the store ---- */

struct step {
    struct store *store;
    unsigned number; /* of the account that is added */
    enum result result;
};

static enum result add_account(struct store *s, unsigned number, struct error *e)
{
    char address[32];
    struct change change[2] = { { .kind = CHANGE_ACCOUNT_ADD }, { .kind = CHANGE_ACCOUNT_SUSPEND } };
    struct change_set set = { .change = change, .count = 2 }, *sets = &set;

    snprintf(address, sizeof address, "user%u@example.com", number);
    change[0].field[FIELD_ADDRESS] = change[1].field[FIELD_ADDRESS] = address;
    change[0].field[FIELD_KIND] = "user";
    change[0].field[FIELD_PASSWORD] = "{X}x";
    change[1].field[FIELD_REASON] = "stolen";
    enum result r = store_apply(s, &sets, 1, NOW);
    *e = set.error;
    return r == OK ? set.result : r;
}

static bool is_there(struct store *s, unsigned number)
{
    char address[32];
    const char *params[] = { address };

    snprintf(address, sizeof address, "user%u@example.com", number);
    const char *rows = store_rows(s, QUERY_ACCOUNT, params, 1);
    ck_assert_msg(*rows == '\0' || strstr(rows, "stolen"), "half a set: %s", rows);
    return *rows != '\0';
}

static void add_one(void *context)
{
    struct step *step = context;
    struct error e = { "" };

    step->result = add_account(step->store, ++step->number, &e);
    scarce_end();
    ck_assert_msg(step->result == OK || e.text[0] != '\0', "no word");
    ck_assert_msg(is_there(step->store, step->number) == (step->result == OK), "%s: %s",
                  result_name(step->result), e.text);
}

START_TEST(changes)
{
    struct step step = { .store = store_opened(backends[_i], DATABASE_ACCOUNTS, STORE_CREATE) };

    store_done(step.store, "domain-add domain=example.com kind=mailbox");
    ck_assert_uint_gt(each_failure(add_one, &step), 3);
    ck_assert_int_eq(step.result, OK); /* in the end none failed */
    store_close(&step.store);
}
END_TEST

static bool ignore(const struct row *row, void *context)
{
    (void)row, (void)context;
    return true;
}

static void open_and_ask(void *context)
{
    struct store_params p = { .path = store_path("accounts.db"), .database = DATABASE_ACCOUNTS,
                              .access = STORE_READ };
    const char *params[] = { "john@example.com" };
    unsigned *found = context;
    struct store *s = NULL;
    struct error e = { "" };
    enum result r = store_open(&p, &s, &e);

    ck_scarce((r == OK) == (s != NULL) && (r == OK || e.text[0] != '\0'), "'%s'", e.text);
    if (r != OK)
        return;
    r = store_query(s, QUERY_ACCOUNT, params, 1, ignore, NULL);
    ck_scarce(r == OK || r == TRY_AGAIN, "%s", result_name(r)); /* never: there is no such account */
    *found += r == OK;
    store_close(&s);
}

START_TEST(opening_and_asking)
{
    struct store *s = store_opened("sqlite", DATABASE_ACCOUNTS, STORE_CREATE);
    unsigned found = 0;

    store_done(s, "domain-add domain=example.com kind=mailbox");
    store_done(s, "account-add address=john@example.com kind=user password={X}x");
    store_close(&s);
    ck_assert_uint_gt(each_failure(open_and_ask, &found), 50);
    ck_assert_uint_ge(found, 2);
}
END_TEST

/* ---- what the daemon keeps in memory ---- */

static void use_rows(void *context)
{
    struct rows *rows = NULL;
    struct rowset set;

    if (rows_open(context, 64, &rows) != OK)
        return;
    for (unsigned i = 0; i < 8; i++) {
        const char *known[] = { "john@example.com" }, *unknown[] = { i % 2 ? "a@example.com" : "b@example.com" };
        enum result r = rows_get(rows, QUERY_ACCOUNT, known, 1, NOW, &set);
        ck_scarce(r == OK || r == TRY_AGAIN, "%s", result_name(r));
        r = rows_get(rows, QUERY_ACCOUNT, unknown, 1, NOW, &set);
        ck_scarce(r == NOT_FOUND || r == TRY_AGAIN, "%s", result_name(r));
    }
    rows_turn_end(rows);
    rows_close(&rows);
}

START_TEST(rows_kept)
{
    struct store *s = store_opened(backends[_i], DATABASE_ACCOUNTS, STORE_CREATE);

    store_done(s, "domain-add domain=example.com kind=mailbox");
    store_done(s, "account-add address=john@example.com kind=user password={X}x");
    ck_assert_uint_gt(each_failure(use_rows, s), 3);
    store_close(&s);
}
END_TEST

static void use_transactions(void *context)
{
    struct sighting s = { .subject = "a", .cause = "b", .envelope_sender = "c", .network = "d", .sample = "e" };
    struct transactions *t = NULL;

    (void)context;
    if (transactions_open(&t) != OK)
        return;
    for (unsigned i = 0; i < 4; i++)
        (void)transactions_note(t, i % 2 ? SPAN("one") : SPAN("two"), &s, NOW);
    transactions_end(t, SPAN("one"), NOW, NULL, NULL);
    transactions_close(&t);
}

static void use_dns_cache(void *context)
{
    static const uint64_t seed[2] = { 1, 2 };
    struct dns_query query = { .type = DNS_A };
    struct dns_answer answer = { .status = DNS_NXDOMAIN };
    struct dns_cache *cache = NULL;

    (void)context;
    if (dns_cache_new(16, seed, &cache) != OK)
        return;
    for (unsigned char i = 0; i < 4; i++) {
        ck_scarce(dns_name_set(i % 2 ? SPAN("a.example") : SPAN("b.example"), &query.name) == OK, "no name");
        enum result kept = dns_cache_put(cache, &query, &answer, 60, 1000);
        enum result known = dns_cache_get(cache, &query, 1000, &answer);
        ck_scarce(kept != OK || known == OK, "kept, and not known");
    }
    dns_cache_free(&cache);
}

START_TEST(caches)
{
    ck_assert_uint_gt(each_failure(use_transactions, NULL), 5);
    ck_assert_uint_gt(each_failure(use_dns_cache, NULL), 3);
}
END_TEST

/* ---- counting ---- */

struct counting {
    struct usage_rows *rows;
    unsigned asked, counted;
};

/* One message for the host, and for an account that is new each time. */
static void count_message(void *context)
{
    struct counting *c = context;
    char key[32];
    struct change change[2] = { { .kind = CHANGE_USAGE }, { .kind = CHANGE_USAGE } };
    struct change_set set = { .change = change, .count = 2 }, *sets = &set;
    struct error e = { "" };

    snprintf(key, sizeof key, "account user%u", ++c->asked);
    change[0].field[FIELD_KEY] = key;
    change[1].field[FIELD_KEY] = "host";
    for (int i = 0; i < 2; i++) {
        change[i].field[FIELD_NUMBER] = "1";
        change[i].field[FIELD_RECIPIENTS] = change[i].field[FIELD_BYTES] = "0";
        change[i].field[FIELD_LIMITS] = "86400:::";
    }
    enum result r = usage_rows_apply(c->rows, &sets, 1, NOW, &e); /* TRY_AGAIN: it counts, without a log */
    ck_scarce(r == OK || (r == TRY_AGAIN && *e.text), "%s: %s", result_name(r), e.text);
    ck_scarce(set.result == OK || (set.result == TRY_AGAIN && *set.error.text), "%s", result_name(set.result));
    c->counted += set.result == OK;
}

/* All of a set or none: the host's row has as many as there are accounts' rows, and as were told. */
START_TEST(counting)
{
    struct store *s = store_opened("sqlite", DATABASE_STATE, STORE_CREATE);
    struct counting c = { 0 };
    struct change_set set = { .result = BAD }, *sets = &set;
    const char *host = "host";
    struct usage usage;
    uint64_t used[USAGE_UNITS];
    struct error e;

    ck_assert_int_eq(usage_rows_open(store_path("state.db"), &c.rows, &e), OK);
    ck_assert_uint_gt(each_failure(count_message, &c), 5);
    ck_assert_uint_gt(c.counted, 0);
    ck_assert_uint_lt(c.counted, c.asked);
    set.source = usage_rows_changed(c.rows, SIZE_MAX, INT64_MAX);
    ck_assert_int_eq(store_apply(s, &sets, 1, NOW), OK);
    ck_assert_int_eq(set.result, OK);
    usage_rows_written(c.rows, true);
    ck_assert_int_eq(usage_parse(store_rows(s, QUERY_USAGE, &host, 1), &usage), OK);
    usage_used(&usage, 86400, NOW, used);
    ck_assert_uint_eq(used[USAGE_MESSAGES], c.counted);
    usage_rows_close(&c.rows);
    store_close(&s);
}
END_TEST

int main(void)
{
    scarce_sqlite();
    Suite *suite = suite_create("no_memory");
    TCase *t = tcase_create("no_memory");
    SRunner *runner = srunner_create(suite);

    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, store_fixture_open, store_fixture_close);
    tcase_add_checked_fixture(t, config_file_create, config_file_remove);
    tcase_add_test(t, configuration);
    tcase_add_loop_test(t, changes, 0, 2);
    tcase_add_test(t, opening_and_asking);
    tcase_add_loop_test(t, rows_kept, 0, 2);
    tcase_add_test(t, caches);
    tcase_add_test(t, counting);
    suite_add_tcase(suite, t);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
