/* SPDX-License-Identifier: MIT */
#include "policyd/zone_watch.h"

#include <stddef.h>
#include <stdlib.h>

#include "policyd/log.h"

enum { TICK_S = 5 };

/* One test under way. */
struct test {
    struct dns_waiter waiter;
    struct zone_watch *watch;
    size_t zone;
};

struct zone_watch {
    struct dns_source *dns;
    struct events *events;
    const struct zone_list *list;
    int64_t (*now)(void);
    struct zones zones;
    struct event *timer;
    struct test test[CONFIG_DNSBL_ZONES_MAX];
};

/* last: of 127.0.0.x. */
static enum dns_status ask(struct test *t, unsigned char last, const char *name, struct dns_answer *answer_r)
{
    const struct dnsbl_zone *zone = &t->watch->list->item[t->zone];
    const struct network address = { .bytes = { 127, 0, 0, last }, .bits = 32 };
    struct dns_source *dns = t->watch->dns;
    char question[ZONE_QUESTION_MAX + 1];
    enum result r = zone->kind == ZONE_CLIENT ? dnsbl_question(zone, &address, question)
                                              : dnsbl_name_question(zone, span_of(name), question);

    if (r != OK)
        return answer_r->status = DNS_NXDOMAIN; /* no room for a name: nothing can be tested */
    answer_r->count = 0;
    return answer_r->status = dns->ask(dns, span_of(question), DNS_A, &t->waiter, answer_r);
}

static void tell(const struct zone_watch *w, size_t i, enum zone_health before)
{
    const struct zone_state *z = &w->zones.zone[i];
    const char *name = w->list->item[i].name;
    bool on = z->health == ZONE_WELL;

    if (on)
        log_format(LOG_LEVEL_WARNING, "dnsbl: %s is asked again: %s", name, zone_health_texts[z->health]);
    else
        log_format(LOG_LEVEL_ALARM, "dnsbl: %s is switched off: %s; tried again in %lld s", name,
                   zone_health_texts[z->health], (long long)(z->test_at - w->now()));
    events_add(w->events,
               &(struct event_report){ .kind = on ? EVENT_ZONE_ON : EVENT_ZONE_OFF,
                                       .subject = name,
                                       .reason = zone_health_texts[on ? before : z->health],
                                       .by = "dnsbl" },
               w->now());
}

/* Goes on when an answer is there: then it finds it in the cache. */
static void run_test(struct test *t)
{
    struct zones *zones = &t->watch->zones;
    struct dns_answer never, always;
    enum zone_health before;

    if (t->zone >= zones->count) /* a reload took it away */
        return;
    before = zones->zone[t->zone].health;
    /* Both at once. */
    enum dns_status first = ask(t, 1, "invalid", &never), second = ask(t, 2, "test", &always);
    if (first != DNS_PENDING && second != DNS_PENDING &&
        zones_tested(zones, t->zone, zones_judge(&never, &always), t->watch->now()))
        tell(t->watch, t->zone, before);
}

static void on_wake(struct dns_waiter *waiter)
{
    run_test((struct test *)((char *)waiter - offsetof(struct test, waiter)));
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    struct zone_watch *w = arg;

    (void)fd, (void)what;
    for (size_t i = 0; i < w->zones.count; i++)
        if (zones_due(&w->zones, i, w->now()))
            run_test(&w->test[i]);
}

static void stop_tests(struct zone_watch *w)
{
    for (size_t i = 0; i < CONFIG_DNSBL_ZONES_MAX; i++)
        w->dns->cancel(w->dns, &w->test[i].waiter);
}

enum result zone_watch_open(struct event_base *base, struct dns_source *dns, struct events *events,
                            const struct config *config, int64_t (*now)(void), struct zone_watch **watch_r)
{
    struct zone_watch *w = calloc(1, sizeof *w);
    struct timeval tick = { TICK_S, 0 };

    if (!w)
        return TRY_AGAIN;
    w->dns = dns;
    w->events = events;
    w->now = now;
    for (size_t i = 0; i < CONFIG_DNSBL_ZONES_MAX; i++)
        w->test[i] = (struct test){ .waiter = { .wake = on_wake }, .watch = w, .zone = i };
    w->timer = event_new(base, -1, EV_PERSIST, on_tick, w);
    if (!w->timer || event_add(w->timer, &tick) != 0) {
        zone_watch_close(&w);
        return TRY_AGAIN;
    }
    *watch_r = w;
    zone_watch_reload(w, config);
    return OK;
}

void zone_watch_close(struct zone_watch **watch)
{
    struct zone_watch *w = *watch;

    if (!w)
        return;
    stop_tests(w);
    if (w->timer)
        event_free(w->timer);
    free(w);
    *watch = NULL;
}

void zone_watch_reload(struct zone_watch *w, const struct config *config)
{
    stop_tests(w);
    w->list = &config->dnsbl.zones;
    zones_init(&w->zones, w->list->count, config->dnsbl.retry_s, w->now());
    on_tick(-1, 0, w);
}

struct zones *zone_watch_zones(struct zone_watch *w)
{
    return &w->zones;
}
