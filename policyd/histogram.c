/* SPDX-License-Identifier: MIT */
#include "policyd/histogram.h"

enum { US = 1000, MS = 1000 * US };

histogram_bounds duration_bounds = {
    1 * US,
    2500,
    5 * US,
    10 * US,
    25 * US,
    50 * US,
    100 * US,
    250 * US,
    1 * MS,
    5 * MS,
    10 * MS,
    25 * MS,
    100 * MS,
    250 * MS,
    500 * MS,
    1000 * MS,
    UINT64_C(2500) * MS,
    UINT64_C(5000) * MS,
};

histogram_bounds size_bounds = {
    1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072,
};

void histogram_add(struct histogram *h, histogram_bounds bounds, uint64_t value)
{
    h->count++;
    h->sum += value;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        if (value <= bounds[i]) {
            h->bucket[i]++;
            return;
        }
}
