/* SPDX-License-Identifier: MIT */
/*
 * A behaviour as a line of text: whole numbers apart by spaces, then the recipients in four
 * characters each.  Reading and writing take the same walk over the fields.  Layer 4.
 */
#include <string.h>

#include "policyd/behaviour.h"

enum { FORMAT = 1, HUNDREDTHS = 100, RECIPIENT_CHARS = 4, BITS = 6 };

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* Reading where out is NULL. */
struct walk {
    struct strbuf *out;
    struct span in;
    bool bad;
};

static struct span next_word(struct walk *w)
{
    const char *space = w->in.len > 0 ? memchr(w->in.ptr, ' ', w->in.len) : NULL;
    struct span word = { w->in.ptr, space ? (size_t)(space - w->in.ptr) : w->in.len };

    w->in = space ? (struct span){ space + 1, w->in.len - word.len - 1 } : (struct span){ NULL, 0 };
    return word;
}

/* The value to go on with: as given, or as read. */
static uint64_t walk_number(struct walk *w, uint64_t value, uint64_t most)
{
    uint64_t number = 0;

    if (w->out) {
        strbuf_addu(w->out, value);
        strbuf_addc(w->out, ' ');
        return value;
    }
    if (str_number(next_word(w), 0, most, &number) != OK)
        w->bad = true;
    return number;
}

static void walk_time(struct walk *w, int64_t *t)
{
    *t = (int64_t)walk_number(w, (uint64_t)*t, INT64_MAX / 2);
}

static void walk_count(struct walk *w, unsigned *n, unsigned most)
{
    *n = (unsigned)walk_number(w, *n, most);
}

static void walk_u16(struct walk *w, uint16_t *n)
{
    *n = (uint16_t)walk_number(w, *n, UINT16_MAX);
}

static void walk_u32(struct walk *w, uint32_t *n)
{
    *n = (uint32_t)walk_number(w, *n, UINT32_MAX);
}

/* By hundredths, rounded: what was read is written as it was. */
static void walk_float(struct walk *w, float *f)
{
    *f = (float)walk_number(w, (uint64_t)(*f * HUNDREDTHS + 0.5f), UINT32_MAX) / HUNDREDTHS;
}

static void walk_sliding(struct walk *w, struct sliding *s)
{
    walk_time(w, &s->slot);
    for (unsigned i = 0; i < SLIDING_BUCKETS; i++)
        walk_u16(w, &s->count[i]);
}

static void walk_mix(struct walk *w, struct behaviour_mix *m)
{
    walk_sliding(w, &m->strangers);
    walk_sliding(w, &m->known);
}

static void walk_pace(struct walk *w, struct behaviour_pace *p)
{
    walk_sliding(w, &p->recipients);
    walk_count(w, &p->peak, UINT32_MAX);
    walk_float(w, &p->usual);
}

static void walk_networks(struct walk *w, struct behaviour *b)
{
    unsigned used = 0;

    while (used < BEHAVIOUR_NETWORKS && b->network[used].key != 0)
        used++;
    walk_count(w, &used, BEHAVIOUR_NETWORKS);
    for (unsigned i = 0; i < used; i++) {
        struct behaviour_network *n = &b->network[i];
        walk_u32(w, &n->key);
        walk_time(w, &n->first);
        walk_time(w, &n->last);
        walk_time(w, &n->sent);
    }
}

static void walk_recipient(struct walk *w, uint32_t *recipient)
{
    uint32_t value = 0;

    for (unsigned i = 0; i < RECIPIENT_CHARS && w->out; i++)
        strbuf_addc(w->out, alphabet[*recipient >> i * BITS & 0x3f]);
    if (w->out)
        return;
    for (unsigned i = 0; i < RECIPIENT_CHARS; i++) {
        const char *at = w->in.len > i ? memchr(alphabet, w->in.ptr[i], sizeof alphabet - 1) : NULL;
        if (!at) {
            w->bad = true;
            return;
        }
        value |= (uint32_t)(at - alphabet) << i * BITS;
    }
    w->in = (struct span){ w->in.ptr + RECIPIENT_CHARS, w->in.len - RECIPIENT_CHARS };
    *recipient = value;
}

static void walk_behaviour(struct walk *w, struct behaviour *b)
{
    if (walk_number(w, FORMAT, UINT32_MAX) != FORMAT)
        w->bad = true;
    walk_time(w, &b->since);
    walk_time(w, &b->day);
    for (unsigned i = 0; i < SIGNAL_COUNT; i++)
        walk_sliding(w, &b->window[i]);
    walk_mix(w, &b->everywhere);
    walk_mix(w, &b->elsewhere);
    for (unsigned i = 0; i < BEHAVIOUR_PACES; i++)
        walk_pace(w, &b->pace[i]);
    walk_float(w, &b->strangers);
    walk_float(w, &b->recipients);
    walk_count(w, &b->day_strangers, UINT32_MAX);
    walk_count(w, &b->day_recipients, UINT32_MAX);
    b->day_suspect = walk_number(w, b->day_suspect, 1) != 0;
    walk_networks(w, b);
    for (unsigned i = 0; i < BEHAVIOUR_SENDERS; i++)
        walk_u32(w, &b->refused_sender[i]);
    walk_count(w, &b->level, BEHAVIOUR_LEVEL_MAX);
    walk_count(w, &b->recipient_count, BEHAVIOUR_RECIPIENTS);
    for (unsigned i = 0; i < b->recipient_count && !w->bad; i++)
        walk_recipient(w, &b->recipient[i]);
}

void behaviour_format(const struct behaviour *b, struct strbuf *out)
{
    struct behaviour copy = *b; /* the walk takes what it may change */
    struct walk w = { .out = out };

    walk_behaviour(&w, &copy);
}

enum result behaviour_parse(struct span text, struct behaviour *behaviour_r)
{
    struct walk w = { .in = text };

    memset(behaviour_r, 0, sizeof *behaviour_r);
    walk_behaviour(&w, behaviour_r);
    if (!w.bad && w.in.len == 0)
        return OK;
    memset(behaviour_r, 0, sizeof *behaviour_r);
    return BAD;
}
