/* SPDX-License-Identifier: MIT */
#include "policyd/writer.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policyd/clock.h"
#include "policyd/log.h"
#include "policyd/write_back.h"

enum {
    DATABASES = WRITE_BACK_DATABASES,
    BATCH_MAX = 1024,
    SLICED_MAX = 8, /* files in one batch */
    BUSY_MS = 2000,
    CACHE_KIB = 65536,
    CHECKPOINT_PAGES = 256, /* few at a time: what is decided meanwhile waits for it */
    CHECKPOINT_BETWEEN = 4096, /* pages: of jobs that are more than a transaction */
    CHECKPOINT_S = 5,
    NICE = 5, /* replies come first */
    SLICE = 64 /* changes of a file, after which others' counts are written that wait meanwhile */
};

struct writer {
    struct writer_config config;
    struct job_thread *thread;

    bool accounts_changed; /* under the thread's lock, as are the next two */
    struct writer_stats stats;
    struct said {
        enum log_level level;
        struct error text; /* empty: nothing */
    } said[1 + DATABASES]; /* what the thread wants logged: of transactions, and of each log */

    struct store *store[DATABASES]; /* the thread's own from here */
    struct write_back write_back;
    uint64_t all_back_ns; /* CLOCK_MONOTONIC: then what little there is in the logs is written back too */
};

/* ---- the thread ---- */

static enum result open_database(struct writer *w, enum database d, enum store_access access, struct error *e)
{
    struct store_params p = {
        .path = d == DATABASE_ACCOUNTS ? w->config.accounts_db : w->config.state_db,
        .database = d,
        .access = access,
        .busy_timeout_ms = BUSY_MS,
        .cache_kib = CACHE_KIB,
    };

    return store_open(&p, &w->store[d], e);
}

/* A file that was removed or replaced is let go: what is written to it would be lost. An
 * empty one is never made in its place. */
static enum result hold_database(struct writer *w, enum database d, struct error *e)
{
    uint64_t version;

    if (w->store[d] && store_version(w->store[d], &version) == OK)
        return OK;
    store_close(&w->store[d]);
    return open_database(w, d, STORE_WRITE, e);
}

static void serve_meanwhile(struct writer *w);

static void fail_job(struct job *job, const char *why)
{
    for (size_t i = 0; i < job->sets; i++)
        job->set[i].result = error_set(&job->set[i].error, TRY_AGAIN, "nothing was changed: %s", why);
}

static void say(struct said *said, enum log_level level, const char *text)
{
    said->level = level;
    error_set(&said->text, OK, "%s", text);
}

static void note_alarm(struct writer *w, enum database d, const char *why)
{
    job_thread_lock(w->thread);
    w->stats.failures++;
    w->stats.failing[d] = true;
    say(&w->said[0], LOG_LEVEL_ALARM, why);
    job_thread_unlock(w->thread);
}

/* ---- a file of changes, which takes as long as it takes ---- */

struct slices {
    struct change_source source; /* in place of the file's own */
    struct change_source *file;
    struct writer *writer;
    size_t count;
};

static enum result slices_next(struct change_source *source, bool first, struct change *change_r, struct error *e)
{
    struct slices *s = (struct slices *)source; /* its first member */

    if (++s->count % SLICE == 0)
        serve_meanwhile(s->writer);
    return s->file->next(s->file, first, change_r, e);
}

static enum result apply_sets(struct writer *w, enum database d, struct change_set **sets, size_t count)
{
    struct slices slices[SLICED_MAX];
    struct change_set *sliced[SLICED_MAX];
    size_t files = 0;
    enum result r;

    for (size_t i = 0; d == DATABASE_ACCOUNTS && i < count && files < SLICED_MAX; i++)
        if (sets[i]->source) {
            slices[files] = (struct slices){ { slices_next }, sets[i]->source, w, 0 };
            sliced[files] = sets[i];
            sets[i]->source = &slices[files++].source;
        }
    r = store_apply(w->store[d], sets, count, time(NULL));
    for (size_t i = 0; i < files; i++)
        sliced[i]->source = slices[i].file;
    return r;
}

/* Applies up to BATCH_MAX sets of one database, from jobs that lie in a row. */
static struct job *apply_batch(struct writer *w, struct job *job)
{
    struct change_set *sets[BATCH_MAX];
    enum database d = job->database;
    uint64_t start = clock_monotonic_ns();
    size_t count = 0;
    struct error e;
    bool done;

    for (; job && job->database == d && count + job->sets <= BATCH_MAX; job = job->next)
        for (size_t i = 0; i < job->sets; i++)
            sets[count++] = &job->set[i];
    if (hold_database(w, d, &e) != OK) {
        for (size_t i = 0; i < count; i++)
            sets[i]->result = error_set(&sets[i]->error, TRY_AGAIN, "nothing was changed: %s", e.text);
        note_alarm(w, d, e.text);
        return job;
    }
    done = apply_sets(w, d, sets, count) == OK;
    if (!done)
        note_alarm(w, d, sets[0]->error.text);
    job_thread_lock(w->thread);
    w->stats.transactions++;
    w->stats.sets += count;
    if (done)
        w->stats.failing[d] = false;
    histogram_add(&w->stats.duration, duration_bounds, clock_monotonic_ns() - start);
    histogram_add(&w->stats.size, size_bounds, count);
    w->accounts_changed |= d == DATABASE_ACCOUNTS;
    job_thread_unlock(w->thread);
    return job;
}

