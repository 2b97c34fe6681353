/* SPDX-License-Identifier: MIT */
#include "policyd/server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "policyd/conn.h"

enum { ACCEPT_BATCH = 64, SWEEP_S = 5 };

struct listener {
    struct listener *next;
    struct server *server;
    const struct service *service;
    struct event event;
    int fd;
};

/* The one that has waited longest for its next request: Postfix opens another. */
static bool close_oldest(struct server *s)
{
    struct conn *c;

    TAILQ_FOREACH(c, &s->conns, entry)
    if (!c->waiting && !c->busy) {
        s->stats.cap_closed++;
        conn_close(c);
        return true;
    }
    return false;
}

/* accept() says that there is no descriptor before it looks whether anybody waits. */
static bool somebody_waits(const struct listener *l)
{
    struct pollfd p = { .fd = l->fd, .events = POLLIN };

    return poll(&p, 1, 0) == 1;
}

/* Out of descriptors: an idle connection makes room; without one, the caller is told
 * no through the reserve, or its waiting would wake the loop for ever. */
static void on_no_descriptor(struct listener *l)
{
    struct server *s = l->server;

    if (!somebody_waits(l) || close_oldest(s))
        return;
    if (s->reserve >= 0)
        close(s->reserve);
    int fd = accept(l->fd, NULL, NULL);
    if (fd >= 0)
        close(fd);
    s->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void on_acceptable(evutil_socket_t fd, short what, void *arg)
{
    struct listener *l = arg;
    struct server *s = l->server;

    (void)what;
    for (int i = 0; i < ACCEPT_BATCH; i++) {
        /* cppcheck-suppress nullPointer; nobody asks for the address */
        int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (peer < 0 && (errno == EMFILE || errno == ENFILE)) {
            on_no_descriptor(l);
            return;
        }
        if (peer < 0)
            return;
        if (s->stats.open >= s->limits.connections && !close_oldest(s))
            close(peer);
        else
            conn_open(s, l->service, peer);
    }
}

void server_sweep(struct server *s)
{
    struct conn *c, *next;
    int64_t now = s->now();

    for (c = TAILQ_FIRST(&s->conns); c; c = next) {
        next = TAILQ_NEXT(c, entry);
        if (now - c->served_at < s->limits.idle_timeout_s)
            return;
        if (c->waiting)
            continue;
        s->stats.idle_closed++;
        conn_close(c);
    }
}

static void on_sweep(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    server_sweep(arg);
}

enum result server_open(struct event_base *base, const struct server_limits *limits, server_now_fn *now,
                        struct server **server_r)
{
    struct server *s = calloc(1, sizeof *s);
    struct timeval tv = { SWEEP_S, 0 };

    if (!s)
        return TRY_AGAIN;
    s->base = base;
    s->limits = *limits;
    s->now = now;
    s->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
    TAILQ_INIT(&s->conns);
    TAILQ_INIT(&s->to_send);
    event_assign(&s->sweep, base, -1, EV_PERSIST, on_sweep, s);
    event_add(&s->sweep, &tv);
    *server_r = s;
    return OK;
}

void server_set_limits(struct server *s, const struct server_limits *limits)
{
    s->limits = *limits;
}

void server_close(struct server **server)
{
    struct server *s = *server;
    struct conn *c;
    struct listener *l;

    if (!s)
        return;
    while ((l = s->listeners) != NULL) {
        s->listeners = l->next;
        event_del(&l->event);
        close(l->fd);
        free(l);
    }
    while ((c = TAILQ_FIRST(&s->conns)) != NULL)
        conn_close(c);
    event_del(&s->sweep);
    if (s->reserve >= 0)
        close(s->reserve);
    free(s);
    *server = NULL;
}

enum result server_listen(struct server *s, int fd, const struct service *service, struct error *e)
{
    struct listener *l = calloc(1, sizeof *l);

    if (!l || evutil_make_socket_nonblocking(fd) != 0) {
        free(l);
        return error_set(e, TRY_AGAIN, "%s: %s", service->name, strerror(errno));
    }
    *l = (struct listener){ .next = s->listeners, .server = s, .service = service, .fd = fd };
    event_assign(&l->event, s->base, fd, EV_READ | EV_PERSIST, on_acceptable, l);
    event_add(&l->event, NULL);
    s->listeners = l;
    return OK;
}

struct server_stats server_stats(const struct server *s)
{
    return s->stats;
}
