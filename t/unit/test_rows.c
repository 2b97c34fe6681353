/* SPDX-License-Identifier: MIT */
/*
 * policyd/rows: from memory until the table changes, and the last good row for an hour
 * where the store cannot be read, not a second more.
 */
#include "policyd/rows.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "t/unit/store_fixture.h"

static struct store *store, *failing;
static struct rows *rows;

static void set_up(void)
{
    store = store_opened("memory", DATABASE_ACCOUNTS, STORE_CREATE);
    failing = store_opened("fail", DATABASE_ACCOUNTS, STORE_READ);
    ck_assert_int_eq(rows_open(store, 64, &rows), OK);
    store_done(store, "domain-add domain=example.com kind=mailbox");
    store_done(store, "account-add address=john@example.com kind=user password={X}x");
}

static void tear_down(void)
{
    rows_close(&rows);
    ck_assert_ptr_null(rows);
    rows_close(&rows);
    store_close(&store);
    store_close(&failing);
}

static enum result get(enum query q, const char *param, int64_t now, struct rowset *set)
{
    return rows_get(rows, q, &param, 1, now, set);
}

static enum result ask(enum query q, const char *param, int64_t now)
{
    struct rowset set;

    return get(q, param, now, &set);
}

/* The table changes, and policyd, its only writer, knows. */
static void change(const char *line)
{
    rows_changed(rows);
    store_done(store, line);
}

START_TEST(columns_and_rows)
{
    struct rowset set;
    const char *p;

    change("account-suspend address=john@example.com reason=spam");
    change("account-add address=anna@example.com kind=user password={X}x");
    ck_assert_int_eq(get(QUERY_ACCOUNT, "john@example.com", NOW, &set), OK);
    ck_assert_uint_eq(set.count, 1);
    ck_assert_uint_eq(set.columns, 8);
    ck_assert_str_eq(p = set.text, "user");
    ck_assert_str_eq(p = rowset_next(p), "active");
    ck_assert_str_eq(p = rowset_next(p), "all");
    ck_assert_str_eq(p = rowset_next(p), "spam");
    ck_assert_str_eq(p = rowset_next(p), ""); /* NULL */
    ck_assert_str_eq(p = rowset_next(p), "0");
    ck_assert_int_eq(get(QUERY_ACCOUNT_NAMES, "example.com", NOW, &set), OK);
    ck_assert_uint_eq(set.count, 2);
    ck_assert_uint_eq(set.columns, 1);
    ck_assert_str_eq(set.text, "anna@example.com");
    ck_assert_str_eq(rowset_next(set.text), "john@example.com");
    ck_assert_int_eq(ask(QUERY_ACCOUNT, "nobody@example.com", NOW), NOT_FOUND);
}
END_TEST

START_TEST(from_memory_until_the_table_changes)
{
    struct rowset set;

    ck_assert_int_eq(get(QUERY_DOMAIN, "example.com", NOW, &set), OK);
    ck_assert_int_eq(ask(QUERY_DOMAIN, "b.example", NOW), NOT_FOUND);
    struct rows_stats before = rows_stats(rows);
    ck_assert_int_eq(get(QUERY_DOMAIN, "example.com", NOW, &set), OK);
    ck_assert_str_eq(set.text, "example.com");
    ck_assert_int_eq(ask(QUERY_DOMAIN, "b.example", NOW), NOT_FOUND);
    ck_assert_uint_eq(rows_stats(rows).read, before.read);
    ck_assert_uint_eq(rows_stats(rows).kept, before.kept + 2);

    uint64_t generation = rows_generation(rows);
    change("domain-add domain=b.example kind=relay");
    ck_assert_uint_ne(rows_generation(rows), generation);
    ck_assert_int_eq(get(QUERY_DOMAIN, "b.example", NOW, &set), OK);
    ck_assert_str_eq(rowset_next(set.text), "relay");
    change("account-suspend address=john@example.com reason=spam");
    ck_assert_int_eq(get(QUERY_ACCOUNT, "john@example.com", NOW, &set), OK);
    ck_assert_str_eq(rowset_next(rowset_next(set.text)), "all");
    ck_assert_uint_eq(rows_stats(rows).read, before.read + 2);
}
END_TEST

