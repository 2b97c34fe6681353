/* SPDX-License-Identifier: MIT */
#include "policyctl/keys.h"

#include <stdlib.h>
#include <string.h>

#include "lib/address.h"

/* A domain that stands for another. */
struct alias_domain {
    char *target, *name;
};

struct collect {
    struct keys *keys;
    struct alias_domain *alias; /* sorted by target */
    size_t aliases, room;
    bool failed; /* out of memory */
};

KEPT_BEGIN /* in c->keys; keys_free() */
static bool add(struct collect *c, const char *prefix, size_t prefix_len, const char *text)
{
    struct keys *k = c->keys;
    size_t len = strlen(text);

    if (k->count == k->room) {
        size_t room = k->room ? 2 * k->room : 1024;
        char **item = reallocarray(k->item, room, sizeof *item);
        if (!item)
            return !(c->failed = true);
        k->item = item;
        k->room = room;
    }
    char *key = malloc(prefix_len + len + 1);
    if (!key)
        return !(c->failed = true);
    memcpy(key, prefix, prefix_len);
    memcpy(key + prefix_len, text, len + 1);
    k->item[k->count++] = key;
    return true;
}
KEPT_END

static bool add_first_column(const struct row *row, void *context)
{
    return add(context, "", 0, row->column[0]);
}

/* "*" names nobody; Postfix has no such key. */
static bool add_granted(const struct row *row, void *context)
{
    return strcmp(row->column[1], "*") == 0 || add(context, "", 0, row->column[1]);
}

/* name, kind, target, ... */
static bool add_domain(const struct row *row, void *context)
{
    struct collect *c = context;

    if (row->column[2]) {
        if (c->aliases == c->room) {
            size_t room = c->room ? 2 * c->room : 64;
            struct alias_domain *alias = reallocarray(c->alias, room, sizeof *alias);
            if (!alias)
                return !(c->failed = true);
            c->alias = alias;
            c->room = room;
        }
        struct alias_domain *a = &c->alias[c->aliases++];
        a->target = strdup(row->column[2]);
        a->name = strdup(row->column[0]);
        if (!a->target || !a->name)
            return !(c->failed = true);
    }
    return add(c, "@", 1, row->column[0]);
}

static int compare_target(const void *a, const void *b)
{
    return strcmp(((const struct alias_domain *)a)->target, ((const struct alias_domain *)b)->target);
}

/* Each key once more in every domain that stands for its own. */
KEPT_BEGIN /* what add() keeps */
static void add_alias_forms(struct collect *c)
{
    size_t count = c->keys->count;

    if (c->aliases == 0)
        return;
    qsort(c->alias, c->aliases, sizeof *c->alias, compare_target);
    for (size_t i = 0; i < count && !c->failed; i++) {
        const char *key = c->keys->item[i], *at = strrchr(key, '@');
        struct alias_domain want = { .target = (char *)at + 1 };
        const struct alias_domain *a = bsearch(&want, c->alias, c->aliases, sizeof *a, compare_target);
        if (!a)
            continue;
        while (a > c->alias && strcmp(a[-1].target, at + 1) == 0)
            a--;
        for (; a < c->alias + c->aliases && strcmp(a->target, at + 1) == 0 && !c->failed; a++)
            add(c, key, (size_t)(at - key) + 1, a->name);
    }
}
KEPT_END

static int compare_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort(struct keys *k)
{
    size_t kept = 0;

    if (k->count == 0)
        return;
    qsort(k->item, k->count, sizeof *k->item, compare_text);
    for (size_t i = 1; i < k->count; i++)
        if (strcmp(k->item[i], k->item[kept]) == 0)
            free(k->item[i]);
        else
            k->item[++kept] = k->item[i];
    k->count = kept + 1;
}

static bool ask(struct store *s, enum query q, const char *param, store_row_fn *fn, struct collect *c)
{
    enum result r = store_query(s, q, &param, param ? 1 : 0, fn, c);

    return (r == OK || r == NOT_FOUND) && !c->failed;
}

enum result keys_domains(struct store *s, struct keys *keys_r)
{
    struct collect c = { .keys = keys_r };

    *keys_r = (struct keys){ 0 };
    if (!ask(s, QUERY_DOMAINS, NULL, add_first_column, &c))
        return TRY_AGAIN;
    sort(keys_r);
    return OK;
}

enum result keys_addresses(struct store *s, struct keys *keys_r)
{
    struct collect c = { .keys = keys_r };

    *keys_r = (struct keys){ 0 };
    bool done = ask(s, QUERY_DOMAINS, NULL, add_domain, &c) && ask(s, QUERY_ACCOUNTS, "", add_first_column, &c) &&
                ask(s, QUERY_ALIASES, "", add_first_column, &c) && ask(s, QUERY_GRANTS, "", add_granted, &c);
    if (done)
        add_alias_forms(&c);
    for (size_t i = 0; i < c.aliases; i++) {
        free(c.alias[i].target);
        free(c.alias[i].name);
    }
    free(c.alias);
    if (!done || c.failed)
        return TRY_AGAIN;
    sort(keys_r);
    return OK;
}

void keys_free(struct keys *k)
{
    for (size_t i = 0; i < k->count; i++)
        free(k->item[i]);
    free(k->item);
    *k = (struct keys){ 0 };
}
