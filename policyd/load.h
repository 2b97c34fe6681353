/* SPDX-License-Identifier: MIT */
/*
 * When to step back.  Readings of load, each held against a limit of its own, become a level
 * from 0 to LOAD_LEVEL_MAX; each check says from which level on it is shed (shed_at in
 * policyd/check.h).  A level rises by one where any limit is reached in several samples in a
 * row, and falls by one after a calm, so that a peak sheds nothing and nothing flaps.  Whoever
 * owns it samples once a second.  No clock and no files here.  Layer 4.
 */
#ifndef POSTERN_LOAD_H
#define POSTERN_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/result.h"
#include "lib/str.h"

enum load_reading {
    LOAD_CPU,       /* pressure (PSI): percent of the last 10 s in which a task waited */
    LOAD_IO,        /* likewise */
    LOAD_RUN_QUEUE, /* tasks that could run, by core */
    LOAD_LAG,       /* milliseconds by which the event loop is late */
    LOAD_LOOKUPS,   /* DNS look-ups in flight */
    LOAD_STRESS,    /* of the last LOAD_STRESS_SAMPLES samples those in which Postfix said stress=yes */
    LOAD_READINGS
};
extern const char *const load_reading_names[LOAD_READINGS]; /* as the options of policyd.conf */

enum load_mode { LOAD_AUTO, LOAD_ON, LOAD_OFF, LOAD_MODES };
extern const char *const load_mode_names[LOAD_MODES];
enum result load_mode_parse(struct span name, enum load_mode *mode_r) MUST_CHECK;

enum { LOAD_LEVEL_MAX = 3, LOAD_HISTORY = 16, LOAD_CAUSE_MAX = 64 };

/* Samples in a row at a limit that raise the level; the least time in a level before the
 * next higher one; the share of its limit, in percent, under which a reading is calm. */
enum { LOAD_RISE_SAMPLES = 3, LOAD_RISE_MS = 5000, LOAD_CALM_PERCENT = 70 };

/* A level that rises again within the hold time after it fell doubles that time, up to so many
 * times: what is shed may be all that makes the load. */
enum { LOAD_HOLDS_MAX = 16 };

/* One request with stress=yes is none: it has to be seen in two samples of the last five. */
enum { LOAD_STRESS_SAMPLES = 5, LOAD_STRESS_LIMIT = 2 };

struct load_limits {
    double limit[LOAD_READINGS]; /* 0: the reading does not count */
    uint64_t hold_ms;            /* calm before a level falls, and the least time in it; at first */
};

/* LOAD_STRESS is load_stressed's to tell. */
struct load_sample {
    double value[LOAD_READINGS]; /* below 0: not known */
};

struct load_time {
    uint64_t ms;  /* monotonic */
    int64_t date; /* seconds since 1970 */
};

struct load_change {
    int64_t date;
    unsigned from, to;
    char cause[LOAD_CAUSE_MAX]; /* "lookups 200 of 192", "calm for 60 s", "by hand" */
};

struct load {
    unsigned level; /* in effect */
    enum load_mode mode;
    int64_t since; /* seconds since 1970: when the level began */
    uint64_t changed_ms, calm_ms;
    bool is_calm, fell;        /* the last change was a fall */
    unsigned holds;            /* how many hold times a calm has to last: 1, 2, 4, ... */
    unsigned over;             /* samples in a row */
    unsigned stress;           /* a bit for each of the last samples, the newest is bit 0 */
    bool stressed;             /* since the last sample */
    struct load_sample sample; /* the last */
    struct load_change change[LOAD_HISTORY];
    size_t changes; /* since the start */
};

void load_init(struct load *, struct load_time);

/* A request said stress=yes. */
void load_stressed(struct load *);

/* Takes a sample, in mode auto also its consequence. Both return the change of the level
 * that followed, NULL for none; it stays valid until the next call. */
const struct load_change *load_take(struct load *, const struct load_limits *, const struct load_sample *,
                                    struct load_time);

/* on: the highest level at once; off: none; auto: from the level that is, by the readings. */
const struct load_change *load_set_mode(struct load *, enum load_mode, struct load_time);

/* The i-th change, the newest first; NULL past the end. */
const struct load_change *load_history(const struct load *, size_t i);

#endif
