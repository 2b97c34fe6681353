/* SPDX-License-Identifier: MIT */
/*
 * The SQLite backend and its file: who may open what, what is refused with which line,
 * what readers and the writer see of each other.
 */
#include "lib/store.h"

#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/store_sqlite.h"
#include "t/unit/change_line.h"
#include "t/unit/store_fixture.h"

enum { NOBODY = 65534 };

static void make_accounts(void)
{
    struct store *s = store_opened("sqlite", DATABASE_ACCOUNTS, STORE_CREATE);

    store_done(s, "domain-add domain=example.com kind=mailbox");
    store_close(&s);
}

static void make_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    ck_assert_ptr_nonnull(f);
    ck_assert_int_ge(fputs(text, f), 0);
    ck_assert_int_eq(fclose(f), 0);
}

/* The line names the file and holds `text`. */
static void ck_refused(const char *path, enum database database, enum store_access access, enum result result,
                       const char *text)
{
    struct store *s = NULL;
    struct error e = { "" };
    enum result r = store_try(path, database, access, &s, &e);

    ck_assert_msg(r == result, "access %d: %s: '%s'", access, result_name(r), e.text);
    ck_assert_msg(strncmp(e.text, path, strlen(path)) == 0, "%s", e.text);
    ck_assert_msg(strstr(e.text, text), "'%s' is not in '%s'", text, e.text);
    ck_assert_ptr_null(s);
}

static void ck_refused_by_all(const char *path, enum database database, const char *text)
{
    for (int access = STORE_READ; access <= STORE_CREATE; access++)
        ck_refused(path, database, (enum store_access)access, BAD, text);
}

START_TEST(no_file)
{
    const char *path = store_path("accounts.db");

    ck_refused(path, DATABASE_ACCOUNTS, STORE_READ, BAD, "No such file or directory: make it with policyctl init");
    ck_refused(path, DATABASE_ACCOUNTS, STORE_WRITE, BAD, "make it with policyctl init");
    ck_refused(path, DATABASE_ACCOUNTS, STORE_MIGRATE, BAD, "make it with policyctl init");
    ck_assert_int_ne(access(path, F_OK), 0); /* no empty one was made */
    ck_refused(store_path("none/accounts.db"), DATABASE_ACCOUNTS, STORE_CREATE, BAD, "cannot be made");
}
END_TEST

START_TEST(modes_of_new_files)
{
    static const char *const names[] = { "accounts.db", "accounts.db-wal", "accounts.db-shm" };
    mode_t before = umask(0022);
    struct store *s = store_opened("sqlite", DATABASE_ACCOUNTS, STORE_CREATE);
    struct stat st;

    store_done(s, "domain-add domain=example.com kind=mailbox");
    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(stat(store_path(names[i]), &st), 0);
        ck_assert_msg((st.st_mode & 0777) == 0640, "%s: %o", names[i], st.st_mode);
    }
    store_close(&s);
    ck_assert_int_eq(stat(store_path("accounts.db-wal"), &st), 0); /* stays: others may read */
    umask(before);
}
END_TEST

START_TEST(no_regular_file)
{
    const char *path = store_path("accounts.db");

    ck_assert_int_eq(mkdir(path, 0755), 0);
    ck_refused_by_all(path, DATABASE_ACCOUNTS, "not a regular file");
    ck_assert_int_eq(rmdir(path), 0);
    ck_assert_int_eq(mkfifo(path, 0644), 0);
    ck_refused_by_all(path, DATABASE_ACCOUNTS, "not a regular file"); /* and nobody waits */
}
END_TEST

