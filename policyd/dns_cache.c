/* SPDX-License-Identifier: MIT */
#include "policyd/dns_cache.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

/* The name, then the addresses (4 or 16 octets each) or the text. */
struct entry {
    LIST_ENTRY(entry) chain;
    TAILQ_ENTRY(entry) recent;
    uint64_t hash;
    uint64_t expires; /* ms */
    uint16_t name_length, data_length;
    unsigned char type, status, count;
    unsigned char octets[];
};

LIST_HEAD(chain, entry);
TAILQ_HEAD(recent, entry);

struct dns_cache {
    uint64_t seed[2];
    size_t entries, octets; /* in use */
    size_t entries_max, octets_max;
    size_t mask;          /* of the index into chains */
    struct recent recent; /* first: the one used last */
    struct chain chains[];
};

static const struct {
    uint32_t min, max; /* s */
} ttl_bounds[] = {
    [DNS_FOUND] = { DNS_TTL_MIN, DNS_TTL_MAX },
    [DNS_NODATA] = { DNS_TTL_MIN, DNS_TTL_MAX_NEGATIVE },
    [DNS_NXDOMAIN] = { DNS_TTL_MIN, DNS_TTL_MAX_NEGATIVE },
    [DNS_FAILED] = { DNS_TTL_FAILED, DNS_TTL_FAILED },
};

enum result dns_cache_new(size_t entries, const uint64_t seed[2], struct dns_cache **cache_r)
{
    struct dns_cache *cache;
    size_t chains = 16;

    while (chains < entries)
        chains *= 2;
    cache = calloc(1, sizeof *cache + chains * sizeof cache->chains[0]);
    if (!cache)
        return TRY_AGAIN;
    cache->seed[0] = seed[0];
    cache->seed[1] = seed[1];
    cache->entries_max = entries ? entries : 1;
    cache->octets_max = cache->entries_max * DNS_CACHE_ENTRY_OCTETS;
    cache->mask = chains - 1;
    TAILQ_INIT(&cache->recent);
    *cache_r = cache;
    return OK;
}

static size_t entry_octets(const struct entry *e)
{
    return sizeof *e + e->name_length + e->data_length;
}

static void drop(struct dns_cache *cache, struct entry *e)
{
    LIST_REMOVE(e, chain);
    TAILQ_REMOVE(&cache->recent, e, recent);
    cache->entries--;
    cache->octets -= entry_octets(e);
    free(e);
}

void dns_cache_free(struct dns_cache **cache)
{
    struct dns_cache *c = *cache;

    if (!c)
        return;
    while (!TAILQ_EMPTY(&c->recent))
        drop(c, TAILQ_FIRST(&c->recent));
    free(c);
    *cache = NULL;
}

/* A polynomial modulo the prime 2^61-1 at a random point (Carter and Wegman 1979):
 * two given names collide for at most 255 of the 2^61 points. */
static uint64_t multiply_modulo(uint64_t a, uint64_t b)
{
    const uint64_t prime = ((uint64_t)1 << 61) - 1;
    unsigned __int128 product = (unsigned __int128)a * b;
    uint64_t sum = (uint64_t)(product & prime) + (uint64_t)(product >> 61);

    return sum >= prime ? sum - prime : sum;
}

uint64_t dns_cache_hash(const struct dns_cache *cache, const struct dns_query *query)
{
    const uint64_t point = cache->seed[0] >> 3; /* below 2^61 */
    uint64_t h = (cache->seed[1] >> 4) + query->type;
    const unsigned char *name = query->name.wire;
    size_t i = 0;

    for (; i + 7 <= query->name.length; i += 7) { /* 56 bits a step stay below the prime */
        uint64_t octets = 0;
        memcpy(&octets, name + i, 7);
        h = multiply_modulo(h, point) + octets;
    }
    for (; i < query->name.length; i++)
        h = multiply_modulo(h, point) + name[i] + 1;
    return multiply_modulo(h, point);
}

static struct entry *find(const struct dns_cache *cache, const struct dns_query *query, uint64_t hash)
{
    struct entry *e;

