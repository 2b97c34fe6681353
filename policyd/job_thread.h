/* SPDX-License-Identifier: MIT */
/*
 * A thread that does jobs, beside the event loop: those of one turn of the loop go over
 * together, and come back done.  Nothing else is shared between the two.  Layer 7.
 */
#ifndef POSTERN_JOB_THREAD_H
#define POSTERN_JOB_THREAD_H

#include <event2/event.h>
#include <stdbool.h>

#include "lib/store.h"

struct job_thread;

/* Change sets of one database, with the texts they point to. The thread has it from
 * job_thread_submit until it calls done in the loop's thread, with each set's result. */
struct job {
    struct job *next;
    enum database database;
    struct change_set *set;
    size_t sets;
    void (*done)(struct job *);
};

struct job_queue {
    struct job *first, **last;
};

void job_queue_init(struct job_queue *);
void job_queue_add(struct job_queue *, struct job *);
void job_queue_move(struct job_queue *to, struct job_queue *from); /* all, behind those that are there */

/* Moves those of one database, in their order. */
void job_queue_take(struct job_queue *from, enum database, struct job_queue *taken_r);

struct job_thread_config {
    void (*run)(void *context);      /* the thread: takes and hands back until there is nothing more */
    void (*finished)(void *context); /* in the loop's thread, before the jobs' done; may be NULL */
    void *context;
    int nice; /* more than the loop: how far the loop comes first (setpriority(2)) */
};

/* TRY_AGAIN, with a line. */
enum result job_thread_start(struct event_base *, const struct job_thread_config *, struct job_thread **t_r,
                             struct error *) MUST_CHECK;

/* ---- the loop's side ---- */

/* Collected until job_thread_commit, once a turn. */
void job_thread_submit(struct job_thread *, struct job *);
void job_thread_commit(struct job_thread *);

/* Has the thread do what waits and end. done is called for each job. */
void job_thread_stop(struct job_thread **);

struct job_thread_pulse {
    uint64_t busy_since_ns; /* CLOCK_MONOTONIC: at work since then; 0: idle */
    uint64_t seen_ns;       /* likewise: came round last */
};
struct job_thread_pulse job_thread_pulse(struct job_thread *);

/* ---- the thread's side ---- */

/* Waits for jobs, at most so many seconds. false: it is to end, and there is nothing more. */
bool job_thread_take(struct job_thread *, unsigned wait_s, struct job_queue *work) MUST_CHECK;

/* Those of one database that wait by now, without waiting. */
void job_thread_take_of(struct job_thread *, enum database, struct job_queue *work_r);

void job_thread_hand_back(struct job_thread *, struct job_queue *done);

/* Has the loop call `finished`, without a job. */
void job_thread_wake(struct job_thread *);

/* For what both sides look at besides. */
void job_thread_lock(struct job_thread *);
void job_thread_unlock(struct job_thread *);

#endif
