/* SPDX-License-Identifier: MIT */
/* How an account sends, as state.db has it, and its score.  Layer 9. */
#ifndef POSTERN_SCORE_H
#define POSTERN_SCORE_H

#include "policyctl/json.h"
#include "policyd/facts.h"
#include "policyd/signals.h"

/* Empty where there is no row. TRY_AGAIN: not readable. */
enum result score_read(struct store *state, const char *account, struct behaviour *behaviour_r) MUST_CHECK;

/* The same for checks; where state is NULL nothing is known of anybody. */
struct score_source {
    struct behaviour_source source; /* first */
    struct store *state;
    struct behaviour behaviour;
};
void score_source_init(struct score_source *, struct store *state);

/* As one line, or where json is not NULL as an object. */
void score_print(const struct signals *, unsigned of, struct json *json);

#endif
