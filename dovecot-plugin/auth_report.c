/* SPDX-License-Identifier: MIT */
#include "dovecot-plugin/auth_report.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct auth_report {
    const char *path;
    int fd;       /* -1: not connected */
    pid_t owner;  /* the process that opened it */
    int64_t tried; /* when it was last tried to connect */
    uint64_t lost;
    size_t first, count; /* of the ring */
    struct login_event ring[REPORT_RING];
};

struct auth_report *auth_report_new(const char *path)
{
    struct auth_report *r = calloc(1, sizeof *r);

    if (r) {
        r->path = path;
        r->fd = -1;
        r->tried = INT64_MIN;
    }
    return r;
}

static void disconnect(struct auth_report *r)
{
    if (r->fd >= 0)
        close(r->fd);
    r->fd = -1;
}

void auth_report_free(struct auth_report **report)
{
    if (*report)
        disconnect(*report);
    free(*report);
    *report = NULL;
}

/* What waits in the parent's ring is the parent's to send. */
static void begin_process(struct auth_report *r)
{
    if (r->owner == getpid())
        return;
    disconnect(r);
    r->owner = getpid();
    r->tried = INT64_MIN;
    r->count = 0;
    r->lost = 0;
}

static bool connected(struct auth_report *r, int64_t now)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };

    if (r->fd >= 0)
        return true;
    if (r->tried == now || !*r->path || str_copy(span_of(r->path), un.sun_path, sizeof un.sun_path) != OK)
        return false;
    r->tried = now;
    r->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (r->fd >= 0 && connect(r->fd, (const struct sockaddr *)&un, sizeof un) == 0)
        return true;
    disconnect(r);
    return false;
}

/* false: nobody is there, or the queue is full (net.unix.max_dgram_qlen). */
static bool send_one(struct auth_report *r, struct login_event *e)
{
    char text[LOGIN_EVENT_MAX];
    struct strbuf b;

    strbuf_init(&b, text, sizeof text);
    e->lost = r->lost;
    if (login_event_format(e, &b) != OK)
        return true; /* cannot be; it would never fit */
    if (send(r->fd, text, b.len, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)b.len) {
        r->lost = 0;
        return true;
    }
    if (errno != EAGAIN && errno != EWOULDBLOCK && errno != ENOBUFS && errno != EINTR)
        disconnect(r);
    return false;
}

void auth_report_send(struct auth_report *r, const struct login_event *e, int64_t now)
{
    begin_process(r);
    if (r->count == REPORT_RING) {
        r->first = (r->first + 1) % REPORT_RING;
        r->count--;
        r->lost++;
    }
    r->ring[(r->first + r->count++) % REPORT_RING] = *e;
    while (r->count > 0 && connected(r, now) && send_one(r, &r->ring[r->first])) {
        r->first = (r->first + 1) % REPORT_RING;
        r->count--;
    }
}
