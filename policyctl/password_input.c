/* SPDX-License-Identifier: MIT */
#include "policyctl/password_input.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <termios.h>
#include <unistd.h>

enum { LINE_MAX_OCTETS = 1024 };

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    interrupted = number;
}

/* Signals are let in only while it waits: one that came just before would be lost on the
 * read, which then waits for ever. */
static ssize_t read_octet(int fd, const sigset_t *waiting, char *c_r)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };

    if (waiting && ppoll(&p, 1, NULL, waiting) < 0)
        return -1;
    return read(fd, c_r, 1);
}

/* Reads up to the line feed or the end, without stdio: it would keep a copy. waiting: the
 * signal mask while it waits, or NULL. BAD: no line, or one with a NUL; LIMIT: too long;
 * TRY_AGAIN: interrupted, unreadable. */
static enum result read_line(int fd, const sigset_t *waiting, char line_r[static LINE_MAX_OCTETS])
{
    size_t len = 0;
    ssize_t n;
    char c = '\0';

#ifndef SANITIZED
    prctl(PR_SET_DUMPABLE, 0); /* no core may hold it */
#endif
    while ((n = read_octet(fd, waiting, &c)) == 1 && c != '\n') {
        if (c == '\0')
            return BAD;
        if (len == LINE_MAX_OCTETS - 1)
            return LIMIT;
        line_r[len++] = c;
    }
    line_r[len] = '\0';
    if (n < 0)
        return TRY_AGAIN;
    return n == 0 && len == 0 ? BAD : OK;
}

static enum status read_stdin(char password_r[static LINE_MAX_OCTETS])
{
    switch (read_line(STDIN_FILENO, NULL, password_r)) {
    case OK:
        return STATUS_DONE;
    case LIMIT:
        return fail(STATUS_INPUT, "the password has more than %d octets", LINE_MAX_OCTETS - 1);
    case BAD:
        return fail(STATUS_INPUT, "no password on standard input, or one with a NUL");
    default:
        return fail(STATUS_INPUT, "standard input: %s", strerror(errno));
    }
}

/* ---- the terminal ---- */

static void say(int tty, const char *text)
{
    if (write(tty, text, strlen(text)) < 0)
        return; /* then nobody reads it */
}

static enum status ask_twice(int tty, const sigset_t *waiting, char password_r[static LINE_MAX_OCTETS])
{
    char again[LINE_MAX_OCTETS] = "";
    enum status status = STATUS_DONE;

    say(tty, "New password: ");
    enum result r = read_line(tty, waiting, password_r);
    say(tty, "\n");
    if (r == OK) {
        say(tty, "Once more: ");
        r = read_line(tty, waiting, again);
        say(tty, "\n");
    }
    if (interrupted)
        status = fail(STATUS_INPUT, "interrupted: nothing was changed");
    else if (r != OK)
        status = fail(STATUS_INPUT, "no password was typed, or one that is too long");
    else if (strcmp(password_r, again) != 0)
        status = fail(STATUS_INPUT, "the two passwords differ");
    explicit_bzero(again, sizeof again);
    return status;
}

/* Without echo; a signal ends the question, and the echo comes back all the same. */
static enum status ask_quietly(int tty, char password_r[static LINE_MAX_OCTETS])
{
    static const int numbers[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP };
    enum { NUMBERS = sizeof numbers / sizeof *numbers };
    struct sigaction action = { .sa_handler = on_signal }, before[NUMBERS];
    struct termios shown, hidden;
    sigset_t caught, waiting;

    if (tcgetattr(tty, &shown) != 0)
        return fail(STATUS_INPUT, "/dev/tty: %s", strerror(errno));
    sigemptyset(&caught);
    for (size_t i = 0; i < NUMBERS; i++) {
        sigaddset(&caught, numbers[i]);
        sigaction(numbers[i], &action, &before[i]);
    }
    sigprocmask(SIG_BLOCK, &caught, &waiting);
    hidden = shown;
    hidden.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
    tcsetattr(tty, TCSAFLUSH, &hidden);
    enum status status = ask_twice(tty, &waiting, password_r);
    tcsetattr(tty, TCSAFLUSH, &shown);
    for (size_t i = 0; i < NUMBERS; i++)
        sigaction(numbers[i], &before[i], NULL);
    sigprocmask(SIG_SETMASK, &waiting, NULL);
    return status;
}

static enum status read_terminal(char password_r[static LINE_MAX_OCTETS])
{
    int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);

    if (tty < 0)
        return fail(STATUS_INPUT, "no terminal to ask for a password: use --password-stdin");
    enum status status = ask_quietly(tty, password_r);
    close(tty);
    return status;
}

enum status password_input(const struct ctl *ctl, const struct args *a, char hash_r[static PASSWORD_HASH_MAX])
{
    char password[LINE_MAX_OCTETS] = "";
    enum status status = a->option[OPT_PASSWORD_STDIN] ? read_stdin(password) : read_terminal(password);
    struct error e;

    if (status == STATUS_DONE) {
        enum result r = password_hash(password, ctl->config->password_scheme, hash_r, &e);
        if (r != OK)
            status = fail_error(r == TRY_AGAIN ? STATUS_UNREACHABLE : STATUS_INPUT, &e);
    }
    explicit_bzero(password, sizeof password);
    return status;
}
