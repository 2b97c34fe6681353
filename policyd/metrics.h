/* SPDX-License-Identifier: MIT */
/*
 * What the daemon counts, for Prometheus, and whether it is well, for whoever watches.
 * Every label has a bounded set of values; none comes from the wire.  Layer 7.
 */
#ifndef POSTERN_METRICS_H
#define POSTERN_METRICS_H

#include <event2/buffer.h>
#include <stdbool.h>

void metrics_write(struct evbuffer *);

/* A line "ok", or a line for each thing that is wrong; whether there is none. */
bool health_write(struct evbuffer *);

#endif
