/* SPDX-License-Identifier: MIT */
#include "policyd/behaviour.h"

#include <stddef.h>
#include <string.h>

enum {
    DAY_S = 86400,
    GIVEN_UP_S = 600, /* a transaction that has not ended by then */
    COUNT_MAX = UINT16_MAX,
    FINGERPRINT_MASK = 0xffffff
};

const unsigned behaviour_pace_s[BEHAVIOUR_PACES] = { 600, 3600 };

/* What a day teaches: a busier one more than a quieter one, so that a monthly newsletter is
 * still usual a month later; shares by a half-life of some ten days of sending. */
static const float learn_up = 0.5f, learn_down = 0.01f, keep = 0.93f;

/* At first everybody is a stranger: those days are soon of no account. */
static const float keep_young = 0.75f;

/* What a day with a mailing to many weighs at most. */
static const float day_recipients_most = 20;

/* Until more is known: a mailbox from which hardly anything was ever sent has no reason to
 * write to strangers. */
static const float prior_recipients = 20, prior_strangers = 2;

/* Kept in state.db: it stays as it is. */
static uint64_t hash_of(struct span text)
{
    uint64_t h = str_hash(STR_HASH_START, text);

    h ^= h >> 32; /* all bits of it are used */
    h *= 0x9e3779b97f4a7c15u;
    h ^= h >> 29;
    return h;
}

void behaviour_copy(struct behaviour *to, const struct behaviour *from)
{
    memcpy(to, from, offsetof(struct behaviour, recipient) + from->recipient_count * sizeof from->recipient[0]);
}

/* ---- sliding counts ---- */

static int64_t slot_of(unsigned window_s, int64_t now)
{
    return now / (window_s / SLIDING_BUCKETS);
}

void sliding_add(struct sliding *s, unsigned window_s, int64_t now, unsigned count)
{
    int64_t slot = slot_of(window_s, now);
    uint16_t *bucket;

    /* A clock that was set back a little goes on in the newest bucket. */
    if (slot - s->slot >= SLIDING_BUCKETS || s->slot - slot >= SLIDING_BUCKETS) {
        memset(s->count, 0, sizeof s->count);
        s->slot = slot;
    }
    for (; s->slot < slot; s->count[s->slot % SLIDING_BUCKETS] = 0)
        s->slot++;
    bucket = &s->count[s->slot % SLIDING_BUCKETS];
    *bucket = count > (unsigned)(COUNT_MAX - *bucket) ? COUNT_MAX : (uint16_t)(*bucket + count);
}

unsigned sliding_sum(const struct sliding *s, unsigned window_s, int64_t now)
{
    int64_t oldest = slot_of(window_s, now) - SLIDING_BUCKETS + 1;
    unsigned sum = 0;

    if (oldest + 2 * SLIDING_BUCKETS <= s->slot)
        return 0;
    for (int64_t slot = s->slot; slot >= oldest && slot > s->slot - SLIDING_BUCKETS; slot--)
        sum += s->count[(slot + SLIDING_BUCKETS) % SLIDING_BUCKETS];
    return sum;
}

static void count(struct behaviour *b, enum signal id, int64_t now, unsigned n)
{
    sliding_add(&b->window[id], signal_infos[id].window_s, now, n);
}

/* ---- days ---- */

static void learn(struct behaviour *b)
{
    bool young = b->day * DAY_S - b->since < BEHAVIOUR_LEARN_S;
    float all = (float)b->day_recipients, weight = all < day_recipients_most ? all : day_recipients_most;

    for (unsigned i = 0; i < BEHAVIOUR_PACES; i++) {
        float more = (float)b->pace[i].peak - b->pace[i].usual;
        b->pace[i].usual += more * (more > 0 ? learn_up : learn_down);
    }
    b->recipients = b->recipients * (young ? keep_young : keep) + weight;
    b->strangers = b->strangers * (young ? keep_young : keep) + weight * (float)b->day_strangers / all;
}

/* To be called first with whatever happens. */
static void begin(struct behaviour *b, int64_t now)
{
    int64_t day = now / DAY_S;

    if (b->since == 0) {
        b->since = now;
        b->day = day;
    }
    if (day <= b->day)
        return;
    if (!b->day_suspect && b->day_recipients > 0)
        learn(b);
    b->day = day;
    b->day_strangers = b->day_recipients = 0;
    for (unsigned i = 0; i < BEHAVIOUR_PACES; i++)
        b->pace[i].peak = 0;
    b->day_suspect = false;
}

/* ---- networks ---- */

static uint32_t network_key(const struct network *n)
{
    uint32_t high = (uint32_t)n->bytes[0] << 8 | n->bytes[1];

    /* Of a global address the first bit is 0 (RFC 4291): nothing is lost. */
    return n->v6 ? high << 16 | (uint32_t)n->bytes[2] << 8 | n->bytes[3] | UINT32_C(1) << 31
                 : high | UINT32_C(1) << 16;
}

