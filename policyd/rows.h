/* SPDX-License-Identifier: MIT */
/*
 * Rows of the account table as the event loop reads them.  Layer 4.
 *
 * What was read stays in memory until the table changes, which policyd knows, being
 * its only writer; then it is kept as the last good row for ROWS_LAST_GOOD_S, in case
 * the store cannot be read.  Bounded in entries; the memory goes to whoever is asked
 * for last.
 */
#ifndef POSTERN_ROWS_H
#define POSTERN_ROWS_H

#include "lib/store.h"

enum { ROWS_LAST_GOOD_S = 3600, ROWS_TEXT_MAX = 32768 };

struct rows;

/* Texts are valid until the next rows_get of the same struct rows. */
struct rowset {
    const char *text; /* each column's text and its NUL; rows one after the other */
    size_t count, columns;
    bool last_good; /* the store could not be read: what it said before */
};

/* The text of the column behind `text`; in a rowset, NULL and "" are alike. */
static inline const char *rowset_next(const char *text)
{
    return text + strlen(text) + 1;
}

enum result rows_open(struct store *, size_t entries, struct rows **rows_r) MUST_CHECK;
void rows_close(struct rows **);

/* OK, NOT_FOUND; TRY_AGAIN: not readable, and no good row younger than the limit;
 * LIMIT: more rows than ROWS_TEXT_MAX holds. now: seconds. A read transaction
 * stays open until rows_turn_end. */
enum result rows_get(struct rows *, enum query, const char *const *params, size_t count, int64_t now,
                     struct rowset *rowset_r) MUST_CHECK;

/* The loop's turn is over: the next one sees what was committed meanwhile. */
void rows_turn_end(struct rows *);

/* The table has changed: nothing kept is current any more, only last good. */
void rows_changed(struct rows *);

/* From now on read from another store (not owned), e.g. one that was opened anew. */
void rows_use(struct rows *, struct store *);

/* Counts up each time the table changed. */
uint64_t rows_generation(const struct rows *);

struct rows_stats {
    uint64_t kept;      /* answered from memory, which was current */
    uint64_t read;      /* answered by the store */
    uint64_t last_good; /* answered from memory because the store could not be read */
    uint64_t failed;    /* not answered */
};
struct rows_stats rows_stats(const struct rows *);

#endif
