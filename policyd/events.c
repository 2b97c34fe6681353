/* SPDX-License-Identifier: MIT */
#include "policyd/events.h"

#include <stdlib.h>
#include <string.h>

#include "policyd/log.h"

enum { BATCH = 64, RETRY_S = 1, TEXT_MAX = 400 };

/* A change, with its texts behind it in one allocation. */
struct waiting_event {
    struct waiting_event *next;
    uint64_t origin; /* its account_event; 0: none */
    struct change change;
    char text[];
};

struct events {
    struct writer *writer;
    struct event *timer;
    struct waiting_event *first, **last;
    size_t count;
    uint64_t lost;
    bool failed;   /* wait for the timer before trying again */
    bool finished; /* nothing is handed to the writer any more */

    bool changed;       /* accounts.db may have new ones */
    uint64_t collected; /* the last account_event that was read, */
    uint64_t written;   /* that state.db has, */
    uint64_t forgotten; /* that is gone from accounts.db */

    struct job add; /* the first `flying` events */
    struct change_set add_set[BATCH];
    size_t flying;

    struct job forget;
    struct change_set forget_set;
    bool forget_stale; /* it is of an accounts.db that was replaced */
    struct change forget_change;
    char forget_id[STR_NUMBER_MAX];
    bool forgetting;
    void (*released)(const char *account); /* or NULL */
};

/* The job is a member of its own struct. */
#define EVENTS_OF(job, member) ((struct events *)((char *)(job)-offsetof(struct events, member)))

/* ---- what waits ---- */

/* origin 0: it comes from policyd itself. */
static bool keep(struct events *e, const struct change *c, uint64_t origin)
{
    struct waiting_event *w = e->count < EVENTS_MAX ? calloc(1, sizeof *w + change_texts_size(c)) : NULL;

    if (!w)
        return false;
    w->change = change_copy(c, w->text);
    w->origin = origin;
    *e->last = w;
    e->last = &w->next;
    e->count++;
    return true;
}

static void drop_first(struct events *e)
{
    struct waiting_event *w = e->first;

    e->first = w->next;
    if (!e->first)
        e->last = &e->first;
    e->count--;
    free(w);
}

/* What a change takes: one line of bounded length. */
static const char *clean(const char *text, char line_r[static TEXT_MAX + 1])
{
    struct strbuf b;

    strbuf_init(&b, line_r, TEXT_MAX + 1);
    strbuf_add_clean(&b, span_of(text));
    while (!utf8_valid((struct span){ line_r, b.len })) /* cut within a character */
        b.len--;
    line_r[b.len] = '\0';
    return line_r;
}

void events_add(struct events *e, const struct event_report *report, int64_t now)
{
    char start[STR_NUMBER_MAX], text[4][TEXT_MAX + 1];
    const struct change c = { .kind = CHANGE_EVENT_ADD,
                              .field = { [FIELD_EVENT] = event_kind_name(report->kind),
                                         [FIELD_ACCOUNT] = report->account,
                                         [FIELD_SUBJECT] = clean(report->subject, text[0]),
                                         [FIELD_REASON] = clean(report->reason, text[1]),
                                         [FIELD_BY] = clean(report->by, text[2]),
                                         [FIELD_EVIDENCE] = clean(report->evidence, text[3]),
                                         [FIELD_START] = str_number_text((uint64_t)now, start) } };

    if (!keep(e, &c, 0))
        e->lost++;
}

uint64_t events_lost(const struct events *e)
{
    return e->lost;
}

/* ---- those of accounts.db ---- */

void events_accounts_changed(struct events *e, bool replaced)
{
    e->changed = true;
    if (!replaced)
        return;
    /* Its numbers are others, which say nothing of those that wait; state.db keeps each from coming twice. */
    e->collected = e->written = e->forgotten = 0;
    e->forget_stale = e->forgetting;
    for (struct waiting_event *w = e->first; w; w = w->next)
        w->origin = 0;
}

void events_on_release(struct events *e, void (*released)(const char *account))
{
    e->released = released;
}

static void tell_release(const struct events *e, const char *name, const char *account)
{
    enum event_kind kind;

    if (e->released && event_kind_parse(name, &kind) == OK &&
        (kind == EVENT_ACCOUNT_RELEASED || kind == EVENT_PASSWORD_DEMANDED))
        e->released(account);
}

