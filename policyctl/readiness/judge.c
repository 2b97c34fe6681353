/* SPDX-License-Identifier: MIT */
/* What may be said of each check: "safe" only where everything was seen. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "policyctl/date.h"
#include "policyctl/readiness/gather.h"

static void reason(struct check_report *c, const char *format, ...) PRINTF(2, 3);

static void reason(struct check_report *c, const char *format, ...)
{
    va_list args;

    if (c->reasons == REASONS_MAX)
        return;
    va_start(args, format);
    vsnprintf(c->reason[c->reasons++], REASON_TEXT_MAX, format, args);
    va_end(args);
}

/* The row that says the check's mode in the report's scope: the domain's, else the
 * host's, of several the one that began last; NULL: the default. */
static const struct policy_row *row_of(const struct gather *g, enum check_id id)
{
    const struct policy_row *host = NULL, *own = NULL;

    for (size_t i = 0; i < g->policies; i++) {
        const struct policy_row *p = &g->policy[i];
        if (p->id != id || (p->expires > 0 && p->expires <= g->ctl->now))
            continue;
        if (*p->scope && strcmp(p->scope, g->report->scope) == 0)
            own = p;
        if (*p->scope == '\0')
            host = p;
    }
    return own ? own : host;
}

/* Since when the check has had its mode: rows that ended count with their end. */
static int64_t mode_since(const struct gather *g, enum check_id id)
{
    const struct policy_row *row = row_of(g, id);
    int64_t since = !row ? 0 : row->starts > row->changed ? row->starts : row->changed;

    for (size_t i = 0; i < g->policies; i++) {
        const struct policy_row *p = &g->policy[i];
        bool is_scope = *p->scope == '\0' || strcmp(p->scope, g->report->scope) == 0;
        if (p->id == id && is_scope && p->expires > since && p->expires <= g->ctl->now)
            since = p->expires;
    }
    return since;
}

static void check_coverage(const struct gather *g, struct check_report *c)
{
    int64_t since = mode_since(g, c->id);
    char date[DATE_TEXT_MAX];

    if (!g->is_tallied) {
        reason(c, "nothing was seen yet: no message and no login");
        return;
    }
    if (g->first_tally > since)
        since = g->first_tally;
    if (since <= g->report->since)
        return;
    date_text(since, date);
    reason(c, "it was watched only since %s", date);
}

static bool is_full(const struct gather *g, enum check_id id)
{
    switch (check_infos[id].subject) {
    case SUBJECT_LOGIN:
        return g->observations[KIND_ACCOUNT] >= OBSERVATION_ROWS_MAX;
    case SUBJECT_SENDER_DOMAIN:
        return g->observations[KIND_SENDER] >= OBSERVATION_ROWS_MAX;
    case SUBJECT_RECIPIENT_DOMAIN:
        break;
    }
    return g->observations[KIND_HOST] >= OBSERVATION_ROWS_MAX;
}

static void check_sight(const struct gather *g, struct check_report *c)
{
    const struct readiness *r = g->report;

    if (c->mode == MODE_OFF)
        reason(c, "it is off, so not all was seen");
    else
        check_coverage(g, c);
    if (r->lost > 0)
        reason(c, "%llu observations were lost", (unsigned long long)r->lost);
    if (c->shed_s > 0)
        reason(c, "for the load it was not run for %lld s of the time", (long long)c->shed_s);
    if (is_full(g, c->id))
        reason(c, "there is no room for more observations: old ones were dropped");
    if (check_infos[c->id].subject == SUBJECT_LOGIN && g->smtp_logins && !g->smtp_mail)
        reason(c, "accounts logged in to send, and no message of theirs was seen: see policyctl doctor");
    if (check_infos[c->id].subject == SUBJECT_RECIPIENT_DOMAIN && *r->scope)
        reason(c, "remote hosts are counted for the whole host, not by domain");
}

static void sum_figures(const struct readiness *r, struct check_report *c)
{
    for (size_t i = 0; i < r->moments; i++) {
        c->delivered += r->moment[i].check[c->id].delivered;
        c->refused += r->moment[i].check[c->id].refused;
    }
}

static void conclude(struct gather *g, struct check_report *c)
{
    const char *scope = g->report->scope;
    const char *from;

    facts_begin(&g->facts, NULL, g->ctl->now);
    if (facts_mode(&g->facts, c->id, NULL, span_of(scope), &c->mode, &from) != OK)
        g->failed = true;
    sum_figures(g->report, c);
    if (c->standing[STANDING_BREAKS] > 0)
        c->conclusion = CONCLUSION_BREAKS;
    else if (c->mode == MODE_ENFORCE) {
        c->conclusion = CONCLUSION_ENFORCED;
        return;
    }
    check_sight(g, c);
    if (c->standing[STANDING_BREAKS] == 0)
        c->conclusion = c->reasons > 0 ? CONCLUSION_UNKNOWN : CONCLUSION_SAFE;
}

/* ---- exceptions ---- */

/* Whether another row of the same scope and check, which begins later, counts instead. */
static bool is_replaced(const struct gather *g, size_t i)
{
    const struct policy_row *p = &g->policy[i];

    for (size_t k = i + 1; k < g->policies && g->policy[k].id == p->id && strcmp(g->policy[k].scope, p->scope) == 0; k++)
        if (g->policy[k].expires == 0 || g->policy[k].expires > g->ctl->now)
            return true;
    return false;
}

static void list_exceptions(struct gather *g)
{
    struct readiness *r = g->report;
    size_t count = 0;

    r->exception = arena_get(r->arena, (g->policies + 1) * sizeof *r->exception);
    if (!r->exception) {
        g->failed = true;
        return;
    }
    for (size_t i = 0; i < g->policies; i++) {
        const struct policy_row *p = &g->policy[i];
        bool is_domain = !strchr(p->scope, '@');
        if (*p->scope == '\0' || p->mode == MODE_ENFORCE || (p->expires > 0 && p->expires <= g->ctl->now) ||
            (*r->scope && (is_domain || !gather_in_scope(g, p->scope))) || is_replaced(g, i))
            continue;
        r->exception[count++] = (struct exception){ p->id, p->scope, p->mode, p->expires };
    }
    r->exceptions = count;
}

/* ---- the whole ---- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void count_connected(struct gather *g)
{
    struct account_row row;

    if (g->connections > 0)
        qsort(g->connected, g->connections, sizeof *g->connected, by_text);
    for (size_t i = 0; i < g->connections; i++) {
        if (i > 0 && strcmp(g->connected[i], g->connected[i - 1]) == 0)
            continue;
        facts_begin(&g->facts, NULL, g->ctl->now);
        if (facts_account(&g->facts, g->connected[i], &row) == OK)
            g->report->connected++;
        rows_turn_end(g->rows);
    }
}

void gather_conclusions(struct gather *g)
{
    struct readiness *r = g->report;

    for (size_t i = 0; i < r->moments; i++)
        r->accepted += r->moment[i].accepted;
    for (size_t id = 0; id < CHECK_COUNT; id++) {
        r->check[id].id = (enum check_id)id;
        conclude(g, &r->check[id]);
    }
    list_exceptions(g);
    count_connected(g);
    rows_turn_end(g->rows);
}
