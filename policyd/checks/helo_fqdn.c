/* SPDX-License-Identifier: MIT */
/*
 * HELO names that are no fully qualified host name and no address literal, by the
 * rules of Postfix's reject_non_fqdn_helo_hostname (underscores pass, a final dot
 * too).  Layer 5.
 */
#include <string.h>

#include "policyd/check.h"

enum { LABEL_MAX = 63 };

/* Of a name in canonical form. */
static bool is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/* How many octets at the start of text are in the set. */
static size_t span_class(struct span text, const char *set)
{
    size_t n = 0;

    while (n < text.len && text.ptr[n] && strchr(set, text.ptr[n]))
        n++;
    return n;
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

/* Four numbers up to 255. */
static bool is_ipv4(struct span text)
{
    for (int i = 0; i < 4; i++) {
        const char *dot = i < 3 ? memchr(text.ptr, '.', text.len) : text.ptr + text.len;
        uint64_t number;
        if (!dot || str_number((struct span){ text.ptr, (size_t)(dot - text.ptr) }, 0, 255, &number) != OK)
            return false;
        text.len -= (size_t)(dot - text.ptr) + (i < 3);
        text.ptr = dot + (i < 3);
    }
    return true;
}

/* Groups of up to four hexadecimal digits, an IPv4 address in place of the last ones. */
static bool is_ipv6(struct span text)
{
    unsigned groups = 0, doubles = 0;

    while (text.len > 0) {
        size_t colons = span_class(text, ":"), digits;
        text = (struct span){ text.ptr + colons, text.len - colons };
        digits = span_class(text, "0123456789abcdefABCDEF");
        doubles += colons == 2;
        if (colons > 2 || (colons == 1 && (groups == 0 || text.len == 0)) || (colons == 0 && groups > 0))
            return false;
        if (digits < text.len && text.ptr[digits] == '.')
            return (groups > 0 || doubles == 1) && is_ipv4(text);
        if (digits > 4 || (digits == 0 && text.len > 0))
            return false;
        groups += digits > 0;
        text = (struct span){ text.ptr + digits, text.len - digits };
    }
    return doubles == 0 ? groups >= 6 && groups <= 8 : doubles == 1 && groups <= 7;
}

/* [192.0.2.1] or [IPv6:2001:db8::1] (RFC 5321, 4.1.3), as leniently as Postfix: leading
 * zeros, and IPv6 groups too few, are not for a policy to refuse. */
static bool is_literal(struct span helo)
{
    if (helo.len < 3 || helo.ptr[0] != '[' || helo.ptr[helo.len - 1] != ']')
        return false;
    helo = (struct span){ helo.ptr + 1, helo.len - 2 };
    if (helo.len > 5 && span_equal_case((struct span){ helo.ptr, 5 }, SPAN("IPv6:")))
        return is_ipv6((struct span){ helo.ptr + 5, helo.len - 5 });
    return is_ipv4(helo);
}

enum verdict helo_fqdn_run(const struct check_ctx *c, struct finding *f)
{
    if (c->request->attr[ATTR_HELO_NAME].len == 0)
        return VERDICT_NONE; /* there was none: whether it has to be, is Postfix's smtpd_helo_required */
    if (is_fqdn(c->request->helo) || is_literal(c->request->attr[ATTR_HELO_NAME]))
        return VERDICT_PASS;
    finding_row(f, "neither a host name with a dot nor an address in brackets");
    return check_refuse(c, f, "no_fqdn", c->request->helo, NULL);
}
