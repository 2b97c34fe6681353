/* SPDX-License-Identifier: MIT */
/* What policyctl doctor found, for people and for programs. */
#include <stdio.h>
#include <string.h>

#include "policyctl/doctor/doctor.h"
#include "policyctl/host/shell.h"
#include "policyctl/json.h"
#include "policyctl/table.h"

enum { INDENT = 4, AREA_WIDTH = 9 };

const char *area_name(enum area area)
{
    static const char *const names[AREAS] = { "policyd", "databases", "Postfix", "Dovecot", "DNS", "clock" };

    return names[area];
}

const char *level_name(enum level level)
{
    static const char *const names[LEVELS] = { "not examined", "note", "warning", "problem" };

    return names[level];
}

/* ---- text ---- */

static enum colour level_colour(enum level level)
{
    return level == LEVEL_PROBLEM ? COLOUR_BAD : level == LEVEL_WARNING ? COLOUR_WARNING : COLOUR_NONE;
}

static void print_breach(const struct breach *f)
{
    char label[32], head[WHERE_MAX + WHAT_MAX + 64];
    struct strbuf b;

    snprintf(label, sizeof label, "%s:", level_name(f->rule->level));
    strbuf_init(&b, head, sizeof head);
    strbuf_addf(&b, "%s: %s%s%s", area_name(f->area), f->where, *f->where ? ": " : "", f->what);
    table_paragraph_coloured(level_colour(f->rule->level), label, (int)strlen(label), head);
    if (*f->rule->why)
        table_paragraph("", INDENT - 2, f->rule->why);
    if (*f->remedy) {
        printf("%*s", INDENT, "");
        shell_print(f->remedy, INDENT, TABLE_SCREEN - 1);
    }
}

static size_t count_level(const struct doctor *d, int area, enum level level)
{
    size_t count = 0;

    for (size_t i = 0; i < d->breaches; i++)
        count += d->breach[i].rule->level == level && (area < 0 || d->breach[i].area == (enum area)area);
    return count;
}

/* "2 problems, 1 note"; all: also what could not be examined. */
static void add_counts(const struct doctor *d, int area, struct strbuf *b)
{
    for (int level = LEVELS - 1; level >= 0; level--) {
        size_t count = count_level(d, area, (enum level)level);
        if (count == 0)
            continue;
        strbuf_adds(b, b->len ? ", " : "");
        if (level == LEVEL_UNKNOWN)
            strbuf_adds(b, area >= 0 && *d->seen[area] ? "not all examined" : level_name(LEVEL_UNKNOWN));
        else
            strbuf_addf(b, "%zu %s%s", count, level_name((enum level)level), count == 1 ? "" : "s");
    }
}

static enum colour area_colour(const struct doctor *d, enum area area)
{
    if (count_level(d, (int)area, LEVEL_PROBLEM) > 0)
        return COLOUR_BAD;
    if (count_level(d, (int)area, LEVEL_WARNING) > 0)
        return COLOUR_WARNING;
    return *d->seen[area] ? COLOUR_GOOD : COLOUR_NONE;
}

static void print_area(const struct doctor *d, enum area area)
{
    char text[WHERE_MAX + 80];
    struct strbuf b;

    strbuf_init(&b, text, sizeof text);
    add_counts(d, (int)area, &b);
    if (!*d->seen[area] && b.len == 0)
        strbuf_adds(&b, level_name(LEVEL_UNKNOWN));
    else if (b.len == 0)
        strbuf_adds(&b, "in order");
    if (*d->seen[area])
        strbuf_addf(&b, " (%s)", d->seen[area]);
    table_paragraph_coloured(area_colour(d, area), area_name(area), AREA_WIDTH, text);
}

void doctor_print(const struct doctor *d, bool quiet)
{
    enum level least = quiet ? LEVEL_WARNING : LEVEL_UNKNOWN;
    const char *separator = quiet ? "" : "\n";

    for (enum area area = 0; area < AREAS && !quiet; area++)
        print_area(d, area);
    for (int level = LEVELS - 1; level >= (int)least; level--)
        for (size_t i = 0; i < d->breaches; i++)
            if (d->breach[i].rule->level == (enum level)level) {
                fputs(separator, stdout);
                print_breach(&d->breach[i]);
                separator = "\n";
            }
    if (d->dropped > 0)
        printf("\nand %zu more: mend these first\n", d->dropped);
}

/* ---- JSON ---- */

static void json_breach(struct json *j, const struct breach *f)
{
    json_open(j, NULL, '{');
    json_text(j, "level", level_name(f->rule->level));
    json_text(j, "area", area_name(f->area));
    json_text(j, "rule", f->rule->id);
    json_text(j, "where", *f->where ? f->where : NULL);
    json_text(j, "what", f->what);
    json_text(j, "why", *f->rule->why ? f->rule->why : NULL);
    json_text(j, "remedy", *f->remedy ? f->remedy : NULL);
    json_close(j, '}');
}

void doctor_json(const struct doctor *d)
{
    struct json json = { .out = stdout };

    json_open(&json, NULL, '{');
    json_number(&json, "problems", (int64_t)count_level(d, -1, LEVEL_PROBLEM));
    json_number(&json, "warnings", (int64_t)count_level(d, -1, LEVEL_WARNING));
    json_open(&json, "examined", '{');
    for (enum area area = 0; area < AREAS; area++)
        json_text(&json, area_name(area), *d->seen[area] ? d->seen[area] : NULL);
    json_close(&json, '}');
    json_open(&json, "findings", '[');
    for (size_t i = 0; i < d->breaches; i++)
        json_breach(&json, &d->breach[i]);
    json_close(&json, ']');
    json_close(&json, '}');
}
