/* SPDX-License-Identifier: MIT */
/*
 * How long things took, or how large they were, as a histogram with fixed bounds.
 * Layer 3.
 */
#ifndef POSTERN_HISTOGRAM_H
#define POSTERN_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

enum { HISTOGRAM_BUCKETS = 18 };

/* Upper bounds, inclusive; what is above the last one is in the total alone. */
typedef const uint64_t histogram_bounds[HISTOGRAM_BUCKETS];
extern histogram_bounds duration_bounds; /* nanoseconds: 1 us to 5 s */
extern histogram_bounds size_bounds;     /* 1 to 131072 */

struct histogram {
    uint64_t bucket[HISTOGRAM_BUCKETS]; /* each for itself: not those below it */
    uint64_t count, sum;
};

void histogram_add(struct histogram *, histogram_bounds, uint64_t value);

#endif
