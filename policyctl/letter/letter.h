/* SPDX-License-Identifier: MIT */
/* What a customer, or another host's admin, is to change, as a message.  Layer 9. */
#ifndef POSTERN_LETTER_H
#define POSTERN_LETTER_H

#include "policyctl/letter/points.h"

/* Writes the message, with header, to standard output: what would be refused if it were
 * enforced, what is refused, and old habits. STATUS_FAILED, with a line: there is nothing
 * to change. */
enum status letter_print(const struct ctl *, const struct words *, const struct readiness *, enum letter_kind,
                         const char *name);

#endif
