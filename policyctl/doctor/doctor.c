/* SPDX-License-Identifier: MIT */
/* policyctl doctor: the areas one after the other, and what was found in them. */
#include "policyctl/doctor/doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct rule not_examined = { "not_examined", LEVEL_UNKNOWN, "" };

static bool is_same(const struct breach *a, const struct breach *b)
{
    return a->rule == b->rule && a->area == b->area && strcmp(a->what, b->what) == 0 &&
           strcmp(a->remedy, b->remedy) == 0;
}

/* Of the rows before: the one that this one joins. */
static struct breach *find_same(struct doctor *d, const struct breach *f)
{
    for (size_t i = 0; i < d->breaches; i++)
        if (is_same(&d->breach[i], f))
            return &d->breach[i];
    return NULL;
}

static void add_where(struct breach *f, const char *where)
{
    size_t length = strlen(f->where);

    if (*where && strcmp(f->where, where) != 0 && length + strlen(where) + 3 < sizeof f->where)
        snprintf(f->where + length, sizeof f->where - length, "%s%s", length ? ", " : "", where);
}

static void say(struct doctor *d, const struct rule *rule, const char *where, const char *remedy, const char *format,
                va_list args) __attribute__((format(printf, 5, 0)));
static void say(struct doctor *d, const struct rule *rule, const char *where, const char *remedy, const char *format,
                va_list args)
{
    static struct breach f; /* too large for the stack */
    struct breach *same;

    memset(&f, 0, sizeof f);
    f.rule = rule;
    f.area = d->area;
    vsnprintf(f.what, sizeof f.what, format, args);
    if (remedy && str_copy(span_of(remedy), f.remedy, sizeof f.remedy) != OK)
        f.remedy[0] = '\0'; /* half a command is worse than none */
    same = find_same(d, &f);
    if (!same && d->breaches == BREACHES_MAX) {
        d->dropped++;
        return;
    }
    if (!same) {
        same = &d->breach[d->breaches++];
        *same = f;
    }
    add_where(same, where);
}

void doctor_say(struct doctor *d, const struct rule *rule, const char *where, const char *remedy, const char *format,
                ...)
{
    va_list args;

    va_start(args, format);
    say(d, rule, where, remedy, format, args);
    va_end(args);
}

void doctor_unknown(struct doctor *d, const char *where, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say(d, &not_examined, where, NULL, format, args);
    va_end(args);
}

void doctor_saw(struct doctor *d, const char *what)
{
    char *seen = d->seen[d->area];
    size_t length = strlen(seen);

    if (length + strlen(what) + 3 < sizeof d->seen[d->area])
        snprintf(seen + length, sizeof d->seen[d->area] - length, "%s%s", length ? ", " : "", what);
}

/* ---- the command ---- */

static void examine(struct doctor *d)
{
    static void (*const examinations[AREAS])(struct doctor *) = {
        [AREA_POLICYD] = examine_policyd, [AREA_DATABASES] = examine_databases,
        [AREA_POSTFIX] = examine_postfix, [AREA_DOVECOT] = examine_dovecot,
        [AREA_DNS] = examine_dns,         [AREA_CLOCK] = examine_clock,
    };

    for (d->area = 0; d->area < AREAS; d->area++)
        examinations[d->area](d);
}

static bool all_in_order(const struct doctor *d)
{
    for (size_t i = 0; i < d->breaches; i++)
        if (d->breach[i].rule->level >= LEVEL_WARNING)
            return false;
    return true;
}

static enum status run_doctor(struct ctl *ctl, const struct args *a)
{
    struct doctor *d = calloc(1, sizeof *d);

    if (!d)
        return fail(STATUS_UNREACHABLE, "out of memory");
    d->ctl = ctl;
    d->postfix_config = a->option[OPT_POSTFIX_CONFIG];
    d->dovecot_config = a->option[OPT_DOVECOT_CONFIG];
    examine(d);
    if (a->option[OPT_JSON])
        doctor_json(d);
    else
        doctor_print(d, a->option[OPT_QUIET] != NULL);
    enum status status = all_in_order(d) ? STATUS_DONE : STATUS_FAILED;
    free(d);
    return status;
}

const struct command doctor_commands[] = {
    { .name = "doctor", .operands = "",
      .optional = OPT(DOVECOT_CONFIG) | OPT(JSON) | OPT(POSTFIX_CONFIG) | OPT(QUIET), .run = run_doctor,
      .help = "Examines the host: what is configured, what is in effect",
      .example = "policyctl doctor" },
    { 0 },
};
