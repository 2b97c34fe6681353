/* SPDX-License-Identifier: MIT */
#include "policyd/writer.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

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
    CHECKPOINT_S = 5,
    SLICE = 64 /* changes of a file, after which others' counts are written that wait meanwhile */
};

struct queue {
    struct job *first, **last;
};

struct writer {
    struct writer_config config;
    struct queue collected; /* the loop's own, until writer_commit */
    struct event *event;
    int wake; /* eventfd: the thread has handed jobs back */
    pthread_t thread;

    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t cond;
    struct queue waiting, finished;
    bool stop, accounts_changed;
    struct writer_stats stats;
    struct said {
        enum log_level level;
        struct error text; /* empty: nothing */
    } said[1 + DATABASES]; /* what the thread wants logged: of transactions, and of each log */

    struct store *store[DATABASES]; /* the thread's own from here */
    struct write_back write_back;
};

static void queue_init(struct queue *q)
{
    q->first = NULL;
    q->last = &q->first;
}

static void queue_add(struct queue *q, struct job *job)
{
    job->next = NULL;
    *q->last = job;
    q->last = &job->next;
}

static void queue_move(struct queue *to, struct queue *from)
{
    if (!from->first)
        return;
    *to->last = from->first;
    to->last = from->last;
    queue_init(from);
}

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
    pthread_mutex_lock(&w->mutex);
    w->stats.failures++;
    w->stats.failing[d] = true;
    say(&w->said[0], LOG_LEVEL_ALARM, why);
    pthread_mutex_unlock(&w->mutex);
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
    pthread_mutex_lock(&w->mutex);
    w->stats.transactions++;
    w->stats.sets += count;
    if (done)
        w->stats.failing[d] = false;
    histogram_add(&w->stats.duration, duration_bounds, clock_monotonic_ns() - start);
    histogram_add(&w->stats.size, size_bounds, count);
    w->accounts_changed |= d == DATABASE_ACCOUNTS;
    pthread_mutex_unlock(&w->mutex);
    return job;
}

static void apply_all(struct writer *w, struct job *job)
{
    while (job) {
        if (job->sets > BATCH_MAX) {
            fail_job(job, "too many changes at once");
            job = job->next;
        } else
            job = apply_batch(w, job);
    }
}

static void wake_loop(const struct writer *w)
{
    uint64_t one = 1;

    if (write(w->wake, &one, sizeof one) < 0) /* full: the loop is awake */
        return;
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
        pthread_mutex_lock(&w->mutex);
        w->stats.held_since_ns[d] = w->write_back.held[d].since_ns;
        if (news != WRITE_BACK_NONE)
            say(&w->said[1 + d], news == WRITE_BACK_HELD ? LOG_LEVEL_ALARM : LOG_LEVEL_WARNING, text);
        pthread_mutex_unlock(&w->mutex);
        if (news != WRITE_BACK_NONE)
            wake_loop(w);
    }
}

static void hand_back(struct writer *w, struct queue *done)
{
    pthread_mutex_lock(&w->mutex);
    queue_move(&w->finished, done);
    pthread_mutex_unlock(&w->mutex);
    wake_loop(w);
}

static void apply_and_hand_back(struct writer *w, struct queue *work)
{
    apply_all(w, work->first);
    if (work->first)
        hand_back(w, work);
}

/* Those of one database; the others stay in their order. */
static void take_of(struct queue *from, enum database d, struct queue *taken_r)
{
    struct queue rest;

    queue_init(taken_r);
    queue_init(&rest);
    for (struct job *job = from->first, *next; job; job = next) {
        next = job->next;
        queue_add(job->database == d ? taken_r : &rest, job);
    }
    queue_init(from);
    queue_move(from, &rest);
}

/* Counts, which replies wait for, go by the one database, and a file of changes by the
 * other: so they need not wait for it. */
static void serve_meanwhile(struct writer *w)
{
    struct queue work;

    pthread_mutex_lock(&w->mutex);
    take_of(&w->waiting, DATABASE_STATE, &work);
    pthread_mutex_unlock(&w->mutex);
    apply_and_hand_back(w, &work);
}

/* Waits for work, at most CHECKPOINT_S. Returns false when all is done. */
static bool take_work(struct writer *w, struct queue *work)
{
    struct timespec until;
    bool go_on;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += CHECKPOINT_S;
    pthread_mutex_lock(&w->mutex);
    w->stats.busy_since_ns = 0;
    w->stats.seen_ns = clock_monotonic_ns();
    while (!w->waiting.first && !w->stop)
        if (pthread_cond_timedwait(&w->cond, &w->mutex, &until) == ETIMEDOUT)
            break;
    queue_move(work, &w->waiting);
    w->stats.seen_ns = clock_monotonic_ns();
    w->stats.busy_since_ns = work->first ? w->stats.seen_ns : 0;
    go_on = work->first || !w->stop;
    pthread_mutex_unlock(&w->mutex);
    return go_on;
}

