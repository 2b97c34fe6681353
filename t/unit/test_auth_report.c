/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dovecot-plugin/auth_report.h"

static char directory[32];
static struct sockaddr_un un = { .sun_family = AF_UNIX };
static struct auth_report *report;
static int receiver = -1;
static int64_t now = 1000;

static void start_receiver(void)
{
    unlink(un.sun_path);
    receiver = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    ck_assert_int_ge(receiver, 0);
    ck_assert_int_eq(bind(receiver, (struct sockaddr *)&un, sizeof un), 0);
}

static void stop_receiver(void)
{
    close(receiver);
    receiver = -1;
    unlink(un.sun_path);
}

static void create(void)
{
    snprintf(directory, sizeof directory, "/tmp/test_report.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(un.sun_path, sizeof un.sun_path, "%s/observe", directory);
    report = auth_report_new(un.sun_path);
    ck_assert_ptr_nonnull(report);
}

static void destroy(void)
{
    auth_report_free(&report);
    if (receiver >= 0)
        stop_receiver();
    rmdir(directory);
}

static void say(unsigned port)
{
    struct login_event e = { .account = "user@example.com", .service = "imap", .outcome = LOGIN_OK, .port = port };

    auth_report_send(report, &e, now);
}

/* The next event's port, 0 where there is none; *lost_r: what it says was lost. */
static unsigned hear(uint64_t *lost_r)
{
    char text[LOGIN_EVENT_MAX];
    struct login_event e;
    struct error error;
    ssize_t n = recv(receiver, text, sizeof text, 0);

    if (n < 0)
        return 0;
    ck_assert_int_eq(login_event_parse((struct span){ text, (size_t)n }, &e, &error), OK);
    *lost_r += e.lost;
    return e.port;
}

START_TEST(sent_at_once)
{
    uint64_t lost = 0;

    start_receiver();
    say(143);
    ck_assert_uint_eq(hear(&lost), 143);
    ck_assert_uint_eq(hear(&lost), 0);
    ck_assert_uint_eq(lost, 0);
}
END_TEST

START_TEST(kept_while_nobody_listens)
{
    uint64_t lost = 0;

    say(1);
    say(2);
    start_receiver();
    say(3); /* within the same second it is not tried again */
    ck_assert_uint_eq(hear(&lost), 0);
    now++;
    say(4);
    for (unsigned i = 1; i <= 4; i++)
        ck_assert_uint_eq(hear(&lost), i);
    ck_assert_uint_eq(lost, 0);
}
END_TEST

START_TEST(a_restart_is_survived)
{
    uint64_t lost = 0;

    start_receiver();
    say(1);
    ck_assert_uint_eq(hear(&lost), 1);
    stop_receiver();
    now++;
    say(2);
    start_receiver();
    now++;
    say(3);
    ck_assert_uint_eq(hear(&lost), 2);
    ck_assert_uint_eq(hear(&lost), 3);
}
END_TEST

/* The queue holds net.unix.max_dgram_qlen; the ring REPORT_RING more; the oldest of the
 * ring go, and are counted. */
START_TEST(a_full_queue_is_never_waited_for)
{
    enum { SENT = 1000 };
    uint64_t lost = 0;
    unsigned heard = 0, last = 0;

    start_receiver();
    for (unsigned i = 1; i <= SENT; i++)
        say(i);
    for (unsigned port; now < 10000; now++, say(SENT + 1))
        while ((port = hear(&lost)) != 0) {
            ck_assert_uint_ge(port, last); /* in order */
            last = port;
            heard += port <= SENT;
        }
    ck_assert_uint_eq(last, SENT + 1);
    ck_assert_uint_eq(heard + lost, SENT);
    ck_assert_uint_gt(lost, SENT / 2);
}
END_TEST

START_TEST(a_child_speaks_for_itself)
{
    uint64_t lost = 0;
    int status;

    say(1); /* waits in the parent's ring */
    start_receiver();
    pid_t child = fork();
    if (child == 0) {
        say(2);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_uint_eq(hear(&lost), 2);
    ck_assert_uint_eq(hear(&lost), 0);
}
END_TEST

START_TEST(without_a_socket_nothing_happens)
{
    auth_report_free(&report);
    report = auth_report_new("");
    for (unsigned i = 1; i < 200; i++)
        say(i);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("auth_report");
    TCase *tc = tcase_create("auth_report");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tc, create, destroy);
    tcase_add_test(tc, sent_at_once);
    tcase_add_test(tc, kept_while_nobody_listens);
    tcase_add_test(tc, a_restart_is_survived);
    tcase_add_test(tc, a_full_queue_is_never_waited_for);
    tcase_add_test(tc, a_child_speaks_for_itself);
    tcase_add_test(tc, without_a_socket_nothing_happens);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
