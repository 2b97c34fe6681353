/* SPDX-License-Identifier: MIT */
#include "policyd/dns_lookup.h"

#include <event2/event.h>
#include <stddef.h>
#include <stdlib.h>

#include "policyd/dns_transport.h"

enum { ROUNDS = 2 };

/* One server's part in a lookup. */
struct attempt {
    struct dns_transport_user user;
    struct dns_lookup *lookup;
    struct dns_server *server;
    struct dns_transport *transport; /* open while an answer may come */
    enum dns_transport_kind kind;
    uint16_t id;
    bool no_edns;
    bool heard;  /* it said something, so it is not dead */
    bool failed; /* not to be asked again */
};

struct dns_lookup {
    struct dns_lookup_env *env;
    struct dns_lookup_user *user;
    struct dns_query query; /* as asked now */
    struct event *timer;
    uint64_t deadline;
    unsigned slice_ms;
    size_t aliases;
    uint32_t ttl;
    size_t tries; /* of this query; ROUNDS times the servers at most */
    struct attempt *current;
    size_t count;
    struct attempt attempts[]; /* in the order to ask */
};

static void attempt_packet(struct dns_transport_user *user, const unsigned char *octets, size_t length);
static void attempt_broken(struct dns_transport_user *user);

static struct attempt *attempt_of(struct dns_transport_user *user)
{
    return (struct attempt *)((char *)user - offsetof(struct attempt, user));
}

static void finish(struct dns_lookup *l, const struct dns_answer *answer, uint32_t ttl)
{
    l->user->done(l->user, answer, ttl);
}

static void finish_failed(struct dns_lookup *l)
{
    static const struct dns_answer failed = { .status = DNS_FAILED };

    finish(l, &failed, 0);
}

static enum result attempt_open(struct attempt *a)
{
    struct dns_lookup_env *env = a->lookup->env;

    if (env->random(&a->id, sizeof a->id) != OK)
        return TRY_AGAIN;
    return dns_transport_open(env->base, a->kind, a->server, &a->user, &a->transport);
}

/* Asks for the first time, again, or anew after the transport was closed. */
static enum result attempt_send(struct attempt *a)
{
    struct dns_lookup_env *env = a->lookup->env;
    struct dns_packet packet;

    if (a->transport && a->kind == DNS_TRANSPORT_TCP)
        return OK; /* the kernel repeats */
    if (!a->transport && attempt_open(a) != OK)
        return TRY_AGAIN;
    if (dns_packet_build(&a->lookup->query, a->id, !a->no_edns, &packet) != OK)
        return TRY_AGAIN;
    env->stats.sent++;
    env->stats.tcp += a->kind == DNS_TRANSPORT_TCP;
    return dns_transport_send(a->transport, &packet);
}

static void attempt_give_up(struct attempt *a)
{
    dns_transport_close(&a->transport);
    a->failed = true;
    a->lookup->env->stats.useless++;
}

static bool is_waiting(const struct dns_lookup *l)
{
    for (size_t i = 0; i < l->count; i++)
        if (l->attempts[i].transport)
            return true;
    return false;
}

static unsigned left_ms(const struct dns_lookup *l)
{
    uint64_t now = l->env->now_ms();

    return now < l->deadline ? (unsigned)(l->deadline - now) : 0;
}

static enum result set_timer(struct dns_lookup *l, unsigned ms)
{
    struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000 };

    return event_add(l->timer, &tv) == 0 ? OK : TRY_AGAIN;
}

/* OK: an answer may still come.  TRY_AGAIN: nobody is left to ask. */
static enum result try_next(struct dns_lookup *l)
{
    unsigned left = left_ms(l);

    while (l->tries < ROUNDS * l->count) {
        struct attempt *a = &l->attempts[l->tries++ % l->count];
        if (a->failed)
            continue;
        if (attempt_send(a) == OK) {
            l->current = a;
            return set_timer(l, left < l->slice_ms ? left : l->slice_ms);
        }
        attempt_give_up(a);
    }
    return is_waiting(l) ? set_timer(l, left) : TRY_AGAIN;
}

/* After a failed attempt; the slice of another one is left to run. */
static void go_on(struct dns_lookup *l, const struct attempt *failed)
{
    if (failed != l->current && is_waiting(l))
        return;
    if (try_next(l) != OK)
        finish_failed(l);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
    struct dns_lookup *l = context;
    struct attempt *a = l->current;

    (void)fd;
    (void)what;
    if (a->transport && !a->heard) {
        a->server->dead_until = l->env->now_ms() + DNS_SERVER_DEAD_MS;
        l->env->stats.silent++;
    }
    if (left_ms(l) == 0) {
        l->env->stats.timed_out++;
        finish_failed(l);
    } else if (try_next(l) != OK)
        finish_failed(l);
}

