/* SPDX-License-Identifier: MIT */
/*
 * What a backend provides.  A new one is a file, and a row in backends[] of
 * store.c.  Layer 2, for the store's own files.
 */
#ifndef POSTERN_STORE_BACKEND_H
#define POSTERN_STORE_BACKEND_H

#include "store.h"

/* Contracts as of the store_... function of the same name. */
struct store_ops {
    const char *name;
    enum result (*open)(const struct store_params *, struct store **store_r, struct error *);
    void (*close)(struct store *);
    enum result (*query)(struct store *, enum query, const char *const *params, size_t count, store_row_fn *,
                         void *context);
    enum result (*begin)(struct store *);
    void (*end)(struct store *);
    enum result (*apply)(struct store *, struct change_set *const *sets, size_t count, int64_t now);
    enum result (*preview)(struct store *, struct change_set *, int64_t now);
    unsigned (*behind)(const struct store *);
    enum result (*checkpoint)(struct store *);
    enum result (*copy)(struct store *, const char *file, struct error *);
    enum result (*check_file)(struct store *);
    enum result (*version)(struct store *, uint64_t *version_r);
};

/* The head of every backend's own struct. */
struct store {
    const struct store_ops *ops;
};

extern const struct store_ops store_sqlite_ops; /* a file */
extern const struct store_ops store_memory_ops; /* gone when it is closed: for tests */
extern const struct store_ops store_fail_ops;   /* TRY_AGAIN to everything: for tests */

#endif
