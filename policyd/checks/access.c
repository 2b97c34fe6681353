/* SPDX-License-Identifier: MIT */
/* Deny entries: client, names, sender, recipient.  Layer 5. */
#include "policyd/check.h"

enum verdict access_run(const struct check_ctx *c, struct finding *f)
{
    if (!c->listed)
        return VERDICT_PASS;
    finding_row(f, "%s entry %s (policyctl list show): %s", c->listed->allow ? "allow" : "deny", c->listed->id,
                c->listed->text);
    if (c->listed->allow)
        return VERDICT_PASS;
    return check_refuse(c, f, "denied", c->request->helo, NULL);
}
