/* SPDX-License-Identifier: MIT */
/*
 * The contract of lib/store.h on a disk that fails: every read, write and sync fails in turn,
 * alone and with all that follow.  What was acknowledged is there afterwards, nothing is half
 * done, "not found" never stands for "could not be read", and the file is whole.
 */
#include <check.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "t/unit/faulty_vfs.h"
#include "t/unit/store_fixture.h"

enum { NUMBER_MAX = 10000 };

static const char *const names[FAULTY_CALLS] = { "read", "write", "sync", "full disk" };

static void ck_whole(const char *path)
{
    sqlite3 *db;
    sqlite3_stmt *stmt;

    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &stmt, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(stmt), SQLITE_ROW);
    ck_assert_str_eq((const char *)sqlite3_column_text(stmt, 0), "ok");
    sqlite3_finalize(stmt);
    sqlite3_close(db);
}

/* Two changes that stand or fall together. */
static enum result add_account(struct store *s, const char *address, struct error *e)
{
    struct change change[2] = { { .kind = CHANGE_ACCOUNT_ADD }, { .kind = CHANGE_ACCOUNT_SUSPEND } };
    struct change_set set = { .change = change, .count = 2 }, *sets = &set;

    change[0].field[FIELD_ADDRESS] = change[1].field[FIELD_ADDRESS] = address;
    change[0].field[FIELD_KIND] = "user";
    change[0].field[FIELD_PASSWORD] = "{X}x";
    change[1].field[FIELD_REASON] = "stolen";
    enum result r = store_apply(s, &sets, 1, NOW);
    *e = set.error;
    return r == OK ? set.result : r;
}

/* One life of a writer with a failing disk: opened, a change, written back, closed. Returns
 * what became of the change; TRY_AGAIN where it could not even be opened. */
static enum result live(const char *address, enum faulty_call call, unsigned number, bool all, bool *failed_r)
{
    struct store *s = NULL;
    struct error e = { "" };

    faulty_vfs_begin(call, number, all);
    enum result r = store_try(store_path("accounts.db"), DATABASE_ACCOUNTS, STORE_WRITE, &s, &e);
    if (r == OK) {
        r = add_account(s, address, &e);
        (void)!store_checkpoint(s);
    } else
        r = TRY_AGAIN;
    ck_assert_msg(r == OK || e.text[0] != '\0', "no word");
    store_close(&s);
    *failed_r = faulty_vfs_end();
    return r;
}

/* What was refused may be there all the same, since a log that could not be synced is read
 * again; but never the half of it. */
static void ck_kept(const char *address, enum result r, const char *how, unsigned number)
{
    struct store *s = store_opened("sqlite", DATABASE_ACCOUNTS, STORE_READ);
    const char *rows = store_rows(s, QUERY_ACCOUNT, &address, 1);

    ck_assert_msg(r != OK || *rows, "%s %u: acknowledged, and lost", how, number);
    ck_assert_msg(!*rows || strstr(rows, "stolen"), "%s %u: half done: %s", how, number, rows);
    rows = store_rows(s, QUERY_ACCOUNT, (const char *[]){ "first@example.com" }, 1);
    ck_assert_msg(*rows, "%s %u: what was there before is lost", how, number);
    store_close(&s);
}

START_TEST(a_writer)
{
    enum faulty_call call = (enum faulty_call)(_i / 2);
    struct store *s = store_opened("sqlite", DATABASE_ACCOUNTS, STORE_CREATE);
    struct error e;
    bool failed = true;
    unsigned hit = 0;

    store_done(s, "domain-add domain=example.com kind=mailbox");
    ck_assert_int_eq(add_account(s, "first@example.com", &e), OK);
    store_close(&s);
    for (unsigned n = 1; failed && n < NUMBER_MAX; n++) {
        char address[32];
        snprintf(address, sizeof address, "user%u@example.com", n);
        enum result r = live(address, call, n, _i % 2, &failed);
        ck_assert_msg(failed || r == OK, "%s %u: no fault, and refused", names[call], n);
        ck_kept(address, r, names[call], n);
        ck_whole(store_path("accounts.db"));
        hit += failed;
    }
    ck_assert_uint_gt(hit, 2);
}
END_TEST

static bool ignore(const struct row *row, void *context)
{
    (void)row, (void)context;
    return true;
}

START_TEST(a_reader)
{
    const char *first = "first@example.com", *nobody = "nobody@example.com";
    struct store *s = store_opened("sqlite", DATABASE_ACCOUNTS, STORE_CREATE);
    struct error e;
    bool failed = true;
    unsigned hit = 0;

    store_done(s, "domain-add domain=example.com kind=mailbox");
    ck_assert_int_eq(add_account(s, first, &e), OK);
    ck_assert_int_eq(store_checkpoint(s), OK);
    store_close(&s);
    for (unsigned n = 1; failed && n < NUMBER_MAX; n++) {
        faulty_vfs_begin(FAULTY_READ, n, _i);
        enum result r = store_try(store_path("accounts.db"), DATABASE_ACCOUNTS, STORE_READ, &s, &e);
        if (r == OK) {
            r = store_query(s, QUERY_ACCOUNT, &first, 1, ignore, NULL);
            ck_assert_msg(r == OK || r == TRY_AGAIN, "read %u: %s", n, result_name(r));
            r = store_query(s, QUERY_ACCOUNT, &nobody, 1, ignore, NULL);
            ck_assert_msg(r == NOT_FOUND || r == TRY_AGAIN, "read %u: %s", n, result_name(r));
            failed = faulty_vfs_end();
            ck_assert_msg(store_query(s, QUERY_ACCOUNT, &first, 1, ignore, NULL) == OK, "read %u: not again", n);
        } else
            failed = faulty_vfs_end();
        hit += failed;
        store_close(&s);
    }
    ck_assert_uint_gt(hit, 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("io_errors");
    TCase *t = tcase_create("io_errors");
    SRunner *runner = srunner_create(suite);

    faulty_vfs_install();
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, store_fixture_open, store_fixture_close);
    tcase_add_loop_test(t, a_writer, 0, 2 * FAULTY_CALLS);
    tcase_add_loop_test(t, a_reader, 0, 2);
    suite_add_tcase(suite, t);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
