/* SPDX-License-Identifier: MIT */
#include "policyctl/decide.h"

#include <event2/event.h>
#include <string.h>
#include <unistd.h>

#include "policyctl/score.h"
#include "policyctl/sent.h"
#include "policyd/facts.h"
#include "policyd/policy.h"
#include "policyd/resolver.h"
#include "policyd/rows.h"

enum { ROW_ENTRIES = 256 };

struct asking {
    struct event_base *base;
    struct event *deadline;
    struct resolver *resolver;
    struct store *store, *state; /* state: NULL where there is none to read */
    struct rows *rows;
    struct score_source score;
    struct dns_waiter waiter;
    bool woken, expired, proposes_only;
};

static void on_wake(struct dns_waiter *waiter)
{
    ((struct asking *)((char *)waiter - offsetof(struct asking, waiter)))->woken = true;
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    ((struct asking *)arg)->expired = true;
}

static enum result open_dns(struct asking *a, const struct config *c, struct error *e)
{
    struct resolver_config dns = { .servers = (const char *const *)c->dns.servers.item,
                                   .server_count = c->dns.servers.count,
                                   .timeout_ms = c->dns.timeout_ms };
    struct timeval limit = { c->limits.deadline_ms / 1000, (long)(c->limits.deadline_ms % 1000) * 1000 };

    a->base = event_base_new();
    a->deadline = a->base ? evtimer_new(a->base, on_deadline, a) : NULL;
    if (!a->deadline || evtimer_add(a->deadline, &limit) != 0)
        return error_set(e, TRY_AGAIN, "no event loop");
    return resolver_open(a->base, &dns, &a->resolver, e);
}

static void close_all(struct asking *a)
{
    if (a->resolver)
        resolver_close(&a->resolver);
    rows_close(&a->rows);
    store_close(&a->store);
    store_close(&a->state);
    if (a->deadline)
        event_free(a->deadline);
    if (a->base)
        event_base_free(a->base);
}

/* Adds to the check's row how much was sent. */
static void explain_sent(struct store *state, const struct proposals *p, int64_t now, struct finding *f)
{
    char text[ROW_TEXT_MAX];
    struct usage_limits limits;
    struct usage usage;
    struct strbuf b;

    for (size_t i = 0; i < p->count; i++) {
        if (p->change[i].kind != CHANGE_USAGE || sent_read(state, &p->change[i], &usage, &limits) != OK)
            continue;
        strbuf_init(&b, text, sizeof text);
        strbuf_addf(&b, "%s; sent of %s: ", f->row, p->change[i].field[FIELD_KEY]);
        sent_text(&usage, &limits, now, &b);
        finding_row(f, "%s", text);
    }
}

/* What the commit would say, without one. */
static void preview_commit(const struct ctl *ctl, const struct request *q, struct facts *facts, struct decision *d)
{
    /* Where policyd never ran there is no state.db yet, and nothing was sent. */
    const char *backend = access(ctl->config->state_db, F_OK) == 0 ? NULL : "memory";
    struct store_params p = { .backend = backend,
                              .path = ctl->config->state_db,
                              .database = DATABASE_STATE,
                              .access = STORE_READ };
    struct store *state = NULL;
    struct commit commit;
    struct error e = { "" };

    policy_commit(d, &commit);
    if (commit.count == 0)
        return;
    if (store_open(&p, &state, &e) == OK)
        explain_sent(state, &d->proposed, ctl->now, &d->finding[CHECK_SEND_LIMIT]);
    for (size_t i = 0; i < commit.count; i++)
        if (!state || store_preview(state, &commit.set[i], ctl->now) != OK)
            commit.set[i].result = TRY_AGAIN;
    store_close(&state);
    policy_committed(q, facts, &commit, d);
}

/* Where policyd never ran nothing is known of how anybody sends. */
static void open_score(struct asking *a, const struct ctl *ctl)
{
    struct store_params p = { .path = ctl->config->state_db, .database = DATABASE_STATE, .access = STORE_READ };
    struct error e;

    if (access(p.path, F_OK) == 0) {
        sent_settle(ctl); /* for preview_commit too */
        (void)!store_open(&p, &a->state, &e);
    }
    score_source_init(&a->score, a->state);
}

/* As policyd does: from the first check again whenever an answer has come. */
static void decide_waiting(struct asking *a, const struct ctl *ctl, const struct request *q, struct decision *d)
{
    struct facts facts;

    facts_init(&facts, ctl->config, a->rows, resolver_source(a->resolver));
    open_score(a, ctl);
    facts.behaviours = &a->score.source;
    for (;;) {
        facts_begin(&facts, &a->waiter, ctl->now);
        facts.expired = a->expired;
        a->woken = false;
        if (policy_decide(q, &facts, true, d) != PENDING)
            break;
        rows_turn_end(a->rows);
        while (!a->woken && !a->expired)
            if (event_base_loop(a->base, EVLOOP_ONCE) != 0)
                a->expired = true; /* no events left: nobody will answer */
    }
    if (!a->proposes_only)
        preview_commit(ctl, q, &facts, d);
}

static enum status decide_by(const struct ctl *ctl, const struct request *q, bool proposes_only,
                             struct decision *decision_r)
{
    struct asking a = { .waiter = { .wake = on_wake }, .proposes_only = proposes_only };
    enum status status = open_accounts(ctl, &a.store);
    struct error e;

    memset(decision_r, 0, sizeof *decision_r);
    if (status == STATUS_DONE && open_dns(&a, ctl->config, &e) != OK)
        status = fail_error(STATUS_UNREACHABLE, &e);
    if (status == STATUS_DONE && rows_open(a.store, ROW_ENTRIES, &a.rows) != OK)
        status = fail(STATUS_UNREACHABLE, "out of memory");
    if (status == STATUS_DONE)
        decide_waiting(&a, ctl, q, decision_r);
    close_all(&a);
    return status;
}

enum status decide(const struct ctl *ctl, const struct request *q, struct decision *decision_r)
{
    return decide_by(ctl, q, false, decision_r);
}

enum status decide_proposals(const struct ctl *ctl, const struct request *q, struct decision *decision_r)
{
    return decide_by(ctl, q, true, decision_r);
}
