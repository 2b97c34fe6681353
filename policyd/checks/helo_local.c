/* SPDX-License-Identifier: MIT */
/*
 * HELO names under suffixes that no public DNS serves (RFC 6761, RFC 6762,
 * RFC 8375).  Each suffix has its mode: the check's own mode is the most that any
 * of them may do.  Layer 5.
 */
#include <string.h>

#include "policyd/check.h"

static const char *longest_suffix(const struct string_list *list, const char *helo, const char *best)
{
    for (size_t i = 0; i < list->count; i++)
        if (span_ends_case(span_of(helo), span_of(list->item[i])) &&
            (!best || strlen(list->item[i]) > strlen(best)))
            best = list->item[i];
    return best;
}

enum verdict helo_local_run(const struct check_ctx *c, struct finding *f)
{
    const char *helo = c->request->helo;
    const char *enforce = longest_suffix(&c->config->helo_local.enforce, helo, NULL);
    const char *suffix = longest_suffix(&c->config->helo_local.observe, helo, enforce);

    if (!suffix)
        return VERDICT_PASS;
    if (suffix != enforce && f->mode > MODE_OBSERVE)
        f->mode = MODE_OBSERVE;
    finding_row(f, "suffix %s is in helo_local.%s of policyd.conf", suffix,
                suffix == enforce ? "enforce" : "observe");
    return check_refuse(c, f, suffix, helo, suffix);
}
