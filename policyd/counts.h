/* SPDX-License-Identifier: MIT */
/*
 * How often each check passed, refused, and why, since the start.  Bounded: of a check's
 * causes the first COUNTS_CAUSES_MAX have a name, the rest count together.  Layer 6.
 */
#ifndef POSTERN_COUNTS_H
#define POSTERN_COUNTS_H

#include "policyd/decision.h"
#include "policyd/histogram.h"

enum { COUNTS_CAUSES_MAX = 16 };

struct cause_count {
    char name[CAUSE_MAX]; /* "" of the last: all others */
    uint64_t refused, held, observed;
};

struct check_counts {
    uint64_t verdict[VERDICT_COUNT]; /* by enum verdict, those of modes off too */
    struct cause_count cause[COUNTS_CAUSES_MAX + 1];
    size_t causes;             /* those that have a name */
    struct histogram duration; /* nanoseconds, of the decisions that were timed */
};

enum outcome { OUTCOME_PASS, OUTCOME_REFUSE, OUTCOME_DEFER, OUTCOME_HOLD, OUTCOME_COUNT };

struct counts {
    struct check_counts check[CHECK_COUNT];
    uint64_t outcome[OUTCOME_COUNT];
    struct histogram duration; /* nanoseconds from request to reply */
};

extern const char *const outcome_names[OUTCOME_COUNT]; /* as in the log */

enum outcome decision_outcome(const struct decision *);

/* elapsed: nanoseconds. */
void counts_add(struct counts *, const struct decision *, uint64_t elapsed_ns);

#endif
