/* SPDX-License-Identifier: MIT */
#include "policyd/list_filter.h"

#include <stdlib.h>
#include <string.h>

enum {
    BITS_EACH = 16,
    HASHES = 4,
    KEYS_FIRST = 4096,
    GROWTH = 4,
    ROWS_STEP = 1024 /* as many as QUERY_LIST_AFTER hands out at once */
};

struct list_filter {
    uint64_t *bits;
    uint64_t mask;         /* of a bit's number: their count less one */
    size_t keys, keys_max; /* 0: there is no memory for as many as there are */
    size_t most;           /* that keys_max may be */
    char last_id[24];      /* the newest entry that is known */
    bool is_complete;
};

static bool allocate(struct list_filter *f, size_t keys_max)
{
    free(f->bits);
    f->keys = f->keys_max = 0;
    f->is_complete = false;
    memcpy(f->last_id, "0", 2);
    f->bits = keys_max <= f->most ? calloc(keys_max, BITS_EACH / 8) : NULL;
    if (!f->bits)
        return false;
    f->keys_max = keys_max;
    f->mask = (uint64_t)keys_max * BITS_EACH - 1;
    return true;
}

struct list_filter *list_filter_open(size_t most)
{
    struct list_filter *f = calloc(1, sizeof *f);

    if (!f)
        return NULL;
    f->most = most;
    if (!allocate(f, KEYS_FIRST))
        list_filter_close(&f);
    return f;
}

void list_filter_close(struct list_filter **filter)
{
    if (*filter)
        free((*filter)->bits);
    free(*filter);
    *filter = NULL;
}

void list_filter_changed(struct list_filter *f)
{
    f->is_complete = false;
}

void list_filter_forget(struct list_filter *f)
{
    (void)allocate(f, KEYS_FIRST); /* without memory it says nothing */
}

/* Over all texts with their ends, then mixed once more (the finaliser of SplitMix64):
 * its two halves make the hashes (Kirsch, Mitzenmacher, 2006). */
static uint64_t hash_of(const char *const key[LIST_KEY_TEXTS])
{
    uint64_t h = STR_HASH_START;

    for (size_t i = 0; i < LIST_KEY_TEXTS; i++)
        h = str_hash(h, (struct span){ key[i], strlen(key[i]) + 1 });
    h = (h ^ h >> 30) * 0xbf58476d1ce4e5b9u;
    h = (h ^ h >> 27) * 0x94d049bb133111ebu;
    return h ^ h >> 31;
}

static uint64_t bit_number(const struct list_filter *f, uint64_t hash, unsigned i)
{
    return (hash + i * (hash >> 32 | 1)) & f->mask;
}

static void add(struct list_filter *f, const char *const key[LIST_KEY_TEXTS])
{
    uint64_t hash = hash_of(key);

    for (unsigned i = 0; i < HASHES; i++) {
        uint64_t bit = bit_number(f, hash, i);
        f->bits[bit / 64] |= UINT64_C(1) << bit % 64;
    }
    f->keys++;
}

bool list_filter_lacks(const struct list_filter *f, const char *const key[LIST_KEY_TEXTS])
{
    uint64_t hash;

    if (!f->is_complete)
        return false;
    hash = hash_of(key);
    for (unsigned i = 0; i < HASHES; i++) {
        uint64_t bit = bit_number(f, hash, i);
        if (!(f->bits[bit / 64] >> bit % 64 & 1))
            return true;
    }
    return false;
}

struct reading {
    struct list_filter *filter;
    size_t rows;
    bool is_full;
};

/* id, and then the key. */
static bool row_fn(const struct row *row, void *context)
{
    struct reading *r = context;
    struct list_filter *f = r->filter;

    r->is_full = f->keys == f->keys_max;
    if (r->is_full)
        return false;
    str_fill(span_of(row->column[0]), f->last_id, sizeof f->last_id); /* 64 bits have 20 digits at most */
    add(f, row->column + 1);
    r->rows++;
    return true;
}

void list_filter_step(struct list_filter *f, struct store *store)
{
    struct reading r = { .filter = f };
    char from[sizeof f->last_id];
    const char *const params[] = { from };

    if (f->is_complete || f->keys_max == 0)
        return;
    memcpy(from, f->last_id, sizeof from); /* which moves on under the query */
    enum result result = store_query(store, QUERY_LIST_AFTER, params, 1, row_fn, &r);
    if (r.is_full)
        (void)allocate(f, f->keys_max * GROWTH);
    else
        f->is_complete = result == NOT_FOUND || (result == OK && r.rows < ROWS_STEP);
}
