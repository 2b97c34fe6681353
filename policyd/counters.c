/* SPDX-License-Identifier: MIT */
#include "policyd/counters.h"

#include <stdlib.h>
#include <string.h>

#include "policyd/check.h"
#include "policyd/log.h"

enum { SWEEP_S = 1, TRIM_EVERY = 60, ALARM_S = 60 };

struct counters {
    struct writer *writer;
    struct event *timer;
    struct store *memory; /* NULL: state.db is written */
    uint64_t degraded;
    int64_t alarmed;
    bool sweeping;
    unsigned sweeps;
    struct job sweep;
    struct change change[2];
    struct change_set set;
};

/* ---- while state.db cannot be written ---- */

/* Said at once, and then once a minute, however often a full disk has room for a moment. */
static void alarm_degraded(struct counters *c, const char *why, int64_t now)
{
    if (now - c->alarmed < ALARM_S && now >= c->alarmed)
        return;
    c->alarmed = now;
    log_format(LOG_LEVEL_ALARM, "state.db is not written: limits are counted in memory only: %s", why);
}

static enum result open_memory(struct counters *c, struct error *e)
{
    struct store_params p = { .backend = "memory", .database = DATABASE_STATE };

    return c->memory ? OK : store_open(&p, &c->memory, e);
}

static void stand_in(struct counters *c, struct change_set *set, int64_t now)
{
    struct error e;

    alarm_degraded(c, set->error.text, now);
    c->degraded++;
    if (open_memory(c, &e) == OK)
        (void)!store_apply(c->memory, &set, 1, now);
}

static void recover(struct counters *c)
{
    store_close(&c->memory);
    log_format(LOG_LEVEL_WARNING, "state.db is written again: what was counted in memory is dropped");
}

void counters_stand_in(struct counters *c, struct commit *commit, int64_t now)
{
    for (size_t i = 0; i < commit->count; i++)
        if (commit->set[i].result == TRY_AGAIN && (checks[commit->check[i]].flags & CHECK_COUNTS))
            stand_in(c, &commit->set[i], now);
        else if (c->memory && commit->set[i].result != TRY_AGAIN)
            recover(c);
}

uint64_t counters_degraded(const struct counters *c)
{
    return c->degraded;
}

/* ---- sweeping ---- */

static void on_swept(struct job *job)
{
    struct counters *c = (struct counters *)((char *)job - offsetof(struct counters, sweep));

    c->sweeping = false;
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct counters *c = arg;

    (void)fd, (void)what;
    if (c->sweeping)
        return;
    c->sweeping = true;
    c->change[0] = (struct change){ .kind = CHANGE_USAGE_SWEEP };
    c->change[1] = (struct change){ .kind = CHANGE_GREYLIST_TRIM };
    c->set = (struct change_set){ .change = c->change, .count = c->sweeps++ % TRIM_EVERY == 0 ? 2 : 1 };
    c->sweep = (struct job){ .database = DATABASE_STATE, .set = &c->set, .sets = 1, .done = on_swept };
    writer_submit(c->writer, &c->sweep);
}

enum result counters_open(struct event_base *base, struct writer *writer, struct counters **counters_r)
{
    struct counters *c = calloc(1, sizeof *c);
    struct timeval tv = { SWEEP_S, 0 };

    if (!c)
        return TRY_AGAIN;
    c->writer = writer;
    c->timer = event_new(base, -1, EV_PERSIST, on_timer, c);
    if (!c->timer || event_add(c->timer, &tv) != 0) {
        if (c->timer)
            event_free(c->timer);
        free(c);
        return TRY_AGAIN;
    }
    *counters_r = c;
    return OK;
}

void counters_close(struct counters **counters)
{
    if (!*counters)
        return;
    event_free((*counters)->timer);
    store_close(&(*counters)->memory);
    free(*counters);
    *counters = NULL;
}
