/* SPDX-License-Identifier: MIT */
#include "policyd/resolver.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/random.h>
#include <time.h>

#include "policyd/dns_cache.h"

enum { BUCKETS = 64 };

/* A question in flight, with all who wait for its answer. */
struct dns_question {
    struct dns_lookup_user user;
    struct resolver *resolver;
    struct dns_lookup *lookup;
    struct dns_wait *waits;
    struct dns_query query;
    LIST_ENTRY(dns_question) link;
};

LIST_HEAD(question_list, dns_question);

struct resolver {
    struct dns_source source;
    struct dns_lookup_env env;
    struct dns_cache *cache;
    unsigned in_flight_max;
    struct question_list questions[BUCKETS];
    struct resolver_stats stats;
};

static struct resolver *resolver_of(struct dns_source *source)
{
    return (struct resolver *)((char *)source - offsetof(struct resolver, source));
}

static struct dns_question *question_of(struct dns_lookup_user *user)
{
    return (struct dns_question *)((char *)user - offsetof(struct dns_question, user));
}

static uint64_t monotonic_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static enum result kernel_random(void *octets, size_t length)
{
    return getrandom(octets, length, 0) == (ssize_t)length ? OK : TRY_AGAIN;
}

/* Waits */

static void wait_remove(struct dns_wait *w)
{
    *w->link = w->next;
    if (w->next)
        w->next->link = w->link;
    *w = (struct dns_wait){ 0 };
}

static void waiter_forget(struct dns_waiter *waiter)
{
    for (size_t i = 0; i < DNS_WAITS_MAX; i++)
        if (waiter->waits[i].question)
            wait_remove(&waiter->waits[i]);
}

/* LIMIT: this waiter waits for DNS_WAITS_MAX other questions. */
static enum result wait_add(struct dns_question *q, struct dns_waiter *waiter)
{
    struct dns_wait *w = NULL;

    for (size_t i = 0; i < DNS_WAITS_MAX; i++)
        if (waiter->waits[i].question == q)
            return OK;
        else if (!waiter->waits[i].question)
            w = &waiter->waits[i];
    if (!w)
        return LIMIT;
    *w = (struct dns_wait){ .question = q, .waiter = waiter, .next = q->waits, .link = &q->waits };
    if (w->next)
        w->next->link = &w->next;
    q->waits = w;
    return OK;
}

/* Questions */

static struct question_list *bucket(struct resolver *r, const struct dns_query *query)
{
    return &r->questions[dns_cache_hash(r->cache, query) % BUCKETS];
}

static struct dns_question *question_find(struct resolver *r, const struct dns_query *query)
{
    struct dns_question *q;

    LIST_FOREACH(q, bucket(r, query), link)
    if (q->query.type == query->type && dns_name_equal(&q->query.name, &query->name))
        return q;
    return NULL;
}

static void question_unlink(struct dns_question *q)
{
    LIST_REMOVE(q, link);
    q->resolver->stats.in_flight--;
    dns_lookup_free(&q->lookup);
}

/* The question is out of the table and its answer in the cache before anyone is
 * woken, since whoever is woken asks again. */
static void question_done(struct dns_lookup_user *user, const struct dns_answer *answer, uint32_t ttl)
{
    struct dns_question *q = question_of(user);
    struct resolver *r = q->resolver;

    r->stats.failed += answer->status == DNS_FAILED;
    if (dns_cache_put(r->cache, &q->query, answer, ttl, r->env.now_ms()) != OK)
        r->stats.not_kept++; /* whoever is woken asks the servers again */
    question_unlink(q);
    while (q->waits) {
        struct dns_waiter *waiter = q->waits->waiter;
        waiter_forget(waiter);
        waiter->wake(waiter);
    }
    free(q);
}

static void count_in_flight(struct resolver_stats *stats)
{
    stats->lookups++;
    stats->in_flight++;
    if (stats->in_flight > stats->in_flight_peak)
        stats->in_flight_peak = stats->in_flight;
}

/* LIMIT: enough are in flight.  TRY_AGAIN: nobody can be asked. */
static enum result question_start(struct resolver *r, const struct dns_query *query,
                                  struct dns_question **question_r)
{
    struct dns_question *q;

    if (r->stats.in_flight >= r->in_flight_max) {
        r->stats.over_limit++;
        return LIMIT;
    }
    q = calloc(1, sizeof *q);
    if (!q)
        return TRY_AGAIN;
    q->user.done = question_done;
    q->resolver = r;
    q->query = *query;
    if (dns_lookup_start(&r->env, query, &q->user, &q->lookup) != OK) {
        free(q);
        return TRY_AGAIN;
    }
    LIST_INSERT_HEAD(bucket(r, query), q, link);
    count_in_flight(&r->stats);
    *question_r = q;
    return OK;
}

/* The source */

static enum dns_status answer_status(enum dns_status status, struct dns_answer *answer_r)
{
    answer_r->status = status;
    answer_r->count = 0;
    answer_r->text[0] = '\0';
    return status;
}

static enum dns_status source_ask(struct dns_source *source, struct span name, enum dns_type type,
                                  struct dns_waiter *waiter, struct dns_answer *answer_r)
{
    struct resolver *r = resolver_of(source);
    struct dns_query query;
    struct dns_question *q;