START_TEST(an_empty_file)
{
    const char *path = store_path("accounts.db");
    struct store *s = NULL;
    struct error e;

    make_file(path, "");
    ck_refused(path, DATABASE_ACCOUNTS, STORE_READ, BAD, "schema version 0 is older");
    ck_refused(path, DATABASE_ACCOUNTS, STORE_WRITE, BAD, "policyctl init brings it up to date");
    ck_assert_int_eq(store_try(path, DATABASE_ACCOUNTS, STORE_MIGRATE, &s, &e), OK);
    store_close(&s);
    ck_assert_int_eq(store_try(path, DATABASE_ACCOUNTS, STORE_READ, &s, &e), OK);
    store_close(&s);
}
END_TEST

START_TEST(no_database)
{
    const char *path = store_path("accounts.db");
    char text[8192];

    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    make_file(path, text);
    ck_refused_by_all(path, DATABASE_ACCOUNTS, "damaged or no SQLite database: restore it from a backup");
}
END_TEST

static char *contents(const char *path, size_t *len_r)
{
    static char text[1 << 20];
    FILE *f = fopen(path, "r");

    ck_assert_ptr_nonnull(f);
    *len_r = fread(text, 1, sizeof text, f);
    fclose(f);
    return memcpy(malloc(*len_r + 1), text, *len_r);
}

/* Whatever is refused stays as it is, to the octet. */
static void ck_untouched(const char *path, enum database database, const char *text)
{
    size_t before_len, after_len;
    char *before = contents(path, &before_len), *after;

    ck_refused_by_all(path, database, text);
    after = contents(path, &after_len);
    ck_assert_uint_eq(before_len, after_len);
    ck_assert_msg(memcmp(before, after, before_len) == 0, "%s was written to", path);
    free(before);
    free(after);
}

START_TEST(a_foreign_database)
{
    const char *path = store_path("foreign.db");

    run_sql(path, "CREATE TABLE account (address TEXT); PRAGMA application_id = 7");
    ck_untouched(path, DATABASE_ACCOUNTS, "not Postern's accounts database: name the right file in policyd.conf");
    run_sql(path, "PRAGMA application_id = 0");
    ck_untouched(path, DATABASE_ACCOUNTS, "not Postern's accounts database");
    run_sql(path, "PRAGMA user_version = 1");
    ck_untouched(path, DATABASE_STATE, "not Postern's state database");
}
END_TEST

START_TEST(the_two_swapped)
{
    struct store *s = store_opened("sqlite", DATABASE_STATE, STORE_CREATE);

    store_close(&s);
    make_accounts();
    ck_refused_by_all(store_path("state.db"), DATABASE_ACCOUNTS, "not Postern's accounts database");
    ck_refused_by_all(store_path("accounts.db"), DATABASE_STATE, "not Postern's state database");
}
END_TEST

START_TEST(a_newer_schema)
{
    make_accounts();
    run_sql(store_path("accounts.db"), "PRAGMA user_version = 8");
    ck_refused_by_all(store_path("accounts.db"), DATABASE_ACCOUNTS,
                      "schema version 8 is newer than this program's 7: upgrade Postern");
}
END_TEST

/* As much as a migration of the first version can fail: none of it is left. */
START_TEST(a_migration_that_fails)
{
    const char *path = store_path("accounts.db");
    struct rlimit limit, small = { (rlim_t)_i * 4096, RLIM_INFINITY };
    struct store *s = NULL;
    struct error e = { "" };

    ck_assert_ptr_ne(signal(SIGXFSZ, SIG_IGN), SIG_ERR);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    small.rlim_max = limit.rlim_max;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    enum result r = store_try(path, DATABASE_ACCOUNTS, STORE_CREATE, &s, &e);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    if (r == OK) /* it was enough */
        store_close(&s);
    else
        ck_assert_msg(strstr(e.text, path) && !strstr(e.text, "not an error"), "%s", e.text);
    ck_assert(r != OK || _i > 8);
    ck_assert_int_eq(store_try(path, DATABASE_ACCOUNTS, STORE_CREATE, &s, &e), OK);
    store_done(s, "domain-add domain=example.com kind=mailbox");
    store_close(&s);
}
END_TEST

