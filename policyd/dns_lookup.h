/* SPDX-License-Identifier: MIT */
/*
 * One question on its way over all servers: time-outs, other servers, TCP, EDNS,
 * CNAMEs that leave the packet; it ends with one call.  Neither cache nor sharing.
 * Layer 6, part of the resolver.
 *
 * A server that is silent for its slice (time-out / (2 * servers)) is passed over,
 * yet its socket stays open: a late answer counts.  Two rounds over all servers
 * fit into the time-out.  A server that cannot answer is passed over at once.
 */
#ifndef POSTERN_DNS_LOOKUP_H
#define POSTERN_DNS_LOOKUP_H

#include "policyd/dns_packet.h"
#include "policyd/dns_servers.h"

struct event_base;
struct dns_lookup;

struct dns_lookup_stats {
    uint64_t sent;      /* packets, repeated ones too, and questions by TCP */
    uint64_t tcp;       /* of these by TCP */
    uint64_t ignored;   /* packets that were no reply to the question: forged or late */
    uint64_t silent;    /* a server passed over for its silence */
    uint64_t useless;   /* a server passed over for what it said, or closed */
    uint64_t timed_out; /* lookups without an answer in time */
};

/* What all lookups share. */
struct dns_lookup_env {
    struct event_base *base;
    struct dns_servers servers;
    unsigned timeout_ms;
    uint64_t (*now_ms)(void); /* monotonic */
    enum result (*random)(void *octets, size_t length);
    struct dns_lookup_stats stats;
};

struct dns_lookup_user {
    /* From the event loop only; frees the lookup.  ttl in s, 0: unknown. */
    void (*done)(struct dns_lookup_user *user, const struct dns_answer *answer, uint32_t ttl);
};

/* env and user must outlive the lookup, env->servers stay as it is meanwhile but for
 * dead_until.  TRY_AGAIN: no server can be asked (no descriptor, no memory, no route). */
enum result dns_lookup_start(struct dns_lookup_env *env, const struct dns_query *query,
                             struct dns_lookup_user *user, struct dns_lookup **lookup_r) MUST_CHECK;

void dns_lookup_free(struct dns_lookup **lookup); /* without the call */

#endif
