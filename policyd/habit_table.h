/* SPDX-License-Identifier: MIT */
/*
 * Behaviours in memory, by account: those used last at hand, five kilobytes each, the others
 * packed into some hundreds of octets, so that a hundred thousand accounts that send have
 * not to be read again and again.  What has changed is kept in the order in which it
 * changed, until it is said to be written.  Layer 6.
 */
#ifndef POSTERN_HABIT_TABLE_H
#define POSTERN_HABIT_TABLE_H

#include "policyd/behaviour.h"

struct habit_table;

struct habit {
    struct habit *next;          /* of the same slot */
    struct habit *newer, *older; /* of the same kind, by their last use */
    struct habit *next_changed;
    struct behaviour *behaviour; /* NULL: packed */
    unsigned char *packed;       /* behaviour_pack() */
    size_t size;                 /* of that */
    int64_t alarmed;             /* when an alarm was last raised */
    bool changed;                /* it is in the order of those */
    bool written;                /* though, as it is, by somebody who could not wait for its turn */
    unsigned writing;            /* jobs under way: it is not dropped meanwhile to make room */
    uint64_t sent, kept;         /* recipients, since it is here; of them, state.db has so many */
    char account[]; /* NUL-terminated */
};

/* at_hand: so many are not packed. packed_most: octets; what is packed beyond that, and is
 * written, is dropped, used longest ago first. NULL: no memory. */
struct habit_table *habit_table_new(size_t at_hand, size_t packed_most);
void habit_table_free(struct habit_table **);

/* As it is. NULL: it is not in the table. */
struct habit *habit_table_peek(const struct habit_table *, const char *account);

/* At hand, and the one used last; packed where there is no memory. NULL: it is not in the
 * table. Another one may be packed for it: what was found before may no longer be at hand. */
struct habit *habit_table_find(struct habit_table *, const char *account);

/* An account that is not in the table, with that behaviour. NULL: no memory. */
struct habit *habit_table_add(struct habit_table *, const char *account, const struct behaviour *);

/* Lets it go, written or not. */
void habit_table_drop(struct habit_table *, struct habit *);

void habit_table_change(struct habit_table *, struct habit *);

/* The one that changed first, or NULL. */
struct habit *habit_table_changed(struct habit_table *);
void habit_table_written(struct habit_table *); /* that one */

/* More is packed than should be, since it is not written yet. */
bool habit_table_is_full(const struct habit_table *);

/* The text for state.db. */
void habit_format(const struct habit *, struct strbuf *out);

#endif
