/* SPDX-License-Identifier: MIT */
/*
 * The DNS source of the daemon: libldns packets on sockets of its own in the event
 * loop, with a cache, identical questions shared and a bound on those in flight.
 * Layer 7.
 */
#ifndef POSTERN_RESOLVER_H
#define POSTERN_RESOLVER_H

#include "policyd/dns.h"
#include "policyd/dns_lookup.h"

enum { RESOLVER_TIMEOUT_MS = 2000, RESOLVER_IN_FLIGHT = 256, RESOLVER_CACHE_ENTRIES = 16384 };

/* 0 or NULL: the default.  Takes up to in_flight * servers descriptors. */
struct resolver_config {
    const char *const *servers;                         /* "ADDRESS" or "ADDRESS@PORT" */
    size_t server_count;                                /* 0: those of resolv_conf */
    const char *resolv_conf;                            /* /etc/resolv.conf */
    unsigned timeout_ms;                                /* of one lookup, with all its retries */
    unsigned in_flight;                                 /* questions; one more is answered DNS_FAILED */
    unsigned cache_entries;                             /* at least in_flight */
    uint64_t (*now_ms)(void);                           /* monotonic; default CLOCK_MONOTONIC */
    enum result (*random)(void *octets, size_t length); /* default getrandom(2) */
};

struct resolver_stats {
    uint64_t asked;      /* calls of ask() */
    uint64_t hits;       /* answered from the cache */
    uint64_t shared;     /* joined a question in flight */
    uint64_t lookups;    /* started */
    uint64_t failed;     /* of these without an answer */
    uint64_t over_limit; /* not started: in_flight reached */
    uint64_t not_kept;   /* answers lost for want of memory */
    size_t in_flight, in_flight_peak;
    size_t cache_entries, cache_octets;
    struct dns_lookup_stats wire;
};

struct resolver;

/* Copies config.  BAD: a malformed server, an unreadable resolv.conf.  TRY_AGAIN: no
 * memory, no random numbers. */
enum result resolver_open(struct event_base *base, const struct resolver_config *config,
                          struct resolver **resolver_r, struct error *error) MUST_CHECK;

/* New servers and limits.  The cache stays, and what is in flight starts afresh with
 * the new servers.  When not OK, nothing has changed.  cache_entries, now_ms and
 * random stay as they were. */
enum result resolver_reload(struct resolver *resolver, const struct resolver_config *config,
                            struct error *error) MUST_CHECK;

/* Forgets all waiters, waking none.  Not to be called from wake(). */
void resolver_close(struct resolver **resolver);

/*
 * Valid until resolver_close().  ask() costs no more than a hash look-up when the
 * answer is in the cache.  Every answer that was waited for, also FAILED and one with
 * TTL 0, stays there for at least DNS_TTL_MIN, so that a request that is woken finds
 * it.  DNS_FAILED for want of room or descriptors is not kept.  A name that no host can
 * have (dns_name_set()) is answered DNS_NXDOMAIN without asking anybody, as Postfix does.
 */
struct dns_source *resolver_source(struct resolver *resolver);

void resolver_get_stats(const struct resolver *resolver, struct resolver_stats *stats_r);

#endif