START_TEST(last_good_for_an_hour)
{
    struct rowset set;

    ck_assert_int_eq(ask(QUERY_ACCOUNT, "john@example.com", NOW), OK);
    ck_assert_int_eq(ask(QUERY_ACCOUNT, "nobody@example.com", NOW), NOT_FOUND);
    rows_use(rows, failing);
    ck_assert_int_eq(get(QUERY_ACCOUNT, "john@example.com", NOW + ROWS_LAST_GOOD_S, &set), OK);
    ck_assert_str_eq(set.text, "user");
    ck_assert_int_eq(ask(QUERY_ACCOUNT, "nobody@example.com", NOW + ROWS_LAST_GOOD_S), NOT_FOUND);
    ck_assert_uint_eq(rows_stats(rows).last_good, 2);
    ck_assert_int_eq(ask(QUERY_ACCOUNT, "john@example.com", NOW + ROWS_LAST_GOOD_S + 1), TRY_AGAIN);
    ck_assert_int_eq(ask(QUERY_ACCOUNT, "nobody@example.com", NOW + ROWS_LAST_GOOD_S + 1), TRY_AGAIN);
    ck_assert_int_eq(ask(QUERY_ACCOUNT, "anna@example.com", NOW), TRY_AGAIN); /* never asked for before */
    ck_assert_uint_eq(rows_stats(rows).failed, 3);
    rows_use(rows, store);
    ck_assert_int_eq(ask(QUERY_ACCOUNT, "john@example.com", NOW + 2 * ROWS_LAST_GOOD_S), OK);
}
END_TEST

/* It was right up to the outage, however long ago it was read. */
START_TEST(last_good_counts_from_when_it_was_last_current)
{
    ck_assert_int_eq(ask(QUERY_DOMAIN, "example.com", NOW), OK);
    ck_assert_int_eq(ask(QUERY_DOMAIN, "example.com", NOW + 86400), OK);
    rows_use(rows, failing);
    ck_assert_int_eq(ask(QUERY_DOMAIN, "example.com", NOW + 86400 + ROWS_LAST_GOOD_S), OK);
    ck_assert_int_eq(ask(QUERY_DOMAIN, "example.com", NOW + 86400 + ROWS_LAST_GOOD_S + 1), TRY_AGAIN);
}
END_TEST

START_TEST(a_clock_that_goes_back)
{
    ck_assert_int_eq(ask(QUERY_DOMAIN, "example.com", NOW), OK);
    rows_use(rows, failing);
    ck_assert_int_eq(ask(QUERY_DOMAIN, "example.com", NOW - 86400), OK);
}
END_TEST

/* More keys than there is room for: all are still answered, and memory is bounded. */
START_TEST(bounded)
{
    struct rowset set;
    char name[32];

    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 1000; i++) {
            snprintf(name, sizeof name, "d%d.example", i);
            ck_assert_int_eq(ask(QUERY_DOMAIN, name, NOW), NOT_FOUND);
        }
    ck_assert_uint_ge(rows_stats(rows).read, 2000 - 64);
    ck_assert_int_eq(get(QUERY_DOMAIN, "example.com", NOW, &set), OK);
    ck_assert_str_eq(set.text, "example.com");
    rows_use(rows, failing);
    unsigned good = 0;
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "d%d.example", i);
        good += ask(QUERY_DOMAIN, name, NOW) == NOT_FOUND;
    }
    ck_assert_uint_le(good, 64);
    ck_assert_uint_gt(good, 0);
}
END_TEST

