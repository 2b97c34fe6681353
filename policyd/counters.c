/* SPDX-License-Identifier: MIT */
#include "policyd/counters.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/address.h"
#include "lib/usage_rows.h"
#include "policyd/check.h"
#include "policyd/clock.h"
#include "policyd/log.h"

enum {
    IDLE_MS = 100,
    QUIET_S = 30,       /* a row that changes again and again is not written each time */
    TICK_MS = 10,       /* while there are rows that are to go to state.db */
    PER_TICK = 10,      /* a handful: the writer is not to take the processor from replies for long */
    LAST_MOST = 8192,   /* at the end: the rest is found in the log at the next start */
    MANY = 128 * 1024,  /* that have yet to: from there on they go at once, and more */
    MANY_SHARE = 160,   /* namely this part of those above */
    TRIM_EVERY = 60,    /* sweeps */
    ALARM_S = 60,
    SEEN_S = 5,
    BATCH_MAX = 1024
};

static const uint64_t pause_ns = SECOND_NS, /* after state.db could not be written */
    sweep_ns = SECOND_NS;

struct counters {
    struct writer *writer;
    struct event *timer;
    struct usage_rows *rows;
    struct job_thread *thread;

    struct job fold, last_fold;
    struct change_set fold_set, last_fold_set;
    bool folding, stopped;
    struct settling *to_settle, *settled; /* with the next fold; with the one that is under way */
    uint64_t resume_ns; /* no fold before that */
    uint64_t swept_ns;
    struct job tidy;
    bool tidying;

    struct store *memory; /* NULL: nothing stands in */
    uint64_t unlogged;    /* as far as it was said */
    bool degraded;        /* it was said, and not yet that it is over */
    int64_t alarmed;

    bool sweeping;
    unsigned sweeps;
    struct job sweep;
    struct change sweep_change[2];
    struct change_set sweep_set;
};

/* ---- the thread ---- */

static size_t collect(const struct job **job, struct change_set *sets_r[static BATCH_MAX])
{
    size_t count = 0;

    for (; *job && count + (*job)->sets <= BATCH_MAX; *job = (*job)->next)
        for (size_t i = 0; i < (*job)->sets; i++)
            sets_r[count++] = &(*job)->set[i];
    return count;
}

/* Forgets what is to be forgotten, and leaves the others. */
static size_t forget(struct usage_rows *rows, struct change_set **sets, size_t count)
{
    size_t left = 0;

    for (size_t i = 0; i < count; i++)
        if (sets[i]->change->kind == CHANGE_FORGET) {
            usage_rows_forget(rows, sets[i]->change->field[FIELD_ADDRESS]);
            sets[i]->result = OK;
        } else
            sets[left++] = sets[i];
    return left;
}

static void count_all(struct counters *c, const struct job *job)
{
    struct change_set *sets[BATCH_MAX];
    struct error e;

    while (job) {
        size_t count = forget(c->rows, sets, collect(&job, sets));
        (void)!usage_rows_apply(c->rows, sets, count, time(NULL), &e); /* the loop sees it in `unlogged` */
    }
}

static void counters_run(void *context)
{
    struct counters *c = context;
    struct job_queue work;

    job_queue_init(&work);
    while (job_thread_take(c->thread, SEEN_S, &work)) {
        if (!work.first)
            continue;
        count_all(c, work.first);
        job_thread_hand_back(c->thread, &work);
    }
}

bool counters_take(const struct change_set *set)
{
    return !set->source && set->count > 0 && set->change->kind == CHANGE_USAGE;
}

void counters_submit(struct counters *c, struct job *job)
{
    job_thread_submit(c->thread, job);
}

void counters_commit(struct counters *c)
{
    job_thread_commit(c->thread);
}

uint64_t counters_seen_ns(const struct counters *c)
{
    return job_thread_pulse(c->thread).seen_ns;
}

/* ---- forgetting ---- */

struct forgetting {
    struct job job;
    struct change_set set;
    struct change change;
    struct counters *counters;
    struct job *then;
    char account[ADDRESS_MAX + 1];
};

static void on_forgotten(struct job *job)
{
    struct forgetting *f = (struct forgetting *)job;

    writer_submit(f->counters->writer, f->then);
    free(f);
}

enum result counters_forget(struct counters *c, const char *account, struct job *then)
{
    struct forgetting *f = calloc(1, sizeof *f);

