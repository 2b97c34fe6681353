/* SPDX-License-Identifier: MIT */
#include "policyd/rows.h"

#include <stdlib.h>
#include <string.h>

enum { WAYS = 8, KEY_MAX = 2400 };

/* Small, since there are tens of thousands of them. */
struct entry {
    uint32_t generation;
    uint32_t read_at; /* seconds since 1970: good until 2106 */
    uint16_t key_len, text_len, count;
    uint8_t columns, result; /* enum result: OK or NOT_FOUND */
    char data[];             /* the key, then the text */
};

/* A set fills two lines of the processor's cache: entries that only share it are not
 * touched. */
struct way {
    uint32_t hash;
    struct entry *entry; /* NULL: free */
};

struct rows {
    struct store *store;
    bool begun;
    uint32_t generation;
    struct rows_stats stats;
    size_t sets;
    struct way *way; /* sets * WAYS, each set in the order of last use */
    char key[KEY_MAX];
    size_t key_len;
    char text[ROWS_TEXT_MAX];
    size_t text_len;
    struct rowset found;
    bool overflow;
};

enum result rows_open(struct store *store, size_t entries, struct rows **rows_r)
{
    struct rows *r = calloc(1, sizeof *r);

    if (!r)
        return TRY_AGAIN;
    r->sets = entries / WAYS > 0 ? entries / WAYS : 1;
    r->way = aligned_alloc(WAYS * sizeof *r->way, r->sets * WAYS * sizeof *r->way);
    if (!r->way) {
        free(r);
        return TRY_AGAIN;
    }
    memset(r->way, 0, r->sets * WAYS * sizeof *r->way);
    r->store = store;
    *rows_r = r;
    return OK;
}

void rows_close(struct rows **rows)
{
    struct rows *r = *rows;

    if (!r)
        return;
    rows_turn_end(r);
    for (size_t i = 0; i < r->sets * WAYS; i++)
        free(r->way[i].entry);
    free(r->way);
    free(r);
    *rows = NULL;
}

void rows_turn_end(struct rows *r)
{
    if (r->begun)
        store_end(r->store);
    r->begun = false;
}

void rows_changed(struct rows *r)
{
    rows_turn_end(r);
    r->generation++;
}

void rows_use(struct rows *r, struct store *store)
{
    rows_turn_end(r);
    r->store = store;
    r->generation++;
}

uint64_t rows_generation(const struct rows *r)
{
    return r->generation;
}

struct rows_stats rows_stats(const struct rows *r)
{
    return r->stats;
}

/* "@example.com" behind "john@example.com" tells nothing new. */
static bool is_its_domain(const char *param, const char *before)
{
    const char *at = strrchr(before, '@');

    return at && strcmp(at, param) == 0;
}

/* LIMIT: parameters longer than any row's key. */
static enum result make_key(struct rows *r, enum query q, const char *const *params, size_t count)
{
    r->key[0] = (char)q;
    r->key_len = 1;
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && is_its_domain(params[i], params[i - 1]))
            continue;
        size_t size = strlen(params[i]) + 1;
        if (size > sizeof r->key - r->key_len)
            return LIMIT;
        memcpy(r->key + r->key_len, params[i], size);
        r->key_len += size;
    }
    return OK;
}

/* Keys that collide on purpose only push each other out. */
static struct way *set_of(struct rows *r, uint32_t hash)
{
    return r->way + hash % r->sets * WAYS;
}

/* Finds the entry and makes it the first of its set. */
static struct entry *find(struct rows *r, uint32_t hash)
{
    struct way *set = set_of(r, hash);

    for (size_t i = 0; i < WAYS; i++) {
        struct way w = set[i];
        if (!w.entry || w.hash != hash || w.entry->key_len != r->key_len ||
            memcmp(w.entry->data, r->key, r->key_len) != 0)
            continue;
        if (i > 0) {
            memmove(set + 1, set, i * sizeof *set);
            set[0] = w;
        }
        return w.entry;
    }
    return NULL;
}

static enum result hand_out(const struct entry *e, struct rowset *rowset_r)
{
    *rowset_r = (struct rowset){ e->data + e->key_len, e->count, e->columns, false };
    return (enum result)e->result;
}

/* Keeps what was just read; without memory it is only not kept. */
static void keep(struct rows *r, struct entry *old, uint32_t hash, enum result result, int64_t now)
{
    struct way *set = set_of(r, hash);
    struct entry *e = old;

    if (!old || old->text_len != r->text_len || memcmp(old->data + old->key_len, r->text, r->text_len) != 0) {
        e = malloc(sizeof *e + r->key_len + r->text_len);
        if (!e)
            return;
        if (old) /* it is the first of its set */
            free(old);
        else {
            free(set[WAYS - 1].entry);
            memmove(set + 1, set, (WAYS - 1) * sizeof *set);
        }
        set[0] = (struct way){ hash, e };
        e->key_len = (uint16_t)r->key_len;
        e->text_len = (uint16_t)r->text_len;
        memcpy(e->data, r->key, r->key_len);
        memcpy(e->data + r->key_len, r->text, r->text_len);
    }
    e->generation = r->generation;
    e->read_at = (uint32_t)now;
    e->result = (uint8_t)result;
    e->count = (uint16_t)r->found.count;
    e->columns = (uint8_t)r->found.columns;
    /* cppcheck-suppress memleak; it is in its set */
}

static bool take_row(const struct row *row, void *context)
{
    struct rows *r = context;

    r->found.count++;
    r->found.columns = row->count;
    for (size_t i = 0; i < row->count; i++) {
        const char *text = row->column[i] ? row->column[i] : "";
        size_t size = strlen(text) + 1;
        if (size > sizeof r->text - r->text_len) {
            r->overflow = true;
            return false;
        }
        memcpy(r->text + r->text_len, text, size);
        r->text_len += size;
    }
    return true;
}

static enum result read_store(struct rows *r, enum query q, const char *const *params, size_t count)
{
    r->text_len = 0;
    r->found = (struct rowset){ r->text, 0, 0, false };
    r->overflow = false;
    if (!r->begun) {
        if (store_begin(r->store) != OK)
            return TRY_AGAIN;
        r->begun = true;
    }
    enum result result = store_query(r->store, q, params, count, take_row, r);
    return result == OK && r->overflow ? LIMIT : result;
}

enum result rows_get(struct rows *r, enum query q, const char *const *params, size_t count, int64_t now,
                     struct rowset *rowset_r)
{
    if (make_key(r, q, params, count) != OK)
        return NOT_FOUND;
    uint32_t hash = (uint32_t)str_key_hash((struct span){ r->key, r->key_len });
    struct entry *e = find(r, hash);

    if (e && e->generation == r->generation) {
        e->read_at = (uint32_t)now; /* as good as read: it has not changed */
        r->stats.kept++;
        return hand_out(e, rowset_r);
    }
    enum result result = read_store(r, q, params, count);
    if (result == TRY_AGAIN && e && now - e->read_at <= ROWS_LAST_GOOD_S) {
        r->stats.last_good++;
        result = hand_out(e, rowset_r);
        rowset_r->last_good = true;
        return result;
    }
    if (result == TRY_AGAIN)
        r->stats.failed++;
    else
        r->stats.read++;
    if (result == OK || result == NOT_FOUND)
        keep(r, e, hash, result, now);
    *rowset_r = r->found;
    return result;
}
