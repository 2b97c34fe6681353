/* SPDX-License-Identifier: MIT */
/*
 * A behaviour as few octets, for this process alone: what every one has as it is in memory,
 * then, of what most have nothing of, only what there is.  An account is unpacked and packed
 * again for each of its messages where many send at once.  Layer 4.
 */
#include <stddef.h>
#include <string.h>

#include "policyd/behaviour.h"

enum {
    SLIDINGS = BEHAVIOUR_SLIDINGS,
    RECIPIENT_OCTETS = BEHAVIOUR_RECIPIENT_OCTETS,
    /* Of what every one begins with; behind its last member there is nothing to keep. */
    FIXED_OCTETS = offsetof(struct behaviour_packed, day_suspect) + sizeof(bool)
};

_Static_assert(sizeof(struct behaviour_packed) <= BEHAVIOUR_PACKED_MAX, "the fixed part alone");
_Static_assert(SLIDINGS <= 16 && BEHAVIOUR_RECIPIENTS <= UINT16_MAX, "they fit into their fields");

static void all_slidings(struct behaviour *b, struct sliding *all_r[static SLIDINGS])
{
    size_t count = 0;

    for (unsigned i = 0; i < SIGNAL_COUNT; i++)
        all_r[count++] = &b->window[i];
    for (unsigned i = 0; i < BEHAVIOUR_PACES; i++)
        all_r[count++] = &b->pace[i].recipients;
    all_r[count++] = &b->everywhere.strangers;
    all_r[count++] = &b->everywhere.known;
    all_r[count++] = &b->elsewhere.strangers;
    all_r[count++] = &b->elsewhere.known;
}

/* ---- packing ---- */

static void put(unsigned char **to, const void *from, size_t size)
{
    memcpy(*to, from, size);
    *to += size;
}

static uint16_t put_slidings(unsigned char **to, struct behaviour *b)
{
    static const uint16_t none[SLIDING_BUCKETS];
    struct sliding *all[SLIDINGS];
    unsigned set = 0;

    all_slidings(b, all);
    for (unsigned i = 0; i < SLIDINGS; i++)
        if (memcmp(all[i]->count, none, sizeof none) != 0) {
            put(to, all[i], sizeof *all[i]);
            set |= 1u << i;
        }
    return (uint16_t)set;
}

static uint8_t put_networks(unsigned char **to, const struct behaviour *b)
{
    uint8_t used = 0;

    while (used < BEHAVIOUR_NETWORKS && b->network[used].key != 0)
        used++;
    put(to, b->network, used * sizeof *b->network);
    return used;
}

static uint8_t put_open(unsigned char **to, const struct behaviour *b)
{
    uint8_t used = 0;

    for (unsigned i = 0; i < BEHAVIOUR_OPEN; i++)
        if (b->open[i].instance != 0) {
            put(to, &b->open[i], sizeof b->open[i]);
            used++;
        }
    return used;
}

static uint8_t put_senders(unsigned char **to, const struct behaviour *b)
{
    uint8_t used = BEHAVIOUR_SENDERS;

    while (used > 0 && b->refused_sender[used - 1] == 0)
        used--;
    put(to, b->refused_sender, used * sizeof *b->refused_sender);
    return used;
}

static void put_recipients(unsigned char **to, const struct behaviour *b)
{
    unsigned char *p = *to;

    for (unsigned i = 0; i < b->recipient_count; i++, p += RECIPIENT_OCTETS) {
        uint32_t value = b->recipient[i];
        p[0] = (unsigned char)value;
        p[1] = (unsigned char)(value >> 8);
        p[2] = (unsigned char)(value >> 16);
    }
    *to = p;
}