static bool is_new(const struct behaviour_network *n, int64_t now)
{
    return now - n->first < BEHAVIOUR_FAMILIAR_S;
}

/* Whom a new one replaces: an unused place, else the one used longest ago of those that are
 * new themselves, so that a thousand of them push out none that has proved itself. */
static struct behaviour_network *network_victim(struct behaviour *b, int64_t now)
{
    struct behaviour_network *victim = NULL, *oldest = &b->network[0];

    for (unsigned i = 0; i < BEHAVIOUR_NETWORKS; i++) {
        struct behaviour_network *n = &b->network[i];
        if (n->key == 0)
            return n;
        if (n->last < oldest->last)
            oldest = n;
        if (is_new(n, now) && (!victim || n->last < victim->last))
            victim = n;
    }
    return victim ? victim : oldest;
}

static struct behaviour_network *network_use(struct behaviour *b, const struct network *client, int64_t now)
{
    uint32_t key = network_key(client);
    struct behaviour_network *n = NULL;

    for (unsigned i = 0; i < BEHAVIOUR_NETWORKS && !n; i++)
        if (b->network[i].key == key)
            n = &b->network[i];
    if (!n) {
        n = network_victim(b, now);
        *n = (struct behaviour_network){ .key = key, .first = now };
    }
    n->last = now;
    return n;
}

void behaviour_login(struct behaviour *b, const struct network *client, int64_t now)
{
    begin(b, now);
    if (client)
        network_use(b, client, now);
}

unsigned behaviour_new_networks(const struct behaviour *b, unsigned window_s, int64_t now)
{
    unsigned number = 0;

    for (unsigned i = 0; i < BEHAVIOUR_NETWORKS; i++) {
        const struct behaviour_network *n = &b->network[i];
        number += n->key != 0 && n->sent != 0 && now - n->sent < window_s && is_new(n, now);
    }
    return number;
}

/* ---- recipients: whom it wrote to before ---- */

/* Whether it is one of the sample. */
static bool is_sampled(uint32_t fingerprint, unsigned level)
{
    return (fingerprint & ((UINT32_C(1) << level) - 1)) == 0;
}

/* Full: of those that are sampled every second one goes, or, with the thinnest sample, the
 * one written to longest ago. */
static void make_room(struct behaviour *b)
{
    unsigned kept = 0;

    if (b->level < BEHAVIOUR_LEVEL_MAX)
        b->level++;
    for (unsigned i = 0; i < b->recipient_count; i++)
        if (is_sampled(b->recipient[i], b->level))
            b->recipient[kept++] = b->recipient[i];
    b->recipient_count = kept < BEHAVIOUR_RECIPIENTS ? kept : BEHAVIOUR_RECIPIENTS - 1;
}

/* Moves it to the front; whether it was there. */
static bool recall(struct behaviour *b, uint32_t fingerprint)
{
    unsigned i = 0;
    bool found;

    while (i < b->recipient_count && b->recipient[i] != fingerprint)
        i++;
    found = i < b->recipient_count;
    if (!found) {
        if (b->recipient_count == BEHAVIOUR_RECIPIENTS)
            make_room(b);
        i = b->recipient_count++;
    }
    memmove(b->recipient + 1, b->recipient, i * sizeof b->recipient[0]);
    b->recipient[0] = fingerprint;
    return found;
}

/* ---- mail transactions ---- */

/* Postfix's instance ends in a number that counts up within one connection. */
static uint32_t nonzero(uint64_t hash)
{
    return (uint32_t)hash ? (uint32_t)hash : 1;
}

static uint32_t connection_of(struct span instance)
{
    const char *dot = instance.len > 0 ? memrchr(instance.ptr, '.', instance.len) : NULL;

    return nonzero(hash_of(dot ? (struct span){ instance.ptr, (size_t)(dot - instance.ptr) } : instance));
}

static void close_open(struct behaviour *b, struct behaviour_open *o, unsigned recipients, int64_t now)
{
    if (o->requests > recipients && now - o->began < signal_infos[SIGNAL_REFUSED_RECIPIENTS].window_s)
        count(b, SIGNAL_REFUSED_RECIPIENTS, now, o->requests - recipients);
    o->instance = 0;
}

/* The transaction; others of its connection, and those of long ago, were given up: all
 * their recipients had been refused. */
static struct behaviour_open *find_open(struct behaviour *b, struct span instance, int64_t now)
{
    uint32_t hash = nonzero(hash_of(instance)), connection = connection_of(instance);
    struct behaviour_open *found = NULL, *spare = &b->open[0];

