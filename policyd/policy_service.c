/* SPDX-License-Identifier: MIT */
/*
 * The policy service: frame -> request -> decision -> commit -> reply.  A request that
 * waits for DNS is parked and decided again, from its first check, when the answer is
 * there or its time is up; one whose decision carries changes is parked until they are
 * committed, and then until what is known of its sender has to be and is.  Layer 7.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "policyd/clock.h"
#include "policyd/daemon.h"
#include "policyd/log.h"
#include "policyd/policy.h"
#include "policyd/protocol.h"
#include "policyd/record.h"

enum {
    SPARE_MAX = 256,
    HANDFUL = 16 /* so many go on at once: who comes next has work while the others are decided */
};

struct deciding;

/* One check's changes on their way to a thread and back. */
struct part {
    struct job job;
    struct deciding *of;
};

/* One request with its decision, from the frame to the reply. */
struct deciding {
    struct waiting waiting;
    struct dns_waiter waiter;
    struct deciding *next; /* of those that were woken, that are to be recorded, or that are spare */
    struct conn *conn;     /* NULL: it was answered or went away, and only what it committed has to come back */
    struct span frame;
    uint64_t began_ns, elapsed_ns;
    bool queued, answered;
    size_t under_way; /* parts, or the behaviour */
    struct part part[PROPOSALS_MAX];
    struct habit_wait behaviour;
    struct commit commit;
    struct request request;
    struct decision decision;
};

static struct deciding *woken, *spare, *answered, **answered_end = &answered;
static unsigned spare_count, submitted, replied;

/* One decision in so many has its checks timed each by itself: it costs some fifty
 * readings of the clock. */
enum { TIMED_EVERY = 32 };

/* One view for all requests, one at a time: it keeps the modes that it knows. */
static struct facts *facts_for(struct dns_waiter *waiter)
{
    static struct facts facts;
    static unsigned number;

    if (!facts.rows)
        facts_init(&facts, the_daemon.config, the_daemon.rows, resolver_source(the_daemon.resolver));
    facts.config = the_daemon.config;
    facts.counts = &the_daemon.facts_counts;
    facts.list_filter = the_daemon.list_filter;
    facts.zones = zone_watch_zones(the_daemon.zone_watch);
    facts.load_level = load_watch_load(the_daemon.load_watch)->level;
    facts.behaviours = habits_source(the_daemon.habits);
    facts.recipients = the_daemon.recipients;
    facts.clock_ns = ++number % TIMED_EVERY == 0 ? clock_monotonic_ns : NULL;
    facts_begin(&facts, waiter, daemon_now());
    return &facts;
}

static void record(struct deciding *w)
{
    struct decision *d = &w->decision;
    char line[LOG_LINE_MAX];
    struct strbuf b;

    record_decision(&w->request, d, daemon_now());
    counts_add(&the_daemon.counts, d, w->elapsed_ns);
    strbuf_init(&b, line, sizeof line);
    policy_log_line(&w->request, d, w->elapsed_ns / 1000, &b);
    log_line(LOG_LEVEL_INFO, (struct span){ line, b.len });
}

typedef void reply_fn(struct conn *, struct span reply);

static void reply(const struct deciding *w, reply_fn *fn)
{
    char text[REPLY_MAX + 32];
    struct strbuf b;

    strbuf_init(&b, text, sizeof text);
    protocol_format(w->decision.action, &b);
    fn(w->conn, (struct span){ text, b.len });
}

static void take_time(struct deciding *w)
{
    w->elapsed_ns = clock_monotonic_ns() - w->began_ns;
}

/* The connection goes on, and may end. */
static void finish(struct deciding *w)
{
    take_time(w);
    record(w);
    reply(w, conn_reply);
    w->conn = NULL;
}

/* ---- their memory ---- */

