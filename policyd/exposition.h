/* SPDX-License-Identifier: MIT */
/*
 * Prometheus' text format, version 0.0.4: a family's head, and its samples.
 * https://prometheus.io/docs/instrumenting/exposition_formats/  Layer 7.
 */
#ifndef POSTERN_EXPOSITION_H
#define POSTERN_EXPOSITION_H

#include <event2/buffer.h>
#include <stdbool.h>

#include "policyd/histogram.h"

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

struct family {
    const char *name; /* with its unit, and _total where it counts */
    enum metric_type type;
    const char *help;
};

struct label {
    const char *name, *value; /* the value as it is: it is escaped here */
};

void exposition_head(struct evbuffer *, const struct family *);
void exposition_sample(struct evbuffer *, const struct family *, const struct label *, size_t labels,
                       double value);

/* scale: what a value is to be divided by, e.g. 1e9 for nanoseconds as seconds. */
void exposition_histogram(struct evbuffer *, const struct family *, const struct label *, size_t labels,
                          const struct histogram *, histogram_bounds, double scale);

/* A family of one sample without labels. */
void exposition_single(struct evbuffer *, const struct family *, double value);

#endif