static void *writer_run(void *arg)
{
    struct writer *w = arg;
    struct queue work, counts;

    queue_init(&work);
    while (take_work(w, &work)) {
        bool idle = !work.first;
        take_of(&work, DATABASE_STATE, &counts);
        apply_and_hand_back(w, &counts);
        apply_and_hand_back(w, &work);
        checkpoint(w, idle ? 1 : CHECKPOINT_PAGES);
    }
    checkpoint(w, 1);
    return NULL;
}

/* ---- the loop's side ---- */

static void on_finished(evutil_socket_t fd, short what, void *arg)
{
    struct writer *w = arg;
    struct queue done;
    struct said said[1 + DATABASES];
    uint64_t count;
    bool changed;

    (void)what;
    if (read(fd, &count, sizeof count) < 0 && errno != EAGAIN)
        log_format(LOG_LEVEL_WARNING, "writer: %s", strerror(errno));
    queue_init(&done);
    pthread_mutex_lock(&w->mutex);
    queue_move(&done, &w->finished);
    memcpy(said, w->said, sizeof said);
    memset(w->said, 0, sizeof w->said);
    changed = w->accounts_changed;
    w->accounts_changed = false;
    pthread_mutex_unlock(&w->mutex);
    for (size_t i = 0; i < sizeof said / sizeof *said; i++)
        if (*said[i].text.text)
            log_format(said[i].level, "writer: %s", said[i].text.text);
    if (changed)
        w->config.changed(w->config.context);
    for (struct job *job = done.first, *next; job; job = next) {
        next = job->next;
        job->done(job);
    }
}

static enum result start_thread(struct writer *w, struct error *e)
{
    pthread_condattr_t attr;
    sigset_t all, before;
    int rc;

    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&w->cond, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&w->mutex, NULL);
    sigfillset(&all);        /* signals are the loop's */
    sigdelset(&all, SIGSYS); /* but for the sandbox's, which is the caller's own */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&w->thread, NULL, writer_run, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc == 0 ? OK : error_set(e, TRY_AGAIN, "writer thread: %s", strerror(rc));
}

static void writer_free(struct writer *w)
{
    for (int d = 0; d < DATABASES; d++)
        store_close(&w->store[d]);
    if (w->event)
        event_free(w->event);
    if (w->wake >= 0)
        close(w->wake);
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
    w->stats.seen_ns = clock_monotonic_ns();
    write_back_init(&w->write_back, config->held_alarm_ns > 0 ? config->held_alarm_ns : WRITE_BACK_ALARM_NS);
    queue_init(&w->collected);
    queue_init(&w->waiting);
    queue_init(&w->finished);
    w->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    for (int d = 0; r == OK && d < DATABASES; d++)
        r = open_database(w, (enum database)d, d == DATABASE_ACCOUNTS ? STORE_MIGRATE : STORE_CREATE, e);
    if (r == OK &&
        (w->wake < 0 || !(w->event = event_new(base, w->wake, EV_READ | EV_PERSIST, on_finished, w)) ||
         event_add(w->event, NULL) != 0))
        r = error_set(e, TRY_AGAIN, "writer: %s", strerror(errno));
    if (r == OK)
        r = start_thread(w, e);
    if (r != OK)
        writer_free(w);
    else
        *writer_r = w;
    return r;
}

void writer_submit(struct writer *w, struct job *job)
{
    queue_add(&w->collected, job);
}

void writer_commit(struct writer *w)
{
    if (!w->collected.first)
        return;
    pthread_mutex_lock(&w->mutex);
    queue_move(&w->waiting, &w->collected);
    pthread_cond_signal(&w->cond);
    pthread_mutex_unlock(&w->mutex);
}

void writer_close(struct writer **writer)
{
    struct writer *w = *writer;

    if (!w)
        return;
    writer_commit(w);
    pthread_mutex_lock(&w->mutex);
    w->stop = true;
    pthread_cond_signal(&w->cond);
    pthread_mutex_unlock(&w->mutex);
    pthread_join(w->thread, NULL);
    on_finished(w->wake, 0, w);
    writer_free(w);
    *writer = NULL;
}

struct writer_stats writer_stats(const struct writer *w)
{
    struct writer *locked = (struct writer *)w;
    struct writer_stats stats;

    pthread_mutex_lock(&locked->mutex);
    stats = w->stats;
    pthread_mutex_unlock(&locked->mutex);
    return stats;
}