    for (unsigned i = 0; i < BEHAVIOUR_OPEN; i++) {
        struct behaviour_open *o = &b->open[i];
        if (o->instance == hash)
            found = o;
        else if (o->instance != 0 && (o->connection == connection || now - o->began > GIVEN_UP_S))
            close_open(b, o, 0, now);
        if (spare->instance != 0 && (o->instance == 0 || o->began < spare->began))
            spare = o;
    }
    if (found)
        return found;
    *spare = (struct behaviour_open){ .instance = hash, .connection = connection, .began = now };
    return spare;
}

static void bump(uint16_t *counter, unsigned by)
{
    *counter = by > (unsigned)(COUNT_MAX - *counter) ? COUNT_MAX : (uint16_t)(*counter + by);
}

void behaviour_recipient(struct behaviour *b, struct span instance, struct span recipient, int64_t now)
{
    uint64_t hash = hash_of(recipient);
    uint32_t fingerprint = (uint32_t)hash & FINGERPRINT_MASK;
    struct behaviour_open *o;

    begin(b, now);
    o = find_open(b, instance, now);
    if (o->recipient == nonzero(hash))
        return;
    o->recipient = nonzero(hash);
    bump(&o->requests, 1);
    if (!is_sampled(fingerprint, b->level))
        return;
    bump(recall(b, fingerprint) ? &o->known : &o->strangers, 1u << b->level);
}

static void count_mix(struct behaviour_mix *m, unsigned window_s, const struct behaviour_open *o, int64_t now)
{
    sliding_add(&m->strangers, window_s, now, o->strangers);
    sliding_add(&m->known, window_s, now, o->known);
}

static void count_pace(struct behaviour_pace *p, unsigned window_s, unsigned recipients, int64_t now)
{
    unsigned sum;

    sliding_add(&p->recipients, window_s, now, recipients);
    sum = sliding_sum(&p->recipients, window_s, now);
    if (sum > p->peak)
        p->peak = sum;
}

void behaviour_message(struct behaviour *b, struct span instance, const struct network *client,
                       unsigned recipients, int64_t now)
{
    struct behaviour_open *o;
    struct behaviour_network *network;

    begin(b, now);
    o = find_open(b, instance, now);
    for (unsigned i = 0; i < BEHAVIOUR_PACES; i++)
        count_pace(&b->pace[i], behaviour_pace_s[i], recipients, now);
    b->day_recipients += o->strangers + o->known;
    b->day_strangers += o->strangers;
    count_mix(&b->everywhere, BEHAVIOUR_EVERYWHERE_S, o, now);
    close_open(b, o, recipients, now);
    if (!client)
        return;
    network = network_use(b, client, now);
    network->sent = now;
    if (!is_new(network, now))
        return;
    count(b, SIGNAL_NEW_NETWORK, now, recipients);
    count_mix(&b->elsewhere, BEHAVIOUR_ELSEWHERE_S, o, now);
}

/* ---- refusals ---- */

void behaviour_refused_message(struct behaviour *b, struct span instance, int64_t now)
{
    begin(b, now);
    find_open(b, instance, now)->instance = 0;
}

void behaviour_refused_sender(struct behaviour *b, struct span sender, int64_t now)
{
    uint32_t hash = (uint32_t)hash_of(sender);

    begin(b, now);
    for (unsigned i = 0; i < BEHAVIOUR_SENDERS; i++)
        if (b->refused_sender[i] == hash)
            return; /* a program with a wrong address asks again and again */
    memmove(b->refused_sender + 1, b->refused_sender, sizeof b->refused_sender - sizeof b->refused_sender[0]);
    b->refused_sender[0] = hash;
    count(b, SIGNAL_REFUSED_SENDERS, now, 1);
}

void behaviour_limit_hit(struct behaviour *b, int64_t now)
{
    begin(b, now);
    count(b, SIGNAL_LIMIT_HIT, now, 1);
}

void behaviour_suspect(struct behaviour *b, bool held, int64_t now)
{
    b->day_suspect = true;
    for (unsigned i = 0; held && i < BEHAVIOUR_NETWORKS; i++)
        if (b->network[i].last == now && is_new(&b->network[i], now))
            b->network[i].first = now;
}

void behaviour_forgive(struct behaviour *b)
{
    memset(b->window, 0, sizeof b->window);
    for (unsigned i = 0; i < BEHAVIOUR_PACES; i++)
        memset(&b->pace[i].recipients, 0, sizeof b->pace[i].recipients);
    memset(&b->everywhere, 0, sizeof b->everywhere);
    memset(&b->elsewhere, 0, sizeof b->elsewhere);
    memset(b->refused_sender, 0, sizeof b->refused_sender);
}

/* ---- what is known ---- */

bool behaviour_is_young(const struct behaviour *b, int64_t now)
{
    return now - b->since < BEHAVIOUR_LEARN_S;
}

float behaviour_stranger_share(const struct behaviour *b, int64_t now)
{
    if (behaviour_is_young(b, now))
        return 1;
    return (b->strangers + prior_strangers) / (b->recipients + prior_recipients);
}