/* A row of QUERY_ACCOUNT_EVENTS. */
static bool collect_row(const struct row *row, void *context)
{
    struct events *e = context;
    const char *const *column = row->column;
    const struct change c = { .kind = CHANGE_EVENT_ADD,
                              .field = { [FIELD_ORIGIN] = column[0],
                                         [FIELD_START] = column[1],
                                         [FIELD_EVENT] = column[2],
                                         [FIELD_ACCOUNT] = column[3],
                                         [FIELD_SERVICES] = column[4],
                                         [FIELD_REASON] = column[5],
                                         [FIELD_UNTIL] = column[6],
                                         [FIELD_BY] = column[7],
                                         [FIELD_EVIDENCE] = column[8] } };
    uint64_t id;

    if (str_number(span_of(column[0]), 1, INT64_MAX, &id) != OK || !keep(e, &c, id))
        return false; /* no room: it stays there, and is read again later */
    e->collected = id;
    tell_release(e, column[2], column[3]);
    return true;
}

static void collect(struct events *e, struct store *accounts)
{
    char after[STR_NUMBER_MAX];
    const char *const param = str_number_text(e->collected, after);

    switch (store_query(accounts, QUERY_ACCOUNT_EVENTS, &param, 1, collect_row, e)) {
    case NOT_FOUND:
        e->changed = false;
        break;
    case OK: /* perhaps there are more */
        break;
    default:
        e->failed = true;
    }
}

/* ---- to the writer ---- */

static void add_done(struct job *job)
{
    struct events *e = EVENTS_OF(job, add);

    e->failed = false;
    for (size_t i = 0; i < e->flying && !e->failed; i++) {
        const struct change_set *set = &e->add_set[i];
        e->failed = set->result == TRY_AGAIN;
        if (e->failed)
            break; /* the writer said why; this one and those behind it wait */
        if (set->result != OK)
            log_format(LOG_LEVEL_ALARM, "event not written: %s", set->error.text);
        if (e->first->origin > e->written)
            e->written = e->first->origin;
        drop_first(e);
    }
    e->flying = 0;
}

static void submit(struct events *e)
{
    for (struct waiting_event *w = e->first; w && e->flying < BATCH; w = w->next)
        e->add_set[e->flying++] = (struct change_set){ .change = &w->change, .count = 1 };
    e->add =
        (struct job){ .database = DATABASE_STATE, .set = e->add_set, .sets = e->flying, .done = add_done };
    writer_submit(e->writer, &e->add);
}

static void forget_done(struct job *job)
{
    struct events *e = EVENTS_OF(job, forget);
    uint64_t id;

    e->forgetting = false;
    if (e->forget_stale)
        e->forget_stale = false;
    else if (e->forget_set.result == OK && str_number(span_of(e->forget_id), 1, INT64_MAX, &id) == OK)
        e->forgotten = id;
    else
        e->failed = true;
}

static void submit_forget(struct events *e)
{
    e->forget_change = (struct change){ .kind = CHANGE_ACCOUNT_EVENT_DONE };
    e->forget_change.field[FIELD_ID] = str_number_text(e->written, e->forget_id);
    e->forget_set = (struct change_set){ .change = &e->forget_change, .count = 1 };
    e->forget =
        (struct job){ .database = DATABASE_ACCOUNTS, .set = &e->forget_set, .sets = 1, .done = forget_done };
    e->forgetting = true;
    writer_submit(e->writer, &e->forget);
}

void events_turn(struct events *e, struct store *accounts)
{
    if (e->failed || e->finished)
        return;
    if (e->changed && accounts && e->count + BATCH <= EVENTS_MAX)
        collect(e, accounts);
    if (e->first && e->flying == 0)
        submit(e);
    if (e->written > e->forgotten && !e->forgetting)
        submit_forget(e);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct events *e = arg;

    (void)fd, (void)what;
    e->failed = false; /* tried again at the turn's end */
}

/* ---- opening and closing ---- */

enum result events_open(struct event_base *base, struct writer *writer, struct events **events_r)
{
    struct events *e = calloc(1, sizeof *e);
    struct timeval tv = { RETRY_S, 0 };

    if (!e)
        return TRY_AGAIN;
    e->writer = writer;
    e->last = &e->first;
    e->changed = true; /* what was done while no policyd ran */
    e->timer = event_new(base, -1, EV_PERSIST, on_timer, e);
    if (!e->timer || event_add(e->timer, &tv) != 0) {
        events_free(&e);
        return TRY_AGAIN;
    }
    *events_r = e;
    return OK;
}

void events_finish(struct events *e)
{
    if (e && e->first && e->flying == 0)
        submit(e);
    if (e)
        e->finished = true;
}

void events_free(struct events **events)
{
    struct events *e = *events;

    if (!e)
        return;
    while (e->first)
        drop_first(e);
    if (e->timer)
        event_free(e->timer);
    free(e);
    *events = NULL;
}
