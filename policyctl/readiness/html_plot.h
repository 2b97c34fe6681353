/* SPDX-License-Identifier: MIT */
/*
 * Counts over time as inline SVG: bars in steps of equal length, one series upon the other.
 * It stretches with the page and its text does not: places along the time are percentages.
 * Layer 9.
 */
#ifndef POSTERN_READINESS_HTML_PLOT_H
#define POSTERN_READINESS_HTML_PLOT_H

#include <stdint.h>
#include <stdio.h>

enum { PLOT_STEPS_MAX = 192, PLOT_SERIES_MAX = 5 };

struct plot_series {
    const char *name;  /* what the legend says */
    const char *style; /* class of the style sheet: colour and pattern */
    uint64_t count[PLOT_STEPS_MAX];
};

struct plot {
    const char *id; /* unique in the page */
    const char *title;
    int64_t begin; /* of the first step; seconds since 1970 */
    unsigned step_s;
    size_t steps;
    unsigned height;                            /* of the bars, in pixels */
    unsigned labels;                            /* how many dates there is room for */
    struct plot_series series[PLOT_SERIES_MAX]; /* from the bottom */
    size_t count;
};

/* A figure with its caption and legend; series without any count are left out. */
void plot_print(const struct plot *, FILE *out);

/* The least of 2, 4, 6, 8 and 10 times a power of ten that is not below `highest`: its half
 * is a whole number too. */
uint64_t plot_scale(uint64_t highest);

/* The shortest step that people think in, at least `step_s`, of which `span_s` has no more
 * than PLOT_STEPS_MAX; a year where there is none. */
unsigned plot_step(int64_t span_s, unsigned step_s);

#endif
