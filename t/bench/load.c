/* SPDX-License-Identifier: MIT */
#include "load.h"

#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "process.h"

enum { REPLY_MAX = 4096, EVENTS_MAX = 256 };
static const uint64_t second = 1000000000, scan_interval = 100000000; /* ns */

/* With a rate, what falls due in so short a time goes together: to wake the other core for
 * each request would cost more than to answer it. The latency counts from when it was due. */
static const uint64_t pace = 200000;

struct connection {
    int fd;      /* -1: down for good */
    bool busy;   /* a request is outstanding */
    size_t next; /* shape of the next request;  */
    const struct shape *asked;
    uint64_t due, sent; /* ns: latency counts from the one, the time-out from the other */
    size_t out_len, out_sent, in_len;
    char out[SHAPE_SIZE_MAX], in[REPLY_MAX];
};

static uint64_t now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * second + (uint64_t)ts.tv_nsec;
}

static void *allocate(size_t count, size_t size)
{
    void *p = calloc(count, size);

    if (!p)
        err(2, "calloc");
    return p;
}

static void push_idle(struct load *l, struct connection *c)
{
    l->idle[(l->idle_first + l->idle_count++) % l->connection_count] = c;
}

static struct connection *pop_idle(struct load *l)
{
    struct connection *c = l->idle[l->idle_first];

    l->idle_first = (l->idle_first + 1) % l->connection_count;
    l->idle_count--;
    return c;
}

/* Waits up to 2 s for a server that is starting; once a connection stayed down
 * the server is gone, and each other one is tried once. */
static void open_connection(struct load *l, struct connection *c)
{
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = c };
    int tries = l->down ? 1 : 100;

    while ((c->fd = endpoint_connect(&l->server)) < 0 && --tries > 0)
        nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
    if (c->fd < 0) {
        l->down++;
        return;
    }
    if (epoll_ctl(l->poll_fd, EPOLL_CTL_ADD, c->fd, &event) < 0)
        err(2, "epoll_ctl");
    c->busy = false;
    c->in_len = c->out_len = c->out_sent = 0;
    push_idle(l, c);
}

static void begin_measuring(struct load *l)
{
    l->begin = l->last = now();
    l->cpu_before = l->pid ? process_cpu_ns((pid_t)l->pid) : 0; /* clocks take 0 for ourselves */
    if (l->seconds > 0)
        l->stop = l->begin + (uint64_t)(l->seconds * 1e9);
}

/* Counts a request as answered or lost. */
static void finish_request(struct load *l)
{
    if (++l->done == l->warmup)
        begin_measuring(l);
}

static void reopen_connection(struct load *l, struct connection *c, bool is_error)
{
    close(c->fd);
    l->tally.reconnects++;
    l->tally.errors += is_error;
    if (c->busy)
        finish_request(l);
    else
        for (size_t n = l->idle_count; n > 0; n--) { /* takes it out of the ring */
            struct connection *other = pop_idle(l);

            if (other != c)
                push_idle(l, other);
        }
    open_connection(l, c);
}

static void send_rest(struct load *l, struct connection *c)
{
    bool waited = c->out_sent > 0;

    while (c->out_sent < c->out_len) {
        ssize_t n = send(c->fd, c->out + c->out_sent, c->out_len - c->out_sent, MSG_NOSIGNAL);

        if (n >= 0)
            c->out_sent += (size_t)n;
        else if (errno == EAGAIN)
            break;
        else if (errno != EINTR) {
            reopen_connection(l, c, true);
            return;
        }
    }
    if (waited || c->out_sent < c->out_len) {
        struct epoll_event event = { .events = c->out_sent < c->out_len ? EPOLLIN | EPOLLOUT : EPOLLIN,
                                     .data.ptr = c };

        epoll_ctl(l->poll_fd, EPOLL_CTL_MOD, c->fd, &event);
    }
}

static void send_request(struct load *l, struct connection *c, uint64_t due, uint64_t at)
{
    c->asked = &l->shapes.shapes[c->next];
    c->next = (c->next + 1) % l->shapes.count;
    c->out_len = shape_write_request(c->asked, l->seq++, l->users, c->out);
    c->out_sent = c->in_len = 0;
    c->due = due;
    c->sent = at;
    c->busy = true;
    l->issued++;
    send_rest(l, c);
}

static bool has_more(const struct load *l)
{
    return l->issued < l->warmup + l->requests && (l->stop == 0 || l->last < l->stop);
}

static uint64_t due_time(const struct load *l)
{
    return l->rate > 0 ? l->start + (uint64_t)((double)l->issued / l->rate * 1e9) : 0;
}

