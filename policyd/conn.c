/* SPDX-License-Identifier: MIT */
#include "policyd/conn.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "policyd/log.h"

enum { BUFFER_START = 2048, REPLY_BUFFER_MAX = 131072, REPLY_ROOM = 64 };

/* Sends what the peer takes; false: it is gone. */
static bool send_replies(struct conn *c)
{
    ssize_t n = send(c->fd, c->out, c->out_len, MSG_NOSIGNAL | MSG_DONTWAIT);

    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    c->out_len -= (size_t)n;
    if (c->out_len > 0)
        memmove(c->out, c->out + n, c->out_len);
    return true;
}

/* ---- a connection's end ---- */

static void conn_free(struct conn *c)
{
    struct server *s = c->server;

    if (c->to_send) {
        (void)!send_replies(c);
        TAILQ_REMOVE(&s->to_send, c, send_entry);
    }
    event_del(&c->read);
    event_del(&c->write);
    event_del(&c->deadline);
    TAILQ_REMOVE(&s->conns, c, entry);
    s->stats.open--;
    close(c->fd);
    if (c->passed_fd >= 0)
        close(c->passed_fd);
    free(c->buffer);
    free(c->out);
    free(c);
}

void conn_close(struct conn *c)
{
    struct waiting *w = c->waiting;

    c->waiting = NULL;
    if (w) {
        c->server->stats.parked--;
        w->cancel(w);
    }
    c->closing = true;
    if (!c->busy)
        conn_free(c);
}

/* ---- frames ---- */

static void serve_frames(struct conn *c);

/* A frame stays where it is while it waits for its answer, and an answer for its peer:
 * until then nothing is read behind it. Mostly nothing comes: so the descriptor is watched
 * on, at no cost, until something does (on_readable). */
static bool takes_input(const struct conn *c)
{
    return !c->waiting && !event_pending(&c->write, EV_WRITE, NULL);
}

static void watch_input(struct conn *c)
{
    if (takes_input(c))
        event_add(&c->read, NULL);
}

void conn_park(struct conn *c, struct waiting *w)
{
    unsigned ms = c->server->limits.deadline_ms;
    struct timeval tv = { ms / 1000, (suseconds_t)(ms % 1000) * 1000 };

    c->server->stats.parked += c->waiting == NULL;
    c->waiting = w;
    event_add(&c->deadline, &tv);
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
    struct conn *c = arg;

    (void)fd, (void)what;
    if (c->waiting)
        c->waiting->expire(c->waiting);
}

/* Replies of one turn leave together at its end: a peer that the first one wakes finds
 * the others too, instead of being woken for each. */
static void add_reply(struct conn *c, struct span reply)
{
    if (reply.len > c->out_size - c->out_len) {
        size_t size = c->out_len + reply.len + REPLY_ROOM;
        char *out = size <= REPLY_BUFFER_MAX ? realloc(c->out, size) : NULL;
        if (!out) {
            log_format(LOG_LEVEL_WARNING, "%s: does not read its replies, closed", c->name);
            c->closing = true;
            return;
        }
        c->out = out;
        c->out_size = size;
    }
    memcpy(c->out + c->out_len, reply.ptr, reply.len);
    c->out_len += reply.len;
    if (!c->to_send)
        TAILQ_INSERT_TAIL(&c->server->to_send, c, send_entry);
    c->to_send = true;
}

void server_send(struct server *s)
{
    struct conn *c;

    while ((c = TAILQ_FIRST(&s->to_send)) != NULL) {
        TAILQ_REMOVE(&s->to_send, c, send_entry);
        c->to_send = false;
        if (!send_replies(c))
            conn_close(c);
        else if (c->out_len > 0)
            event_add(&c->write, NULL);
    }
}

/* The frame that was answered leaves the buffer. */
static void drop_frame(struct conn *c)
{
    c->len -= c->frame_len;
    if (c->len > 0)
        memmove(c->buffer, c->buffer + c->frame_len, c->len);
    c->frame_len = c->scanned = 0;
    if (c->len == 0 && c->size > 4 * BUFFER_START) { /* a long request is rare */
        free(c->buffer);
        c->buffer = NULL;
        c->size = 0;
    }
}

void conn_answer(struct conn *c, struct span reply)
{
    event_del(&c->deadline);
    add_reply(c, reply);
}

void conn_go_on(struct conn *c)
{
    if (c->waiting) {
        c->waiting = NULL;
        c->server->stats.parked--;
        event_del(&c->deadline);
        watch_input(c);
    }
    drop_frame(c);
    if (c->busy)
        return;
    if (c->closing)
        conn_free(c);
    else
        serve_frames(c);
}

