/* SPDX-License-Identifier: MIT */
/* What the account table says of one account: the upper half of policyctl who.  Layer 9. */
#ifndef POSTERN_WHO_ACCOUNT_H
#define POSTERN_WHO_ACCOUNT_H

#include "lib/address.h"
#include "policyctl/command.h"
#include "policyctl/json.h"

/* State and suspension, the modes that count for it and from where, whom else it may send as;
 * as lines, or as members of an open object. It says why it cannot; STATUS_FAILED: no such account. */
enum status who_account(const struct ctl *, const struct address *, struct json *);

#endif
