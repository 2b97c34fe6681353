/* SPDX-License-Identifier: MIT */
/* What counts for one account, and how much of it was sent.  Layer 9. */
#ifndef POSTERN_LIMIT_H
#define POSTERN_LIMIT_H

#include "lib/address.h"
#include "policyctl/command.h"
#include "policyctl/json.h"

/* As the check itself sees it: a table, or in an open object an array under the key. *off_r:
 * send_limit is off for the account, and nothing was printed. Else it says why it cannot. */
enum status limit_print(const struct ctl *, const struct address *login, struct json *, const char *key,
                        bool *off_r);

#endif
