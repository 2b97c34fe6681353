/* SPDX-License-Identifier: MIT */
#include "traffic.h"

#include <stdlib.h>

const int64_t traffic_start = 1793577600; /* 2026-11-02, a Monday */

void traffic_begin(struct traffic *t, const char *name, uint64_t seed)
{
    t->name = name;
    t->count = 0;
    t->random = seed * 0x9e3779b97f4a7c15u + 0x1234567;
    t->thief = false;
    t->transactions = 0;
    t->strangers = 1000000;
    t->home = any_network(t);
    t->office = any_network(t);
    for (unsigned i = 0; i < 3; i++)
        t->carrier[i] = any_network(t);
    t->contacts = 0;
}

void traffic_free(struct traffic *t)
{
    free(t->event);
    t->event = NULL;
    t->count = t->room = 0;
}

/* splitmix64 */
static uint64_t next(struct traffic *t)
{
    uint64_t z = t->random += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

unsigned pick(struct traffic *t, unsigned below)
{
    return (unsigned)(next(t) % below);
}

unsigned between(struct traffic *t, unsigned least, unsigned most)
{
    return least + pick(t, most - least + 1);
}

bool chance(struct traffic *t, unsigned percent)
{
    return pick(t, 100) < percent;
}

uint32_t any_network(struct traffic *t)
{
    return between(t, 1, 223) << 24 | pick(t, 65536) << 8;
}

uint32_t phone_network(struct traffic *t)
{
    return (t->carrier[pick(t, 3)] & 0xffff0000) | pick(t, 256) << 8;
}

uint32_t address_in(struct traffic *t, uint32_t network)
{
    return network | between(t, 1, 254);
}

static void add(struct traffic *t, const struct traffic_event *e)
{
    if (t->count == t->room) {
        t->room = t->room ? t->room * 2 : 4096;
        t->event = realloc(t->event, t->room * sizeof *t->event);
        if (!t->event)
            abort();
    }
    t->event[t->count] = *e;
    t->event[t->count].order = t->count;
    t->event[t->count].thief = t->thief;
    t->count++;
}

static int in_time(const void *a, const void *b)
{
    const struct traffic_event *x = a, *y = b;

    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    return (x->order > y->order) - (x->order < y->order);
}

void traffic_sort(struct traffic *t)
{
    qsort(t->event, t->count, sizeof *t->event, in_time);
}

void login(struct traffic *t, int64_t at, uint32_t client)
{
    add(t, &(struct traffic_event){ .at = at, .kind = TRAFFIC_LOGIN, .client = address_in(t, client) });
}

void refused_sender(struct traffic *t, int64_t at, uint32_t client, uint32_t sender)
{
    add(t, &(struct traffic_event){
               .at = at, .kind = TRAFFIC_REFUSED_SENDER, .client = address_in(t, client), .number = sender });
}

/* The square of a random number: the first ones most. A stranger may become a contact. */
static uint32_t recipient(struct traffic *t, const struct recipients *r, unsigned i)
{
    uint64_t part = pick(t, 4096);
    uint32_t stranger;

    if (r->list && r->first + i < t->contacts)
        return t->contact[r->first + i];
    if (t->contacts > 0 && !r->list && !chance(t, r->strangers))
        return t->contact[part * part * t->contacts >> 24];
    stranger = t->strangers++;
    if (!t->thief && !r->list && t->contacts < CONTACTS_MAX && chance(t, 30))
        t->contact[t->contacts++] = stranger;
    return stranger;
}

void message(struct traffic *t, int64_t at, uint32_t client, const struct recipients *r)
{
    struct traffic_event e = { .at = at,
                               .client = address_in(t, client),
                               .transaction = ++t->transactions,
                               .connection = pick(t, 1000000) };
    unsigned accepted = 0;

    for (unsigned i = 0; i < r->count; i++) {
        e.kind = TRAFFIC_RECIPIENT;
        e.number = recipient(t, r, i);
        add(t, &e);
        accepted += !chance(t, r->wrong);
    }
    if (accepted == 0)
        return;
    e.kind = TRAFFIC_MESSAGE;
    e.number = accepted;
    add(t, &e);
}
