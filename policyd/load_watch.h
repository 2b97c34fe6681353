/* SPDX-License-Identifier: MIT */
/*
 * Samples the load once a second and tells, in the log and as events, when a check is shed or
 * run again.  Layer 7.
 */
#ifndef POSTERN_LOAD_WATCH_H
#define POSTERN_LOAD_WATCH_H

#include <event2/event.h>

#include "lib/config.h"
#include "policyd/events.h"
#include "policyd/load.h"

/* What is read below /proc; -1: this kernel does not tell it. */
struct load_files {
    int pressure[2]; /* of LOAD_CPU and LOAD_IO */
    int loadavg;
    unsigned cores; /* at least 1 */
};

/* To be called while /proc can still be opened (sandbox.h): it stays open, and is read again
 * and again. proc: "/proc". */
void load_files_open(const char *proc, struct load_files *files_r);
void load_files_close(struct load_files *);

/* LOAD_LAG, LOAD_LOOKUPS and LOAD_STRESS are left alone. */
void load_files_read(const struct load_files *, struct load_sample *);

struct load_watch;

struct load_watch_config {
    const struct load_files *files; /* to outlive the watch */
    size_t (*lookups)(void);        /* DNS look-ups in flight */
    int64_t (*now)(void);           /* seconds since 1970 */
    uint64_t (*monotonic_ns)(void);
    const char *state_db; /* where events are: what an earlier policyd left shed is told to be over */
};

/* The configuration has to outlive the watch, or its reload. */
enum result load_watch_open(struct event_base *, struct events *, const struct config *,
                            const struct load_watch_config *, struct load_watch **watch_r) MUST_CHECK;
void load_watch_close(struct load_watch **);
void load_watch_reload(struct load_watch *, const struct config *);

/* A request said stress=yes. */
void load_watch_stressed(struct load_watch *);

/* by: who, for the events. */
void load_watch_set_mode(struct load_watch *, enum load_mode, const char *by);

const struct load *load_watch_load(const struct load_watch *);
struct load_limits load_watch_limits(const struct load_watch *);

#endif
