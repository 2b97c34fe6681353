/* SPDX-License-Identifier: MIT */
/*
 * Which list entries there are not, from memory.  Layer 4.
 *
 * Most mail meets no entry, but each stranger would ask the table for keys that nobody asked
 * for before, one for each shape.  A Bloom filter (Bloom, "Space/time trade-offs in hash
 * coding with allowable errors", CACM 1970) of the keys that there are says at once which
 * there are not; it is wrong in one direction only, in some of a thousand cases, and then the
 * table is asked. Entries that are removed stay in it.
 *
 * It learns of new entries by their numbers, which only grow. While it does not know all of
 * them, it says nothing. Two octets a key; past the bound, it says nothing any more.
 */
#ifndef POSTERN_LIST_FILTER_H
#define POSTERN_LIST_FILTER_H

#include "lib/store.h"

/* What QUERY_LISTED takes. */
enum { LIST_KEY_TEXTS = 7, LIST_FILTER_KEYS_MAX = 16 << 20 };

struct list_filter;

/* Where there are more than `most` entries (LIST_FILTER_KEYS_MAX) it says nothing. NULL: no memory. */
struct list_filter *list_filter_open(size_t most);
void list_filter_close(struct list_filter **);

/* The table has changed, or is another one: nothing is known until the next steps. */
void list_filter_changed(struct list_filter *);
void list_filter_forget(struct list_filter *);

/* Reads some more entries where some may be unknown; a turn's worth of time. */
void list_filter_step(struct list_filter *, struct store *);

/* True: no entry has this key. */
bool list_filter_lacks(const struct list_filter *, const char *const key[LIST_KEY_TEXTS]);

#endif
