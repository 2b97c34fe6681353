/* SPDX-License-Identifier: MIT */
/*
 * Rows of usage in memory, found by their key, and in the order in which they changed, by
 * whether state.db has them.  The table of keys is one thread's own; what another looks at
 * (states, lines, counts, sums) the caller guards.  Layer 2.
 */
#ifndef POSTERN_USAGE_TABLE_H
#define POSTERN_USAGE_TABLE_H

#include <stdbool.h>
#include <sys/queue.h>

#include "usage.h"
#include "usage_log.h"

/* state.db has it, has not, or is being given it. */
enum usage_state { USAGE_WRITTEN, USAGE_CHANGED, USAGE_ON_ITS_WAY };
enum { USAGE_STATES = USAGE_ON_ITS_WAY + 1 };

struct usage_entry {
    struct usage_entry *next; /* in its slot */
    TAILQ_ENTRY(usage_entry) link;
    uint64_t hash;
    enum usage_state state;
    unsigned file;      /* of the log, where its last record stands */
    int64_t changed_at; /* seconds since 1970; 0: by a process before this one */
    unsigned char *packed; /* usage_pack() */
    uint32_t packed_len, room, key_len;
    char key[]; /* with a NUL */
};

TAILQ_HEAD(usage_line, usage_entry);

struct usage_table {
    struct usage_entry **slot;
    size_t slots, count, clients;
    struct usage_line line[USAGE_STATES]; /* each in the order of the last change */
    size_t changed;                       /* that state.db has not */
    size_t needed[USAGE_LOG_FILES];       /* of those, by the file of the log */
    size_t kept_octets;                   /* of those that it has */
};

bool usage_is_client(struct span key);

/* TRY_AGAIN: no memory. */
enum result usage_table_init(struct usage_table *) MUST_CHECK;
void usage_table_free(struct usage_table *);

struct usage_entry *usage_table_find(struct usage_table *, struct span key);

/* One that is not there yet, as state.db has it. It is in no line before usage_table_enter. NULL: no memory. */
struct usage_entry *usage_table_add(struct usage_table *, struct span key, struct span packed);

/* Takes it out of its line, or puts it last into another. */
void usage_table_leave(struct usage_table *, struct usage_entry *);
void usage_table_enter(struct usage_table *, struct usage_entry *, enum usage_state);

/* Makes room for so many octets. false: no memory. */
bool usage_table_reserve(struct usage_table *, struct usage_entry *, size_t len);

/* Those that are on their way go back in front of those that changed later. */
void usage_table_take_back(struct usage_table *);

void usage_table_drop(struct usage_table *, struct usage_entry *);

#endif