void conn_reply(struct conn *c, struct span reply)
{
    add_reply(c, reply);
    conn_go_on(c);
}

static void refuse_frame(struct conn *c, uint64_t *counter, const char *why)
{
    (*counter)++;
    log_format(LOG_LEVEL_WARNING, "%s: %s: closed without a reply", c->name, why);
    c->closing = true;
}

static bool next_frame(struct conn *c)
{
    struct server *s = c->server;
    struct error e;
    size_t length = 0;

    if (c->len == 0)
        return false;
    if (c->service->frame((struct span){ c->buffer, c->len }, &c->scanned, &length, &e) != OK)
        refuse_frame(c, &s->stats.malformed, e.text);
    else if (length > s->limits.frame_bytes || (length == 0 && c->len >= s->limits.frame_bytes))
        refuse_frame(c, &s->stats.oversized, "request over limits.request_bytes");
    c->frame_len = c->closing ? 0 : length;
    return c->frame_len > 0;
}

static void serve_frames(struct conn *c)
{
    struct server *s = c->server;

    c->busy = true;
    while (!c->closing && !c->waiting && !event_pending(&c->write, EV_WRITE, NULL) && next_frame(c)) {
        s->stats.requests++;
        c->served_at = s->now();
        TAILQ_REMOVE(&s->conns, c, entry);
        TAILQ_INSERT_TAIL(&s->conns, c, entry);
        if (c->service->handle(c, (struct span){ c->buffer, c->frame_len }) == SERVED_CLOSE)
            c->closing = true;
    }
    c->busy = false;
    if (c->closing)
        conn_free(c);
}

static bool make_room(struct conn *c)
{
    size_t most = c->server->limits.frame_bytes + 1, size = c->size ? c->size * 2 : BUFFER_START;
    char *buffer;

    if (c->len < c->size)
        return true;
    if (size > most)
        size = most;
    buffer = size > c->size ? realloc(c->buffer, size) : NULL;
    if (!buffer)
        return false;
    c->buffer = buffer;
    c->size = size;
    return true;
}

static ssize_t receive(struct conn *c, void *room, size_t size)
{
    union {
        struct cmsghdr header;
        char array[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec part = { room, size };
    struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
    ssize_t n = recvmsg(c->fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    struct cmsghdr *h = n > 0 ? CMSG_FIRSTHDR(&m) : NULL;

    if (h && h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_RIGHTS && h->cmsg_len == CMSG_LEN(sizeof(int))) {
        if (c->passed_fd >= 0)
            close(c->passed_fd);
        memcpy(&c->passed_fd, CMSG_DATA(h), sizeof c->passed_fd);
    }
    return n;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct conn *c = arg;
    ssize_t n = -1;

    (void)what;
    if (!takes_input(c)) {
        event_del(&c->read);
        return;
    }
    if (make_room(c)) {
        n = c->service->takes_fd ? receive(c, c->buffer + c->len, c->size - c->len)
                                 : recv(fd, c->buffer + c->len, c->size - c->len, MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
    }
    if (n <= 0) {
        conn_close(c);
        return;
    }
    c->len += (size_t)n;
    serve_frames(c);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    struct conn *c = arg;

    (void)fd, (void)what;
    if (!send_replies(c)) {
        conn_close(c);
        return;
    }
    if (c->out_len > 0)
        return;
    event_del(&c->write);
    watch_input(c);
    serve_frames(c);
}

/* ---- its beginning ---- */

void conn_open(struct server *s, const struct service *service, int fd)
{
    struct conn *c = calloc(1, sizeof *c);
    int on = 1;

    if (!c) {
        close(fd);
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* fails on a unix socket */
    c->server = s;
    c->service = service;
    c->fd = fd;
    c->passed_fd = -1;
    c->number = s->stats.accepted++;
    c->served_at = s->now();
    snprintf(c->name, sizeof c->name, "%s#%lu", service->name, c->number);
    event_assign(&c->read, s->base, fd, EV_READ | EV_PERSIST, on_readable, c);
    event_assign(&c->write, s->base, fd, EV_WRITE | EV_PERSIST, on_writable, c);
    evtimer_assign(&c->deadline, s->base, on_deadline, c);
    TAILQ_INSERT_TAIL(&s->conns, c, entry);
    s->stats.open++;
    watch_input(c);
}

const char *conn_name(const struct conn *c)
{
    return c->name;
}

int conn_fd(const struct conn *c)
{
    return c->fd;
}

int conn_take_fd(struct conn *c)
{
    int fd = c->passed_fd;

    c->passed_fd = -1;
    return fd;
}
