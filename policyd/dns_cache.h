/* SPDX-License-Identifier: MIT */
/*
 * What was answered and how long it holds, found and not found alike (RFC 2308),
 * and failures for a moment (RFC 9520).  Bounded in entries and octets; the least
 * recently used goes first.  Pure: time is an argument.  Layer 5, part of the
 * resolver.
 */
#ifndef POSTERN_DNS_CACHE_H
#define POSTERN_DNS_CACHE_H

#include "policyd/dns_packet.h"

enum {
    DNS_TTL_MIN = 5, /* s: the deadline of a request, which asks again for what it waited for */
    DNS_TTL_MAX = 86400,
    DNS_TTL_MAX_NEGATIVE = 3600,
    DNS_TTL_FAILED = 5,
    DNS_CACHE_ENTRY_OCTETS = 192 /* on average at most; `entries` times this is the bound */
};

struct dns_cache;

/* seed: two random numbers, so that nobody can prepare names that collide.
 * TRY_AGAIN: no memory. */
enum result dns_cache_new(size_t entries, const uint64_t seed[2], struct dns_cache **cache_r) MUST_CHECK;
void dns_cache_free(struct dns_cache **cache);

/* now: ms, never going back.  NOT_FOUND: not known, or no longer valid.  Of
 * answer_r->address only the first `count` are set. */
enum result dns_cache_get(struct dns_cache *cache, const struct dns_query *query, uint64_t now,
                          struct dns_answer *answer_r) MUST_CHECK;

/* Keeps answer for ttl seconds, within the bounds above for its status; it takes
 * the place of an older one, and stays even where it is larger than the bound in
 * octets.  TRY_AGAIN: no memory, nothing kept. */
enum result dns_cache_put(struct dns_cache *cache, const struct dns_query *query,
                          const struct dns_answer *answer, uint32_t ttl, uint64_t now) MUST_CHECK;

/* For other tables with the same keys. */
uint64_t dns_cache_hash(const struct dns_cache *cache, const struct dns_query *query);

size_t dns_cache_count(const struct dns_cache *cache);
size_t dns_cache_octets(const struct dns_cache *cache);

#endif
