/* SPDX-License-Identifier: MIT */
#include "policyd/proposal.h"

#include <string.h>

void proposals_add(struct proposals *p, enum check_id check, enum change_kind kind)
{
    p->full |= p->count == PROPOSALS_MAX;
    if (p->full)
        return;
    p->check[p->count] = check;
    p->change[p->count++] = (struct change){ .kind = kind };
}

void proposals_set(struct proposals *p, enum field f, const char *text)
{
    size_t size = strlen(text) + 1;

    p->full |= size > sizeof p->text - p->used;
    if (p->full)
        return;
    p->change[p->count - 1].field[f] = memcpy(p->text + p->used, text, size);
    p->used += size;
}

void proposals_cut(struct proposals *p, size_t count)
{
    if (count < p->count)
        p->count = count;
    p->full = false;
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
