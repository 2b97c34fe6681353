/* SPDX-License-Identifier: MIT */
/* policyctl policy plan: what is to come, and a plan from a file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policyctl/change.h"
#include "policyctl/date.h"
#include "policyctl/plan.h"
#include "policyctl/policy_plan.h"
#include "policyctl/readiness/preview.h"
#include "policyctl/table.h"

enum { NUMBER_TEXT_MAX = 24, CHANGES_MAX = 2 * PLAN_STEPS_MAX };

enum fate { FATE_NEW, FATE_CHANGED, FATE_KEPT, FATE_REMOVED };
static const char *const fate_names[] = { "new", "changed", "unchanged", "no longer planned" };

/* The plan beside the table. */
struct planning {
    const struct ctl *ctl;
    struct plan plan;   /* of the file */
    enum fate fate[PLAN_STEPS_MAX];
    struct plan behind; /* what the table plans and the file does not */
    bool is_full;
};

/* ---- the table ---- */

static struct step *same_step(struct plan *p, const struct step *step)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->step[i].id == step->id && p->step[i].starts == step->starts &&
            strcmp(p->step[i].scope, step->scope) == 0)
            return &p->step[i];
    return NULL;
}

/* scope, check_name, mode, expires, changed, starts */
static bool row_fn(const struct row *row, void *context)
{
    struct planning *p = context;
    struct step step = { .starts = strtoll(row->column[5], NULL, 10),
                         .expires = row->column[3] ? strtoll(row->column[3], NULL, 10) : 0 };

    if (step.starts == 0 || check_parse(span_of(row->column[1]), &step.id) != OK ||
        mode_parse(span_of(row->column[2]), &step.mode) != OK ||
        str_copy(span_of(row->column[0]), step.scope, sizeof step.scope) != OK)
        return true;
    struct step *same = same_step(&p->plan, &step);
    if (same)
        p->fate[same - p->plan.step] =
            same->mode == step.mode && same->expires == step.expires ? FATE_KEPT : FATE_CHANGED;
    else if (step.starts > p->ctl->now && p->behind.count < PLAN_STEPS_MAX)
        p->behind.step[p->behind.count++] = step;
    else if (step.starts > p->ctl->now)
        p->is_full = true;
    return true;
}

static enum status read_table(const struct ctl *ctl, struct planning *p)
{
    struct store *store = NULL;
    enum status status = open_accounts(ctl, &store);

    if (status != STATUS_DONE)
        return status;
    enum result r = store_query(store, QUERY_POLICIES, NULL, 0, row_fn, p);
    store_close(&store);
    if (r != OK && r != NOT_FOUND)
        return fail_read(ctl);
    return p->is_full ? fail(STATUS_FAILED, "more than %d steps are planned", PLAN_STEPS_MAX) : STATUS_DONE;
}

/* What has begun can only stay as it is. */
static enum status check_past(const char *path, const struct planning *p)
{
    char date[DATE_TEXT_MAX];

    for (size_t i = 0; i < p->plan.count; i++) {
        const struct step *s = &p->plan.step[i];
        if (s->starts > p->ctl->now || p->fate[i] == FATE_KEPT)
            continue;
        date_text(s->starts, date);
        return fail(STATUS_INPUT, "%s:%u: %s is past and is not in the table like this: name a later date", path,
                    s->line, date);
    }
    return STATUS_DONE;
}

/* ---- showing ---- */

static void print_step(struct table *t, const struct step *s, const char *fate)
{
    char from[DATE_TEXT_MAX], until[DATE_TEXT_MAX];

    date_text(s->starts, from);
    date_text(s->expires, until);
    table_row(t, (const char *const[]){ from, check_infos[s->id].name, mode_name(s->mode),
                                        *s->scope ? s->scope : "host", s->expires ? until : NULL, fate });
}

