/* SPDX-License-Identifier: MIT */
/*
 * What would have been refused, counted in memory and written at leisure, up to 2048
 * rows a second: an observation is no promise to anybody, so it does not hold up a
 * reply.  A crash loses what was not written yet; a clean stop writes it all.  Layer 7.
 */
#ifndef POSTERN_OBSERVATIONS_H
#define POSTERN_OBSERVATIONS_H

#include "policyd/decision.h"
#include "policyd/writer.h"

/* Distinct ones that wait to be written, and rows in the database (the oldest go). */
enum { OBSERVATIONS_MAX = 8192, OBSERVATION_ROWS_MAX = 200000 };

struct observations;

enum result observations_open(struct event_base *, struct writer *, struct observations **o_r) MUST_CHECK;

/* Counts one; past OBSERVATIONS_MAX it is lost, and counted as that. */
void observations_add(struct observations *, enum check_id, const struct finding *);

/* Hands what is there to the writer, and frees. */
void observations_close(struct observations **);

uint64_t observations_lost(const struct observations *);

#endif
