/* SPDX-License-Identifier: MIT */
/*
 * HELO names that are no fully qualified host name and no address literal, by the
 * rules of Postfix's reject_non_fqdn_helo_hostname (underscores pass, a final dot
 * too).  Layer 5.
 */
#include <string.h>

#include "policyd/check.h"

enum { LABEL_MAX = 63 };

static bool is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* *numeric is cleared by anything that is no digit. */
static bool is_label(struct span label, bool *numeric)
{
    if (label.len == 0 || label.len > LABEL_MAX || label.ptr[0] == '-' || label.ptr[label.len - 1] == '-')
        return false;
    for (size_t i = 0; i < label.len; i++) {
        if (!is_alphanumeric(label.ptr[i]) && label.ptr[i] != '-')
            return false;
        if (label.ptr[i] < '0' || label.ptr[i] > '9')
            *numeric = false;
    }
    return true;
}

static bool is_fqdn(const char *name)
{
    bool numeric = true;
    unsigned labels = 0;

    for (const char *p = name, *dot; p; p = dot ? dot + 1 : NULL) {
        dot = strchr(p, '.');
        if (!is_label((struct span){ p, dot ? (size_t)(dot - p) : strlen(p) }, &numeric))
            return false;
        labels++;
    }
    return labels > 1 && !numeric;
}

/* [192.0.2.1] or [IPv6:2001:db8::1] (RFC 5321, 4.1.3). */
static bool is_literal(struct span helo)
{
    struct network ip;

    if (helo.len < 3 || helo.ptr[0] != '[' || helo.ptr[helo.len - 1] != ']')
        return false;
    helo = (struct span){ helo.ptr + 1, helo.len - 2 };
    if (helo.len > 5 && span_equal_case((struct span){ helo.ptr, 5 }, SPAN("IPv6:")))
        return network_parse_ip((struct span){ helo.ptr + 5, helo.len - 5 }, &ip) == OK;
    return network_parse_ip(helo, &ip) == OK && !ip.v6;
}

enum verdict helo_fqdn_run(const struct check_ctx *c, struct finding *f)
{
    if (is_fqdn(c->request->helo) || is_literal(c->request->attr[ATTR_HELO_NAME]))
        return VERDICT_PASS;
    finding_row(f, "neither a host name with a dot nor an address in brackets");
    return check_refuse(c, f, "no_fqdn", c->request->helo, NULL);
}