/* Without a file the sixth column stays away. */
static void print_plan(const struct planning *p, bool with_fate)
{
    static const char *const titles[] = { "FROM", "CHECK", "MODE", "SCOPE", "UNTIL", "STATE" };
    struct table t = { .title = titles, .columns = with_fate ? 6 : 5 };

    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < p->plan.count; i++)
            print_step(&t, &p->plan.step[i],
                       p->plan.step[i].starts <= p->ctl->now ? "in effect" : fate_names[p->fate[i]]);
        for (size_t i = 0; i < p->behind.count; i++)
            print_step(&t, &p->behind.step[i], fate_names[FATE_REMOVED]);
        if (round == 0)
            table_print(&t);
    }
}

static enum status show_hits(const struct planning *p)
{
    struct preview *preview = NULL;
    enum status status = preview_open(p->ctl, &preview);

    for (size_t i = 0; status == STATUS_DONE && i < p->plan.count; i++) {
        const struct step *s = &p->plan.step[i];
        if (s->mode == MODE_ENFORCE && p->fate[i] <= FATE_CHANGED) {
            printf("\n");
            preview_show(preview, s->id, s->scope);
        }
    }
    preview_free(&preview);
    return status;
}

/* ---- changing ---- */

struct planned_change {
    char start[NUMBER_TEXT_MAX], until[NUMBER_TEXT_MAX];
};

static void number_text(int64_t number, char text_r[static NUMBER_TEXT_MAX])
{
    struct strbuf b;

    strbuf_init(&b, text_r, NUMBER_TEXT_MAX);
    if (number > 0)
        strbuf_addu(&b, (uint64_t)number);
}

static void make_change(const struct step *s, enum change_kind kind, struct change *c, struct planned_change *text)
{
    number_text(s->starts, text->start);
    number_text(s->expires, text->until);
    *c = (struct change){ .kind = kind };
    c->field[FIELD_CHECK] = check_infos[s->id].name;
    c->field[FIELD_SCOPE] = s->scope;
    c->field[FIELD_MODE] = mode_name(s->mode);
    c->field[FIELD_START] = text->start;
    c->field[FIELD_UNTIL] = text->until;
}

static size_t make_changes(const struct planning *p, struct change change_r[CHANGES_MAX],
                           struct planned_change text_r[CHANGES_MAX])
{
    size_t n = 0;

    for (size_t i = 0; i < p->plan.count; i++)
        if (p->fate[i] <= FATE_CHANGED) {
            make_change(&p->plan.step[i], CHANGE_POLICY_SET, &change_r[n], &text_r[n]);
            n++;
        }
    for (size_t i = 0; i < p->behind.count; i++) {
        make_change(&p->behind.step[i], CHANGE_POLICY_UNPLAN, &change_r[n], &text_r[n]);
        n++;
    }
    return n;
}

static enum status apply_plan(const struct planning *p, const struct args *a)
{
    static struct change change[CHANGES_MAX];
    static struct planned_change text[CHANGES_MAX];
    size_t count = make_changes(p, change, text);

    print_plan(p, true);
    if (count == 0)
        return STATUS_DONE;
    enum status status = change_check_input(change, count);
    if (status == STATUS_DONE)
        status = show_hits(p);
    if (status != STATUS_DONE || a->option[OPT_DRY_RUN])
        return status;
    status = preview_confirm("\nPlan it?", a->option[OPT_YES]);
    return status == STATUS_DONE ? change_submit(p->ctl, change, count) : status;
}

/* ---- the command ---- */

enum status policy_plan(struct ctl *ctl, const struct args *a)
{
    static struct planning p; /* too large for the stack */
    struct error e;
    enum status status;

    p.ctl = ctl;
    if (a->count > 0 && plan_read(a->operand[0], &p.plan, &e) != OK)
        return fail_error(STATUS_INPUT, &e);
    status = read_table(ctl, &p);
    if (status != STATUS_DONE)
        return status;
    if (a->count == 0) { /* what is planned is all that is shown */
        p.plan = p.behind;
        p.behind.count = 0;
        print_plan(&p, false);
        return STATUS_DONE;
    }
    status = check_past(a->operand[0], &p);
    return status == STATUS_DONE ? apply_plan(&p, a) : status;
}
