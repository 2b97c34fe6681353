/* SPDX-License-Identifier: MIT */
/* What the account table says already of an item.  Layer 9. */
#ifndef POSTERN_IMPORT_EXISTING_H
#define POSTERN_IMPORT_EXISTING_H

#include "policyctl/import/import.h"

enum { EXISTING_MAX = 1024 };

struct existing {
    bool is_there;
    char value[EXISTING_MAX]; /* in the form that import_change is told */
};

/* change: the one that would add the item, its texts canonical. update_r: the one that
 * makes the present item say the same; it points to the texts of `change`. TRY_AGAIN: the
 * table cannot be read. */
enum result existing_find(struct store *, enum item, const struct change *change, struct existing *existing_r,
                          struct change *update_r) MUST_CHECK;

#endif
