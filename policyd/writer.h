/* SPDX-License-Identifier: MIT */
/*
 * The thread that owns the writing connection of each database.  It takes all jobs
 * that wait, commits them in one transaction, checkpoints, and hands them back to
 * the event loop.  Nothing else is shared between the two.  A database whose file was
 * replaced is opened anew with the next job.  Layer 7.
 */
#ifndef POSTERN_WRITER_H
#define POSTERN_WRITER_H

#include <event2/event.h>

#include "policyd/histogram.h"
#include "policyd/job_thread.h"

struct writer;

struct writer_config {
    const char *accounts_db, *state_db;
    /* In the loop's thread, after accounts were changed and before the jobs' done. */
    void (*changed)(void *context);
    void *context;
    uint64_t held_alarm_ns; /* 0: WRITE_BACK_ALARM_NS */
};

/* Opens (accounts.db has to exist; state.db is made) and starts the thread. */
enum result writer_open(struct event_base *, const struct writer_config *, struct writer **writer_r,
                        struct error *) MUST_CHECK;

/* Collected until writer_commit: one transaction a turn of the loop. */
void writer_submit(struct writer *, struct job *);
void writer_commit(struct writer *);

/* Does what is waiting, then stops. done is called for each job. */
void writer_close(struct writer **);

struct writer_stats {
    uint64_t transactions, sets, failures;
    struct histogram duration, size; /* of transactions: nanoseconds, sets */
    bool failing[2];                 /* by enum database: the last transaction failed */
    uint64_t held_since_ns[2];       /* likewise: CLOCK_MONOTONIC since when its log is not written back as a
                                        whole; 0: it was the last time */
    uint64_t busy_since_ns;          /* CLOCK_MONOTONIC: at work since then; 0: idle */
    uint64_t seen_ns;                /* likewise: came round last, every 5 s at the latest while idle */
};
struct writer_stats writer_stats(const struct writer *);

#endif