static void stop_waiting(struct deciding *w)
{
    struct dns_source *dns = resolver_source(the_daemon.resolver);

    dns->cancel(dns, &w->waiter);
    for (struct deciding **link = &woken; w->queued && *link; link = &(*link)->next)
        if (*link == w) {
            *link = w->next;
            break;
        }
    w->queued = false;
}

static void release(struct deciding *w)
{
    if (spare_count == SPARE_MAX) {
        free(w);
        return;
    }
    w->next = spare;
    spare = w;
    spare_count++;
}

/* One that is to be recorded is so at once, while its frame is there. */
static void on_cancel(struct waiting *waiting)
{
    struct deciding *w = (struct deciding *)waiting;

    stop_waiting(w);
    w->conn = NULL;
    if (w->answered)
        record(w);
    else if (w->under_way == 0)
        release(w);
}

/* ---- the commit ---- */

static bool is_repeated(const struct commit *commit)
{
    bool repeated = false;

    for (size_t i = 0; i < commit->count; i++)
        repeated |= commit->set[i].repeated;
    return repeated;
}

/* The replies of a turn are many, so they leave before what they tell is recorded. */
static void answer(struct deciding *w)
{
    if (is_repeated(&w->commit)) /* its twin was answered meanwhile */
        (void)record_answered(&w->request, &w->decision, daemon_now());
    take_time(w);
    w->answered = true;
    w->next = NULL;
    *answered_end = w;
    answered_end = &w->next;
    reply(w, conn_answer);
    if (++replied % HANDFUL == 0)
        server_send(the_daemon.server);
}

void policy_service_record(void)
{
    struct deciding *w;

    while ((w = answered) != NULL) {
        struct conn *c = w->conn;
        answered = w->next;
        if (!answered)
            answered_end = &answered;
        if (c)
            record(w);
        w->answered = false;
        w->conn = NULL;
        release(w);
        if (c)
            conn_go_on(c);
    }
}

static bool submit(struct deciding *w);

static void on_committed(struct job *job)
{
    struct deciding *w = ((struct part *)job)->of;

    if (--w->under_way > 0)
        return;
    if (!w->conn) {
        release(w);
        return;
    }
    counters_stand_in(the_daemon.counters, &w->commit, daemon_now());
    policy_committed(&w->request, facts_for(NULL), &w->commit, &w->decision);
    if (is_repeated(&w->commit) || !submit(w))
        answer(w);
}

/* The writer has not come back within the deadline, and still has the sets. */
static void uncommitted(struct deciding *w)
{
    struct commit late = w->commit;

    late.late = true;
    for (size_t i = 0; i < late.count; i++)
        late.set[i].result = error_set(&late.set[i].error, TRY_AGAIN, "not written in time");
    counters_stand_in(the_daemon.counters, &late, daemon_now());
    policy_committed(&w->request, facts_for(NULL), &late, &w->decision);
    finish(w);
}

static void submit_part(struct deciding *w, size_t i)
{
    struct part *p = &w->part[i];

    p->of = w;
    p->job = (struct job){
        .database = w->commit.database, .set = &w->commit.set[i], .sets = 1, .done = on_committed
    };
    if (counters_take(&w->commit.set[i])) {
        counters_submit(the_daemon.counters, &p->job);
        if (++submitted % HANDFUL == 0)
            counters_commit(the_daemon.counters);
    } else
        writer_submit(the_daemon.writer, &p->job);
}

static void on_kept(struct habit_wait *behaviour)
{
    struct deciding *w = (struct deciding *)((char *)behaviour - offsetof(struct deciding, behaviour));

    w->under_way = 0;
    if (w->conn)
        answer(w);
    else
        release(w);
}

static bool keep_behaviour(struct deciding *w)
{
    w->behaviour.done = on_kept;
    w->under_way = record_behaviour_first(&w->request, &w->decision, daemon_now(), &w->behaviour) ? 1 : 0;
    return w->under_way > 0;
}