/* Runs fn as another user, since root may do everything; the test fails where fn does. */
static void as_nobody(void (*fn)(void))
{
    int status;
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        if (geteuid() == 0 && (setgid(NOBODY) != 0 || setuid(NOBODY) != 0))
            _exit(3);
        fn();
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "as nobody: status %x", status);
}

static void open_unreadable(void)
{
    for (int access = STORE_READ; access <= STORE_CREATE; access++)
        ck_refused(store_path("accounts.db"), DATABASE_ACCOUNTS, (enum store_access)access, BAD,
                   "Permission denied: check its owner and mode");
}

static void open_unwritable(void)
{
    struct store *s = NULL;
    struct error e = { "" };

    ck_refused(store_path("accounts.db"), DATABASE_ACCOUNTS, STORE_WRITE, BAD, "check its owner and mode");
    ck_refused(store_path("new.db"), DATABASE_ACCOUNTS, STORE_CREATE, BAD, "cannot be made: Permission denied");
    ck_assert_msg(store_try(store_path("accounts.db"), DATABASE_ACCOUNTS, STORE_READ, &s, &e) == OK, "%s", e.text);
    ck_assert_str_eq(store_rows(s, QUERY_DOMAINS, NULL, 0), "example.com|mailbox|-|0|0");
    store_close(&s);
}

START_TEST(without_permission)
{
    make_accounts();
    ck_assert_int_eq(chmod(store_path("accounts.db"), 0600), 0);
    if (geteuid() != 0)
        ck_assert_int_eq(chmod(store_path("accounts.db"), 0), 0);
    as_nobody(open_unreadable);
}
END_TEST

/* A reader of another user: also after the writer has closed. */
START_TEST(read_only_permission)
{
    static const char *const names[] = { "accounts.db", "accounts.db-wal", "accounts.db-shm" };
    struct store *s = store_opened("sqlite", DATABASE_ACCOUNTS, STORE_CREATE);

    store_done(s, "domain-add domain=example.com kind=mailbox");
    for (size_t i = 0; i < 3; i++)
        ck_assert_int_eq(chmod(store_path(names[i]), geteuid() == 0 ? 0644 : 0444), 0);
    if (geteuid() != 0)
        ck_assert_int_eq(chmod(store_path("."), 0555), 0);
    as_nobody(open_unwritable);
    if (geteuid() != 0)
        ck_assert_int_eq(chmod(store_path("."), 0755), 0);
    store_close(&s);
}
END_TEST

START_TEST(a_reader_cannot_write)
{
    struct store *s;
    struct error e;

    make_accounts();
    s = store_opened("sqlite", DATABASE_ACCOUNTS, STORE_READ);
    ck_assert_int_eq(change_line_apply(s, SPAN("domain-add domain=b.example kind=relay"), NOW, &e), TRY_AGAIN);
    ck_assert_ptr_nonnull(strstr(e.text, "nothing was changed"));
    store_close(&s);
}
END_TEST

START_TEST(what_a_reader_sees)
{
    struct store *writer, *reader;
    uint64_t before, after;

    make_accounts();
    writer = store_opened("sqlite", DATABASE_ACCOUNTS, STORE_WRITE);
    reader = store_opened("sqlite", DATABASE_ACCOUNTS, STORE_READ);
    ck_assert_int_eq(store_version(reader, &before), OK);
    ck_assert_int_eq(store_begin(reader), OK);
    ck_assert_str_eq(store_rows(reader, QUERY_DOMAINS, NULL, 0), "example.com|mailbox|-|0|0");
    store_done(writer, "domain-remove domain=example.com");
    store_done(writer, "domain-add domain=b.example kind=relay");
    ck_assert_str_eq(store_rows(reader, QUERY_DOMAINS, NULL, 0), "example.com|mailbox|-|0|0");
    ck_assert_int_eq(store_checkpoint(writer), PENDING);
    ck_assert_str_eq(store_rows(reader, QUERY_DOMAINS, NULL, 0), "example.com|mailbox|-|0|0");
    store_end(reader);
    ck_assert_str_eq(store_rows(reader, QUERY_DOMAINS, NULL, 0), "b.example|relay|-|0|0");
    ck_assert_int_eq(store_version(reader, &after), OK);
    ck_assert_uint_ne(before, after);
    store_end(reader); /* without begin: nothing */
    store_close(&reader);
    store_close(&writer);
}
END_TEST

