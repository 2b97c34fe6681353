/* SPDX-License-Identifier: MIT */
#include "store.h"

#include <string.h>

#include "store_backend.h"

static const struct store_ops *const backends[] = {
    &store_sqlite_ops,
    &store_memory_ops,
    &store_fail_ops,
};

enum result store_open(const struct store_params *params, struct store **store_r, struct error *e)
{
    const char *name = params->backend ? params->backend : backends[0]->name;

    for (size_t i = 0; i < sizeof backends / sizeof *backends; i++)
        if (strcmp(name, backends[i]->name) == 0)
            return backends[i]->open(params, store_r, e);
    return error_set(e, BAD, "no store backend '%s'", name);
}

void store_close(struct store **store)
{
    if (*store)
        (*store)->ops->close(*store);
    *store = NULL;
}

enum result store_query(struct store *s, enum query q, const char *const *params, size_t count,
                        store_row_fn *fn, void *context)
{
    return s->ops->query(s, q, params, count, fn, context);
}

enum result store_begin(struct store *s)
{
    return s->ops->begin(s);
}

void store_end(struct store *s)
{
    s->ops->end(s);
}

enum result store_apply(struct store *s, struct change_set *const *sets, size_t count, int64_t now)
{
    return s->ops->apply(s, sets, count, now);
}

enum result store_preview(struct store *s, struct change_set *set, int64_t now)
{
    return s->ops->preview(s, set, now);
}

unsigned store_behind(const struct store *s)
{
    return s->ops->behind(s);
}

enum result store_checkpoint(struct store *s)
{
    return s->ops->checkpoint(s);
}

enum result store_copy(struct store *s, const char *file, struct error *e)
{
    return s->ops->copy(s, file, e);
}

enum result store_check_file(struct store *s)
{
    return s->ops->check_file(s);
}

enum result store_version(struct store *s, uint64_t *version_r)
{
    return s->ops->version(s, version_r);
}
