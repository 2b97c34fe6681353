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
    enum check_id check[PROPOSALS_MAX];
    struct change change[PROPOSALS_MAX];
    char text[PROPOSAL_TEXT_MAX];
};

static inline void proposals_clear(struct proposals *p)
{
    p->count = p->used = 0;
}

/* Another one of the check, with no field set. LIMIT: there are PROPOSALS_MAX. */
enum result proposals_add(struct proposals *, enum check_id, enum change_kind) MUST_CHECK;

/* Sets a field of the last one to a copy of the text. LIMIT: no room is left. */
enum result proposals_set(struct proposals *, enum field, const char *text) MUST_CHECK;

/* Takes back all behind the first `count`. */
void proposals_cut(struct proposals *, size_t count);

/* Takes back those of all checks but one. */
void proposals_keep(struct proposals *, enum check_id);

#endif
