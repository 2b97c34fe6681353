/* SPDX-License-Identifier: MIT */
#include "policyd/answered.h"

#include <stdlib.h>
#include <string.h>

struct answer {
    int64_t at;
    int decided_by;
    size_t key_len;
    char *text; /* the key, then the action and its NUL; NULL: free */
};

struct answered {
    struct answer slot[ANSWERED_MAX]; /* by the key's hash; a newer answer takes the place */
};

static size_t slot_of(struct span key)
{
    return str_key_hash(key) % ANSWERED_MAX;
}

enum result answered_open(struct answered **answered_r)
{
    *answered_r = calloc(1, sizeof **answered_r);
    return *answered_r ? OK : TRY_AGAIN;
}

void answered_close(struct answered **answered)
{
    if (!*answered)
        return;
    for (size_t i = 0; i < ANSWERED_MAX; i++)
        free((*answered)->slot[i].text);
    free(*answered);
    *answered = NULL;
}

const char *answered_find(const struct answered *a, struct span key, int64_t now, int *decided_by_r)
{
    const struct answer *s = &a->slot[slot_of(key)];

    if (!s->text || now - s->at > ANSWERED_KEEP_S || s->key_len != key.len ||
        memcmp(s->text, key.ptr, key.len) != 0)
        return NULL;
    *decided_by_r = s->decided_by;
    return s->text + s->key_len;
}

void answered_add(struct answered *a, struct span key, const char *action, int decided_by, int64_t now)
{
    struct answer *s = &a->slot[slot_of(key)];
    size_t size = strlen(action) + 1;
    char *text = realloc(s->text, key.len + size);

    if (!text)
        return; /* a request sent again would be counted again */
    memcpy(text, key.ptr, key.len);
    memcpy(text + key.len, action, size);
    *s = (struct answer){ now, decided_by, key.len, text };
    /* cppcheck-suppress memleak; it is in the slot */
}
