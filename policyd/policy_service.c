/* SPDX-License-Identifier: MIT */
/*
 * The policy service: frame -> request -> decision -> reply.  A request that waits
 * for DNS is parked and decided again, from its first check, when the answer is
 * there or its time is up.  Layer 7.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policyd/daemon.h"
#include "policyd/log.h"
#include "policyd/policy.h"
#include "policyd/protocol.h"
#include "policyd/record.h"

struct parked {
    struct waiting waiting;
    struct dns_waiter waiter;
    struct conn *conn;
    struct span frame;
    uint64_t began_us;
    bool queued;
    struct parked *next; /* of those that were woken */
};

static struct parked *woken;

static uint64_t monotonic_us(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static void finish(struct conn *c, const struct request *q, struct decision *d, uint64_t began_us)
{
    char line[LOG_LINE_MAX], reply[REPLY_MAX + 32];
    struct strbuf b;

    record_decision(q, d, daemon_now());
    the_daemon.decisions[d->decided_by < 0 ? 0 : d->degraded ? 2 : 1]++;
    strbuf_init(&b, line, sizeof line);
    policy_log_line(q, d, monotonic_us() - began_us, &b);
    log_line(LOG_LEVEL_INFO, (struct span){ line, b.len });
    strbuf_init(&b, reply, sizeof reply);
    protocol_format(d->action, &b);
    conn_reply(c, (struct span){ reply, b.len });
}

/* Decides a frame. PENDING: the waiter will be woken. BAD: it is malformed. */
static enum result decide(struct conn *c, struct span frame, uint64_t began_us, struct dns_waiter *waiter,
                          bool expired)
{
    static struct request request; /* the loop's one thread decides one at a time */
    static struct decision decision;
    static struct facts facts;
    struct error e;

    if (protocol_parse(frame, the_daemon.config->limits.attributes, &request, &e) != OK) {
        log_format(LOG_LEVEL_WARNING, "%s: %s: closed without a reply", conn_name(c), e.text);
        return BAD;
    }
    request_prepare(&request, the_daemon.config);
    if (!facts.rows) /* kept from request to request, with the modes it knows */
        facts_init(&facts, the_daemon.config, the_daemon.rows, resolver_source(the_daemon.resolver));
    facts.config = the_daemon.config;
    facts_begin(&facts, waiter, daemon_now());
    facts.expired = expired;
    if (policy_decide(&request, &facts, false, &decision) == PENDING)
        return PENDING;
    finish(c, &request, &decision, began_us);
    return OK;
}

static void stop_waiting(struct parked *p)
{
    struct dns_source *dns = resolver_source(the_daemon.resolver);

    dns->cancel(dns, &p->waiter);
}

static void parked_free(struct parked *p)
{
    stop_waiting(p);
    for (struct parked **link = &woken; p->queued && *link; link = &(*link)->next)
        if (*link == p) {
            *link = p->next;
            break;
        }
    free(p);
}

static void on_cancel(struct waiting *w)
{
    parked_free((struct parked *)w);
}

/* Decides a parked request once more; its answer may free the connection. */
static void resume(struct parked *p, bool expired)
{
    enum result r = decide(p->conn, p->frame, p->began_us, &p->waiter, expired);

    if (r == OK)
        parked_free(p);
    else if (r == BAD)
        conn_close(p->conn); /* cannot be: it was parsed before */
}

static void on_expire(struct waiting *w)
{
    resume((struct parked *)w, true);
}

static void on_wake(struct dns_waiter *waiter)
{
    struct parked *p = (struct parked *)((char *)waiter - offsetof(struct parked, waiter));

    if (p->queued)
        return;
    p->queued = true;
    p->next = woken;
    woken = p;
}

void policy_service_turn(void)
{
    struct parked *p;

    while ((p = woken) != NULL) {
        woken = p->next;
        p->queued = false;
        resume(p, false);
    }
}

/* Only a request that has to wait needs memory of its own; the first try is made
 * with a spare. */
static struct parked *spare_get(void)
{
    struct parked *p = calloc(1, sizeof *p);

    if (p) {
        p->waiting = (struct waiting){ on_cancel, on_expire };
        p->waiter.wake = on_wake;
    }
    return p;
}

static struct parked *spare;

static enum served handle(struct conn *c, struct span frame)
{
    uint64_t began = monotonic_us();
    enum result r;

    if (!spare && !(spare = spare_get()))
        return SERVED_CLOSE;
    spare->conn = c;
    spare->frame = frame;
    spare->began_us = began;
    r = decide(c, frame, began, &spare->waiter, false);
    if (r != PENDING) {
        stop_waiting(spare); /* it may have been decided with a question still open */
        return r == OK ? SERVED : SERVED_CLOSE;
    }
    conn_park(c, &spare->waiting);
    spare = NULL;
    return SERVED_PARKED;
}

static enum result frame(struct span text, size_t *scanned, size_t *length_r, struct error *e)
{
    (void)e;
    *length_r = protocol_frame(text, scanned);
    return OK;
}

const struct service policy_service = { "policy", frame, handle, .takes_fd = false };
