/* SPDX-License-Identifier: MIT */
/* policyd/server and listen: caps, idleness, descriptors, and the sockets themselves. */
#include <check.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "t/unit/server_fixture.h"

/* ---- caps ---- */

START_TEST(one_over_the_cap)
{
    int fd[4];

    set_limits(3, 60000);
    for (int i = 0; i < 3; i++) {
        fd[i] = client();
        say(fd[i], "hello=\n\n");
        ck_reply(fd[i], "hello=\n");
    }
    ck_assert_uint_eq(server_stats(server).open, 3);
    say(fd[0], "again=\n\n"); /* now 1 was idle longest */
    ck_reply(fd[0], "again=\n");
    fd[3] = client();
    ck_closed(fd[1]);
    ck_assert_uint_eq(server_stats(server).cap_closed, 1);
    for (int i = 0; i < 4; i++)
        if (i != 1) {
            say(fd[i], "still=\n\n");
            ck_reply(fd[i], "still=\n");
            close(fd[i]);
        }
}
END_TEST

/* Who waits for an answer is not the one to go. */
START_TEST(the_cap_spares_the_parked)
{
    int first, second, third;

    set_limits(2, 60000);
    first = client();
    say(first, "park=\n\n");
    UNTIL(parked_count == 1);
    second = client();
    turns(2);
    third = client();
    ck_closed(second);
    say(third, "park=\n\n");
    UNTIL(parked_count == 2);
    second = client(); /* all are parked: it is turned away */
    ck_closed(second);
    conn_reply(parked[0].conn, SPAN("late\n"));
    ck_reply(first, "late\n");
    close(first);
    close(third);
    ck_assert(!parked[1].cancelled);
}
END_TEST

START_TEST(idle)
{
    int first = client(), second = client(), waiting = client();

    say(waiting, "park=\n\n");
    UNTIL(parked_count == 1);
    now += IDLE_S - 1;
    say(second, "hello=\n\n");
    ck_reply(second, "hello=\n");
    server_sweep(server);
    ck_assert_uint_eq(server_stats(server).idle_closed, 0);
    now += 1;
    server_sweep(server);
    ck_assert_uint_eq(server_stats(server).idle_closed, 1);
    ck_closed(first);
    ck_assert(!parked[0].cancelled);
    now -= 86400; /* whatever the clock does */
    server_sweep(server);
    ck_assert_uint_eq(server_stats(server).idle_closed, 1);
    now += 2 * 86400;
    server_sweep(server);
    ck_closed(second);
    conn_reply(parked[0].conn, SPAN("late\n"));
    ck_reply(waiting, "late\n");
    close(waiting);
}
END_TEST

static bool acceptable(int listening)
{
    struct pollfd p = { .fd = listening, .events = POLLIN };

    return poll(&p, 1, 0) == 1;
}

static int lowest_free(void)
{
    int fd = open("/dev/null", O_RDONLY);

    close(fd);
    return fd;
}

/* Out of descriptors: an idle connection makes room; without one the caller is told no,
 * and the loop does not spin. */
START_TEST(out_of_descriptors)
{
    struct rlimit before, low;
    struct error e;
    int listening, lazy, late, later;

    unlink(path);
    ck_assert_int_eq(server_socket(spec, -1, &listening, &e), OK);
    ck_assert_int_eq(server_listen(server, listening, &service, &e), OK);
    lazy = client();
    UNTIL(server_stats(server).open == 1);
    late = client();
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    low = (struct rlimit){ (rlim_t)lowest_free(), before.rlim_max };
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
    UNTIL(server_stats(server).accepted == 2);
    ck_assert_uint_eq(server_stats(server).cap_closed, 1);
    ck_assert_str_eq(reply(lazy, 1), ""); /* closed, its descriptor is the late one's */
    say(late, "park=\n\n");
    UNTIL(parked_count == 1);

    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    later = client();
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
    ck_assert(acceptable(listening));
    ck_assert_str_eq(reply(later, 1), "");
    ck_assert(!acceptable(listening));
    ck_assert_uint_eq(server_stats(server).accepted, 2);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    close(lazy);
    close(later);
    conn_reply(parked[0].conn, SPAN("late\n"));
    ck_reply(late, "late\n");
    close(late);
}
END_TEST

