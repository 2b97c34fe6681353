/* SPDX-License-Identifier: MIT */
/* Dovecot's passwd-file, as the driver "passwd-file" and policyctl import read it. */
#include <string.h>

#include "policyctl/export/export.h"

static const char *value_of(const struct account *a, const char *name)
{
    for (size_t i = 0; i < a->fields; i++)
        if (strcmp(a->field[i].name, name) == 0)
            return a->field[i].value;
    return "";
}

/* Our placeholders as Dovecot's variables. */
static void put(const char *value, FILE *out)
{
    static const struct {
        const char *ours, *dovecot;
    } words[] = { { "{user}", "%u" }, { "{local}", "%n" }, { "{domain}", "%d" } };

    while (*value) {
        size_t i = 0;
        while (i < sizeof words / sizeof *words && strncmp(value, words[i].ours, strlen(words[i].ours)) != 0)
            i++;
        if (i < sizeof words / sizeof *words) {
            fputs(words[i].dovecot, out);
            value += strlen(words[i].ours);
        } else
            fputc(*value++, out);
    }
}

static bool fits(const struct account *a)
{
    if (strpbrk(a->address, ": \t") || strpbrk(a->hash, ":") || strcmp(a->kind, "user") != 0)
        return false;
    if (strpbrk(value_of(a, "home"), ":%"))
        return false;
    for (size_t i = 0; i < a->fields; i++)
        if (strpbrk(a->field[i].value, " \t%") && strcmp(a->field[i].name, "home") != 0)
            return false;
    return strcmp(a->status, "active") == 0;
}

static enum result put_account(const struct account *a, void *context)
{
    FILE *out = context;

    if (!fits(a)) {
        (void)fail(STATUS_DONE, "%s: no passwd-file can say this, left out: use csv or json", a->address);
        return OK;
    }
    fprintf(out, "%s:%s:%s:%s::", a->address, a->hash, value_of(a, "uid"), value_of(a, "gid"));
    put(value_of(a, "home"), out);
    fputs("::", out);
    for (size_t i = 0, written = 0; i < a->fields; i++) {
        const char *name = a->field[i].name;
        bool is_quota = strcmp(name, "quota") == 0, is_mail = strcmp(name, "mail") == 0;
        if (strcmp(name, "uid") == 0 || strcmp(name, "gid") == 0 || strcmp(name, "home") == 0)
            continue;
        fprintf(out, "%s%s%s=%s", written++ > 0 ? " " : "", is_mail ? "userdb_" : "",
                is_quota ? "userdb_quota_rule" : name, is_quota ? "*:storage=" : "");
        if (is_mail)
            put(a->field[i].value, out);
        else
            fputs(a->field[i].value, out);
    }
    fputc('\n', out);
    return OK;
}

enum result export_passwd_file(struct export *x)
{
    return export_accounts(x->store, x->domain, put_account, x->out);
}