static void add_destination(size_t len)
{
    char line[512];
    static unsigned number;

    /* "dNNN...@x.example": len octets with the NUL */
    int head = snprintf(line, sizeof line, "alias-member alias=list@example.com destination=d%04u", number++);
    memset(line + head, 'x', len - 1 - 5 - 10);
    memcpy(line + head + len - 1 - 5 - 10, "@x.example", sizeof "@x.example");
    change(line);
}

START_TEST(as_many_rows_as_fit)
{
    struct rowset set;

    change("alias-add alias=list@example.com");
    for (int i = 0; i < ROWS_TEXT_MAX / 64; i++)
        add_destination(64);
    ck_assert_int_eq(get(QUERY_ALIAS_DESTINATIONS, "list@example.com", NOW, &set), OK);
    ck_assert_uint_eq(set.count, ROWS_TEXT_MAX / 64);
    size_t len = 0;
    for (size_t i = 0; i < set.count; i++)
        len += strlen(set.text + len) + 1;
    ck_assert_uint_eq(len, ROWS_TEXT_MAX);
    add_destination(32);
    ck_assert_int_eq(ask(QUERY_ALIAS_DESTINATIONS, "list@example.com", NOW), LIMIT);
    ck_assert_int_eq(ask(QUERY_ALIAS_DESTINATIONS, "list@example.com", NOW), LIMIT);
    ck_assert_int_eq(ask(QUERY_ALIAS, "list@example.com", NOW), OK);
}
END_TEST

START_TEST(keys_that_are_alike)
{
    const char *const ab[] = { "list@example.com", "a@x.example" }, *const ba[] = { "a@x.example", "list@example.com" };
    char longer[2048];
    struct rowset set;

    change("alias-add alias=list@example.com");
    change("alias-member alias=list@example.com destination=a@x.example");
    ck_assert_int_eq(rows_get(rows, QUERY_ALIAS_MEMBER, ab, 2, NOW, &set), OK);
    ck_assert_int_eq(rows_get(rows, QUERY_ALIAS_MEMBER, ba, 2, NOW, &set), NOT_FOUND);
    ck_assert_int_eq(ask(QUERY_ALIAS, "list@example.com", NOW), OK);
    ck_assert_int_eq(ask(QUERY_ACCOUNT, "list@example.com", NOW), NOT_FOUND);
    memset(longer, 'x', sizeof longer);
    longer[sizeof longer - 1] = '\0';
    ck_assert_int_eq(ask(QUERY_ACCOUNT, longer, NOW), NOT_FOUND); /* no row's key is that long */
}
END_TEST

/* All of one turn is one state of the table. */
START_TEST(one_turn_sees_one_state)
{
    struct store *writer = store_opened("sqlite", DATABASE_ACCOUNTS, STORE_CREATE);
    struct store *reader = store_opened("sqlite", DATABASE_ACCOUNTS, STORE_READ);

    rows_use(rows, reader);
    ck_assert_int_eq(ask(QUERY_DOMAIN, "a.example", NOW), NOT_FOUND);
    store_done(writer, "domain-add domain=b.example kind=relay");
    ck_assert_int_eq(ask(QUERY_DOMAIN, "b.example", NOW), NOT_FOUND);
    rows_changed(rows); /* ends the turn, too */
    ck_assert_int_eq(ask(QUERY_DOMAIN, "b.example", NOW), OK);
    rows_turn_end(rows);
    rows_turn_end(rows);
    rows_use(rows, store);
    store_close(&reader);
    store_close(&writer);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("rows");
    Suite *suite = suite_create("rows");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, t);
    tcase_add_checked_fixture(t, store_fixture_open, store_fixture_close);
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, columns_and_rows);
    tcase_add_test(t, from_memory_until_the_table_changes);
    tcase_add_test(t, last_good_for_an_hour);
    tcase_add_test(t, last_good_counts_from_when_it_was_last_current);
    tcase_add_test(t, a_clock_that_goes_back);
    tcase_add_test(t, bounded);
    tcase_add_test(t, as_many_rows_as_fit);
    tcase_add_test(t, keys_that_are_alike);
    tcase_add_test(t, one_turn_sees_one_state);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
