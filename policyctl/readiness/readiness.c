/* SPDX-License-Identifier: MIT */
#include "policyctl/readiness/readiness.h"

#include <stdlib.h>

#include "policyctl/readiness/gather.h"

enum { ROW_ENTRIES = 16384 };

static const char *const kind_names[] = { "account", "sender", "host" };
static const char *const standing_names[] = { "breaks", "refused", "excepted", "settled", "attempt" };
static const char *const conclusion_names[] = { "enforced", "safe", "breaks", "unknown" };
static const char *const habit_names[] = { "bare_name", "old_server_name", "exposed" };

const char *subject_kind_name(enum subject_kind kind)
{
    return kind_names[kind];
}

const char *standing_name(enum standing standing)
{
    return standing_names[standing];
}

const char *conclusion_name(enum conclusion conclusion)
{
    return conclusion_names[conclusion];
}

const char *habit_name(enum habit_id habit)
{
    return habit_names[habit];
}

static struct readiness *new_report(const struct ctl *ctl, const struct readiness_params *p)
{
    struct arena *arena = arena_open();
    struct readiness *r = arena ? arena_get(arena, sizeof *r) : NULL;

    if (!r) {
        arena_close(&arena);
        return NULL;
    }
    r->arena = arena;
    r->scope = arena_text(arena, p->scope);
    r->old_name = arena_text(arena, p->old_name);
    r->host = arena_text(arena, ctl->config->hostname);
    r->since = p->since;
    r->until = ctl->now;
    if (!r->scope || !r->old_name || !r->host)
        arena_close(&arena);
    return arena ? r : NULL;
}

void readiness_free(struct readiness **r)
{
    struct arena *arena = *r ? (*r)->arena : NULL;

    arena_close(&arena);
    *r = NULL;
}

/* Both databases as they are at one moment each. */
static void gather(struct gather *g)
{
    if (store_begin(g->state) != OK) {
        g->failed = true;
        return;
    }
    gather_rows(g);
    store_end(g->state);
    if (!g->failed)
        gather_subjects(g);
    if (!g->failed)
        gather_conclusions(g);
}

static void close_all(struct gather *g)
{
    free(g->hit);
    free(g->policy);
    free(g->connected);
    rows_close(&g->rows);
    store_close(&g->accounts);
    store_close(&g->state);
}

enum status readiness_make(const struct ctl *ctl, const struct readiness_params *params,
                           struct readiness **readiness_r)
{
    struct gather g = { .ctl = ctl, .report = new_report(ctl, params) };
    enum status status = open_accounts(ctl, &g.accounts);

    *readiness_r = NULL;
    if (status == STATUS_DONE)
        status = open_state(ctl, &g.state);
    if (status == STATUS_DONE && (!g.report || rows_open(g.accounts, ROW_ENTRIES, &g.rows) != OK))
        status = fail(STATUS_UNREACHABLE, "out of memory");
    if (status == STATUS_DONE) {
        facts_init(&g.facts, ctl->config, g.rows, NULL);
        gather(&g);
        if (g.failed)
            status = fail(STATUS_UNREACHABLE, "%s or %s: cannot be read now: try again", ctl->config->accounts_db,
                          ctl->config->state_db);
    }
    close_all(&g);
    if (status == STATUS_DONE)
        *readiness_r = g.report;
    else
        readiness_free(&g.report);
    return status;
}
