/* SPDX-License-Identifier: MIT */
#include "policyd/habit_table.h"

#include <stdlib.h>
#include <string.h>

enum {
    SLOTS = 1 << 17,
    LOOK_AT = 16 /* of those used longest ago, for one that is written */
};

/* By their last use. */
struct line {
    struct habit *newest, *oldest;
    size_t count;
};

struct habit_table {
    size_t at_hand, packed_most, packed_size;
    struct line near, packed;
    struct habit *changed, **changed_end; /* in the order in which they changed */
    struct habit *slot[SLOTS];
};

struct habit_table *habit_table_new(size_t at_hand, size_t packed_most)
{
    struct habit_table *t = calloc(1, sizeof *t);

    if (t) {
        t->at_hand = at_hand;
        t->packed_most = packed_most;
        t->changed_end = &t->changed;
    }
    return t;
}

static void free_habit(struct habit *h)
{
    free(h->behaviour);
    free(h->packed);
    free(h);
}

static void free_line(struct line *l)
{
    for (struct habit *h = l->newest, *older; h; h = older) {
        older = h->older;
        free_habit(h);
    }
}

void habit_table_free(struct habit_table **table)
{
    if (*table) {
        free_line(&(*table)->near);
        free_line(&(*table)->packed);
    }
    free(*table);
    *table = NULL;
}

static size_t slot_of(const char *account)
{
    return str_key_hash(span_of(account)) % SLOTS;
}

static void unlink_use(struct line *l, struct habit *h)
{
    *(h->newer ? &h->newer->older : &l->newest) = h->older;
    *(h->older ? &h->older->newer : &l->oldest) = h->newer;
    l->count--;
}

static void link_newest(struct line *l, struct habit *h)
{
    h->newer = NULL;
    h->older = l->newest;
    *(l->newest ? &l->newest->newer : &l->oldest) = h;
    l->newest = h;
    l->count++;
}

/* ---- packing ---- */

static size_t packed_octets(const struct habit *h)
{
    return sizeof *h + strlen(h->account) + 1 + h->size;
}

static void unlink_changed(struct habit_table *t, struct habit *h)
{
    struct habit **link = &t->changed;

    while (*link != h)
        link = &(*link)->next_changed;
    *link = h->next_changed;
    if (!*link)
        t->changed_end = link;
}

void habit_table_drop(struct habit_table *t, struct habit *h)
{
    struct habit **link = &t->slot[slot_of(h->account)];

    while (*link != h)
        link = &(*link)->next;
    *link = h->next;
    if (h->changed)
        unlink_changed(t, h);
    unlink_use(h->behaviour ? &t->near : &t->packed, h);
    t->packed_size -= h->behaviour ? 0 : packed_octets(h);
    free_habit(h);
}

/* What is not written yet stays. */
static void drop_oldest(struct habit_table *t)
{
    struct habit *h = t->packed.oldest, *newer;

    for (unsigned i = 0; h && i < LOOK_AT && habit_table_is_full(t); h = newer, i++) {
        newer = h->newer;
        if (!h->changed && h->writing == 0)
            habit_table_drop(t, h);
    }
}

/* Returns the memory of the behaviour, for the next one; NULL: no memory to pack it into. */
KEPT_BEGIN /* h->packed; free_habit() */
static struct behaviour *pack(struct habit_table *t, struct habit *h)
{
    unsigned char octets[BEHAVIOUR_PACKED_MAX];
    struct behaviour *b = h->behaviour;

    h->size = behaviour_pack(b, octets);
    h->packed = malloc(h->size);
    if (!h->packed)
        return NULL;
    memcpy(h->packed, octets, h->size);
    h->behaviour = NULL;
    unlink_use(&t->near, h);
    link_newest(&t->packed, h);
    t->packed_size += packed_octets(h);
    drop_oldest(t);
    return b;
}
KEPT_END

static struct behaviour *room(struct habit_table *t)
{
    return t->near.count < t->at_hand ? malloc(sizeof(struct behaviour)) : pack(t, t->near.oldest);
}

static void unpack(struct habit_table *t, struct habit *h)
{
    struct behaviour *b;

    /* Out of the line first: to make room for it, it could be dropped itself. */
    unlink_use(&t->packed, h);
    b = room(t);
    if (!b) {
        link_newest(&t->packed, h);
        return;
    }
    behaviour_unpack(h->packed, h->size, b);
    t->packed_size -= packed_octets(h);
    free(h->packed);
    h->packed = NULL;
    h->behaviour = b;
    link_newest(&t->near, h);
}

/* ---- accounts ---- */

struct habit *habit_table_peek(const struct habit_table *t, const char *account)
{
    struct habit *h = t->slot[slot_of(account)];

    while (h && strcmp(h->account, account) != 0)
        h = h->next;
    return h;
}

struct habit *habit_table_find(struct habit_table *t, const char *account)
{
    struct habit *h = habit_table_peek(t, account);

    if (h && !h->behaviour)
        unpack(t, h);
    else if (h) {
        unlink_use(&t->near, h);
        link_newest(&t->near, h);
    }
    return h;
}

struct habit *habit_table_add(struct habit_table *t, const char *account, const struct behaviour *b)
{
    size_t size = strlen(account) + 1;
    struct habit *h = calloc(1, sizeof *h + size), **slot = &t->slot[slot_of(account)];

    if (h)
        h->behaviour = room(t);
    if (!h || !h->behaviour) {
        free(h);
        return NULL;
    }
    *h->behaviour = *b;
    memcpy(h->account, account, size);
    h->alarmed = INT64_MIN / 2;
    h->next = *slot;
    *slot = h;
    link_newest(&t->near, h);
    return h;
}

/* ---- changes ---- */

void habit_table_change(struct habit_table *t, struct habit *h)
{
    h->written = false;
    if (h->changed)
        return;
    h->changed = true;
    h->next_changed = NULL;
    *t->changed_end = h;
    t->changed_end = &h->next_changed;
}

struct habit *habit_table_changed(struct habit_table *t)
{
    return t->changed;
}

void habit_table_written(struct habit_table *t)
{
    struct habit *h = t->changed;

    t->changed = h->next_changed;
    if (!t->changed)
        t->changed_end = &t->changed;
    h->changed = false;
}

bool habit_table_is_full(const struct habit_table *t)
{
    return t->packed_size > t->packed_most;
}

void habit_format(const struct habit *h, struct strbuf *out)
{
    struct behaviour unpacked;

    if (!h->behaviour)
        behaviour_unpack(h->packed, h->size, &unpacked);
    behaviour_format(h->behaviour ? h->behaviour : &unpacked, out);
}
