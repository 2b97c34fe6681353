/* SPDX-License-Identifier: MIT */
/*
 * A behaviour as a line of text: whole numbers apart by spaces, then the recipients in four
 * characters each.  And packed, for this process alone: numbers of seven bits an octet, the
 * last one without the eighth (LEB128), recipients in three octets.  All four ways take the
 * same walk over the fields.  Layer 4.
 */
#include <string.h>

#include "policyd/behaviour.h"

enum { FORMAT = 1, HUNDREDTHS = 100, RECIPIENT_CHARS = 4, BITS = 6, MORE = 0x80, SHIFT_MAX = 63 };

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* Reading where out and to are NULL. */
struct walk {
    struct strbuf *out; /* text */
    unsigned char *to;  /* packed: the next octet */
    struct span in;
    bool packed;
    bool bad;
};

static struct span next_word(struct walk *w)
{
    const char *space = w->in.len > 0 ? memchr(w->in.ptr, ' ', w->in.len) : NULL;
    struct span word = { w->in.ptr, space ? (size_t)(space - w->in.ptr) : w->in.len };

    w->in = space ? (struct span){ space + 1, w->in.len - word.len - 1 } : (struct span){ NULL, 0 };
    return word;
}

static void put(struct walk *w, uint64_t value)
{
    for (; value >= MORE; value /= MORE)
        *w->to++ = (unsigned char)(value | MORE);
    *w->to++ = (unsigned char)value;
}

static unsigned next_octet(struct walk *w)
{
    if (w->in.len == 0) {
        w->bad = true;
        return 0;
    }
    w->in.len--;
    return (unsigned char)*w->in.ptr++;
}

static uint64_t get(struct walk *w)
{
    uint64_t number = 0, octet;
    unsigned shift = 0;

    do {
        octet = next_octet(w);
        number |= (octet & (MORE - 1)) << shift;
        shift += 7;
    } while (octet >= MORE && shift <= SHIFT_MAX);
    return number;
}

/* The value to go on with: as given, or as read. */
static uint64_t walk_number(struct walk *w, uint64_t value, uint64_t most)
{
    uint64_t number = 0;

    if (w->to) {
        put(w, value);
        return value;
    }
    if (w->out) {
        strbuf_addu(w->out, value);
        strbuf_addc(w->out, ' ');
        return value;
    }
    if (w->packed)
        number = get(w);
    else if (str_number(next_word(w), 0, most, &number) != OK)
        w->bad = true;
    w->bad |= number > most;
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

/* In text by hundredths, rounded: what was read is written as it was. */
static void walk_float(struct walk *w, float *f)
{
    uint32_t bits;

    if (!w->packed) {
        *f = (float)walk_number(w, (uint64_t)(*f * HUNDREDTHS + 0.5f), UINT32_MAX) / HUNDREDTHS;
        return;
    }
    memcpy(&bits, f, sizeof bits);
    walk_u32(w, &bits);
    memcpy(f, &bits, sizeof bits);
}

/* As it is in memory; one without counts, as most are, in one octet. */
static void walk_packed_sliding(struct walk *w, struct sliding *s)
{
    static const uint16_t none[SLIDING_BUCKETS];

    if (w->to) {
        *w->to = memcmp(s->count, none, sizeof none) != 0;
        if (*w->to++)
            w->to = (unsigned char *)memcpy(w->to, s, sizeof *s) + sizeof *s;
    } else if (next_octet(w)) {
        if (w->in.len < sizeof *s) {
            w->bad = true;
            return;
        }
        memcpy(s, w->in.ptr, sizeof *s);
        w->in = (struct span){ w->in.ptr + sizeof *s, w->in.len - sizeof *s };
    }
}

static void walk_sliding(struct walk *w, struct sliding *s)
{
    if (w->packed) {
        walk_packed_sliding(w, s);
        return;
    }
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

/* Transactions under way: what is written does not outlive policyd, they do not either. */
static void walk_open(struct walk *w, struct behaviour *b)
{
    unsigned used = 0;

    for (unsigned i = 0; w->to && i < BEHAVIOUR_OPEN; i++)
        if (b->open[i].instance != 0) {
            struct behaviour_open o = b->open[i];
            b->open[i].instance = 0;
            b->open[used++] = o;
        }
    walk_count(w, &used, BEHAVIOUR_OPEN);
    for (unsigned i = 0; i < used && !w->bad; i++) {
        struct behaviour_open *o = &b->open[i];
        walk_time(w, &o->began);
        walk_u32(w, &o->instance);
        walk_u32(w, &o->connection);
        walk_u32(w, &o->recipient);
        walk_u16(w, &o->requests);
        walk_u16(w, &o->strangers);
        walk_u16(w, &o->known);
    }
}

static void walk_packed_recipient(struct walk *w, uint32_t *recipient)
{
    uint32_t value = w->to ? *recipient : 0;

    for (unsigned bit = 0; bit < 24; bit += 8)
        if (w->to)
            *w->to++ = (unsigned char)(value >> bit);
        else
            value |= next_octet(w) << bit;
    *recipient = value;
}

static void walk_recipient(struct walk *w, uint32_t *recipient)
{
    uint32_t value = 0;

    if (w->packed) {
        walk_packed_recipient(w, recipient);
        return;
    }
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
    if (w->packed)
        walk_open(w, b);
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

size_t behaviour_pack(struct behaviour *b, unsigned char packed_r[static BEHAVIOUR_PACKED_MAX])
{
    struct walk w = { .to = packed_r, .packed = true };

    walk_behaviour(&w, b);
    return (size_t)(w.to - packed_r);
}

void behaviour_unpack(const unsigned char *packed, size_t size, struct behaviour *behaviour_r)
{
    struct walk w = { .in = { (const char *)packed, size }, .packed = true };

    memset(behaviour_r, 0, sizeof *behaviour_r);
    walk_behaviour(&w, behaviour_r);
    if (w.bad || w.in.len > 0)
        memset(behaviour_r, 0, sizeof *behaviour_r);
}
