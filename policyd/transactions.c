/* SPDX-License-Identifier: MIT */
#include "policyd/transactions.h"

#include <stdlib.h>
#include <string.h>

struct transaction {
    int64_t at; /* its last finding */
    char *instance;
    size_t instance_len, count;
    struct sighting *noted; /* each with its texts behind it, in one allocation at `subject` */
};

struct transactions {
    struct transaction slot[TRANSACTIONS_MAX]; /* by the instance's hash; instance NULL: free */
};

static struct transaction *slot_of(struct transactions *t, struct span instance)
{
    return &t->slot[str_key_hash(instance) % TRANSACTIONS_MAX];
}

enum result transactions_open(struct transactions **transactions_r)
{
    *transactions_r = calloc(1, sizeof **transactions_r);
    return *transactions_r ? OK : TRY_AGAIN;
}

static void forget(struct transaction *t)
{
    for (size_t i = 0; i < t->count; i++)
        free((char *)t->noted[i].subject);
    free(t->noted);
    free(t->instance);
    *t = (struct transaction){ 0 };
}

void transactions_close(struct transactions **transactions)
{
    for (size_t i = 0; *transactions && i < TRANSACTIONS_MAX; i++)
        forget(&(*transactions)->slot[i]);
    free(*transactions);
    *transactions = NULL;
}

static bool is_known(const struct transaction *t, struct span instance, int64_t now)
{
    return t->instance && now - t->at <= TRANSACTION_KEEP_S && t->instance_len == instance.len &&
           memcmp(t->instance, instance.ptr, instance.len) == 0;
}

static bool begin(struct transaction *t, struct span instance)
{
    forget(t);
    t->instance = malloc(instance.len);
    t->noted = calloc(TRANSACTION_FINDINGS_MAX, sizeof *t->noted);
    if (!t->instance || !t->noted) {
        forget(t);
        return false;
    }
    memcpy(t->instance, instance.ptr, instance.len);
    t->instance_len = instance.len;
    t->count = 0;
    return true;
}

static bool same(const struct sighting *a, const struct sighting *b)
{
    return a->check == b->check && a->refused == b->refused && strcmp(a->subject, b->subject) == 0 &&
           strcmp(a->cause, b->cause) == 0 && strcmp(a->envelope_sender, b->envelope_sender) == 0 &&
           strcmp(a->network, b->network) == 0;
}

static const char *put(char **end, const char *text)
{
    size_t size = strlen(text) + 1;
    const char *start = memcpy(*end, text, size);

    *end += size;
    return start;
}

static bool keep(struct transaction *t, const struct sighting *s)
{
    char *text = malloc(strlen(s->subject) + strlen(s->cause) + strlen(s->envelope_sender) + strlen(s->network) +
                        strlen(s->sample) + 5);
    struct sighting *n = &t->noted[t->count];

    if (!text)
        return false;
    *n = *s;
    n->subject = put(&text, s->subject);
    n->cause = put(&text, s->cause);
    n->envelope_sender = put(&text, s->envelope_sender);
    n->network = put(&text, s->network);
    n->sample = put(&text, s->sample);
    t->count++;
    return true;
}

bool transactions_note(struct transactions *all, struct span instance, const struct sighting *s, int64_t now)
{
    struct transaction *t = slot_of(all, instance);

    if (instance.len == 0)
        return true;
    if (!is_known(t, instance, now) && !begin(t, instance))
        return false;
    t->at = now;
    for (size_t i = 0; i < t->count; i++)
        if (same(&t->noted[i], s))
            return false;
    return t->count < TRANSACTION_FINDINGS_MAX && keep(t, s);
}

void transactions_end(struct transactions *all, struct span instance, int64_t now, transactions_fn *fn, void *context)
{
    struct transaction *t = slot_of(all, instance);

    if (instance.len == 0 || !is_known(t, instance, now))
        return;
    for (size_t i = 0; fn && i < t->count; i++)
        fn(&t->noted[i], context);
    forget(t);
}
