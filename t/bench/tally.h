/* SPDX-License-Identifier: MIT */
/*
 * The count of a benchmark run: latency of each reply, verbs received, faults;
 * printed as one line of JSON.
 */
#ifndef POSTERN_BENCH_TALLY_H
#define POSTERN_BENCH_TALLY_H

#include <stdint.h>

#include "shape.h"

enum { TALLY_VERBS = 32 };

struct tally {
    uint64_t *latency_ns;
    uint64_t count, room;                              /* replies measured, and the most there can be */
    uint64_t errors, timeouts, reconnects, mismatches; /* mismatch: another verb than expected */
    struct {
        char verb[VERB_SIZE];
        uint64_t count;
    } verbs[TALLY_VERBS]; /* the last takes all that find no place */
};

/* What was measured around the run. pid's figures are 0 where none was given. */
struct tally_context {
    const char *label; /* or NULL */
    uint64_t connections, connect_ns, run_ns, cpu_ns, rss_kib;
};

void tally_init(struct tally *t, uint64_t room);
void tally_add_latency(struct tally *t, uint64_t ns); /* dropped where there is no room */
void tally_add_verb(struct tally *t, const char *verb);
void tally_print(struct tally *t, const struct tally_context *c);

#endif
