/* SPDX-License-Identifier: MIT */
#include "policyctl/arena.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK_SIZE = 65536 };

struct block {
    struct block *next;
    size_t used, size;
    max_align_t memory[];
};

struct arena {
    struct block *block; /* the one in use is the first */
};

struct arena *arena_open(void)
{
    return calloc(1, sizeof(struct arena));
}

void arena_close(struct arena **arena)
{
    if (!*arena)
        return;
    for (struct block *b = (*arena)->block, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    free(*arena);
    *arena = NULL;
}

void *arena_get(struct arena *a, size_t size)
{
    struct block *b = a->block;

    size = (size + _Alignof(max_align_t) - 1) / _Alignof(max_align_t) * _Alignof(max_align_t);
    if (!b || b->size - b->used < size) {
        size_t room = size > BLOCK_SIZE ? size : BLOCK_SIZE;
        b = calloc(1, sizeof *b + room);
        if (!b)
            return NULL;
        b->size = room;
        b->next = a->block;
        a->block = b;
    }
    b->used += size;
    return (char *)b->memory + b->used - size;
}

const char *arena_text(struct arena *a, const char *text)
{
    if (!text || *text == '\0')
        return "";
    size_t size = strlen(text) + 1;
    char *copy = arena_get(a, size);
    if (copy)
        memcpy(copy, text, size);
    return copy;
}