static void attempt_broken(struct dns_transport_user *user)
{
    struct attempt *a = attempt_of(user);

    if (a->kind == DNS_TRANSPORT_UDP) /* nothing listens there */
        a->server->dead_until = a->lookup->env->now_ms() + DNS_SERVER_DEAD_MS;
    attempt_give_up(a);
    go_on(a->lookup, a);
}

/* The same server again, otherwise. */
static void ask_anew(struct attempt *a)
{
    dns_transport_close(&a->transport);
    if (attempt_send(a) == OK)
        return;
    attempt_give_up(a);
    go_on(a->lookup, a);
}

/* What is left of the time is shared anew, for the query as it is now. */
static enum result begin(struct dns_lookup *l)
{
    if (l->count == 0)
        return TRY_AGAIN;
    l->tries = 0;
    l->slice_ms = left_ms(l) / (unsigned)(ROUNDS * l->count) + 1;
    return try_next(l);
}

static void follow_alias(struct dns_lookup *l, const struct dns_reply *reply)
{
    l->query.name = reply->alias;
    for (size_t i = 0; i < l->count; i++) {
        struct attempt *a = &l->attempts[i];
        dns_transport_close(&a->transport);
        a->kind = DNS_TRANSPORT_UDP;
        a->failed = false;
    }
    if (begin(l) != OK)
        finish_failed(l);
}

/* By TCP nothing can be forged from outside, so a wrong packet is the server's fault. */
static void act_on(struct attempt *a, const struct dns_reply *reply)
{
    enum dns_reply_kind kind = reply->kind;
    bool by_tcp = a->kind == DNS_TRANSPORT_TCP;

    if (kind == DNS_REPLY_TRUNCATED && !by_tcp) {
        a->kind = DNS_TRANSPORT_TCP;
        ask_anew(a);
    } else if (kind == DNS_REPLY_NO_EDNS && !a->no_edns) {
        a->no_edns = true;
        ask_anew(a);
    } else if (kind == DNS_REPLY_ALIAS)
        follow_alias(a->lookup, reply);
    else if (kind == DNS_REPLY_ANSWER)
        finish(a->lookup, &reply->answer, a->lookup->ttl);
    else {
        attempt_give_up(a);
        go_on(a->lookup, a);
    }
}

static void attempt_packet(struct dns_transport_user *user, const unsigned char *octets, size_t length)
{
    struct attempt *a = attempt_of(user);
    struct dns_lookup *l = a->lookup;
    struct dns_reply reply;

    dns_packet_read(octets, length, &l->query, a->id, &reply);
    if (reply.kind == DNS_REPLY_OTHER) {
        l->env->stats.ignored++;
        if (a->kind == DNS_TRANSPORT_UDP)
            return;
    }
    a->heard = true;
    a->server->dead_until = 0;
    if (reply.kind == DNS_REPLY_ANSWER || reply.kind == DNS_REPLY_ALIAS) {
        l->aliases += reply.aliases;
        if (reply.ttl < l->ttl)
            l->ttl = reply.ttl;
    }
    if (l->aliases > DNS_ALIASES_MAX)
        finish_failed(l);
    else
        act_on(a, &reply);
}

static void set_attempts(struct dns_lookup *l)
{
    unsigned char order[DNS_SERVERS_MAX];

    dns_servers_order(&l->env->servers, l->env->now_ms(), order);
    for (size_t i = 0; i < l->count; i++)
        l->attempts[i] = (struct attempt){
            .user = { .packet = attempt_packet, .broken = attempt_broken },
            .lookup = l,
            .server = &l->env->servers.list[order[i]],
            .kind = DNS_TRANSPORT_UDP,
        };
}

enum result dns_lookup_start(struct dns_lookup_env *env, const struct dns_query *query,
                             struct dns_lookup_user *user, struct dns_lookup **lookup_r)
{
    const size_t count = env->servers.count;
    struct dns_lookup *l = calloc(1, sizeof *l + count * sizeof l->attempts[0]);

    if (!l)
        return TRY_AGAIN;
    l->env = env;
    l->user = user;
    l->query = *query;
    l->ttl = UINT32_MAX;
    l->count = count;
    l->deadline = env->now_ms() + env->timeout_ms;
    set_attempts(l);
    l->timer = evtimer_new(env->base, on_timer, l);
    if (!l->timer || begin(l) != OK) {
        dns_lookup_free(&l);
        return TRY_AGAIN;
    }
    *lookup_r = l;
    return OK;
}

void dns_lookup_free(struct dns_lookup **lookup)
{
    struct dns_lookup *l = *lookup;

    if (!l)
        return;
    for (size_t i = 0; i < l->count; i++)
        dns_transport_close(&l->attempts[i].transport);
    if (l->timer)
        event_free(l->timer);
    free(l);
    *lookup = NULL;
}