/* Whether there is something to commit before the reply: at first, and once more where a check finds only
 * then that the account is to be suspended; then what is known of how it sends. */
static bool submit(struct deciding *w)
{
    policy_commit(&w->decision, &w->commit);
    if (w->commit.count == 0)
        return keep_behaviour(w);
    if (record_answered(&w->request, &w->decision, daemon_now()))
        return false;
    w->under_way = w->commit.count;
    for (size_t i = 0; i < w->commit.count; i++)
        submit_part(w, i);
    return true;
}

/* ---- deciding ---- */

/* PENDING: it will be woken, or its changes are being committed. OK: it is decided. BAD: the
 * frame is malformed, or there is no memory to read it. */
static enum result decide(struct deciding *w, bool expired)
{
    struct facts *facts = facts_for(&w->waiter);
    struct error e;

    if (protocol_parse(w->frame, the_daemon.config->limits.attributes, &w->request, &e) != OK) {
        log_format(LOG_LEVEL_WARNING, "%s: %s: closed without a reply", conn_name(w->conn), e.text);
        return BAD;
    }
    request_prepare(&w->request, the_daemon.config);
    if (w->request.no_memory) {
        log_format(LOG_LEVEL_WARNING, "%s: out of memory: closed without a reply", conn_name(w->conn));
        return BAD;
    }
    facts->expired = expired;
    if (policy_decide(&w->request, facts, false, &w->decision) == PENDING)
        return PENDING;
    stop_waiting(w); /* it may have been decided with a question still open */
    return submit(w) ? PENDING : OK;
}

/* Decides a parked request once more; its answer may free the connection. */
static enum result resume(struct deciding *w, bool expired)
{
    enum result r = decide(w, expired);

    if (r == OK) {
        finish(w);
        release(w);
    } else if (r == BAD)
        conn_close(w->conn); /* memory is short: malformed it was not before */
    return r;
}

static void on_expire(struct waiting *waiting)
{
    struct deciding *w = (struct deciding *)waiting;

    if (w->under_way > 0)
        uncommitted(w);
    else if (resume(w, true) == PENDING)
        conn_park(w->conn, waiting); /* the commit has its own time */
}

static void on_wake(struct dns_waiter *waiter)
{
    struct deciding *w = (struct deciding *)((char *)waiter - offsetof(struct deciding, waiter));

    if (w->queued)
        return;
    w->queued = true;
    w->next = woken;
    woken = w;
}

void policy_service_turn(void)
{
    struct deciding *w;

    while ((w = woken) != NULL) {
        woken = w->next;
        w->queued = false;
        (void)resume(w, false);
    }
}

static struct deciding *take_spare(void)
{
    struct deciding *w = spare;

    if (w) {
        spare = w->next;
        spare_count--;
        return w;
    }
    w = calloc(1, sizeof *w);
    if (w) {
        w->waiting = (struct waiting){ on_cancel, on_expire };
        w->waiter.wake = on_wake;
    }
    return w;
}

static enum served handle(struct conn *c, struct span frame)
{
    struct deciding *w = take_spare();
    enum result r;

    if (!w)
        return SERVED_CLOSE;
    w->conn = c;
    w->frame = frame;
    w->began_ns = clock_monotonic_ns();
    r = decide(w, false);
    if (r != BAD && span_equal(w->request.attr[ATTR_STRESS], SPAN("yes")))
        load_watch_stressed(the_daemon.load_watch);
    if (r == PENDING) {
        conn_park(c, &w->waiting);
        return SERVED_PARKED;
    }
    if (r == OK)
        finish(w);
    release(w);
    return r == OK ? SERVED : SERVED_CLOSE;
}

static enum result frame(struct span text, size_t *scanned, size_t *length_r, struct error *e)
{
    (void)e;
    *length_r = protocol_frame(text, scanned);
    return OK;
}

const struct service policy_service = { "policy", frame, handle, .takes_fd = false };
