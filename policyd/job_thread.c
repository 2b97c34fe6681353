/* SPDX-License-Identifier: MIT */
#include "policyd/job_thread.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "policyd/clock.h"
#include "policyd/log.h"

struct job_thread {
    struct job_thread_config config;
    struct job_queue collected; /* the loop's own, until job_thread_commit */
    struct event *event;
    int wake; /* eventfd: the thread has handed jobs back */
    pthread_t thread;

    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t cond;
    struct job_queue waiting, finished;
    bool started, stop;
    struct job_thread_pulse pulse;
};

/* ---- queues ---- */

void job_queue_init(struct job_queue *q)
{
    q->first = NULL;
    q->last = &q->first;
}

void job_queue_add(struct job_queue *q, struct job *job)
{
    job->next = NULL;
    *q->last = job;
    q->last = &job->next;
}

void job_queue_move(struct job_queue *to, struct job_queue *from)
{
    if (!from->first)
        return;
    *to->last = from->first;
    to->last = from->last;
    job_queue_init(from);
}

void job_queue_take(struct job_queue *from, enum database d, struct job_queue *taken_r)
{
    struct job_queue rest;

    job_queue_init(taken_r);
    job_queue_init(&rest);
    for (struct job *job = from->first, *next; job; job = next) {
        next = job->next;
        job_queue_add(job->database == d ? taken_r : &rest, job);
    }
    job_queue_init(from);
    job_queue_move(from, &rest);
}

/* ---- the thread's side ---- */

bool job_thread_take(struct job_thread *t, unsigned wait_s, struct job_queue *work)
{
    struct timespec until;
    bool go_on;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += wait_s;
    pthread_mutex_lock(&t->mutex);
    t->pulse.busy_since_ns = 0;
    t->pulse.seen_ns = clock_monotonic_ns();
    while (!t->waiting.first && !t->stop)
        if (pthread_cond_timedwait(&t->cond, &t->mutex, &until) == ETIMEDOUT)
            break;
    job_queue_move(work, &t->waiting);
    t->pulse.seen_ns = clock_monotonic_ns();
    t->pulse.busy_since_ns = work->first ? t->pulse.seen_ns : 0;
    go_on = work->first || !t->stop;
    pthread_mutex_unlock(&t->mutex);
    return go_on;
}

void job_thread_take_of(struct job_thread *t, enum database d, struct job_queue *work_r)
{
    pthread_mutex_lock(&t->mutex);
    job_queue_take(&t->waiting, d, work_r);
    pthread_mutex_unlock(&t->mutex);
}

void job_thread_wake(struct job_thread *t)
{
    uint64_t one = 1;

    if (write(t->wake, &one, sizeof one) < 0) /* full: the loop is awake */
        return;
}

void job_thread_hand_back(struct job_thread *t, struct job_queue *done)
{
    pthread_mutex_lock(&t->mutex);
    job_queue_move(&t->finished, done);
    pthread_mutex_unlock(&t->mutex);
    job_thread_wake(t);
}

void job_thread_lock(struct job_thread *t)
{
    pthread_mutex_lock(&t->mutex);
}

void job_thread_unlock(struct job_thread *t)
{
    pthread_mutex_unlock(&t->mutex);
}

static void *thread_run(void *arg)
{
    struct job_thread *t = arg;

    if (t->config.nice > 0)
        (void)!setpriority(PRIO_PROCESS, (id_t)gettid(), getpriority(PRIO_PROCESS, 0) + t->config.nice);
    pthread_mutex_lock(&t->mutex);
    t->started = true;
    pthread_cond_signal(&t->cond);
    pthread_mutex_unlock(&t->mutex);
    t->config.run(t->config.context);
    return NULL;
}

/* ---- the loop's side ---- */

static void on_finished(evutil_socket_t fd, short what, void *arg)
{
    struct job_thread *t = arg;
    struct job_queue done;
    uint64_t count;

    (void)what;
    if (read(fd, &count, sizeof count) < 0 && errno != EAGAIN)
        log_format(LOG_LEVEL_WARNING, "eventfd: %s", strerror(errno));
    job_queue_init(&done);
    pthread_mutex_lock(&t->mutex);
    job_queue_move(&done, &t->finished);
    pthread_mutex_unlock(&t->mutex);
    if (t->config.finished)
        t->config.finished(t->config.context);
    for (struct job *job = done.first, *next; job; job = next) {
        next = job->next;
        job->done(job);
    }
}

static void init_lock(struct job_thread *t)
{
    pthread_condattr_t attr;

    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&t->cond, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&t->mutex, NULL);
}

/* Until it has set its priority, which the sandbox allows no more later. */
static void wait_for_start(struct job_thread *t)
{
    pthread_mutex_lock(&t->mutex);
    while (!t->started)
        pthread_cond_wait(&t->cond, &t->mutex);
    pthread_mutex_unlock(&t->mutex);
}

static int start(struct job_thread *t)
{
    sigset_t all, before;
    int rc;

    sigfillset(&all);        /* signals are the loop's */
    sigdelset(&all, SIGSYS); /* but for the sandbox's, which is the caller's own */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&t->thread, NULL, thread_run, t);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc == 0)
        wait_for_start(t);
    return rc;
}

static void thread_free(struct job_thread *t)
{
    if (t->event)
        event_free(t->event);
    if (t->wake >= 0)
        close(t->wake);
    free(t);
}

enum result job_thread_start(struct event_base *base, const struct job_thread_config *config,
                             struct job_thread **t_r, struct error *e)
{
    struct job_thread *t = calloc(1, sizeof *t);
    int rc = 0;

    if (!t)
        return error_set(e, TRY_AGAIN, "out of memory");
    t->config = *config;
    t->pulse.seen_ns = clock_monotonic_ns();
    job_queue_init(&t->collected);
    job_queue_init(&t->waiting);
    job_queue_init(&t->finished);
    init_lock(t);
    t->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    *t_r = t; /* before it runs: it may look */
    if (t->wake < 0 || !(t->event = event_new(base, t->wake, EV_READ | EV_PERSIST, on_finished, t)) ||
        event_add(t->event, NULL) != 0)
        rc = errno;
    if (rc == 0)
        rc = start(t);
    if (rc == 0)
        return OK;
    *t_r = NULL;
    thread_free(t);
    return error_set(e, TRY_AGAIN, "thread: %s", strerror(rc));
}

void job_thread_submit(struct job_thread *t, struct job *job)
{
    job_queue_add(&t->collected, job);
}

void job_thread_commit(struct job_thread *t)
{
    if (!t->collected.first)
        return;
    pthread_mutex_lock(&t->mutex);
    job_queue_move(&t->waiting, &t->collected);
    pthread_cond_signal(&t->cond);
    pthread_mutex_unlock(&t->mutex);
}

void job_thread_stop(struct job_thread **thread)
{
    struct job_thread *t = *thread;

    if (!t)
        return;
    job_thread_commit(t);
    pthread_mutex_lock(&t->mutex);
    t->stop = true;
    pthread_cond_signal(&t->cond);
    pthread_mutex_unlock(&t->mutex);
    pthread_join(t->thread, NULL);
    on_finished(t->wake, 0, t);
    thread_free(t);
    *thread = NULL;
}

struct job_thread_pulse job_thread_pulse(struct job_thread *t)
{
    struct job_thread_pulse pulse;

    pthread_mutex_lock(&t->mutex);
    pulse = t->pulse;
    pthread_mutex_unlock(&t->mutex);
    return pulse;
}