/* Every few seconds, however little it is: until then a power cut may take it. */
static unsigned pages_worth_it(struct writer *w)
{
    uint64_t now_ns = clock_monotonic_ns();

    if (now_ns < w->all_back_ns)
        return CHECKPOINT_PAGES;
    w->all_back_ns = now_ns + CHECKPOINT_S * SECOND_NS;
    return 1;
}

/* After the replies have left, not before: it takes milliseconds. */
static void checkpoint(struct writer *w, unsigned pages)
{
    char text[WRITE_BACK_TEXT_MAX];

    for (int d = 0; d < DATABASES; d++) {
        if (!w->store[d])
            continue;
        const char *path = d == DATABASE_ACCOUNTS ? w->config.accounts_db : w->config.state_db;
        enum write_back_news news = write_back_run(&w->write_back, (enum database)d, w->store[d], path, pages, text);
        job_thread_lock(w->thread);
        w->stats.held_since_ns[d] = w->write_back.held[d].since_ns;
        if (news != WRITE_BACK_NONE)
            say(&w->said[1 + d], news == WRITE_BACK_HELD ? LOG_LEVEL_ALARM : LOG_LEVEL_WARNING, text);
        job_thread_unlock(w->thread);
        if (news != WRITE_BACK_NONE)
            job_thread_wake(w->thread);
    }
}

static void apply_all(struct writer *w, struct job *job)
{
    while (job) {
        if (job->sets > BATCH_MAX) {
            fail_job(job, "too many changes at once");
            job = job->next;
        } else
            job = apply_batch(w, job);
        checkpoint(w, CHECKPOINT_BETWEEN); /* of so many that the log would fill the disk */
    }
}

static void apply_and_hand_back(struct writer *w, struct job_queue *work)
{
    apply_all(w, work->first);
    if (work->first)
        job_thread_hand_back(w->thread, work);
}

/* Counts, which replies wait for, go by the one database, and a file of changes by the
 * other: so they need not wait for it. */
static void serve_meanwhile(struct writer *w)
{
    struct job_queue work;

    job_thread_take_of(w->thread, DATABASE_STATE, &work);
    apply_and_hand_back(w, &work);
}

static void writer_run(void *context)
{
    struct writer *w = context;
    struct job_queue work, counts;

    job_queue_init(&work);
    while (job_thread_take(w->thread, CHECKPOINT_S, &work)) {
        job_queue_take(&work, DATABASE_STATE, &counts);
        apply_and_hand_back(w, &counts);
        apply_and_hand_back(w, &work);
        checkpoint(w, pages_worth_it(w));
    }
    checkpoint(w, 1);
}

/* ---- the loop's side ---- */

static void on_finished(void *context)
{
    struct writer *w = context;
    struct said said[1 + DATABASES];
    bool changed;

    job_thread_lock(w->thread);
    memcpy(said, w->said, sizeof said);
    memset(w->said, 0, sizeof w->said);
    changed = w->accounts_changed;
    w->accounts_changed = false;
    job_thread_unlock(w->thread);
    for (size_t i = 0; i < sizeof said / sizeof *said; i++)
        if (*said[i].text.text)
            log_format(said[i].level, "writer: %s", said[i].text.text);
    if (changed)
        w->config.changed(w->config.context);
}

static void writer_free(struct writer *w)
{
    for (int d = 0; d < DATABASES; d++)
        store_close(&w->store[d]);
    free(w);
}

enum result writer_open(struct event_base *base, const struct writer_config *config, struct writer **writer_r,
                        struct error *e)
{
    struct writer *w = calloc(1, sizeof *w);
    enum result r = w ? OK : error_set(e, TRY_AGAIN, "out of memory");

    if (!w)
        return r;
    w->config = *config;
    write_back_init(&w->write_back, config->held_alarm_ns > 0 ? config->held_alarm_ns : WRITE_BACK_ALARM_NS);
    for (int d = 0; r == OK && d < DATABASES; d++)
        r = open_database(w, (enum database)d, d == DATABASE_ACCOUNTS ? STORE_MIGRATE : STORE_CREATE, e);
    if (r == OK)
        r = job_thread_start(base, &(struct job_thread_config){ writer_run, on_finished, w, NICE }, &w->thread, e);
    if (r != OK)
        writer_free(w);
    else
        *writer_r = w;
    return r;
}

void writer_submit(struct writer *w, struct job *job)
{
    job_thread_submit(w->thread, job);
}

void writer_commit(struct writer *w)
{
    job_thread_commit(w->thread);
}

void writer_close(struct writer **writer)
{
    struct writer *w = *writer;

    if (!w)
        return;
    job_thread_stop(&w->thread);
    writer_free(w);
    *writer = NULL;
}

struct writer_stats writer_stats(const struct writer *w)
{
    struct writer_stats stats;
    struct job_thread_pulse pulse = job_thread_pulse(w->thread);

    job_thread_lock(w->thread);
    stats = w->stats;
    job_thread_unlock(w->thread);
    stats.busy_since_ns = pulse.busy_since_ns;
    stats.seen_ns = pulse.seen_ns;
    return stats;
}