    if (!f || str_copy(span_of(account), f->account, sizeof f->account) != OK) {
        free(f);
        return TRY_AGAIN;
    }
    f->change.kind = CHANGE_FORGET;
    f->change.field[FIELD_ADDRESS] = f->account;
    f->set = (struct change_set){ .change = &f->change, .count = 1 };
    f->job = (struct job){ .database = DATABASE_STATE, .set = &f->set, .sets = 1, .done = on_forgotten };
    f->counters = c;
    f->then = then;
    counters_submit(c, &f->job);
    return OK;
}

/* ---- while something else has to stand in ---- */

/* Said at once, and then once a minute, however often a full disk has room for a moment. */
static void alarm_degraded(struct counters *c, const char *why, int64_t now)
{
    if (now - c->alarmed < ALARM_S && now >= c->alarmed)
        return;
    c->alarmed = now;
    log_format(LOG_LEVEL_ALARM, "limits are counted in memory only: %s", why);
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
    if (open_memory(c, &e) == OK)
        (void)!store_apply(c->memory, &set, 1, now);
}

static void recover(struct counters *c)
{
    store_close(&c->memory);
    log_format(LOG_LEVEL_WARNING, "counting goes on: what was counted in memory is dropped");
}

void counters_stand_in(struct counters *c, struct commit *commit, int64_t now)
{
    for (size_t i = 0; i < commit->count; i++) {
        if (!(checks[commit->check[i]].flags & CHECK_COUNTS))
            continue;
        if (commit->set[i].result == TRY_AGAIN)
            stand_in(c, &commit->set[i], now);
        else if (c->memory)
            recover(c);
    }
}

static void watch_log(struct counters *c, uint64_t unlogged, int64_t now)
{
    if (unlogged == c->unlogged)
        return;
    alarm_degraded(c, "the log beside state.db cannot be written", now);
    c->unlogged = unlogged;
    c->degraded = true;
}

/* What was counted without a log is not lost: it goes to state.db as all else does. */
static void watch_fold(struct counters *c)
{
    if (!c->degraded || usage_rows_stats(c->rows).unlogged > c->unlogged)
        return;
    c->degraded = false;
    log_format(LOG_LEVEL_WARNING, "state.db is written again, with what was counted meanwhile");
}

/* ---- into state.db ---- */

static void on_tidied(struct job *job)
{
    struct counters *c = (struct counters *)((char *)job - offsetof(struct counters, tidy));

    c->tidying = false;
}

/* With the last row the log goes, without waiting for the next message. */
static void tidy(struct counters *c)
{
    if (c->tidying || c->stopped)
        return;
    c->tidying = true;
    c->tidy = (struct job){ .database = DATABASE_STATE, .done = on_tidied };
    counters_submit(c, &c->tidy);
}

static void tell_settled(struct counters *c, enum result r)
{
    struct settling *s;

    while ((s = c->settled) != NULL) {
        c->settled = s->next;
        s->done(s, r);
    }
}

static void on_folded(struct job *job);

static void fold(struct counters *c, size_t most, int64_t until)
{
    c->folding = true;
    c->settled = c->to_settle;
    c->to_settle = NULL;
    c->fold_set = (struct change_set){ .source = usage_rows_changed(c->rows, most, until) };
    c->fold = (struct job){ .database = DATABASE_STATE, .set = &c->fold_set, .sets = 1, .done = on_folded };
    writer_submit(c->writer, &c->fold);
}

static void fold_all(struct counters *c)
{
    fold(c, SIZE_MAX, INT64_MAX);
}

/* Once it is stopped, the last fold has all of them, and only that says so. */
static void on_folded(struct job *job)
{
    struct counters *c = (struct counters *)((char *)job - offsetof(struct counters, fold));
    bool done = c->fold_set.result == OK;

    c->folding = false;
    if (!c->stopped) {
        usage_rows_written(c->rows, done);
        c->resume_ns = done ? 0 : clock_monotonic_ns() + pause_ns;
    }
    tell_settled(c, done ? OK : TRY_AGAIN);
    if (c->stopped)
        return;
    if (done)
        watch_fold(c);
    if (c->to_settle)
        fold_all(c);
    else if (usage_rows_stats(c->rows).changed == 0)
        tidy(c);
}

/* Rows that changed until then are to go to state.db. One that nothing but memory has is not
 * made to wait, nor one of a future that the clock was wrong about. */
static int64_t due_until(const struct counters *c, const struct usage_rows_stats *stats, int64_t now)
{
    return c->degraded || stats->changed > MANY || stats->changed_at > now ? INT64_MAX : now - QUIET_S;
}

