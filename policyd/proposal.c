/* SPDX-License-Identifier: MIT */
#include "policyd/proposal.h"

#include <string.h>

enum result proposals_add(struct proposals *p, enum check_id check, enum change_kind kind)
{
    if (p->count == PROPOSALS_MAX)
        return LIMIT;
    p->check[p->count] = check;
    p->change[p->count++] = (struct change){ .kind = kind };
    return OK;
}

enum result proposals_set(struct proposals *p, enum field f, const char *text)
{
    size_t size = strlen(text) + 1;

    if (size > sizeof p->text - p->used)
        return LIMIT;
    p->change[p->count - 1].field[f] = memcpy(p->text + p->used, text, size);
    p->used += size;
    return OK;
}

void proposals_cut(struct proposals *p, size_t count)
{
    if (count < p->count)
        p->count = count;
}

void proposals_keep(struct proposals *p, enum check_id check)
{
    size_t kept = 0;

    for (size_t i = 0; i < p->count; i++)
        if (p->check[i] == check) {
            p->check[kept] = check;
            p->change[kept++] = p->change[i];
        }
    p->count = kept;
}
