/* SPDX-License-Identifier: MIT */
/* policyd/list_filter: never wrong about an entry that there is, and seldom about others. */
#include "policyd/list_filter.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "t/unit/store_fixture.h"

static struct store *store;
static struct list_filter *filter;

static void set_up(void)
{
    store_fixture_open();
    store = store_opened("memory", DATABASE_ACCOUNTS, STORE_CREATE);
    filter = list_filter_open(LIST_FILTER_KEYS_MAX);
    ck_assert_ptr_nonnull(filter);
}

static void tear_down(void)
{
    list_filter_close(&filter);
    ck_assert_ptr_null(filter);
    list_filter_close(&filter);
    store_close(&store);
    store_fixture_close();
}

static void add(unsigned from, unsigned to)
{
    char line[80];

    for (unsigned n = from; n < to; n++) {
        snprintf(line, sizeof line, "list-add action=deny client=%u.%u.%u.1", n >> 16, n >> 8 & 255, n & 255);
        store_done(store, line);
    }
    list_filter_changed(filter);
}

static bool lacks(const char *shape, const char *client, const char *recipient)
{
    const char *const key[LIST_KEY_TEXTS] = { shape, recipient, "", "", "", client, "" };

    return list_filter_lacks(filter, key);
}

static bool lacks_client(unsigned n, unsigned last)
{
    char client[32];

    snprintf(client, sizeof client, "%u.%u.%u.%u", n >> 16, n >> 8 & 255, n & 255, last);
    return lacks("c33", client, "");
}

/* As many steps as it takes. */
static unsigned catch_up(void)
{
    unsigned steps = 0;

    while (!lacks("c33", "no client", "")) {
        list_filter_step(filter, store);
        ck_assert_uint_lt(++steps, 1000);
    }
    return steps;
}

START_TEST(an_empty_table)
{
    ck_assert(!lacks("c33", "192.0.2.1", "")); /* it has not looked yet */
    list_filter_step(filter, store);
    ck_assert(lacks("c33", "192.0.2.1", ""));
    list_filter_step(filter, store); /* there is nothing to do */
    ck_assert(lacks("c33", "192.0.2.1", ""));
    list_filter_forget(filter);
    ck_assert(!lacks("c33", "192.0.2.1", ""));
}
END_TEST

START_TEST(each_text_counts)
{
    store_done(store, "list-add action=deny client=192.0.2.1 list_recipient=a@b.example");
    list_filter_step(filter, store);
    ck_assert(!lacks("r255c33", "192.0.2.1", "a@b.example"));
    ck_assert(lacks("r255c33", "192.0.2.1", "a@b.exampl"));
    ck_assert(lacks("r255c33", "192.0.2.", "1a@b.example"));
    ck_assert(lacks("r255c33", "a@b.example", "192.0.2.1"));
    ck_assert(lacks("c33", "192.0.2.1", "a@b.example"));
}
END_TEST

/* Over several sizes: all that there are, and of others at most one of a hundred. */
START_TEST(it_grows)
{
    enum { COUNT = 20000 };
    unsigned wrong = 0;

    add(0, COUNT);
    ck_assert_uint_gt(catch_up(), COUNT / 1024);
    for (unsigned n = 0; n < COUNT; n++) {
        ck_assert(!lacks_client(n, 1));
        wrong += !lacks_client(n, 2);
    }
    ck_assert_uint_lt(wrong, COUNT / 100);
}
END_TEST

/* While entries may be missing it says nothing, and then it knows the new ones too. */
START_TEST(what_is_added_later)
{
    add(0, 10);
    ck_assert_uint_eq(catch_up(), 1);
    add(10, 2000);
    ck_assert(!lacks_client(0, 2));
    list_filter_step(filter, store); /* a step is not enough */
    ck_assert(!lacks_client(0, 2));
    list_filter_step(filter, store);
    ck_assert(lacks_client(0, 2));
    for (unsigned n = 0; n < 2000; n++)
        ck_assert(!lacks_client(n, 1));
}
END_TEST

/* One more than it may know of: it says nothing, whatever else comes. */
START_TEST(more_than_it_may_know)
{
    enum { MOST = 4096 };

    list_filter_close(&filter);
    filter = list_filter_open(MOST);
    add(0, MOST);
    catch_up();
    ck_assert(!lacks_client(MOST - 1, 1));
    add(MOST, MOST + 1);
    for (int i = 0; i < 20; i++)
        list_filter_step(filter, store);
    ck_assert(!lacks_client(0, 2));
    list_filter_forget(filter);
    ck_assert(!lacks_client(0, 2));
}
END_TEST

/* The number of the newest entry is not given again. */
START_TEST(removed_and_added)
{
    store_done(store, "list-add action=deny client=192.0.2.1");
    catch_up();
    store_done(store, "list-remove-entry action=deny client=192.0.2.1");
    store_done(store, "list-add action=deny client=192.0.2.2");
    list_filter_changed(filter);
    catch_up();
    ck_assert(!lacks("c33", "192.0.2.2", ""));
    ck_assert(!lacks("c33", "192.0.2.1", "")); /* it may be wrong that way */
}
END_TEST

START_TEST(a_table_that_cannot_be_read)
{
    struct store_params p = { .backend = "fail" };
    struct store *fail = NULL;
    struct error e;

    ck_assert_int_eq(store_open(&p, &fail, &e), OK);
    list_filter_step(filter, fail);
    ck_assert(!lacks("c33", "192.0.2.1", ""));
    list_filter_step(filter, store);
    ck_assert(lacks("c33", "192.0.2.1", ""));
    store_close(&fail);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("list_filter");
    Suite *suite = suite_create("list_filter");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, t);
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, an_empty_table);
    tcase_add_test(t, each_text_counts);
    tcase_add_test(t, it_grows);
    tcase_add_test(t, what_is_added_later);
    tcase_add_test(t, more_than_it_may_know);
    tcase_add_test(t, removed_and_added);
    tcase_add_test(t, a_table_that_cannot_be_read);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
