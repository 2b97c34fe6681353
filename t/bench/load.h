/* SPDX-License-Identifier: MIT */
/*
 * The load itself: persistent connections with at most one outstanding request
 * each, as smtpd processes have.  The loop is closed (a connection asks again when
 * it has its reply) or open (requests fall due at a fixed rate, and latency counts
 * from then, so that a stall of the server shows in the percentiles).
 */
#ifndef POSTERN_BENCH_LOAD_H
#define POSTERN_BENCH_LOAD_H

#include <stddef.h>
#include <stdint.h>

#include "endpoint.h"
#include "shape.h"
#include "tally.h"

struct connection;

struct load {
    /* Set by the caller. */
    uint64_t connection_count;
    uint64_t requests, warmup; /* measured ones at most, and those before */
    uint64_t seq, users;       /* of the first request; what %USER% counts to */
    double rate;               /* requests a second; 0: closed loop */
    double seconds;            /* to measure; 0: no limit */
    double timeout;            /* seconds to wait for a reply */
    uint64_t pid;              /* of the server; 0: unknown */
    struct endpoint server;
    struct shape_set shapes;

    /* Set by load_run. */
    struct tally tally;
    uint64_t connect_ns, run_ns, cpu_ns, rss_kib; /* the last two: of pid, after the warm-up */
    size_t down;                                  /* connections that the server took away for good */

    /* load.c's own. */
    struct connection *connections;
    struct connection **idle; /* a ring */
    size_t idle_first, idle_count;
    int poll_fd;
    uint64_t issued, done;
    uint64_t start, begin, last, stop; /* ns: first request, first and last measured one, no more after */
    uint64_t cpu_before;
};

/* Opens the connections (2 s for a server that is starting), asks until the limits
 * are reached, and leaves the count in l->tally. */
void load_run(struct load *l);

#endif
