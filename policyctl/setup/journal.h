/* SPDX-License-Identifier: MIT */
/*
 * What setup changed, in a folder of root's beside the databases' folder: for each
 * --apply a folder of its own, with whole copies of the files as they were and as they
 * became, and every parameter with both values.  It is written and synced before the
 * first file is touched, so that whatever is interrupted can be taken back.  Layer 9.
 */
#ifndef POSTERN_SETUP_JOURNAL_H
#define POSTERN_SETUP_JOURNAL_H

#include "policyctl/setup/setup.h"

struct journal {
    char directory[PATH_MAX];
    int lock; /* held while it is open */
};

/* What one --apply did. */
struct record {
    unsigned number;
    bool finished; /* else it was interrupted */
    struct arena *arena;
    struct edit *file; /* path, old and new; not the setup's */
    size_t files;
    struct setup_change *change; /* parameters only, in the order in which they were made */
    size_t changes;
};

/* /var/lib/postern-setup for /var/lib/postern/accounts.db. */
enum result journal_path(const struct config *, char path_r[static PATH_MAX], struct error *) MUST_CHECK;

/* Makes it where it is absent, and keeps others out. TRY_AGAIN: another policyctl setup is at it. */
enum result journal_open(const struct config *, struct journal *journal_r, struct error *) MUST_CHECK;
void journal_close(struct journal *);

/* The newest record's number; 0: there is none. */
unsigned journal_last(const struct journal *);

/* Takes down what setup is about to do. */
enum result journal_begin(const struct journal *, const struct setup *, unsigned *number_r,
                          struct error *) MUST_CHECK;
enum result journal_finish(const struct journal *, unsigned number, struct error *) MUST_CHECK;
enum result journal_remove(const struct journal *, unsigned number, struct error *) MUST_CHECK;

/* Free it in either case. BAD: damaged. */
enum result journal_read(const struct journal *, unsigned number, struct record *record_r,
                         struct error *) MUST_CHECK;
void record_free(struct record *);

#endif
