/* SPDX-License-Identifier: MIT */
/*
 * Counting before a reply (check.h, CHECK_COUNTS), by a thread of its own, so that no
 * checkpoint or other writing stands between a message and its reply: what is counted is in a
 * log beside state.db when the reply leaves (lib/usage_rows.h), and in state.db once it has not
 * changed for half a minute, or as soon as that can be written.  And what no longer counts is swept from
 * state.db, a few rows a second; the greylist is trimmed once a minute.  Layer 7.
 */
#ifndef POSTERN_COUNTERS_H
#define POSTERN_COUNTERS_H

#include "policyd/policy.h"
#include "policyd/writer.h"

struct counters;

/* state_db: as the writer has it, which stays the only one that writes it. BAD or TRY_AGAIN, with
 * a line. */
enum result counters_open(struct event_base *, struct writer *, const char *state_db,
                          struct counters **counters_r, struct error *) MUST_CHECK;

/* Ends the thread when it has done what waits, and hands the writer the rest of what was
 * counted: before writer_close. */
void counters_stop(struct counters *);
void counters_close(struct counters **); /* after it */

/* Whether the set is one to be counted here, or the writer's. */
bool counters_take(const struct change_set *);

/* Jobs of such sets: collected until counters_commit, once a turn of the loop. */
void counters_submit(struct counters *, struct job *);
void counters_commit(struct counters *);

/* Forgets an account (canonical), then hands the job to the writer. TRY_AGAIN: no memory, and
 * the job is still the caller's. */
enum result counters_forget(struct counters *, const char *account, struct job *) MUST_CHECK;

/* Who waits until all that is counted by now is in state.db. The counters have it until they call
 * done: OK, or TRY_AGAIN where that cannot be written. */
struct settling {
    struct settling *next;
    void (*done)(struct settling *, enum result);
};
void counters_settle(struct counters *, struct settling *);

/* Of a reply that cannot wait any longer, or rows that could not be read: counts the sets in
 * memory, from nothing, until counting works again, and sets their results. now: seconds
 * since 1970. */
void counters_stand_in(struct counters *, struct commit *, int64_t now);

/* CLOCK_MONOTONIC, nanoseconds: when the thread came round last; every 5 s at the latest. */
uint64_t counters_seen_ns(const struct counters *);

#endif
