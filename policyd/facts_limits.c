/* SPDX-License-Identifier: MIT */
/* How much may be sent.  Layer 5. */
#include <stdlib.h>
#include <string.h>

#include "policyd/facts.h"

/* NULL is "": as many as you like. */
static uint64_t most(const char *text)
{
    return *text ? strtoull(text, NULL, 10) : USAGE_UNLIMITED;
}

/* window_s, messages, recipients, bytes; window 0: no limit. */
static void take_limits(struct rowset set, struct usage_limits *limits_r)
{
    limits_r->count = 0;
    for (const char *p = set.text; set.count > 0; set.count--) {
        struct usage_limit limit = { .window_s = (uint32_t)strtoul(p, NULL, 10) };
        for (unsigned unit = 0; unit < USAGE_UNITS; unit++)
            limit.most[unit] = most(p = rowset_next(p));
        p = rowset_next(p);
        if (limit.window_s > 0 && limit.window_s <= USAGE_WINDOW_S_MAX && limits_r->count < USAGE_WINDOWS_MAX)
            limits_r->limit[limits_r->count++] = limit;
    }
}

enum result facts_limits(struct facts *f, const char *scope, const char *counted_by,
                         struct usage_limits *limits_r)
{
    const char *const params[] = { scope, counted_by };
    struct rowset set;
    enum result r = rows_get(f->rows, QUERY_LIMITS, params, 2, f->now, &set);

    if (r == OK)
        take_limits(set, limits_r);
    return r;
}

enum result facts_limit_network(struct facts *f, const struct network *client,
                                char network_r[static NETWORK_TEXT_MAX])
{
    struct rowset set;
    enum result r = rows_get(f->rows, QUERY_LIMIT_NETWORKS, NULL, 0, f->now, &set);
    int narrowest = -1;

    if (r != OK)
        return r;
    for (const char *p = set.text; set.count > 0; set.count--, p = rowset_next(p)) {
        struct network network;
        if (network_parse(span_of(p), &network, NULL) != OK || !network_contains(&network, client) ||
            (int)network.bits <= narrowest)
            continue;
        narrowest = network.bits;
        network_text(&network, network_r);
    }
    return narrowest >= 0 ? OK : NOT_FOUND;
}
