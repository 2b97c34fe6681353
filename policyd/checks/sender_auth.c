/* SPDX-License-Identifier: MIT */
/*
 * A sender in a domain whose users authenticate here, from a client that did not.
 * Only mailbox domains and their alias domains: users of a relay domain never
 * authenticate here.  SRS is not unwrapped: the forwarder's domain is the one that
 * answers for it.  Layer 5.
 */
#include "policyd/check.h"

enum verdict sender_auth_run(const struct check_ctx *c, struct finding *f)
{
    struct span domain = address_domain(&c->request->sender);
    struct domain_row row;
    enum result r;

    if (domain.len == 0)
        return VERDICT_PASS;
    r = facts_domain(c->facts, domain, &row);
    if (r == OK && row.kind == DOMAIN_ALIAS) {
        finding_row(f, "%.*s is an alias of %s", (int)domain.len, domain.ptr, row.target);
        r = facts_domain(c->facts, span_of(row.target), &row); /* which is copied before the row is written */
    } else if (r == OK)
        finding_row(f, "%.*s is a %s domain", (int)domain.len, domain.ptr,
                    row.kind == DOMAIN_MAILBOX ? "mailbox" : "relay");
    if (r != OK)
        return r == NOT_FOUND ? VERDICT_PASS : VERDICT_TRY_AGAIN;
    if (row.kind != DOMAIN_MAILBOX)
        return VERDICT_PASS;
    return check_refuse(c, f, "no_auth", c->request->sender.text, NULL);
}
