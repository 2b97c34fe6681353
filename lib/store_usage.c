/* SPDX-License-Identifier: MIT */
/*
 * A change that depends on the row it changes: what is sent is added to the row's windows,
 * unless that would go over a limit.  A backend reads the row and writes the new one in one
 * transaction.  Layer 2.
 */
#include <stdlib.h>
#include <string.h>

#include "store_schema.h"
#include "usage.h"

static uint64_t number(const char *text)
{
    return text ? strtoull(text, NULL, 10) : 0; /* checked: a number up to INT64_MAX */
}

/* "account john@example.com" */
static const char *who(const char *key)
{
    const char *space = strchr(key, ' ');

    return space ? space + 1 : "this host";
}

/* A row that cannot be read is begun anew: nobody is refused for ever by a damaged one. */
static void read_row(const char *counts, struct usage *u)
{
    if (!counts || usage_parse(counts, u) != OK)
        u->windows = u->resends = 0;
}

static enum result keep_row(const struct usage *u, struct change_values *v, struct error *e)
{
    struct strbuf counts, expires;

    strbuf_init(&counts, v->merged, sizeof v->merged);
    usage_format(u, &counts);
    strbuf_init(&expires, v->expires, sizeof v->expires);
    strbuf_addu(&expires, (uint64_t)usage_expires(u));
    return counts.cut ? error_set(e, LIMIT, "%s: too many counts", v->value[FIELD_KEY]) : OK;
}

enum result usage_change(const struct change_values *v, struct usage *usage, int64_t now, struct error *e)
{
    struct usage_event event = { { number(v->value[FIELD_NUMBER]), number(v->value[FIELD_RECIPIENTS]),
                                   number(v->value[FIELD_BYTES]) },
                                 number(v->value[FIELD_RESEND]) };
    struct usage_limits limits;
    struct usage_over over;
    struct strbuf b;
    enum result r;

    if (usage_limits_parse(v->value[FIELD_LIMITS], &limits) != OK)
        return error_set(e, BAD, "limits '%.80s' are none", v->value[FIELD_LIMITS]);
    r = usage_add(usage, &limits, &event, now, &over);
    if (r == LIMIT) {
        strbuf_init(&b, e->text, sizeof e->text);
        usage_over_text(&over, who(v->value[FIELD_KEY]), now, &b);
    }
    return r;
}

enum result usage_merge(struct change_values *v, const char *counts, int64_t now, struct error *e)
{
    struct usage usage;
    enum result r;

    read_row(counts, &usage);
    r = usage_change(v, &usage, now, e);
    return r == OK ? keep_row(&usage, v, e) : r;
}
