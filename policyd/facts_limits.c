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

/* good_r: not of before the table could not be read. */
static enum result read_limits(struct facts *f, const char *scope, const char *counted_by,
                               struct usage_limits *limits_r, bool *good_r)
{
    const char *const params[] = { scope, counted_by };
    struct rowset set;
    enum result r = rows_get(f->rows, QUERY_LIMITS, params, 2, f->now, &set);

    if (r == OK)
        take_limits(set, limits_r);
    *good_r = r == NOT_FOUND || (r == OK && !set.last_good);
    return r;
}

static struct limits_memo *memo_of(struct facts *f, const char *counted_by)
{
    for (unsigned i = 0; i < LIMITS_MEMOS; i++) {
        struct limits_memo *m = &f->host_limits[i];
        if (!m->counted_by)
            m->counted_by = counted_by;
        if (strcmp(m->counted_by, counted_by) == 0)
            return m;
    }
    return NULL;
}

/* The host's are asked for with each message. Not kept for good: rows are to know that. */
static enum result host_limits(struct facts *f, struct limits_memo *m, struct usage_limits *limits_r)
{
    bool good;

    if (m->generation != rows_generation(f->rows) || f->now >= m->expires) {
        m->result = read_limits(f, "", m->counted_by, &m->limits, &good);
        m->generation = rows_generation(f->rows);
        m->expires = good ? f->now + FACTS_KEPT_S : 0;
    }
    if (m->result == OK)
        *limits_r = m->limits;
    return m->result;
}

enum result facts_limits(struct facts *f, const char *scope, const char *counted_by,
                         struct usage_limits *limits_r)
{
    struct limits_memo *m = *scope ? NULL : memo_of(f, counted_by);
    bool good;

    return m ? host_limits(f, m, limits_r) : read_limits(f, scope, counted_by, limits_r, &good);
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