size_t behaviour_pack(struct behaviour *b, unsigned char packed_r[static BEHAVIOUR_PACKED_MAX])
{
    struct behaviour_packed fixed = {
        .since = b->since,
        .day = b->day,
        .strangers = b->strangers,
        .recipients = b->recipients,
        .day_strangers = b->day_strangers,
        .day_recipients = b->day_recipients,
        .recipient_count = (uint16_t)b->recipient_count,
        .level = (uint8_t)b->level,
        .day_suspect = b->day_suspect,
    };
    unsigned char *to = packed_r + FIXED_OCTETS;

    for (unsigned i = 0; i < BEHAVIOUR_PACES; i++) {
        fixed.peak[i] = b->pace[i].peak;
        fixed.usual[i] = b->pace[i].usual;
    }
    fixed.slidings = put_slidings(&to, b);
    fixed.networks = put_networks(&to, b);
    fixed.open = put_open(&to, b);
    fixed.senders = put_senders(&to, b);
    put_recipients(&to, b);
    memcpy(packed_r, &fixed, FIXED_OCTETS);
    return (size_t)(to - packed_r);
}

/* ---- unpacking ---- */

struct packed {
    const unsigned char *p;
    size_t left;
    bool bad;
};

static void get(struct packed *in, void *to, size_t size)
{
    if (in->bad || in->left < size) {
        in->bad = true;
        return;
    }
    memcpy(to, in->p, size);
    in->p += size;
    in->left -= size;
}

static void get_slidings(struct packed *in, struct behaviour *b, unsigned set)
{
    struct sliding *all[SLIDINGS];

    all_slidings(b, all);
    for (unsigned i = 0; i < SLIDINGS; i++)
        if (set & 1u << i)
            get(in, all[i], sizeof *all[i]);
}

static void get_recipients(struct packed *in, struct behaviour *b)
{
    const unsigned char *p = in->p;

    if (in->bad || in->left != (size_t)b->recipient_count * RECIPIENT_OCTETS) {
        in->bad = true;
        return;
    }
    for (unsigned i = 0; i < b->recipient_count; i++, p += RECIPIENT_OCTETS)
        b->recipient[i] = p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16;
}

static bool counts_fit(const struct behaviour_packed *fixed)
{
    return fixed->networks <= BEHAVIOUR_NETWORKS && fixed->open <= BEHAVIOUR_OPEN &&
           fixed->senders <= BEHAVIOUR_SENDERS && fixed->recipient_count <= BEHAVIOUR_RECIPIENTS &&
           fixed->level <= BEHAVIOUR_LEVEL_MAX;
}

static void take_fixed(const struct behaviour_packed *fixed, struct behaviour *b)
{
    b->since = fixed->since;
    b->day = fixed->day;
    b->strangers = fixed->strangers;
    b->recipients = fixed->recipients;
    b->day_strangers = fixed->day_strangers;
    b->day_recipients = fixed->day_recipients;
    b->day_suspect = fixed->day_suspect;
    b->recipient_count = fixed->recipient_count;
    b->level = fixed->level;
    for (unsigned i = 0; i < BEHAVIOUR_PACES; i++) {
        b->pace[i].peak = fixed->peak[i];
        b->pace[i].usual = fixed->usual[i];
    }
}

void behaviour_unpack(const unsigned char *packed, size_t size, struct behaviour *behaviour_r)
{
    struct packed in = { packed, size, false };
    struct behaviour_packed fixed = { .level = UINT8_MAX };

    memset(behaviour_r, 0, offsetof(struct behaviour, recipient));
    get(&in, &fixed, FIXED_OCTETS);
    if (!counts_fit(&fixed))
        return;
    take_fixed(&fixed, behaviour_r);
    get_slidings(&in, behaviour_r, fixed.slidings);
    get(&in, behaviour_r->network, fixed.networks * sizeof *behaviour_r->network);
    get(&in, behaviour_r->open, fixed.open * sizeof *behaviour_r->open);
    get(&in, behaviour_r->refused_sender, fixed.senders * sizeof *behaviour_r->refused_sender);
    get_recipients(&in, behaviour_r);
    if (in.bad)
        memset(behaviour_r, 0, offsetof(struct behaviour, recipient));
}
