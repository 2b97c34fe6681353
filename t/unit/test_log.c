/* SPDX-License-Identifier: MIT */
/* policyd/log: whole lines, written at the turn's end, dropped and counted, never waiting. */
#include "policyd/log.h"

#include <check.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[] = "/tmp/postern-log.XXXXXX", path[64], rotated[64];

static void set_up(void)
{
    struct error e;

    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/log", directory);
    snprintf(rotated, sizeof rotated, "%s/log.1", directory);
    ck_assert_int_eq(log_open(path, &e), OK);
}

static void tear_down(void)
{
    log_close();
    unlink(path);
    unlink(rotated);
    ck_assert_int_eq(rmdir(directory), 0);
    memcpy(directory + sizeof directory - 7, "XXXXXX", 6);
}

static const char *contents(const char *file)
{
    static char text[1 << 20];
    FILE *f = fopen(file, "r");

    ck_assert_ptr_nonnull(f);
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    fclose(f);
    return text;
}

/* What stands behind the time stamp of the n-th line. */
static const char *line(const char *file, unsigned n)
{
    static char text[LOG_LINE_MAX + 64];
    const char *p = contents(file);

    while (n-- > 0 && p)
        p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL;
    ck_assert_msg(p && *p, "no such line");
    p = strchr(p, ' ');
    snprintf(text, sizeof text, "%.*s", (int)strcspn(p, "\n") - 1, p + 1);
    return text;
}

START_TEST(lines)
{
    struct stat st;

    log_line(LOG_LEVEL_INFO, SPAN("decision=pass"));
    log_format(LOG_LEVEL_WARNING, "%s: %d", "a\nb\r\x7f", 7);
    log_format(LOG_LEVEL_ALARM, "fire");
    ck_assert_str_eq(contents(path), ""); /* at the turn's end */
    log_flush();
    ck_assert_str_eq(line(path, 0), "policyd: decision=pass");
    ck_assert_str_eq(line(path, 1), "policyd: warning: a?b??: 7");
    ck_assert_str_eq(line(path, 2), "policyd: alarm: fire");
    const char *text = contents(path);
    ck_assert_int_eq(text[strlen(text) - 1], '\n');
    /* 2027-01-15T09:00:00+0100 */
    ck_assert_uint_eq(strcspn(text, " "), 24);
    ck_assert_int_eq(text[10], 'T');
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(st.st_mode & 0777 & ~0640, 0);
    ck_assert_uint_eq(log_dropped(), 0);
}
END_TEST

START_TEST(long_lines_and_many)
{
    char text[LOG_LINE_MAX + 100];

    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    log_format(LOG_LEVEL_INFO, "%s", text);
    log_line(LOG_LEVEL_INFO, (struct span){ text, sizeof text - 1 });
    for (int i = 0; i < 1000; i++)
        log_format(LOG_LEVEL_INFO, "line %d of many, which together are more than the buffer holds at once: %0100d", i, i);
    log_flush();
    ck_assert_uint_eq(strlen(line(path, 0)), strlen("policyd: ") + LOG_LINE_MAX - 1);
    ck_assert_uint_eq(strlen(line(path, 1)), strlen("policyd: ") + LOG_LINE_MAX);
    ck_assert_int_eq(strncmp(line(path, 1001), "policyd: line 999 of many", 25), 0);
    ck_assert_uint_eq(log_dropped(), 0);
}
END_TEST

START_TEST(rotated_files)
{
    log_format(LOG_LEVEL_INFO, "before");
    ck_assert_int_eq(rename(path, rotated), 0);
    log_reopen();
    log_format(LOG_LEVEL_INFO, "after");
    log_flush();
    ck_assert_str_eq(line(rotated, 0), "policyd: before");
    ck_assert_str_eq(line(path, 0), "policyd: after");
}
END_TEST

START_TEST(what_cannot_be_opened)
{
    struct error e = { "" };

    ck_assert_int_eq(log_open("/nowhere/log", &e), BAD);
    ck_assert_str_eq(e.text, "log /nowhere/log: No such file or directory: check the path and its directory's mode");
    ck_assert_int_eq(symlink(path, rotated), 0);
    ck_assert_int_eq(log_open(rotated, &e), BAD); /* follows no link */
    log_format(LOG_LEVEL_INFO, "still there");
    log_flush();
    ck_assert_str_eq(line(path, 0), "policyd: still there");
}
END_TEST

/* Whoever reads standard error has stopped: lines are dropped, counted and reported. */
START_TEST(nobody_reads)
{
    int pipes[2], saved = dup(STDERR_FILENO);
    struct error e;
    char text[65536];

    ck_assert_int_eq(pipe2(pipes, O_NONBLOCK), 0);
    ck_assert_int_ge(dup2(pipes[1], STDERR_FILENO), 0);
    ck_assert_int_eq(fcntl(pipes[1], F_SETFL, 0), 0); /* it would block */
    ck_assert_int_eq(log_open("stderr", &e), OK);
    for (int i = 0; i < 2000; i++)
        log_format(LOG_LEVEL_INFO, "%d: %0100d", i, i);
    log_flush();
    uint64_t dropped = log_dropped();
    ck_assert_uint_gt(dropped, 500);
    ck_assert_uint_lt(dropped, 2000);
    ssize_t n = read(pipes[0], text, sizeof text);
    ck_assert_int_gt(n, 0);
    ck_assert_int_eq(text[n - 1], '\n'); /* whole lines only */
    while (n > 0)
        n = read(pipes[0], text, sizeof text);
    log_format(LOG_LEVEL_INFO, "again");
    log_flush();
    log_flush();
    n = read(pipes[0], text, sizeof text - 1);
    ck_assert_int_gt(n, 0);
    text[n] = '\0';
    ck_assert_int_ge(dup2(saved, STDERR_FILENO), 0);
    ck_assert_msg(strstr(text, "again\n") && strstr(text, "log lines were dropped: nobody took them"), "%s", text);
    ck_assert_uint_eq(log_dropped(), dropped);
    close(pipes[0]);
    close(pipes[1]);
    close(saved);
}
END_TEST

START_TEST(a_full_disk)
{
    struct rlimit limit, small;
    const uint64_t before = log_dropped(); /* by another test, where all run in one process */

    ck_assert_ptr_ne(signal(SIGXFSZ, SIG_IGN), SIG_ERR);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    small = (struct rlimit){ 0, limit.rlim_max };
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    log_format(LOG_LEVEL_INFO, "one");
    log_format(LOG_LEVEL_INFO, "two");
    log_flush();
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    ck_assert_uint_eq(log_dropped() - before, 2);
    log_format(LOG_LEVEL_INFO, "three");
    log_flush();
    log_flush();
    ck_assert_str_eq(line(path, 0), "policyd: three");
    ck_assert_str_eq(line(path, 1), "policyd: warning: 2 log lines were dropped: nobody took them");
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("log");
    Suite *suite = suite_create("log");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, t);
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, lines);
    tcase_add_test(t, long_lines_and_many);
    tcase_add_test(t, rotated_files);
    tcase_add_test(t, what_cannot_be_opened);
    tcase_add_test(t, nobody_reads);
    tcase_add_test(t, a_full_disk);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
