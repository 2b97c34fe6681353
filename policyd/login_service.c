/* SPDX-License-Identifier: MIT */
#include "policyd/login_service.h"

#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "policyd/daemon.h"
#include "policyd/log.h"
#include "policyd/record.h"

enum { PER_TURN = 64, COMPLAIN_EVERY_S = 60 };

static struct {
    int fd;
    uid_t reporter;
    struct event *readable;
    struct login_stats stats;
    int64_t complained; /* when a bad datagram was last logged */
} logins = { .fd = -1 };

enum result login_socket(const struct config *c, int *fd_r, struct error *e)
{
    struct passwd *pw = geteuid() == 0 && *c->observe_user ? getpwnam(c->observe_user) : NULL;

    return server_datagram_socket(c->observe_socket, pw ? (int)pw->pw_gid : -1, fd_r, e);
}

void login_reporter(const char *name)
{
    struct passwd *pw = *name ? getpwnam(name) : NULL;

    logins.reporter = pw ? pw->pw_uid : geteuid();
}

static bool may_report(uid_t uid)
{
    return uid == 0 || uid == geteuid() || uid == logins.reporter;
}

static const struct ucred *credentials(struct msghdr *message)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c))
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_CREDENTIALS)
            return (const struct ucred *)(const void *)CMSG_DATA(c);
    return NULL;
}

/* One line a minute, whatever is sent. */
static void complain(const char *what, int64_t now)
{
    if (now - logins.complained < COMPLAIN_EVERY_S)
        return;
    logins.complained = now;
    log_format(LOG_LEVEL_WARNING, "observe: %s (%llu refused, %llu malformed since the start)", what,
               (unsigned long long)logins.stats.forbidden, (unsigned long long)logins.stats.malformed);
}

static void take(struct span text, const struct ucred *sender, int64_t now)
{
    struct login_event event;
    struct error e;

    if (!sender || !may_report(sender->uid)) {
        logins.stats.forbidden++;
        complain("a datagram from another user: see observe_user in policyd.conf(5)", now);
    } else if (login_event_parse(text, &event, &e) != OK) {
        logins.stats.malformed++;
        complain(e.text, now);
    } else {
        logins.stats.received++;
        logins.stats.lost += event.lost;
        record_login(&event, now);
    }
}

static bool read_one(int64_t now)
{
    char text[LOGIN_EVENT_MAX + 1]; /* one more: too long is told from just long enough */
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(struct ucred))];
    } control;
    struct iovec iov = { text, sizeof text };
    struct msghdr message = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
    };
    ssize_t n = recvmsg(logins.fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

    if (n < 0)
        return errno == EINTR;
    take((struct span){ text, (size_t)n }, credentials(&message), now);
    return true;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    int64_t now = daemon_now();

    (void)fd, (void)what, (void)arg;
    for (int i = 0; i < PER_TURN && read_one(now); i++)
        ;
}

enum result login_listen(int fd, struct error *e)
{
    int on = 1;

    logins.fd = fd;
    logins.complained = INT64_MIN / 2;
    if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0)
        return error_set(e, BAD, "observe_socket: %s", strerror(errno));
    logins.readable = event_new(the_daemon.base, fd, EV_READ | EV_PERSIST, on_readable, NULL);
    if (!logins.readable || event_add(logins.readable, NULL) != 0)
        return error_set(e, TRY_AGAIN, "out of memory");
    return OK;
}

void login_close(void)
{
    if (logins.readable)
        event_free(logins.readable);
    if (logins.fd >= 0)
        close(logins.fd);
    logins.readable = NULL;
    logins.fd = -1;
}

struct login_stats login_stats(void)
{
    return logins.stats;
}
