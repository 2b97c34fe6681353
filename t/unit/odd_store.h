/* SPDX-License-Identifier: MIT */
/*
 * A store in front of another, which fails at a question that the test chooses, or answers one
 * with rows that no store would have let in.
 */
#ifndef POSTERN_T_ODD_STORE_H
#define POSTERN_T_ODD_STORE_H

#include "lib/store_backend.h"

struct odd_store {
    struct store head; /* first: this is what is asked */
    struct store *behind;
    unsigned asked;   /* questions so far */
    unsigned fail_at; /* the number of the one that fails; 0: none */
    bool fail_on;     /* all that follow, too */
    enum query query; /* that is answered with: */
    size_t columns;
    const char *const *text; /* row by row up to a NULL; NULL: as the other store says */
};

void odd_store_init(struct odd_store *, struct store *behind);

#endif
