/* SPDX-License-Identifier: MIT */
#include "policyctl/plan.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "policyctl/date.h"

enum { WORDS_MAX = 6 };

/* Takes the words apart in place. */
static size_t split(char *text, char *word_r[WORDS_MAX + 1])
{
    static const char spaces[] = " \t\r\n";
    size_t count = 0;

    for (char *p = text + strspn(text, spaces); *p && *p != '#' && count <= WORDS_MAX; p += strspn(p, spaces)) {
        word_r[count++] = p;
        p += strcspn(p, spaces);
        if (*p)
            *p++ = '\0';
    }
    return count;
}

static enum result parse_scope(const char *word, char scope_r[static ADDRESS_MAX + 1], struct error *e)
{
    struct address address;
    enum result r;

    scope_r[0] = '\0';
    if (strcmp(word, "host") == 0)
        return OK;
    if (!strchr(word, '@'))
        return domain_check(word, scope_r, e);
    r = address_check(word, false, &address, e);
    return r == OK ? str_copy(span_of(address.text), scope_r, ADDRESS_MAX + 1) : r;
}

static enum result add_step(struct plan *p, const struct step *step, struct error *e)
{
    if (p->count == PLAN_STEPS_MAX)
        return error_set(e, LIMIT, "more than %d steps", PLAN_STEPS_MAX);
    for (size_t i = 0; i < p->count; i++)
        if (p->step[i].id == step->id && p->step[i].starts == step->starts &&
            strcmp(p->step[i].scope, step->scope) == 0)
            return error_set(e, BAD, "%s has a step in that scope at that time already", check_infos[step->id].name);
    p->step[p->count] = *step;
    p->step[p->count++].line = p->line;
    return OK;
}

/* DATE CHECK|all MODE [SCOPE] [until DATE] */
static enum result parse_step(char *const *word, size_t count, struct step *step_r, bool *all_r, struct error *e)
{
    size_t until = count >= 5 && strcmp(word[count - 2], "until") == 0 ? count - 2 : count;

    *step_r = (struct step){ .scope = "" };
    if (until < 3 || until > 4)
        return error_set(e, BAD, "write DATE CHECK|all off|observe|hold|enforce [host|DOMAIN|ADDRESS] [until DATE]");
    if (date_parse(word[0], INT64_MIN, &step_r->starts, e) != OK)
        return BAD;
    *all_r = strcmp(word[1], "all") == 0;
    if (!*all_r && check_parse(span_of(word[1]), &step_r->id) != OK)
        return error_set(e, BAD, "no check '%.40s': see policyctl policy show", word[1]);
    if (mode_parse(span_of(word[2]), &step_r->mode) != OK)
        return error_set(e, BAD, "'%.40s' is none of off, observe and enforce", word[2]);
    if (until == 4 && parse_scope(word[3], step_r->scope, e) != OK)
        return BAD;
    if (until == count)
        return OK;
    if (date_parse(word[count - 1], INT64_MIN, &step_r->expires, e) != OK)
        return BAD;
    return step_r->expires > step_r->starts ? OK : error_set(e, BAD, "it would end before it begins");
}

enum result plan_line(struct plan *p, const char *text, struct error *e)
{
    char copy[PLAN_LINE_MAX], *word[WORDS_MAX + 1];
    struct step step;
    bool all = false;

    if (str_copy(span_of(text), copy, sizeof copy) != OK)
        return error_set(e, LIMIT, "the line is longer than %d octets", PLAN_LINE_MAX - 1);
    size_t count = split(copy, word);
    if (count == 0)
        return OK;
    enum result r = parse_step(word, count, &step, &all, e);
    if (r != OK || !all)
        return r == OK ? add_step(p, &step, e) : r;
    for (unsigned id = 0; id < CHECK_COUNT && r == OK; id++)
        if (!strchr(step.scope, '@') || check_infos[id].subject == SUBJECT_LOGIN) {
            step.id = (enum check_id)id;
            r = add_step(p, &step, e);
        }
    return r;
}

static enum result read_lines(FILE *f, const char *path, struct plan *plan_r, struct error *e)
{
    char line[PLAN_LINE_MAX + 1];
    struct error why;

    while (fgets(line, sizeof line, f)) {
        plan_r->line++;
        enum result r = plan_line(plan_r, line, &why);
        if (r != OK)
            return error_set(e, r, "%s:%u: %s", path, plan_r->line, why.text);
    }
    return ferror(f) ? error_set(e, BAD, "%s: %s", path, strerror(errno)) : OK;
}

enum result plan_read(const char *path, struct plan *plan_r, struct error *e)
{
    bool from_input = strcmp(path, "-") == 0;
    FILE *f = from_input ? stdin : fopen(path, "re");

    plan_r->count = plan_r->line = 0;
    if (!f)
        return error_set(e, BAD, "%s: %s", path, strerror(errno));
    enum result r = read_lines(f, path, plan_r, e);
    if (!from_input)
        fclose(f);
    return r;
}
