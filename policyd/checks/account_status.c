/* SPDX-License-Identifier: MIT */
/*
 * Suspended and disabled accounts may not send, nor those with a password that must not
 * be used again: whoever is logged in by now used it.  The reason is for the account's
 * owner, since the password has matched.  Layer 5.
 */
#include <string.h>

#include "lib/setting.h"
#include "policyd/check.h"

static bool is_suspended(const struct account_row *row, int64_t now)
{
    if (row->suspended_until && row->suspended_until <= now)
        return false;
    return strcmp(row->suspended, "all") == 0 || strstr(row->suspended, "smtp") != NULL;
}

static enum verdict unknown_login(const struct check_ctx *c, struct finding *f)
{
    finding_row(f, "no account %s", c->request->login.text);
    if (!c->config->account_status.refuse_unknown_login)
        return VERDICT_PASS;
    return check_refuse(c, f, "unknown_login", c->request->login.text, "no such account on this server");
}

enum verdict account_status_run(const struct check_ctx *c, struct finding *f)
{
    const struct request *q = c->request;
    struct account_row row;
    enum result r;

    r = q->login_odd ? NOT_FOUND : facts_account(c->facts, q->login.text, &row);
    if (r == NOT_FOUND)
        return unknown_login(c, f);
    if (r != OK)
        return VERDICT_TRY_AGAIN;
    if (row.disabled) {
        finding_row(f, "account %s: status disabled", q->login.text);
        return check_refuse(c, f, "disabled", q->login.text, "disabled by the administrator");
    }
    if (is_suspended(&row, c->facts->now)) {
        finding_row(f, "account %s: suspended (%s)", q->login.text, row.suspended);
        return check_refuse(c, f, "suspended", q->login.text, row.reason);
    }
    if (!row.new_password)
        return VERDICT_PASS;
    finding_row(f, "account %s: released with a new password demanded", q->login.text);
    return check_refuse(c, f, "new_password", q->login.text, setting_new_password);
}
