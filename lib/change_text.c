/* SPDX-License-Identifier: MIT */
#include "change_text.h"

#include <string.h>

void change_text_write(const struct change *c, FILE *out)
{
    fprintf(out, "change=%s\n", change_name(c->kind));
    for (unsigned f = 0; f < FIELD_COUNT; f++)
        if (c->field[f] && change_takes(c->kind, (enum field)f))
            fprintf(out, "%s=%s\n", field_name((enum field)f), c->field[f]);
}

static enum result source_next(struct change_source *source, bool first, struct change *change_r, struct error *e)
{
    struct change_text *t = (struct change_text *)source; /* its first member */

    if (first)
        t->rest = t->all;
    return change_text_next(t, change_r, e);
}

void change_text_open(struct change_text *t, struct span text)
{
    t->source.next = source_next;
    t->all = t->rest = text;
    t->line[0] = '\0';
}

/* The lines up to the next change=. */
static struct span take_lines(struct change_text *t)
{
    const char *begin = t->rest.ptr, *end = begin + t->rest.len, *p = begin;

    do {
        const char *feed = memchr(p, '\n', (size_t)(end - p));
        p = feed ? feed + 1 : end;
    } while (p < end && !(end - p > 7 && memcmp(p, "change=", 7) == 0));
    t->rest = (struct span){ p, (size_t)(end - p) };
    return (struct span){ begin, (size_t)(p - begin) };
}

static enum result take_field(struct change *c, bool first, const char *name, const char *value, struct error *e)
{
    enum field f;

    if (first)
        return strcmp(name, "change") == 0 && change_parse(span_of(value), &c->kind) == OK
                   ? OK
                   : error_set(e, BAD, "no change '%.40s'", strcmp(name, "change") == 0 ? value : name);
    if (field_parse(span_of(name), &f) != OK || !change_takes(c->kind, f))
        return error_set(e, BAD, "'%.40s' does not belong there", name);
    c->field[f] = value;
    return OK;
}

enum result change_text_next(struct change_text *t, struct change *change_r, struct error *e)
{
    struct span lines;
    char *p = t->line;

    *change_r = (struct change){ .field = { NULL } };
    if (t->rest.len == 0)
        return NOT_FOUND;
    lines = take_lines(t);
    if (str_copy(lines, t->line, sizeof t->line) != OK || strlen(t->line) != lines.len)
        return error_set(e, BAD, "a change of more than %d octets, or with a zero octet", CHANGE_TEXT_MAX - 1);
    for (bool first = true; *p; first = false) {
        char *equals = strchr(p, '='), *feed = strchr(p, '\n');
        if (!equals || !feed || equals > feed)
            return error_set(e, BAD, "a line that is no name=value");
        *equals = *feed = '\0';
        if (take_field(change_r, first, p, equals + 1, e) != OK)
            return BAD;
        p = feed + 1;
    }
    return OK;
}