    LIST_FOREACH(e, &cache->chains[hash & cache->mask], chain)
    if (e->hash == hash && e->type == query->type && e->name_length == query->name.length &&
        memcmp(e->octets, query->name.wire, e->name_length) == 0)
        return e;
    return NULL;
}

static size_t address_size(enum dns_type type)
{
    return type == DNS_A ? 4 : 16;
}

static void unpack(const struct entry *e, struct dns_answer *answer_r)
{
    const unsigned char *data = e->octets + e->name_length;
    size_t text = e->type == DNS_TXT ? e->data_length : 0;

    answer_r->status = e->status;
    answer_r->count = e->count;
    memcpy(answer_r->text, data, text);
    answer_r->text[text] = '\0';
    for (size_t i = 0, size = address_size(e->type); i < e->count; i++)
        memcpy(answer_r->address[i], data + i * size, size);
}

enum result dns_cache_get(struct dns_cache *cache, const struct dns_query *query, uint64_t now,
                          struct dns_answer *answer_r)
{
    struct entry *e = find(cache, query, dns_cache_hash(cache, query));

    if (!e)
        return NOT_FOUND;
    if (now >= e->expires) {
        drop(cache, e);
        return NOT_FOUND;
    }
    if (e != TAILQ_FIRST(&cache->recent)) {
        TAILQ_REMOVE(&cache->recent, e, recent);
        TAILQ_INSERT_HEAD(&cache->recent, e, recent);
    }
    unpack(e, answer_r);
    return OK;
}

static struct entry *pack(const struct dns_query *query, const struct dns_answer *answer)
{
    const bool is_text = query->type == DNS_TXT;
    const size_t size = address_size(query->type), count = is_text ? 0 : answer->count;
    const size_t length = is_text ? strlen(answer->text) : count * size;
    struct entry *e = malloc(sizeof *e + query->name.length + length);
    unsigned char *data;

    if (!e)
        return NULL;
    e->name_length = (uint16_t)query->name.length;
    e->data_length = (uint16_t)length;
    e->type = (unsigned char)query->type;
    e->status = (unsigned char)answer->status;
    e->count = (unsigned char)count;
    memcpy(e->octets, query->name.wire, query->name.length);
    data = e->octets + query->name.length;
    if (is_text)
        memcpy(data, answer->text, length);
    for (size_t i = 0; i < count; i++)
        memcpy(data + i * size, answer->address[i], size);
    return e;
}

static uint64_t bounded_ms(enum dns_status status, uint32_t ttl)
{
    if (ttl < ttl_bounds[status].min)
        ttl = ttl_bounds[status].min;
    if (ttl > ttl_bounds[status].max)
        ttl = ttl_bounds[status].max;
    return (uint64_t)ttl * 1000;
}

static void make_room(struct dns_cache *cache, size_t octets)
{
    struct entry *before;

    for (struct entry *e = TAILQ_LAST(&cache->recent, recent); e; e = before) {
        if (cache->entries < cache->entries_max && cache->octets + octets <= cache->octets_max)
            return;
        before = TAILQ_PREV(e, recent, recent);
        drop(cache, e);
    }
}

enum result dns_cache_put(struct dns_cache *cache, const struct dns_query *query,
                          const struct dns_answer *answer, uint32_t ttl, uint64_t now)
{
    struct entry *e = pack(query, answer), *old;

    if (!e)
        return TRY_AGAIN;
    e->hash = dns_cache_hash(cache, query);
    e->expires = now + bounded_ms(answer->status, ttl);
    old = find(cache, query, e->hash);
    if (old)
        drop(cache, old);
    make_room(cache, entry_octets(e));
    cache->entries++;
    cache->octets += entry_octets(e);
    LIST_INSERT_HEAD(&cache->chains[e->hash & cache->mask], e, chain);
    TAILQ_INSERT_HEAD(&cache->recent, e, recent);
    return OK;
}

size_t dns_cache_count(const struct dns_cache *cache)
{
    return cache->entries;
}

size_t dns_cache_octets(const struct dns_cache *cache)
{
    return cache->octets;
}
