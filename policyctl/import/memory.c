/* SPDX-License-Identifier: MIT */
#include "policyctl/import/memory.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "policyctl/arena.h"

struct node {
    struct said said;
    unsigned about;
};

struct memory {
    struct arena *arena;
    void *tree; /* tsearch(3) */
};

static int compare(const void *a, const void *b)
{
    const struct node *x = a, *y = b;

    if (x->about != y->about)
        return x->about < y->about ? -1 : 1;
    return strcmp(x->said.key, y->said.key);
}

struct memory *memory_open(void)
{
    struct memory *m = calloc(1, sizeof *m);

    if (m && !(m->arena = arena_open())) {
        free(m);
        return NULL;
    }
    return m;
}

static void keep(void *entry)
{
    (void)entry; /* the arena's */
}

void memory_close(struct memory **m)
{
    if (*m) {
        tdestroy((*m)->tree, keep);
        arena_close(&(*m)->arena);
    }
    free(*m);
    *m = NULL;
}

const struct said *memory_find(struct memory *m, unsigned about, const char *key)
{
    struct node wanted = { { key, NULL, 0 }, about }, **found = tfind(&wanted, &m->tree, compare);

    return found ? &(*found)->said : NULL;
}

enum result memory_add(struct memory *m, unsigned about, const char *key, const char *value, unsigned long line)
{
    struct node *entry = arena_get(m->arena, sizeof *entry);

    if (!entry)
        return TRY_AGAIN;
    *entry = (struct node){ { arena_text(m->arena, key), arena_text(m->arena, value), line }, about };
    return entry->said.key && entry->said.value && tsearch(entry, &m->tree, compare) ? OK : TRY_AGAIN;
}

struct walk {
    unsigned about;
    const struct said **said; /* NULL: they are only counted */
    size_t count;
};

static void visit(const void *node, VISIT order, void *closure)
{
    const struct node *entry = *(struct node *const *)node;
    struct walk *w = closure;

    if ((order != postorder && order != leaf) || entry->about != w->about)
        return;
    if (w->said)
        w->said[w->count] = &entry->said;
    w->count++;
}

/* What fn says must not be added while the tree is walked. */
enum result memory_each(struct memory *m, unsigned about, enum result (*fn)(const struct said *, void *context),
                        void *context)
{
    struct walk w = { .about = about };
    enum result r = OK;

    twalk_r(m->tree, visit, &w);
    w.said = arena_get(m->arena, (w.count + 1) * sizeof *w.said);
    if (!w.said)
        return TRY_AGAIN;
    w.count = 0;
    twalk_r(m->tree, visit, &w);
    for (size_t i = 0; r == OK && i < w.count; i++)
        r = fn(w.said[i], context);
    return r;
}
