/* SPDX-License-Identifier: MIT */
/*
 * Reads the events of state.db (event_row.h) from a place on, as they come, without any
 * right to write: what is new shows in the database's data_version.  Never waits; the
 * caller polls.  Layer 2.
 */
#ifndef POSTERN_EVENT_FOLLOW_H
#define POSTERN_EVENT_FOLLOW_H

#include "event_row.h"
#include "store.h"

/* How often polling is worth it. */
enum { EVENT_POLL_MS = 200 };

/* The caller sets the first five; the rest starts as zero. */
struct event_follow {
    const char *state_db;
    const char *account; /* its events only; "": all */
    int64_t since;       /* none that is older, in seconds since 1970 */
    int64_t id, time;    /* the last one that was handed out */
    int64_t last;        /* its number, where id was set back since to read some again; 0: unknown */
    bool again;          /* since the start, a database was met that begins again */
    struct store *store;
    uint64_t version; /* of the database, when all was read */
    bool read;
};

/* Returns false to stop before the rest. */
typedef bool event_follow_fn(const char *const column[static EVENT_COLUMNS], void *context);

/* Hands out what is new. OK: something was; NOT_FOUND: nothing; TRY_AGAIN, with a line: the
 * database cannot be read now, the next call opens it anew. A database that begins
 * again (restored, made anew), which shows in its numbers or in another event of the number
 * `last`, is read from its start, without what is older than `time`. */
enum result event_follow_poll(struct event_follow *f, event_follow_fn *fn, void *context,
                              struct error *e) MUST_CHECK;

/* Sets the place behind the newest event. TRY_AGAIN likewise. */
enum result event_follow_skip(struct event_follow *, struct error *) MUST_CHECK;

void event_follow_close(struct event_follow *);

#endif
