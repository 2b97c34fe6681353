/* SPDX-License-Identifier: MIT */
#include "policyd/recipients.h"

#include <stdlib.h>

struct transaction {
    uint64_t instance; /* a hash; 0: none */
    uint64_t last;     /* recipient, likewise */
    int64_t at;
    unsigned all, elsewhere;
};

struct recipients {
    struct transaction slot[RECIPIENTS_MAX]; /* by the instance's hash; a newer one takes the place */
};

static uint64_t hash_of(struct span text)
{
    uint64_t h = str_hash(STR_HASH_START, text);

    h = (h ^ h >> 32) * 0x9e3779b97f4a7c15u;
    return h + (h == 0); /* 0 means none */
}

enum result recipients_open(struct recipients **recipients_r)
{
    *recipients_r = calloc(1, sizeof **recipients_r);
    return *recipients_r ? OK : TRY_AGAIN;
}

void recipients_close(struct recipients **recipients)
{
    free(*recipients);
    *recipients = NULL;
}

static bool is_known(const struct transaction *t, uint64_t instance, int64_t now)
{
    return t->instance == instance && now - t->at <= RECIPIENTS_KEEP_S;
}

void recipients_note(struct recipients *r, struct span instance, struct span recipient, bool local, int64_t now)
{
    uint64_t hash = hash_of(instance), last = hash_of(recipient);
    struct transaction *t = &r->slot[hash % RECIPIENTS_MAX];

    if (instance.len == 0)
        return;
    if (!is_known(t, hash, now))
        *t = (struct transaction){ .instance = hash };
    t->at = now;
    if (t->last == last)
        return;
    t->last = last;
    t->all++;
    t->elsewhere += !local;
}

uint64_t recipients_elsewhere(const struct recipients *r, struct span instance, uint64_t count, int64_t now)
{
    uint64_t hash = hash_of(instance), most;
    const struct transaction *t = &r->slot[hash % RECIPIENTS_MAX];

    if (instance.len == 0 || !is_known(t, hash, now))
        return count;
    most = t->elsewhere + (count > t->all ? count - t->all : 0);
    return most < count ? most : count;
}
