/* SPDX-License-Identifier: MIT */
/* What was counted against limits, as state.db has it.  Layer 9. */
#ifndef POSTERN_SENT_H
#define POSTERN_SENT_H

#include "lib/usage.h"
#include "policyctl/command.h"
#include "policyd/proposal.h"

/* Has policyd, where it runs, write what it counted and saw until now: before state.db is opened.
 * Where it does not and something is not there, a line says so. */
void sent_settle(const struct ctl *);

/* What a change of the kind CHANGE_USAGE would be added to: nothing where there is no row.
 * TRY_AGAIN: not readable. */
enum result sent_read(struct store *state, const struct change *, struct usage *usage_r,
                      struct usage_limits *limits_r) MUST_CHECK;

/* "12 messages of 30 in 1m, ..." for each limit. */
void sent_text(const struct usage *, const struct usage_limits *, int64_t now, struct strbuf *out);

/* One limit's: how much of what it limits; unit: "12 of 30", or "12" where it is not limited. */
void sent_amount(const uint64_t used[static USAGE_UNITS], const struct usage_limit *, enum usage_unit,
                 struct strbuf *out);

#endif
