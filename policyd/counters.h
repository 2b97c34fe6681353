/* SPDX-License-Identifier: MIT */
/*
 * Counters of checks that are committed before a reply (check.h, CHECK_COUNTS): while
 * state.db cannot be written they are kept in memory instead, from nothing, until it can.
 * And what no longer counts is swept from it, a few rows a second; the greylist is trimmed
 * once a minute.  Layer 7.
 */
#ifndef POSTERN_COUNTERS_H
#define POSTERN_COUNTERS_H

#include "policyd/policy.h"
#include "policyd/writer.h"

struct counters;

enum result counters_open(struct event_base *, struct writer *, struct counters **counters_r) MUST_CHECK;
void counters_close(struct counters **);

/* Of what the writer gave back: counts the sets that it could not write, and sets their
 * results. now: seconds since 1970. */
void counters_stand_in(struct counters *, struct commit *, int64_t now);

/* Sets that were counted in memory since the start. */
uint64_t counters_degraded(const struct counters *);

#endif
