/* SPDX-License-Identifier: MIT */
/* What there is to change, and by whom, of a readiness report.  Layer 9. */
#ifndef POSTERN_POINTS_H
#define POSTERN_POINTS_H

#include "policyctl/letter/advice.h"

/* A section of the words that somebody should read. */
struct point {
    enum section section;
    const struct subject *subject;
};

enum letter_kind {
    LETTER_ACCOUNT,
    LETTER_DOMAIN, /* of all that is in the report: accounts and senders */
    LETTER_HOST    /* by the name of its HELO */
};

/* By domain, then by name: what is refused or would be, and old habits. name: the account's
 * or the host's, not read with LETTER_DOMAIN. TRY_AGAIN: no memory. They live in the
 * report's arena. */
enum result points_find(const struct readiness *, enum letter_kind, const char *name, struct point **point_r,
                        size_t *count_r) MUST_CHECK;

/* Of the evidence that has the same remedy, whether this piece is the first. */
bool point_is_first(const struct point *, size_t evidence);

/* The values of that remedy. */
void point_values(const struct point *, size_t evidence, const struct readiness *, struct advice *);

/* Goes through what was seen of the remedy that begins at `first`, several programs behind
 * one network as one: values and section of the next line, from *position on, which is
 * `first` to begin with; false: no more. */
bool point_seen(const struct point *, size_t first, size_t *position, struct advice *, enum section *line_r);

#endif
