/* SPDX-License-Identifier: MIT */
/*
 * What was counted since state.db was written last, in two files beside it
 * (STATE_DB-usage0, -usage1): records are only ever added, a whole batch with one write, so
 * that nothing makes a count wait, and what was added outlives the process.  While one file
 * grows, the other is emptied once nothing in it is needed any more.  Layer 2.
 *
 * A write is not synced: what was counted in the last seconds before the machine itself
 * stopped may be gone, as with state.db's own log.
 */
#ifndef POSTERN_USAGE_LOG_H
#define POSTERN_USAGE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "str.h"

enum { USAGE_LOG_FILES = 2 };

struct usage_log;

/* One row as it was added last, both with a NUL behind them; counts "" where it was forgotten.
 * file: where it stands. */
typedef void usage_log_row_fn(struct span key, struct span counts, unsigned file, void *context);

/* Makes the files where they are absent (0640), and hands out what they hold, oldest first;
 * a record that was not written whole ends a file. BAD, with a line that names the file. */
enum result usage_log_open(const char *state_db, usage_log_row_fn *fn, void *context,
                           struct usage_log **log_r, struct error *) MUST_CHECK;
void usage_log_close(struct usage_log **);

/* Collects a row for the next flush. TRY_AGAIN: no memory. */
enum result usage_log_add(struct usage_log *, struct span key, struct span counts) MUST_CHECK;

/* Writes what was collected. TRY_AGAIN, with a line: none of it is in the file. */
enum result usage_log_flush(struct usage_log *, struct error *) MUST_CHECK;

/* The file that grows, and how long each is. */
unsigned usage_log_current(const struct usage_log *);
uint64_t usage_log_size(const struct usage_log *, unsigned file);

/* Lets the other file grow, which has to be empty. */
void usage_log_turn(struct usage_log *);

/* Nothing in the file is needed any more. It is written over from its beginning: to cut 32 MB
 * off takes 60 ms, in which nothing could be counted. */
void usage_log_empty(struct usage_log *, unsigned file);
void usage_log_cut(struct usage_log *); /* what there still is of emptied files */

/* By anybody: whether the files beside a state.db hold anything. */
bool usage_log_is_there(const char *state_db);

/* Empties and removes the files, when all of it is in state.db. */
void usage_log_remove(struct usage_log *);

#endif