START_TEST(a_lower_limit_at_reload)
{
    struct server_limits l = { 2048, 16, 60000, IDLE_S };
    int fd = client();
    char text[4097];

    memset(text, 'x', sizeof text);
    text[4096] = '\0';
    say(fd, text);
    turns(5);
    server_set_limits(server, &l);
    say(fd, "\n\n");
    ck_closed(fd);
}
END_TEST

/* ---- sockets ---- */

static void ck_refused(const char *socket_spec, const char *text)
{
    struct error e = { "" };
    int fd = -1;

    ck_assert_int_eq(server_socket(socket_spec, -1, &fd, &e), BAD);
    ck_assert_int_eq(fd, -1);
    ck_assert_msg(strstr(e.text, socket_spec) && strstr(e.text, text), "%s", e.text);
}

START_TEST(sockets)
{
    char longer[256];
    struct error e = { "" };
    struct stat st;
    int fd;

    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(st.st_mode & 0777, 0660);
    ck_refused(spec, "another program listens there");
    ck_refused("unix:/nowhere/at/all/socket", "its directory is missing");
    ck_refused("inet:127.0.0.1", "say inet:ADDRESS:PORT");
    ck_refused("inet:name.example:25", "say inet:ADDRESS:PORT");
    ck_refused("tcp:1", "say unix:PATH or inet:ADDRESS:PORT");
    snprintf(longer, sizeof longer, "unix:/tmp/%0150d", 1);
    ck_refused(longer, "longer than");
    server_close(&server); /* the file stays behind, as after a crash */
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_msg(server_socket(spec, -1, &fd, &e) == OK, "%s", e.text);
    close(fd);
    unlink(path);
    FILE *f = fopen(path, "w");
    fclose(f);
    ck_refused(spec, "another program listens there"); /* no socket: it is not taken away */
    ck_assert_int_eq(stat(path, &st), 0);
}
END_TEST

START_TEST(inet_sockets)
{
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof in;
    int holder = socket(AF_INET, SOCK_STREAM, 0), fd;
    struct error e = { "" };
    char inet[64];

    ck_assert_int_eq(bind(holder, (struct sockaddr *)&in, sizeof in), 0);
    ck_assert_int_eq(listen(holder, 1), 0);
    ck_assert_int_eq(getsockname(holder, (struct sockaddr *)&in, &len), 0);
    snprintf(inet, sizeof inet, "inet:127.0.0.1:%u", ntohs(in.sin_port));
    ck_refused(inet, "another program listens there");
    close(holder);
    ck_assert_msg(server_socket(inet, -1, &fd, &e) == OK, "%s", e.text);
    ck_assert_int_eq(server_listen(server, fd, &service, &e), OK);
    int c = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(c, (struct sockaddr *)&in, sizeof in), 0);
    ck_assert_int_eq(fcntl(c, F_SETFL, O_NONBLOCK), 0);
    say(c, "over=tcp\n\n");
    ck_reply(c, "over=tcp\n");
    close(c);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("server_caps"), *apart = tcase_create("apart");
    Suite *suite = suite_create("server_caps");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, t);
    tcase_set_timeout(t, 30);
    tcase_add_checked_fixture(t, server_fixture_open, server_fixture_close);
    tcase_add_test(t, one_over_the_cap);
    tcase_add_test(t, the_cap_spares_the_parked);
    tcase_add_test(t, idle);
    tcase_add_test(t, a_lower_limit_at_reload);
    tcase_add_test(t, sockets);
    tcase_add_test(t, inet_sockets);
    suite_add_tcase(suite, apart);
    tcase_set_tags(apart, "no_valgrind");
    tcase_add_checked_fixture(apart, server_fixture_open, server_fixture_close);
    tcase_set_timeout(apart, 30);
    tcase_add_test(apart, out_of_descriptors);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
