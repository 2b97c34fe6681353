/* SPDX-License-Identifier: MIT */
/*
 * Changes that the checks of one decision propose, each check of one database.  Nothing is written until
 * the decision is committed (policy.h).  Layer 3.
 */
#ifndef POSTERN_PROPOSAL_H
#define POSTERN_PROPOSAL_H

#include "lib/check_info.h"
#include "lib/store.h"

enum { PROPOSALS_MAX = 8, PROPOSAL_TEXT_MAX = 6144 };

/* Not to be copied: the changes point to the texts. Those of one check stand together. */
struct proposals {
    size_t count, used;
    bool full; /* something of the check that runs now found no room: it is not to be done by halves */
    enum check_id check[PROPOSALS_MAX];
    struct change change[PROPOSALS_MAX];
    char text[PROPOSAL_TEXT_MAX];
};

static inline void proposals_clear(struct proposals *p)
{
    p->count = p->used = 0;
    p->full = false;
}

/* Another one of the check, with no field set; sets `full` where there are PROPOSALS_MAX. */
void proposals_add(struct proposals *, enum check_id, enum change_kind);

/* Sets a field of the last one to a copy of the text; or sets `full`. */
void proposals_set(struct proposals *, enum field, const char *text);

/* Takes back all behind the first `count`: there is room again. */
void proposals_cut(struct proposals *, size_t count);

/* Takes back those of all checks but one. */
void proposals_keep(struct proposals *, enum check_id);

#endif
