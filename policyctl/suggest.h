/* SPDX-License-Identifier: MIT */
/* "Did you mean": the name that lies nearest to a mistyped one.  Layer 9. */
#ifndef POSTERN_SUGGEST_H
#define POSTERN_SUGGEST_H

#include <stdbool.h>
#include <stddef.h>

enum { SUGGEST_LENGTH_MAX = 32 };

/* How many letters have to be inserted, deleted, replaced or swapped with their
 * neighbour (optimal string alignment) to make a of b; SUGGEST_LENGTH_MAX where one
 * of them is longer than that. */
size_t suggest_distance(const char *a, const char *b);

/* Whether b is near enough to a to have been meant: at most a third of it differs. */
bool suggest_is_near(const char *a, const char *b);

#endif
