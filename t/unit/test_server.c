/* SPDX-License-Identifier: MIT */
/* policyd/conn: framing, pipelining, parking, and clients that do not read. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "t/unit/server_fixture.h"

/* ---- framing ---- */

START_TEST(split_at_every_octet)
{
    static const char text[] = "hello=1\nworld=2\n\n";
    int fd = client();

    for (size_t cut = 1; cut < sizeof text - 1; cut++) {
        ck_assert_int_eq(send(fd, text, cut, 0), (ssize_t)cut);
        ck_assert(!has_reply(fd));
        say(fd, text + cut);
        ck_reply(fd, "hello=1\n");
    }
    ck_assert_uint_eq(server_stats(server).requests, sizeof text - 2);
    ck_assert(!has_reply(fd)); /* one reply each, no second */
    close(fd);
}
END_TEST

START_TEST(pipelined)
{
    int fd = client();

    say(fd, "a=1\n\nb=2\n\nc=3\n\nd=");
    ck_reply(fd, "a=1\nb=2\nc=3\n");
    say(fd, "4\n\n");
    ck_reply(fd, "d=4\n");
    close(fd);
    UNTIL(server_stats(server).open == 0);
}
END_TEST

static void say_long(int fd, size_t len)
{
    char *text = malloc(len + 1);

    ck_assert_ptr_nonnull(text);
    memset(text, 'x', len);
    memcpy(text, "long=\n", 6);
    memcpy(text + len - 2, "\n\n", 3);
    for (size_t sent = 0; sent < len;) {
        ssize_t n = send(fd, text + sent, len - sent, MSG_NOSIGNAL);
        sent += n > 0 ? (size_t)n : 0;
        if (n <= 0 && errno == EPIPE)
            break;
        turn();
    }
    free(text);
}

START_TEST(as_long_as_may_be)
{
    int fd = client();

    say_long(fd, FRAME_MAX);
    ck_reply(fd, "long=\n");
    say(fd, "short=\n\n");
    ck_reply(fd, "short=\n");
    say_long(fd, FRAME_MAX + 1);
    ck_closed(fd);
    ck_assert_uint_eq(server_stats(server).oversized, 1);
    ck_assert_uint_eq(server_stats(server).requests, 2);
}
END_TEST

START_TEST(malformed)
{
    int fd = client(), other = client();

    say(fd, "ok=1\n\n!");
    ck_reply(fd, "ok=1\n");
    ck_closed(fd);
    ck_assert_uint_eq(server_stats(server).malformed, 1);
    say(other, "close\n\n");
    ck_closed(other);
    other = client();
    say(other, "ok=2\n\nclose\n\nnever=\n\n");
    ck_assert_str_eq(reply(other, 100), "ok=2\n"); /* what was answered before still leaves */
    close(other);
    UNTIL(server_stats(server).open == 0);
}
END_TEST

/* ---- parked ---- */

START_TEST(parked_and_answered)
{
    int fd = client(), other = client();

    say(fd, "park=1\n\nnext=2\n\n");
    UNTIL(parked_count == 1);
    ck_assert_uint_eq(server_stats(server).parked, 1);
    say(other, "fast=\n\n"); /* nobody waits for another */
    ck_reply(other, "fast=\n");
    ck_assert(!has_reply(fd));
    ck_assert(frame_is(parked[0].frame, "park=1\n\n"));
    conn_reply(parked[0].conn, SPAN("late\n"));
    ck_reply(fd, "late\nnext=2\n");
    ck_assert_uint_eq(server_stats(server).parked, 0);
    ck_assert(!parked[0].cancelled && !parked[0].expired);
    close(fd);
    close(other);
}
END_TEST

/* In two: the frame stays between them, and no deadline comes any more. */
START_TEST(answered_before_it_goes_on)
{
    int fd = client(), other = client();

    set_limits(16, DEADLINE_MS);
    say(fd, "park=1\n\nnext=2\n\n");
    UNTIL(parked_count == 1);
    conn_answer(parked[0].conn, SPAN("late\n"));
    ck_reply(fd, "late\n");
    say(other, "park=3\n\n");
    ck_reply(other, "expired\n"); /* its deadline is later */
    ck_assert(!has_reply(fd));
    ck_assert(frame_is(parked[0].frame, "park=1\n\n"));
    conn_go_on(parked[0].conn);
    ck_reply(fd, "next=2\n");
    ck_assert(!parked[0].cancelled && !parked[0].expired);
    ck_assert_uint_eq(server_stats(server).parked, 0);
    close(fd);
    close(other);
}
END_TEST

START_TEST(gone_before_it_goes_on)
{
    int fd = client();

    say(fd, "park=1\n\n");
    UNTIL(parked_count == 1);
    conn_answer(parked[0].conn, SPAN("late\n"));
    server_close(&server);
    ck_assert(parked[0].cancelled);
    ck_assert_uint_eq(strlen(reply(fd, 5)), 5); /* what was answered before still leaves */
    close(fd);
}
END_TEST

