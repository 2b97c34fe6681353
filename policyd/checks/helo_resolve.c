/* SPDX-License-Identifier: MIT */
/*
 * HELO names that do not exist, as Postfix's reject_unknown_helo_hostname sees it:
 * A, AAAA or MX will do, a null MX too.  NXDOMAIN is final for all types (RFC 8020);
 * a DNS failure is never "not found".  Layer 5.
 */
#include "policyd/check.h"

enum verdict helo_resolve_run(const struct check_ctx *c, struct finding *f)
{
    struct span helo = span_of(c->request->helo);
    struct dns_answer answer;
    enum dns_status a, aaaa, mx;

    if (helo.len == 0 || helo.ptr[0] == '[')
        return VERDICT_PASS; /* an address literal */
    a = facts_dns(c->facts, helo, DNS_A, &answer);
    if (a == DNS_PENDING)
        return VERDICT_PENDING;
    if (a == DNS_FOUND)
        return VERDICT_PASS;
    if (a == DNS_FAILED)
        return VERDICT_TRY_AGAIN; /* two more questions would only wait as long again */
    if (a == DNS_NXDOMAIN) {
        finding_row(f, "DNS: %s does not exist (NXDOMAIN)", helo.ptr);
        return check_refuse(c, f, "nxdomain", helo.ptr, NULL);
    }
    /* Both at once: the second is on its way while the first is waited for. */
    aaaa = facts_dns(c->facts, helo, DNS_AAAA, &answer);
    mx = facts_dns(c->facts, helo, DNS_MX, &answer);
    if (aaaa == DNS_FOUND || mx == DNS_FOUND)
        return VERDICT_PASS;
    if (aaaa == DNS_PENDING || mx == DNS_PENDING)
        return VERDICT_PENDING;
    if (aaaa == DNS_FAILED || mx == DNS_FAILED)
        return VERDICT_TRY_AGAIN;
    finding_row(f, "DNS: %s has no A, AAAA or MX record", helo.ptr);
    return check_refuse(c, f, "no_address", helo.ptr, NULL);
}
