/* SPDX-License-Identifier: MIT */
#include "t/unit/change_line.h"

#include <string.h>

/* Cuts "name=value" or name="value" off the line. */
static bool take_field(char **line, struct span *name_r, char **value_r)
{
    char *p = *line + strspn(*line, " \t"), *equals = strchr(p, '='), *end;

    if (!equals)
        return false;
    *name_r = (struct span){ p, (size_t)(equals - p) };
    p = equals + 1;
    if (*p == '"' && (end = strchr(p + 1, '"')) != NULL)
        p++;
    else
        end = p + strcspn(p, " \t");
    *line = *end ? end + 1 : end;
    *end = '\0';
    *value_r = p;
    return true;
}

enum result change_line_parse(struct span text, struct change_line *l, struct error *e)
{
    struct span name;
    enum field field;
    char *line, *value;

    memset(&l->change, 0, sizeof l->change);
    if (str_copy(span_trim(text), l->text, sizeof l->text) != OK)
        return error_set(e, BAD, "the line is too long");
    name = (struct span){ l->text, strcspn(l->text, " \t") };
    if (change_parse(name, &l->change.kind) != OK)
        return error_set(e, BAD, "no change '%s'", l->text);
    line = l->text + name.len;
    while (take_field(&line, &name, &value)) {
        if (field_parse(name, &field) != OK || !change_takes(l->change.kind, field))
            return error_set(e, BAD, "%s takes no %.*s", change_name(l->change.kind), (int)name.len, name.ptr);
        l->change.field[field] = value;
    }
    return OK;
}

enum result change_line_apply(struct store *store, struct span text, int64_t now, struct error *e)
{
    struct change_line line;
    struct change_set set = { .change = &line.change, .count = 1, .result = BAD };
    struct change_set *const sets[] = { &set };
    enum result r = change_line_parse(text, &line, e);

    if (r != OK)
        return r;
    r = store_apply(store, sets, 1, now);
    if (r == OK)
        r = set.result;
    return r == OK ? OK : error_set(e, r, "%s", set.error.text);
}
