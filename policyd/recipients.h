/* SPDX-License-Identifier: MIT */
/*
 * The recipients of each mail transaction that is under way, told apart by whether their
 * domain is hosted here: Postfix says at END-OF-MESSAGE how many there were, and not who
 * (SMTPD_POLICY_README).  Bounded; in memory only.  Layer 4.
 */
#ifndef POSTERN_RECIPIENTS_H
#define POSTERN_RECIPIENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/result.h"
#include "lib/str.h"

enum { RECIPIENTS_MAX = 8192, RECIPIENTS_KEEP_S = 3600 }; /* transactions; seconds */

struct recipients;

enum result recipients_open(struct recipients **recipients_r) MUST_CHECK;
void recipients_close(struct recipients **);

/* RCPT TO was not refused by us. The same one twice in a row counts once: several hooks
 * ask. An empty instance names no transaction. now: seconds. */
void recipients_note(struct recipients *, struct span instance, struct span recipient, bool local, int64_t now);

/* How many of the message's `count` recipients are elsewhere, all that were not seen at RCPT
 * among them; never too few, whichever of those that were seen Postfix refused afterwards. */
uint64_t recipients_elsewhere(const struct recipients *, struct span instance, uint64_t count, int64_t now);

#endif
