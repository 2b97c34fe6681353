/* SPDX-License-Identifier: MIT */
#include "usage_table.h"

#include <stdlib.h>

enum {
    SLOTS_FIRST = 4096,  /* a power of two */
    ALLOCATION_COST = 32 /* octets that two allocations and a slot take besides */
};

bool usage_is_client(struct span key)
{
    static const struct span kind = SPAN_INIT("client ");

    return key.len >= kind.len && memcmp(key.ptr, kind.ptr, kind.len) == 0;
}

enum result usage_table_init(struct usage_table *t)
{
    *t = (struct usage_table){ .slots = SLOTS_FIRST, .slot = calloc(SLOTS_FIRST, sizeof(struct usage_entry *)) };
    for (int i = 0; i < USAGE_STATES; i++)
        TAILQ_INIT(&t->line[i]);
    return t->slot ? OK : TRY_AGAIN;
}

void usage_table_free(struct usage_table *t)
{
    for (size_t i = 0; t->slot && i < t->slots; i++)
        while (t->slot[i])
            usage_table_drop(t, t->slot[i]); /* NOLINT(clang-analyzer-unix.Malloc): slot i is its own */
    free(t->slot);
    t->slot = NULL;
}

/* ---- by key ---- */

static struct usage_entry **slot_of(struct usage_table *t, uint64_t hash)
{
    return &t->slot[hash & (t->slots - 1)];
}

struct usage_entry *usage_table_find(struct usage_table *t, struct span key)
{
    uint64_t hash = str_key_hash(key);
    struct usage_entry *e = *slot_of(t, hash);

    while (e && !(e->hash == hash && span_equal((struct span){ e->key, e->key_len }, key)))
        e = e->next;
    return e;
}

/* Those whose hash has the next bit too move to the new half. Where there is no memory for
 * that, the lists in the slots only get longer. */
static void grow(struct usage_table *t)
{
    size_t old = t->slots;
    struct usage_entry **slot =
        t->count < old ? NULL : reallocarray(t->slot, old, 2 * sizeof(struct usage_entry *));

    if (!slot)
        return;
    t->slot = slot;
    t->slots = old * 2;
    memset(slot + old, 0, old * sizeof(struct usage_entry *));
    for (size_t i = 0; i < old; i++)
        for (struct usage_entry **link = &slot[i], *e; (e = *link) != NULL;)
            if (e->hash & old) {
                *link = e->next;
                e->next = slot[i + old];
                slot[i + old] = e;
            } else
                link = &e->next;
}

static bool reserve(struct usage_entry *e, size_t len)
{
    size_t room = len + 1 + len / 4;
    unsigned char *packed;

    if (len < e->room)
        return true;
    packed = realloc(e->packed, room);
    if (!packed)
        return false;
    e->packed = packed;
    e->room = (uint32_t)room;
    return true;
}

struct usage_entry *usage_table_add(struct usage_table *t, struct span key, struct span packed)
{
    struct usage_entry *e = malloc(sizeof *e + key.len + 1);

    if (!e)
        return NULL;
    *e = (struct usage_entry){ .hash = str_key_hash(key), .key_len = (uint32_t)key.len };
    if (!reserve(e, packed.len)) {
        free(e);
        return NULL;
    }
    memcpy(e->key, key.ptr, key.len);
    e->key[key.len] = '\0';
    if (packed.len > 0)
        memcpy(e->packed, packed.ptr, packed.len);
    e->packed_len = (uint32_t)packed.len;
    grow(t);
    e->next = *slot_of(t, e->hash);
    *slot_of(t, e->hash) = e;
    t->clients += usage_is_client(key);
    t->count++;
    return e;
}

void usage_table_drop(struct usage_table *t, struct usage_entry *e)
{
    struct usage_entry **link = slot_of(t, e->hash);

    while (*link != e)
        link = &(*link)->next;
    *link = e->next;
    usage_table_leave(t, e);
    t->clients -= usage_is_client((struct span){ e->key, e->key_len });
    t->count--;
    free(e->packed);
    free(e);
}

/* ---- by state ---- */

static size_t cost(const struct usage_entry *e)
{
    return sizeof *e + e->key_len + e->room + ALLOCATION_COST;
}

void usage_table_enter(struct usage_table *t, struct usage_entry *e, enum usage_state state)
{
    e->state = state;
    TAILQ_INSERT_TAIL(&t->line[state], e, link);
    if (state == USAGE_WRITTEN)
        t->kept_octets += cost(e);
    else {
        t->changed++;
        t->needed[e->file]++;
    }
}

void usage_table_leave(struct usage_table *t, struct usage_entry *e)
{
    TAILQ_REMOVE(&t->line[e->state], e, link);
    if (e->state == USAGE_WRITTEN)
        t->kept_octets -= cost(e);
    else {
        t->changed--;
        t->needed[e->file]--;
    }
}

bool usage_table_reserve(struct usage_table *t, struct usage_entry *e, size_t len)
{
    size_t before = cost(e);
    bool done = reserve(e, len);

    if (e->state == USAGE_WRITTEN)
        t->kept_octets += cost(e) - before;
    return done;
}

void usage_table_take_back(struct usage_table *t)
{
    struct usage_entry *e;

    TAILQ_FOREACH (e, &t->line[USAGE_ON_ITS_WAY], link)
        e->state = USAGE_CHANGED;
    TAILQ_CONCAT(&t->line[USAGE_ON_ITS_WAY], &t->line[USAGE_CHANGED], link);
    TAILQ_CONCAT(&t->line[USAGE_CHANGED], &t->line[USAGE_ON_ITS_WAY], link);
}
