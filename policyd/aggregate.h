/* SPDX-License-Identifier: MIT */
/*
 * Rows of state.db that are summed up in memory and written at leisure, up to 1000 a
 * second: an observation is no promise to anybody, so it does not hold up a reply.  A
 * crash loses what was not written yet; a clean stop writes it all.  Layer 7.
 */
#ifndef POSTERN_AGGREGATE_H
#define POSTERN_AGGREGATE_H

#include "policyd/writer.h"

/* Distinct rows that wait to be written; those that strangers can make up get half. */
enum { AGGREGATE_MAX = 8192, AGGREGATE_STRANGERS_MAX = AGGREGATE_MAX / 2 };

enum aggregate_of { AGGREGATE_OWN, AGGREGATE_STRANGERS };

/* What is added up, each in a field of its own: FIELD_NUMBER, FIELD_DELIVERED,
 * FIELD_RECIPIENTS, FIELD_BYTES. */
struct sums {
    uint64_t number, delivered, recipients, bytes;
};

struct aggregate;

/* now: seconds since 1970. */
enum result aggregate_open(struct event_base *, struct writer *, int64_t (*now)(void),
                           struct aggregate **aggregate_r) MUST_CHECK;

/* How long a row is kept after it was last seen. */
void aggregate_keep(struct aggregate *, unsigned days);

/* Adds to the row that the change's other fields name; of two FIELD_SAMPLEs the first
 * stays. Without room the row is lost, and counted as that. */
void aggregate_add(struct aggregate *, enum aggregate_of, const struct change *, const struct sums *);

/* Hands what is there to the writer, and frees. */
void aggregate_close(struct aggregate **);

/* Hands all of it to the writer now. */
void aggregate_flush(struct aggregate *);

uint64_t aggregate_lost(const struct aggregate *); /* since the start */

#endif