static void fold_some(struct counters *c, size_t changed, int64_t until, uint64_t now_ns)
{
    if (!c->folding && now_ns >= c->resume_ns)
        fold(c, PER_TICK + (changed > MANY ? (changed - MANY) / MANY_SHARE : 0), until);
}

void counters_settle(struct counters *c, struct settling *s)
{
    s->next = c->to_settle;
    c->to_settle = s;
    if (!c->folding)
        fold_all(c);
}

static void on_last_fold(struct job *job)
{
    struct counters *c = (struct counters *)((char *)job - offsetof(struct counters, last_fold));

    usage_rows_written(c->rows, c->last_fold_set.result == OK);
    if (c->last_fold_set.result != OK)
        log_format(LOG_LEVEL_ALARM, "what was counted last stays beside state.db until the next start: %s",
                   c->last_fold_set.error.text);
}

/* ---- sweeping ---- */

static void on_swept(struct job *job)
{
    struct counters *c = (struct counters *)((char *)job - offsetof(struct counters, sweep));

    c->sweeping = false;
}

static void sweep(struct counters *c)
{
    if (c->sweeping)
        return;
    c->sweeping = true;
    c->sweep_change[0] = (struct change){ .kind = CHANGE_USAGE_SWEEP };
    c->sweep_change[1] = (struct change){ .kind = CHANGE_GREYLIST_TRIM };
    c->sweep_set = (struct change_set){ .change = c->sweep_change, .count = c->sweeps++ % TRIM_EVERY == 0 ? 2 : 1 };
    c->sweep = (struct job){ .database = DATABASE_STATE, .set = &c->sweep_set, .sets = 1, .done = on_swept };
    writer_submit(c->writer, &c->sweep);
}

static enum result start_timer(struct counters *c, bool is_busy)
{
    struct timeval tv = { 0, (is_busy ? TICK_MS : IDLE_MS) * 1000 };

    return event_add(c->timer, &tv) == 0 ? OK : TRY_AGAIN;
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct counters *c = arg;
    struct usage_rows_stats stats = usage_rows_stats(c->rows);
    uint64_t now_ns = clock_monotonic_ns();
    int64_t now = time(NULL), until;
    bool due;

    (void)fd, (void)what;
    watch_log(c, stats.unlogged, now);
    until = due_until(c, &stats, now);
    due = stats.changed > 0 && stats.changed_at <= until;
    if (due)
        fold_some(c, stats.changed, until, now_ns);
    if (now_ns - c->swept_ns >= sweep_ns) {
        c->swept_ns = now_ns;
        sweep(c);
    }
    (void)!start_timer(c, due); /* an event that was added before: it needs no memory */
}

/* ---- open, close ---- */

enum result counters_open(struct event_base *base, struct writer *writer, const char *state_db,
                          struct counters **counters_r, struct error *e)
{
    struct counters *c = calloc(1, sizeof *c);
    enum result r;

    if (!c)
        return error_set(e, TRY_AGAIN, "out of memory");
    c->writer = writer;
    c->timer = event_new(base, -1, 0, on_timer, c);
    r = c->timer && start_timer(c, false) == OK ? usage_rows_open(state_db, &c->rows, e)
                                                  : error_set(e, TRY_AGAIN, "out of memory");
    if (r == OK)
        r = job_thread_start(base, &(struct job_thread_config){ counters_run, NULL, c, 0 }, &c->thread, e);
    if (r == OK)
        *counters_r = c;
    else
        counters_close(&c);
    return r;
}

void counters_stop(struct counters *c)
{
    if (!c)
        return;
    c->stopped = true;
    event_del(c->timer);
    job_thread_stop(&c->thread);
    c->last_fold_set = (struct change_set){ .source = usage_rows_changed(c->rows, LAST_MOST, INT64_MAX) };
    c->last_fold = (struct job){
        .database = DATABASE_STATE, .set = &c->last_fold_set, .sets = 1, .done = on_last_fold
    };
    writer_submit(c->writer, &c->last_fold);
}

void counters_close(struct counters **counters)
{
    struct counters *c = *counters;

    if (!c)
        return;
    if (c->timer)
        event_free(c->timer);
    job_thread_stop(&c->thread);
    c->settled = c->to_settle;
    tell_settled(c, TRY_AGAIN);
    usage_rows_close(&c->rows);
    store_close(&c->memory);
    free(c);
    *counters = NULL;
}