START_TEST(a_lock_that_another_holds)
{
    sqlite3 *other;
    struct store *s = store_opened("sqlite", DATABASE_ACCOUNTS, STORE_CREATE);
    struct error e = { "" };

    ck_assert_int_eq(sqlite3_open(store_path("accounts.db"), &other), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(change_line_apply(s, SPAN("domain-add domain=example.com kind=mailbox"), NOW, &e), TRY_AGAIN);
    ck_assert_str_eq(e.text, "nothing was changed: database is locked");
    ck_assert_str_eq(store_rows(s, QUERY_DOMAINS, NULL, 0), ""); /* reading goes on */
    ck_assert_int_eq(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    store_done(s, "domain-add domain=example.com kind=mailbox");
    sqlite3_close(other);
    store_close(&s);
}
END_TEST

/* The file is not yet in WAL mode, so that whoever opens it has to wait for the lock. */
START_TEST(locked_while_it_is_opened)
{
    const char *path = store_path("accounts.db");
    struct error e = { "" };
    struct store *s = NULL;
    sqlite3 *other;

    make_accounts();
    run_sql(path, "PRAGMA journal_mode = DELETE");
    ck_assert_int_eq(sqlite3_open(path, &other), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(other, "BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
    for (int access = STORE_READ; access <= STORE_CREATE; access++)
        ck_refused(path, DATABASE_ACCOUNTS, (enum store_access)access, TRY_AGAIN, "locked");
    ck_assert_int_eq(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(other);
    ck_assert_msg(store_try(path, DATABASE_ACCOUNTS, STORE_WRITE, &s, &e) == OK, "%s", e.text);
    store_close(&s);
}
END_TEST

START_TEST(a_file_that_goes_away)
{
    const char *path = store_path("accounts.db");
    struct store *s;
    uint64_t version;

    make_accounts();
    s = store_opened("sqlite", DATABASE_ACCOUNTS, STORE_READ);
    ck_assert_int_eq(store_version(s, &version), OK);
    ck_assert_int_eq(rename(path, store_path("moved.db")), 0);
    ck_assert_int_eq(store_version(s, &version), TRY_AGAIN);
    make_file(path, "another");
    ck_assert_int_eq(store_version(s, &version), TRY_AGAIN);
    ck_assert_int_eq(rename(store_path("moved.db"), path), 0);
    ck_assert_int_eq(store_version(s, &version), OK);
    store_close(&s);
}
END_TEST

#define SENT "usage key=host number=1 recipients=1 bytes=1 limits=60:9::"

/* A log that a reader holds up is not looked at again and again: only what is new counts. */
START_TEST(how_far_the_log_is_behind)
{
    struct store *s = store_opened("sqlite", DATABASE_STATE, STORE_CREATE), *reader;

    ck_assert_int_eq(store_checkpoint(s), OK);
    ck_assert_uint_eq(store_behind(s), 0);
    store_done(s, SENT);
    ck_assert_uint_gt(store_behind(s), 0);
    ck_assert_int_eq(store_checkpoint(s), OK);
    ck_assert_uint_eq(store_behind(s), 0);
    reader = store_opened("sqlite", DATABASE_STATE, STORE_READ);
    ck_assert_int_eq(store_begin(reader), OK);
    ck_assert_str_ne(store_rows(reader, QUERY_USAGE, &(const char *){ "host" }, 1), "");
    store_done(s, SENT);
    ck_assert_int_eq(store_checkpoint(s), PENDING);
    ck_assert_uint_eq(store_behind(s), 0);
    store_done(s, SENT);
    ck_assert_uint_gt(store_behind(s), 0);
    ck_assert_uint_lt(store_behind(s), 5);
    store_end(reader);
    store_close(&reader);
    ck_assert_int_eq(store_checkpoint(s), OK);
    store_done(s, SENT); /* the log begins anew */
    ck_assert_uint_gt(store_behind(s), 0);
    ck_assert_uint_lt(store_behind(s), 5);
    store_close(&s);
}
END_TEST

/* What does not fit on the disk is refused as a whole, and the store recovers. */
START_TEST(a_full_disk)
{
    struct store *s = store_opened("sqlite", DATABASE_ACCOUNTS, STORE_CREATE);
    struct rlimit limit, small;
    struct error e = { "" };
    struct stat st;

    ck_assert_ptr_ne(signal(SIGXFSZ, SIG_IGN), SIG_ERR);
    store_done(s, "domain-add domain=example.com kind=mailbox");
    ck_assert_int_eq(stat(store_path("accounts.db-wal"), &st), 0);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    small = (struct rlimit){ (rlim_t)st.st_size, limit.rlim_max };
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    enum result r = change_line_apply(s, SPAN("domain-add domain=b.example kind=relay"), NOW, &e);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    ck_assert_int_eq(r, TRY_AGAIN);
    ck_assert_msg(strstr(e.text, "nothing was changed: "), "%s", e.text);
    ck_assert_ptr_null(strstr(e.text, "not an error"));
    ck_assert_str_eq(store_rows(s, QUERY_DOMAINS, NULL, 0), "example.com|mailbox|-|0|0");
    store_done(s, "domain-add domain=b.example kind=relay");
    store_close(&s);
}
END_TEST

/* By sqlite.org/wal.html: 3.7.0 to 3.51.2, but for 3.44.6 and 3.50.7. */
START_TEST(versions_with_the_wal_reset_bug)
{
    static const int bad[] = { 3007000, 3040001, 3044005, 3045000, 3050006, 3051000, 3051002 };
    static const int good[] = { 3006023, 3044006, 3050007, 3051003, 3052000 };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(sqlite_has_wal_reset(bad[i]), "%d", bad[i]);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        ck_assert_msg(!sqlite_has_wal_reset(good[i]), "%d", good[i]);
    ck_assert(!store_wal_reset() || strcmp(store_wal_reset(), sqlite3_libversion()) == 0);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("store_file"), *apart = tcase_create("apart");
    Suite *suite = suite_create("store_file");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, t);
    tcase_add_checked_fixture(t, store_fixture_open, store_fixture_close);
    tcase_add_test(t, no_file);
    tcase_add_test(t, modes_of_new_files);
    tcase_add_test(t, no_regular_file);
    tcase_add_test(t, an_empty_file);
    tcase_add_test(t, no_database);
    tcase_add_test(t, a_foreign_database);
    tcase_add_test(t, the_two_swapped);
    tcase_add_test(t, a_newer_schema);
    tcase_add_loop_test(t, a_migration_that_fails, 1, 32);
    tcase_add_test(t, without_permission);
    tcase_add_test(t, a_reader_cannot_write);
    tcase_add_test(t, what_a_reader_sees);
    tcase_add_test(t, a_lock_that_another_holds);
    tcase_add_test(t, locked_while_it_is_opened);
    tcase_add_test(t, a_file_that_goes_away);
    tcase_add_test(t, how_far_the_log_is_behind);
    tcase_add_test(t, a_full_disk);
    tcase_add_test(t, versions_with_the_wal_reset_bug);
    suite_add_tcase(suite, apart);
    tcase_set_tags(apart, "no_valgrind");
    tcase_add_checked_fixture(apart, store_fixture_open, store_fixture_close);
    tcase_add_test(apart, read_only_permission);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
