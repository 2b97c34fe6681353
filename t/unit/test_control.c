/* SPDX-License-Identifier: MIT */
/* lib/control: the client's side, against a process that says what a row says. */
#include "lib/control.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct {
    struct span answer;
    enum result result;
    const char *rest, *error; /* what is left of the reply; part of the error line */
} rows[] = {
    { SPAN("result=OK\n\n"), OK, "\n", NULL },
    { SPAN("result=OK\nrequests=7\ntext=x\n\n"), OK, "requests=7\ntext=x\n\n", NULL },
    { SPAN("result=NOT_FOUND\ntext=no account x\n\n"), NOT_FOUND, "text=no account x\n\n", "no account x" },
    { SPAN("result=BAD\ntext=a=b\n\n"), BAD, "text=a=b\n\n", "a=b" },
    { SPAN("result=LIMIT\n\n"), LIMIT, "\n", "" },
    { SPAN("result=TRY_AGAIN\ntext=locked\n\n"), TRY_AGAIN, "text=locked\n\n", "locked" },
    { SPAN("result=PENDING\n\n"), TRY_AGAIN, NULL, "makes no sense: result=PENDING" },
    { SPAN("text=x\n\n"), TRY_AGAIN, NULL, "makes no sense" },
    { SPAN("\n\n"), TRY_AGAIN, NULL, "makes no sense" },
    { SPAN("x\0y\n\n"), TRY_AGAIN, NULL, "makes no sense" },
    { SPAN(""), TRY_AGAIN, NULL, "did not answer" },
    { SPAN("result=OK\n"), TRY_AGAIN, NULL, "did not answer" },
};

/* Answers the first octet that comes, in as many pieces as there are octets. */
static pid_t answer_with(int fd, int other, struct span answer)
{
    pid_t pid = fork();
    char c;

    ck_assert_int_ge(pid, 0);
    if (pid > 0)
        return pid;
    close(other);
    if (recv(fd, &c, 1, 0) != 1)
        _exit(1);
    for (size_t i = 0; i < answer.len; i++)
        if (send(fd, answer.ptr + i, 1, MSG_NOSIGNAL) != 1)
            _exit(1);
    shutdown(fd, SHUT_WR);
    while (recv(fd, &c, 1, 0) == 1)
        ;
    _exit(0);
}

static enum result ask(struct span answer, char *reply, struct error *e)
{
    int fds[2], status;

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    pid_t pid = answer_with(fds[1], fds[0], answer);
    close(fds[1]);
    enum result r = control_ask(fds[0], SPAN("command=status\n\n"), reply, e);
    close(fds[0]);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return r;
}

START_TEST(answers)
{
    char reply[CONTROL_REPLY_MAX];
    struct error e = { "" };
    enum result r = ask(rows[_i].answer, reply, &e);

    ck_assert_msg(r == rows[_i].result, "%s: %s", result_name(r), e.text);
    if (rows[_i].rest)
        ck_assert_str_eq(reply, rows[_i].rest);
    if (rows[_i].error)
        ck_assert_msg(strstr(e.text, rows[_i].error), "%s", e.text);
}
END_TEST

START_TEST(as_long_as_may_be)
{
    static char answer[CONTROL_REPLY_MAX + 1], reply[CONTROL_REPLY_MAX];
    struct error e = { "" };

    memset(answer, 'x', sizeof answer);
    memcpy(answer, "result=OK\n", 10);
    memcpy(answer + CONTROL_REPLY_MAX - 3, "\n\n", 2);
    ck_assert_int_eq(ask((struct span){ answer, CONTROL_REPLY_MAX - 1 }, reply, &e), OK);
    ck_assert_uint_eq(strlen(reply), CONTROL_REPLY_MAX - 1 - 10);
    memset(answer + CONTROL_REPLY_MAX - 3, 'x', 3);
    memcpy(answer + CONTROL_REPLY_MAX - 2, "\n\n", 2);
    ck_assert_int_eq(ask((struct span){ answer, CONTROL_REPLY_MAX }, reply, &e), TRY_AGAIN);
    ck_assert_str_eq(e.text, "policyd's answer is too long");
}
END_TEST

START_TEST(nobody_there)
{
    char longer[200], path[] = "/tmp/postern-control.XXXXXX";
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    struct error e = { "" };
    int fd = -1, listening = socket(AF_UNIX, SOCK_STREAM, 0);

    ck_assert_int_eq(control_connect("/nowhere/control", &fd, &e), NOT_FOUND);
    ck_assert_str_eq(e.text, "/nowhere/control: policyd does not run");
    snprintf(longer, sizeof longer, "/tmp/%0150d", 1);
    ck_assert_int_eq(control_connect(longer, &fd, &e), BAD);
    close(mkstemp(path));
    unlink(path);
    ck_assert_int_eq(str_copy(span_of(path), un.sun_path, sizeof un.sun_path), OK);
    ck_assert_int_eq(bind(listening, (struct sockaddr *)&un, sizeof un), 0);
    ck_assert_int_eq(control_connect(path, &fd, &e), NOT_FOUND); /* left over from a crash */
    ck_assert_int_eq(listen(listening, 1), 0);
    ck_assert_int_eq(fd, -1);
    ck_assert_int_eq(control_connect(path, &fd, &e), OK);
    close(fd);
    close(listening);
    unlink(path);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("control");
    Suite *suite = suite_create("control");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, t);
    tcase_add_loop_test(t, answers, 0, sizeof rows / sizeof *rows);
    tcase_add_test(t, as_long_as_may_be);
    tcase_add_test(t, nobody_there);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