static uint64_t next_pace(const struct load *l)
{
    return l->start + ((due_time(l) - l->start) / pace + 1) * pace;
}

/* Hands each request that is due to an idle connection. */
static void send_due(struct load *l)
{
    while (l->idle_count > 0 && has_more(l)) {
        uint64_t at = now(), due = due_time(l);

        if (due > at)
            return;
        send_request(l, pop_idle(l), due > 0 ? due : at, at);
    }
}

/* c->in holds a whole reply. */
static void take_reply(struct load *l, struct connection *c)
{
    static const char name[] = "action=";
    const char *value = strncmp(c->in, name, sizeof name - 1) == 0 ? c->in + sizeof name - 1 : "";
    char verb[VERB_SIZE];

    snprintf(verb, sizeof verb, "%.*s", (int)strcspn(value, " \t\r\n"), value);
    tally_add_verb(&l->tally, verb);
    if (c->asked->expect[0] && strcmp(c->asked->expect, verb) != 0)
        l->tally.mismatches++;
    l->last = now();
    if (l->done >= l->warmup)
        tally_add_latency(&l->tally, l->last - c->due);
    finish_request(l);
    c->busy = false;
    push_idle(l, c);
}

static void read_reply(struct load *l, struct connection *c)
{
    ssize_t n = recv(c->fd, c->in + c->in_len, sizeof c->in - 1 - c->in_len, 0);
    const char *end;

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        reopen_connection(l, c, c->busy); /* an idle one may be closed */
        return;
    }
    c->in_len += (size_t)n;
    c->in[c->in_len] = '\0';
    end = strstr(c->in, "\n\n");
    if (!c->busy || (end && end + 2 != c->in + c->in_len) || (!end && c->in_len == sizeof c->in - 1))
        reopen_connection(l, c, true); /* not asked for, more than one reply, or too long */
    else if (end)
        take_reply(l, c);
}

static void drop_overdue(struct load *l, uint64_t at)
{
    for (size_t i = 0; i < l->connection_count; i++) {
        struct connection *c = &l->connections[i];

        if (c->fd >= 0 && c->busy && at - c->sent > (uint64_t)(l->timeout * 1e9)) {
            l->tally.timeouts++;
            reopen_connection(l, c, true);
        }
    }
}

static void wait_for_events(struct load *l, uint64_t until)
{
    struct epoll_event events[EVENTS_MAX];
    uint64_t at = now(), wait = until > at ? until - at : 0;
    struct timespec ts = { (time_t)(wait / second), (long)(wait % second) };
    int n = epoll_pwait2(l->poll_fd, events, EVENTS_MAX, &ts, NULL);

    if (n < 0 && errno != EINTR)
        err(2, "epoll_pwait2");
    for (int i = 0; i < n; i++)
        if (events[i].events & EPOLLOUT)
            send_rest(l, events[i].data.ptr);
        else
            read_reply(l, events[i].data.ptr);
}

static void ask_all(struct load *l)
{
    uint64_t scan = now() + scan_interval;

    l->start = l->last = now();
    if (l->warmup == 0)
        begin_measuring(l);
    while ((has_more(l) || l->done < l->issued) && l->down < l->connection_count) {
        uint64_t wake = scan;

        send_due(l);
        if (l->rate > 0 && l->idle_count > 0 && has_more(l) && next_pace(l) < wake)
            wake = next_pace(l);
        wait_for_events(l, wake);
        if (now() >= scan) {
            drop_overdue(l, now());
            scan = now() + scan_interval;
        }
    }
}

static void open_all(struct load *l)
{
    l->connections = allocate(l->connection_count, sizeof *l->connections);
    l->idle = allocate(l->connection_count, sizeof(struct connection *));
    if ((l->poll_fd = epoll_create1(EPOLL_CLOEXEC)) < 0)
        err(2, "epoll_create1");
    for (size_t i = 0; i < l->connection_count; i++) {
        l->connections[i].next = i % l->shapes.count;
        open_connection(l, &l->connections[i]);
    }
    if (l->down > 0)
        err(2, "%s: %zu of %" PRIu64 " connections failed", l->server.spec, l->down, l->connection_count);
}

void load_run(struct load *l)
{
    uint64_t opening = now();

    tally_init(&l->tally, l->requests);
    signal(SIGPIPE, SIG_IGN);
    open_all(l);
    l->connect_ns = now() - opening;
    ask_all(l);
    l->run_ns = l->last - l->begin;
    if (l->pid) {
        l->cpu_ns = process_cpu_ns((pid_t)l->pid) - l->cpu_before;
        l->rss_kib = process_rss_kib((pid_t)l->pid);
    }
}
