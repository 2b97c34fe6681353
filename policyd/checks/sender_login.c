/* SPDX-License-Identifier: MIT */
/* An authenticated client's envelope sender must belong to its login.  Layer 5. */
#include "policyd/check.h"
#include "policyd/ownership.h"

enum verdict sender_login_run(const struct check_ctx *c, struct finding *f)
{
    const struct request *q = c->request;
    char why[OWNERSHIP_TEXT_MAX];
    enum result r;

    if (q->sender.len == 0) { /* the null sender: bounces, read receipts (RFC 5321, 4.5.5) */
        if (!c->config->sender_login.refuse_null_sender)
            return VERDICT_PASS;
        finding_row(f, "sender_login.refuse_null_sender is set in policyd.conf");
        return check_refuse(c, f, "null_sender", q->login.text, NULL);
    }
    if (q->sender_odd || q->login_odd) {
        finding_row(f, "the %s is no valid address", q->sender_odd ? "sender" : "login");
        return check_refuse(c, f, "invalid", q->login.text, NULL);
    }
    r = ownership_check(c->facts, &q->login, &q->sender, f->explain ? why : NULL);
    if (r != OK && r != NOT_FOUND)
        return VERDICT_TRY_AGAIN;
    if (f->explain)
        finding_row(f, "%s", why);
    return r == OK ? VERDICT_PASS : check_refuse(c, f, "not_owned", q->login.text, NULL);
}
