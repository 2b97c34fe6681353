/* SPDX-License-Identifier: MIT */
/* CSV (RFC 4180): a line for each account, a column for each field that any of them has. */
#include <string.h>

#include "policyctl/export/export.h"

struct columns {
    FILE *out;
    char name[EXPORT_FIELDS_MAX][72];
    size_t count;
};

static enum result collect(const struct account *a, void *context)
{
    struct columns *c = context;

    for (size_t i = 0; i < a->fields; i++) {
        size_t k = 0;
        while (k < c->count && strcmp(c->name[k], a->field[i].name) != 0)
            k++;
        if (k == EXPORT_FIELDS_MAX)
            return LIMIT;
        if (k == c->count)
            snprintf(c->name[c->count++], sizeof c->name[0], "%s", a->field[i].name);
    }
    return OK;
}

static void cell(FILE *out, const char *text, bool first)
{
    bool quoted = strpbrk(text, ",\"") != NULL;

    if (!first)
        fputc(',', out);
    if (quoted)
        fputc('"', out);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', out);
        fputc(*text, out);
    }
    if (quoted)
        fputc('"', out);
}

static const char *value_of(const struct account *a, const char *name)
{
    for (size_t i = 0; i < a->fields; i++)
        if (strcmp(a->field[i].name, name) == 0)
            return a->field[i].value;
    return "";
}

static enum result put_account(const struct account *a, void *context)
{
    const struct columns *c = context;

    cell(c->out, a->address, true);
    cell(c->out, a->hash, false);
    cell(c->out, a->kind, false);
    cell(c->out, a->status, false);
    for (size_t i = 0; i < c->count; i++)
        cell(c->out, value_of(a, c->name[i]), false);
    fputs("\r\n", c->out);
    return OK;
}

enum result export_csv(struct export *x)
{
    static struct columns columns;
    enum result r;

    columns = (struct columns){ .out = x->out };
    r = export_accounts(x->store, x->domain, collect, &columns);
    if (r != OK)
        return r;
    fputs("address,password_hash,kind,status", x->out);
    for (size_t i = 0; i < columns.count; i++)
        fprintf(x->out, ",%s", columns.name[i]);
    fputs("\r\n", x->out);
    return export_accounts(x->store, x->domain, put_account, &columns);
}
