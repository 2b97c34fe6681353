/* SPDX-License-Identifier: MIT */
/*
 * A backup is whole, of one moment and its maker's alone; where it fails, at whatever read, write
 * or sync, the earlier one is what it was, and nothing else is left.
 */
#include "lib/store_backup.h"

#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "t/unit/faulty_vfs.h"
#include "t/unit/store_fixture.h"

enum { NUMBER_MAX = 10000, ROOM = 1 << 20 };

static struct store *writer;

static void open_writer(void)
{
    store_fixture_open();
    ck_assert_int_eq(mkdir(store_path("to"), 0755), 0);
    writer = store_opened("sqlite", DATABASE_ACCOUNTS, STORE_CREATE);
    store_done(writer, "domain-add domain=example.com kind=mailbox");
}

/* Nothing but the backup is there, and nothing half done. */
static void close_writer(void)
{
    store_close(&writer);
    unlink(store_path("to/copy"));
    ck_assert_int_eq(rmdir(store_path("to")), 0);
    store_fixture_close();
}

static enum result back_up(const char *file, struct error *e)
{
    struct store_params p = { .path = store_path("accounts.db"), .access = STORE_READ, .older = true };

    e->text[0] = '\0';
    return store_backup(&p, file, e);
}

static void ck_backed_up(void)
{
    struct error e;

    ck_assert_msg(back_up(store_path("to/copy"), &e) == OK, "%s", e.text);
}

static void ck_fails(const char *file, enum result result, const char *text)
{
    struct error e;
    enum result r = back_up(file, &e);

    ck_assert_msg(r == result, "%s: %s '%s'", file, result_name(r), e.text);
    ck_assert_msg(strstr(e.text, text), "'%s' is not in '%s'", text, e.text);
}

/* The domains that the backup holds; it opens as a database does that was put back. */
static const char *domains(void)
{
    struct store *s = NULL;
    struct error e = { "" };

    ck_assert_msg(store_try(store_path("to/copy"), DATABASE_ACCOUNTS, STORE_READ, &s, &e) == OK, "%s", e.text);
    const char *rows = store_rows(s, QUERY_DOMAINS, NULL, 0);
    store_close(&s);
    return rows;
}

static size_t contents(char *text_r)
{
    FILE *f = fopen(store_path("to/copy"), "r");

    ck_assert_ptr_nonnull(f);
    size_t len = fread(text_r, 1, ROOM, f);
    ck_assert_int_eq(fclose(f), 0);
    ck_assert_uint_lt(len, ROOM);
    return len;
}

#define FIRST "example.com|mailbox|-|0|0"
#define BOTH  "b.example|relay|-|0|0\n" FIRST