START_TEST(the_deadline)
{
    int fd = client();

    set_limits(16, DEADLINE_MS);
    say(fd, "park=1\n\nnext=2\n\n");
    ck_reply(fd, "expired\nnext=2\n");
    ck_assert(parked[0].expired);
    close(fd);
}
END_TEST

START_TEST(cancelled_when_the_server_closes)
{
    int fd = client();

    say(fd, "park=1\n\n");
    UNTIL(parked_count == 1);
    server_close(&server);
    ck_assert(parked[0].cancelled);
    close(fd);
}
END_TEST

static int unread(const struct parked *p)
{
    int octets = -1;

    ck_assert_int_eq(ioctl(conn_fd(p->conn), FIONREAD, &octets), 0);
    return octets;
}

/* A frame stays where it is until it is answered: nothing is read behind it, also
 * when an earlier reply leaves only now. */
START_TEST(nothing_is_read_behind_a_parked_frame)
{
    char more[4096];
    int fd = client();

    memset(more, 'x', sizeof more);
    memcpy(more + sizeof more - 3, "\n\n", 3);
    say(fd, "big=1\n\npark=2\n\n");
    UNTIL(parked_count == 1);
    ck_assert_uint_eq(strlen(reply(fd, BIG)), BIG);
    say(fd, more);
    turns(10);
    ck_assert_int_eq(unread(&parked[0]), sizeof more - 1);
    ck_assert(frame_is(parked[0].frame, "park=2\n\n"));
    conn_reply(parked[0].conn, SPAN("late\n"));
    ck_reply(fd, "late\nxxx");
    close(fd);
}
END_TEST

/* ---- clients that do not read ---- */

START_TEST(a_client_that_never_reads)
{
    int fd = client(), other = client();
    unsigned sent = 0;

    UNTIL(server_stats(server).open == 2);
    for (unsigned i = 0; i < 20000 && server_stats(server).open == 2; i++) {
        ssize_t n = send(fd, "big=1\n\n", 7, MSG_NOSIGNAL);
        sent += n == 7;
        turn();
    }
    ck_assert_uint_lt(server_stats(server).requests, 10); /* the rest is not even read */
    say(other, "fast=\n\n");
    ck_reply(other, "fast=\n");
    now += IDLE_S;
    server_sweep(server);
    ck_assert_uint_eq(server_stats(server).open, 0);
    ck_assert_uint_gt(sent, 0);
    close(fd);
    close(other);
}
END_TEST

START_TEST(replies_past_the_buffer)
{
    int fd = client();

    say(fd, "big=1\n\nbig=2\n\n"); /* of one turn: more than is kept */
    UNTIL(server_stats(server).open == 0 && server_stats(server).accepted == 1);
    close(fd);
}
END_TEST

START_TEST(a_slow_reader_gets_all)
{
    int fd = client();

    for (int i = 0; i < 5; i++) {
        say(fd, "big=1\n\n");
        turns(5);
        ck_assert_uint_eq(strlen(reply(fd, BIG)), BIG);
    }
    say(fd, "big=1\n\n");
    turns(2);
    say(fd, "next=2\n\n");
    turns(5);
    const char *text = reply(fd, BIG + 7);
    ck_assert_uint_eq(strlen(text), BIG + 7);
    ck_assert_str_eq(text + BIG, "next=2\n");
    close(fd);
}
END_TEST

START_TEST(a_client_that_is_gone)
{
    int fd = client();

    say(fd, "park=1\n\n");
    UNTIL(parked_count == 1);
    close(fd);
    turns(5);
    conn_reply(parked[0].conn, SPAN("late\n"));
    UNTIL(server_stats(server).open == 0);
    ck_assert_uint_eq(server_stats(server).parked, 0);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("server");
    Suite *suite = suite_create("server");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, t);
    tcase_set_timeout(t, 30);
    tcase_add_checked_fixture(t, server_fixture_open, server_fixture_close);
    tcase_add_test(t, split_at_every_octet);
    tcase_add_test(t, pipelined);
    tcase_add_test(t, as_long_as_may_be);
    tcase_add_test(t, malformed);
    tcase_add_test(t, parked_and_answered);
    tcase_add_test(t, answered_before_it_goes_on);
    tcase_add_test(t, gone_before_it_goes_on);
    tcase_add_test(t, the_deadline);
    tcase_add_test(t, cancelled_when_the_server_closes);
    tcase_add_test(t, nothing_is_read_behind_a_parked_frame);
    tcase_add_test(t, a_client_that_never_reads);
    tcase_add_test(t, replies_past_the_buffer);
    tcase_add_test(t, a_slow_reader_gets_all);
    tcase_add_test(t, a_client_that_is_gone);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
