/* SPDX-License-Identifier: MIT */
/* lib/lock: one holder at a time, named to whoever comes second. */
#include "lib/lock.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/str.h"

static char directory[] = "/tmp/postern-lock.XXXXXX", database[64], lock_file[80];

static void set_up(void)
{
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(database, sizeof database, "%s/accounts.db", directory);
    snprintf(lock_file, sizeof lock_file, "%s.lock", database);
}

static void tear_down(void)
{
    unlink(lock_file);
    ck_assert_int_eq(rmdir(directory), 0);
    memcpy(directory + sizeof directory - 7, "XXXXXX", 6);
}

START_TEST(one_holder)
{
    int first = -1, second = -1;
    struct error e = { "" };
    char expected[300];
    struct stat st;

    ck_assert_int_eq(lock_take(database, &first, &e), OK);
    ck_assert_int_ge(first, 0);
    ck_assert_int_eq(stat(lock_file, &st), 0);
    ck_assert_int_eq(st.st_mode & 0777, 0640);
    ck_assert_int_eq(lock_take(database, &second, &e), TRY_AGAIN);
    ck_assert_int_eq(second, -1);
    snprintf(expected, sizeof expected,
             "%s: held by process %ld: only one policyd, or a policyctl without it, may write", lock_file,
             (long)getpid());
    ck_assert_str_eq(e.text, expected);
    lock_release(&first);
    ck_assert_int_eq(first, -1);
    lock_release(&first);
    ck_assert_int_eq(lock_take(database, &second, &e), OK);
    lock_release(&second);
}
END_TEST

START_TEST(a_holder_that_died)
{
    int fd = -1, status;
    struct error e = { "" };
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid == 0)
        _exit(lock_take(database, &fd, &e) == OK ? 0 : 1);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(lock_take(database, &fd, &e), OK);
    lock_release(&fd);
}
END_TEST

START_TEST(where_no_lock_can_be)
{
    int fd = -1;
    struct error e = { "" };

    ck_assert_int_eq(lock_take("/nowhere/accounts.db", &fd, &e), BAD);
    ck_assert_str_eq(e.text, "/nowhere/accounts.db.lock: No such file or directory: check the directory's owner "
                             "and mode");
    ck_assert_int_eq(symlink("/tmp/elsewhere", lock_file), 0);
    ck_assert_int_eq(lock_take(database, &fd, &e), BAD); /* follows no link */
    ck_assert_ptr_nonnull(strstr(e.text, lock_file));
    ck_assert_int_eq(fd, -1);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("lock");
    Suite *suite = suite_create("lock");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, t);
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, one_holder);
    tcase_add_test(t, a_holder_that_died);
    tcase_add_test(t, where_no_lock_can_be);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