START_TEST(what_was_written_last)
{
    struct stat st;

    ck_assert_uint_gt(store_behind(writer), 0); /* it is in the log only */
    ck_backed_up();
    ck_assert_str_eq(domains(), FIRST);
    store_done(writer, "domain-add domain=b.example kind=relay");
    ck_assert_str_eq(domains(), FIRST);
    ck_assert_int_eq(chmod(store_path("to/copy"), 0644), 0);
    ck_backed_up();
    ck_assert_str_eq(domains(), BOTH);
    ck_assert_int_eq(stat(store_path("to/copy"), &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0600);
    ck_assert_uint_eq(st.st_uid, geteuid());
}
END_TEST

/* A change that is not yet committed is none. */
START_TEST(of_one_moment)
{
    sqlite3 *other;

    ck_assert_int_eq(sqlite3_open(store_path("accounts.db"), &other), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(other, "BEGIN IMMEDIATE; DELETE FROM domain", NULL, NULL, NULL), SQLITE_OK);
    ck_backed_up();
    ck_assert_str_eq(domains(), FIRST);
    ck_assert_int_eq(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(other);
}
END_TEST

START_TEST(what_a_killed_one_left)
{
    FILE *f = fopen(store_path("to/copy.new"), "w");

    ck_assert_ptr_nonnull(f);
    ck_assert_int_ge(fputs("half", f), 0);
    ck_assert_int_eq(fclose(f), 0);
    ck_assert_int_eq(symlink("/dev/null", store_path("to/copy.new-journal")), 0);
    ck_backed_up();
    ck_assert_str_eq(domains(), FIRST);
}
END_TEST

START_TEST(no_place_for_one)
{
    struct stat st;

    ck_fails(store_path("none/copy"), BAD, "none: No such file or directory");
    ck_fails(store_path("to"), BAD, "to: not a regular file");
    ck_assert_int_eq(symlink("elsewhere", store_path("to/copy")), 0);
    ck_fails(store_path("to/copy"), BAD, "to/copy: not a regular file");
    ck_assert_int_ne(stat(store_path("to/elsewhere"), &st), 0);
    char name[5000];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    ck_fails(name, BAD, "the path is too long");
}
END_TEST

START_TEST(no_database_to_copy)
{
    ck_backed_up();
    store_close(&writer);
    run_sql(store_path("accounts.db"), "PRAGMA user_version = 99");
    ck_fails(store_path("to/copy"), BAD, "is newer than this program's");
    ck_assert_int_eq(unlink(store_path("accounts.db")), 0);
    ck_fails(store_path("to/copy"), BAD, "accounts.db: No such file or directory");
    ck_assert_str_eq(domains(), FIRST);
}
END_TEST

START_TEST(of_an_earlier_version)
{
    run_sql(store_path("accounts.db"), "PRAGMA user_version = 2");
    ck_backed_up();
    run_sql(store_path("to/copy"), "SELECT * FROM domain");
    struct store *s = NULL;
    struct error e;
    ck_assert_int_eq(store_try(store_path("to/copy"), DATABASE_ACCOUNTS, STORE_READ, &s, &e), BAD);
    ck_assert_msg(strstr(e.text, "schema version 2 is older"), "%s", e.text);
}
END_TEST

START_TEST(two_at_once)
{
    int fd = open(store_path("to"), O_RDONLY | O_DIRECTORY);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(flock(fd, LOCK_EX), 0);
    ck_fails(store_path("to/copy"), TRY_AGAIN, "to: another backup is being made there");
    close(fd);
    ck_backed_up();
}
END_TEST

START_TEST(a_store_that_fails)
{
    struct store_params p = { .backend = "fail" };
    struct error e;

    ck_assert_int_eq(store_backup(&p, store_path("to/copy"), &e), TRY_AGAIN);
    ck_assert_int_ne(access(store_path("to/copy"), F_OK), 0);
}
END_TEST

/* A damaged page: found when the copy is made or when it is read back. */
START_TEST(damaged)
{
    static char before[ROOM], after[ROOM], page[4096];
    size_t len;
    struct stat st;

    ck_backed_up();
    len = contents(before);
    ck_assert_int_eq(store_checkpoint(writer), OK);
    store_close(&writer);
    ck_assert_int_eq(stat(store_path("accounts.db"), &st), 0);
    memset(page, 0x5a, sizeof page);
    int fd = open(store_path("accounts.db"), O_WRONLY);
    for (off_t at = sizeof page; at < st.st_size; at += (off_t)sizeof page)
        ck_assert_int_eq(pwrite(fd, page, sizeof page, at), sizeof page);
    close(fd);
    ck_fails(store_path("to/copy"), BAD, "accounts.db: damaged");
    ck_assert_uint_eq(contents(after), len);
    ck_assert_mem_eq(before, after, len);
}
END_TEST

/* As much room as there is: all of it, or what was there. */
START_TEST(a_full_disk)
{
    static char before[ROOM], after[ROOM];
    struct rlimit limit, small;
    struct error e;
    size_t len;

    ck_assert_ptr_ne(signal(SIGXFSZ, SIG_IGN), SIG_ERR);
    ck_backed_up();
    len = contents(before);
    store_done(writer, "domain-add domain=b.example kind=relay");
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    small = (struct rlimit){ (rlim_t)_i * 8192, limit.rlim_max };
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    enum result r = back_up(store_path("to/copy"), &e);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    ck_assert_int_eq(r, (rlim_t)len <= small.rlim_cur ? OK : BAD);
    if (r == OK)
        ck_assert_str_eq(domains(), BOTH);
    else {
        ck_assert_msg(strstr(e.text, "to/copy.new: not made: "), "%s", e.text);
        ck_assert_uint_eq(contents(after), len);
        ck_assert_mem_eq(before, after, len);
    }
    ck_assert_int_ne(access(store_path("to/copy.new"), F_OK), 0);
    ck_assert_int_ne(access(store_path("to/copy.new-journal"), F_OK), 0);
}
END_TEST

/* Every read, write and sync in turn: the first as the database is opened, the last as the copy
 * is read back. */
START_TEST(a_disk_that_fails)
{
    static char before[ROOM], after[ROOM];
    enum faulty_call call = (enum faulty_call)(_i / 2);
    bool failed = true;
    unsigned hit = 0;
    struct error e;
    size_t len;

    ck_backed_up();
    len = contents(before);
    store_done(writer, "domain-add domain=b.example kind=relay");
    for (unsigned n = 1; failed && n < NUMBER_MAX; n++) {
        faulty_vfs_begin(call, n, _i % 2);
        enum result r = back_up(store_path("to/copy"), &e);
        failed = faulty_vfs_end();
        hit += failed;
        ck_assert_msg(r == OK || failed, "%u: %s", n, e.text);
        ck_assert_int_ne(access(store_path("to/copy.new"), F_OK), 0);
        if (r != OK) {
            ck_assert_msg(e.text[0] != '\0', "%u: no word", n);
            ck_assert_uint_eq(contents(after), len);
            ck_assert_mem_eq(before, after, len);
        } else {
            ck_assert_str_eq(domains(), BOTH);
            len = contents(before);
        }
    }
    ck_assert_msg(call == FAULTY_SYNC || hit > 2, "%u hit", hit);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store_backup");
    TCase *t = tcase_create("store_backup");
    SRunner *runner = srunner_create(suite);

    faulty_vfs_install();
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, open_writer, close_writer);
    tcase_add_test(t, what_was_written_last);
    tcase_add_test(t, of_one_moment);
    tcase_add_test(t, what_a_killed_one_left);
    tcase_add_test(t, no_place_for_one);
    tcase_add_test(t, no_database_to_copy);
    tcase_add_test(t, of_an_earlier_version);
    tcase_add_test(t, two_at_once);
    tcase_add_test(t, a_store_that_fails);
    tcase_add_test(t, damaged);
    tcase_add_loop_test(t, a_full_disk, 0, 32);
    tcase_add_loop_test(t, a_disk_that_fails, 0, 2 * FAULTY_CALLS);
    suite_add_tcase(suite, t);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
