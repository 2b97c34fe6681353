/* SPDX-License-Identifier: MIT */
/*
 * The store that can never be asked: TRY_AGAIN to everything, so that each outage
 * path is testable.  Layer 2.
 */
#include "store_backend.h"

static struct store fail_store = { .ops = &store_fail_ops };

static enum result fail_open(const struct store_params *params, struct store **store_r, struct error *e)
{
    (void)params, (void)e;
    *store_r = &fail_store;
    return OK;
}

static void fail_close(struct store *s)
{
    (void)s;
}

static enum result fail_query(struct store *s, enum query q, const char *const *params, size_t count,
                              store_row_fn *fn, void *context)
{
    (void)s, (void)q, (void)params, (void)count, (void)fn, (void)context;
    return TRY_AGAIN;
}

static enum result fail_begin(struct store *s)
{
    (void)s;
    return TRY_AGAIN;
}

static enum result fail_apply(struct store *s, struct change_set *const *sets, size_t count, int64_t now)
{
    (void)s, (void)now;
    for (size_t i = 0; i < count; i++)
        sets[i]->result = error_set(&sets[i]->error, TRY_AGAIN, "the store always fails");
    return TRY_AGAIN;
}

static enum result fail_preview(struct store *s, struct change_set *set, int64_t now)
{
    return fail_apply(s, &set, 1, now);
}

static unsigned fail_behind(const struct store *s)
{
    (void)s;
    return 0;
}

static enum result fail_copy(struct store *s, const char *file, struct error *e)
{
    (void)s;
    return error_set(e, TRY_AGAIN, "%s: not made: the store always fails", file);
}

static enum result fail_check_file(struct store *s)
{
    (void)s;
    return TRY_AGAIN;
}

static enum result fail_version(struct store *s, uint64_t *version_r)
{
    (void)s, (void)version_r;
    return TRY_AGAIN;
}

const struct store_ops store_fail_ops = {
    .name = "fail",
    .open = fail_open,
    .close = fail_close,
    .query = fail_query,
    .begin = fail_begin,
    .end = fail_close,
    .apply = fail_apply,
    .preview = fail_preview,
    .behind = fail_behind,
    .checkpoint = fail_begin,
    .copy = fail_copy,
    .check_file = fail_check_file,
    .version = fail_version,
};
