/* SPDX-License-Identifier: MIT */
#include "policyctl/sent.h"

#include "lib/usage_log.h"
#include "policyctl/ask.h"

void sent_settle(const struct ctl *ctl)
{
    static char reply[CONTROL_REPLY_MAX];
    struct error e;

    if (ask_policyd(ctl, SPAN("command=settle\n\n"), reply, &e) != OK && usage_log_is_there(ctl->config->state_db))
        (void)fail(STATUS_DONE, "what was sent last may be missing: %s", e.text);
}

static bool usage_fn(const struct row *row, void *context)
{
    (void)!usage_parse(row->column[0], context); /* one that is damaged is begun anew */
    return false;
}

enum result sent_read(struct store *state, const struct change *change, struct usage *usage_r,
                      struct usage_limits *limits_r)
{
    enum result r;

    usage_r->windows = usage_r->resends = 0;
    if (usage_limits_parse(change->field[FIELD_LIMITS], limits_r) != OK)
        return BAD;
    r = store_query(state, QUERY_USAGE, &change->field[FIELD_KEY], 1, usage_fn, usage_r);
    return r == NOT_FOUND ? OK : r;
}

void sent_amount(const uint64_t used[static USAGE_UNITS], const struct usage_limit *limit, enum usage_unit unit,
                 struct strbuf *out)
{
    usage_number_format(unit, used[unit], out);
    if (limit->most[unit] == USAGE_UNLIMITED)
        return;
    strbuf_adds(out, " of ");
    usage_number_format(unit, limit->most[unit], out);
}

void sent_text(const struct usage *u, const struct usage_limits *limits, int64_t now, struct strbuf *out)
{
    uint64_t used[USAGE_UNITS];
    const char *separator = "";

    for (size_t i = 0; i < limits->count; i++) {
        const struct usage_limit *limit = &limits->limit[i];
        usage_used(u, limit->window_s, now, used);
        for (unsigned unit = 0; unit < USAGE_UNITS; unit++) {
            if (limit->most[unit] == USAGE_UNLIMITED)
                continue;
            strbuf_adds(out, separator);
            sent_amount(used, limit, (enum usage_unit)unit, out);
            strbuf_addf(out, " %s in ", usage_unit_names[unit]);
            usage_window_format(limit->window_s, out);
            separator = ", ";
        }
    }
}
