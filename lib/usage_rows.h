/* SPDX-License-Identifier: MIT */
/*
 * The rows of usage in memory, so that counting waits for no database: a count is added to
 * the row here, and to a log that outlives the process (usage_log.h), and state.db has it
 * later.  Where a row is not here, state.db has it.  One thread counts; another may
 * write what changed into state.db meanwhile, and a third ask how it stands.  Layer 2.
 */
#ifndef POSTERN_USAGE_ROWS_H
#define POSTERN_USAGE_ROWS_H

#include "store.h"

struct usage_rows;

/* Rows that state.db has too are kept in at most so many octets. */
#define USAGE_ROWS_KEPT (32 << 20)
/* Of clients, rows in memory: past that, a client that is new is not counted. */
#define USAGE_ROWS_CLIENTS_MAX 65536

/* Takes over what a log left behind; state.db has to exist. BAD or TRY_AGAIN, with a line. */
enum result usage_rows_open(const char *state_db, struct usage_rows **rows_r, struct error *) MUST_CHECK;
void usage_rows_close(struct usage_rows **);

/* ---- by the thread that counts ---- */

/* Does sets of CHANGE_USAGE as store_apply would, at the time `now` (seconds since 1970), and
 * sets each one's result: TRY_AGAIN where state.db had to be asked and could not. Where
 * the log cannot be written they count all the same, but no longer than the process lives
 * or until state.db has them: TRY_AGAIN, with a line. Without sets: tidies the log. */
enum result usage_rows_apply(struct usage_rows *, struct change_set *const *sets, size_t count, int64_t now,
                             struct error *) MUST_CHECK;

/* Lets an account's row go, and writes the log anew. */
void usage_rows_forget(struct usage_rows *, const char *account);

/* ---- by the thread that writes state.db ---- */

/* The rows that changed longest ago and not after `until`, `most` of them, as changes for
 * state.db, once at a time. usage_rows_written says what became of them. */
struct change_source *usage_rows_changed(struct usage_rows *, size_t most, int64_t until);
void usage_rows_written(struct usage_rows *, bool written);

/* ---- by anybody ---- */

struct usage_rows_stats {
    size_t rows, changed; /* here; not in state.db yet */
    int64_t changed_at;   /* of those, the first: seconds since 1970 */
    uint64_t log_octets, unlogged; /* sets that the log could not take, since the start */
};
struct usage_rows_stats usage_rows_stats(struct usage_rows *);

#endif