    r->stats.asked++;
    query.type = type;
    if (dns_name_set(name, &query.name) != OK)
        return answer_status(DNS_NXDOMAIN, answer_r);
    if (dns_cache_get(r->cache, &query, r->env.now_ms(), answer_r) == OK) {
        r->stats.hits++;
        return answer_r->status;
    }
    q = question_find(r, &query);
    if (q)
        r->stats.shared++;
    else if (question_start(r, &query, &q) != OK)
        return answer_status(DNS_FAILED, answer_r);
    return answer_status(wait_add(q, waiter) == OK ? DNS_PENDING : DNS_FAILED, answer_r);
}

static void source_cancel(struct dns_source *source, struct dns_waiter *waiter)
{
    (void)source;
    waiter_forget(waiter);
}

/* Opening and closing */

static enum result read_servers(const struct resolver_config *config, struct dns_servers *servers_r,
                                struct error *error)
{
    if (config->server_count > 0)
        return dns_servers_set(config->servers, config->server_count, servers_r, error);
    return dns_servers_read(config->resolv_conf ? config->resolv_conf : "/etc/resolv.conf", servers_r, error);
}

static unsigned or_default(unsigned value, unsigned standard)
{
    return value ? value : standard;
}

static void set_limits(struct resolver *r, const struct resolver_config *config)
{
    r->env.timeout_ms = or_default(config->timeout_ms, RESOLVER_TIMEOUT_MS);
    r->in_flight_max = or_default(config->in_flight, RESOLVER_IN_FLIGHT);
}

static enum result open_cache(struct resolver *r, const struct resolver_config *config, struct error *error)
{
    unsigned entries = or_default(config->cache_entries, RESOLVER_CACHE_ENTRIES);
    uint64_t seed[2];

    if (r->env.random(seed, sizeof seed) != OK)
        return error_set(error, TRY_AGAIN, "no random numbers for DNS: %s", strerror(errno));
    if (dns_cache_new(entries > r->in_flight_max ? entries : r->in_flight_max, seed, &r->cache) != OK)
        return error_set(error, TRY_AGAIN, "no memory for the DNS cache");
    return OK;
}

enum result resolver_open(struct event_base *base, const struct resolver_config *config,
                          struct resolver **resolver_r, struct error *error)
{
    struct resolver *r = calloc(1, sizeof *r);
    enum result result;

    if (!r)
        return error_set(error, TRY_AGAIN, "no memory for the resolver");
    r->source = (struct dns_source){ .ask = source_ask, .cancel = source_cancel };
    r->env.base = base;
    r->env.now_ms = config->now_ms ? config->now_ms : monotonic_ms;
    r->env.random = config->random ? config->random : kernel_random;
    set_limits(r, config);
    result = read_servers(config, &r->env.servers, error);
    if (result == OK)
        result = open_cache(r, config, error);
    if (result != OK)
        resolver_close(&r);
    *resolver_r = r;
    return result;
}

static void restart(struct dns_question *q)
{
    static const struct dns_answer failed = { .status = DNS_FAILED };

    dns_lookup_free(&q->lookup);
    if (dns_lookup_start(&q->resolver->env, &q->query, &q->user, &q->lookup) != OK)
        question_done(&q->user, &failed, 0);
}

enum result resolver_reload(struct resolver *resolver, const struct resolver_config *config,
                            struct error *error)
{
    struct question_list old = LIST_HEAD_INITIALIZER(old);
    struct dns_servers servers;
    struct dns_question *q;
    enum result result = read_servers(config, &servers, error);

    if (result != OK)
        return result;
    for (size_t i = 0; i < BUCKETS; i++)
        while ((q = LIST_FIRST(&resolver->questions[i]))) {
            dns_lookup_free(&q->lookup); /* it points into the old servers */
            LIST_REMOVE(q, link);
            LIST_INSERT_HEAD(&old, q, link);
        }
    resolver->env.servers = servers;
    set_limits(resolver, config);
    while ((q = LIST_FIRST(&old))) {
        LIST_REMOVE(q, link);
        LIST_INSERT_HEAD(bucket(resolver, &q->query), q, link);
        restart(q);
    }
    return OK;
}

static void question_forget(struct dns_question *q)
{
    struct dns_wait *next;

    for (struct dns_wait *w = q->waits; w; w = next) {
        next = w->next;
        wait_remove(w);
    }
    question_unlink(q);
    free(q);
}

void resolver_close(struct resolver **resolver)
{
    struct resolver *r = *resolver;
    struct dns_question *next;

    if (!r)
        return;
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct dns_question *q = LIST_FIRST(&r->questions[i]); q; q = next) {
            next = LIST_NEXT(q, link);
            question_forget(q);
        }
    dns_cache_free(&r->cache);
    free(r);
    *resolver = NULL;
}

struct dns_source *resolver_source(struct resolver *resolver)
{
    return &resolver->source;
}

void resolver_get_stats(const struct resolver *resolver, struct resolver_stats *stats_r)
{
    *stats_r = resolver->stats;
    stats_r->wire = resolver->env.stats;
    stats_r->cache_entries = dns_cache_count(resolver->cache);
    stats_r->cache_octets = dns_cache_octets(resolver->cache);
}
