/* SPDX-License-Identifier: MIT */
/*
 * The daemon's parts: opened in order, reloaded, watched, closed.  Layer 7.
 */
#include "policyd/daemon.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "policyd/clock.h"
#include "policyd/log.h"
#include "policyd/notify.h"
#include "policyd/sandbox.h"

enum { ROW_ENTRIES = 98304, READ_BUSY_MS = 200, READ_CACHE_KIB = 65536, WATCH_S = 1 };

struct daemon the_daemon;

static struct {
    struct event *timer;
    struct store *fail; /* stands in while accounts.db is away */
    uint64_t version;   /* of accounts.db, as far as others changed it */
} watch;

int64_t daemon_now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME_COARSE, &ts);
    return ts.tv_sec;
}

/* Idleness is no matter of the date: it may be set while policyd runs. */
static int64_t monotonic_s(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
    return ts.tv_sec;
}

static struct server_limits server_limits(const struct config *c)
{
    return (struct server_limits){ c->limits.request_bytes, c->limits.connections, c->limits.deadline_ms,
                                   c->limits.idle_timeout_s };
}

static struct resolver_config resolver_config(const struct config *c)
{
    return (struct resolver_config){ .servers = (const char *const *)c->dns.servers.item,
                                     .server_count = c->dns.servers.count,
                                     .timeout_ms = c->dns.timeout_ms,
                                     .in_flight = c->dns.in_flight,
                                     .cache_entries = c->dns.cache_entries };
}

static size_t lookups_in_flight(void)
{
    struct resolver_stats stats;

    resolver_get_stats(the_daemon.resolver, &stats);
    return stats.in_flight;
}

static struct load_watch_config load_config(const struct config *c)
{
    return (struct load_watch_config){ .files = &the_daemon.load_files,
                                       .lookups = lookups_in_flight,
                                       .now = daemon_now,
                                       .monotonic_ns = clock_monotonic_ns,
                                       .state_db = c->state_db };
}

static enum result open_accounts(const struct config *c, struct store **store_r, struct error *e)
{
    struct store_params p = { .path = c->accounts_db,
                              .database = DATABASE_ACCOUNTS,
                              .access = STORE_READ,
                              .busy_timeout_ms = READ_BUSY_MS,
                              .cache_kib = READ_CACHE_KIB };

    return store_open(&p, store_r, e);
}

static void on_accounts_changed(void *context)
{
    (void)context;
    rows_changed(the_daemon.rows);
    list_filter_changed(the_daemon.list_filter);
    events_accounts_changed(the_daemon.events, false);
}

/* ---- the watch on accounts.db: removed, replaced, changed by somebody else ---- */

static void accounts_away(struct daemon *d)
{
    log_format(LOG_LEVEL_ALARM, "%s was removed or replaced: answering from the last good rows",
               d->config->accounts_db);
    rows_use(d->rows, watch.fail);
    store_close(&d->accounts);
}

static void accounts_back(struct daemon *d)
{
    struct error e;

    if (open_accounts(d->config, &d->accounts, &e) != OK)
        return; /* it was said once; looked at again in a second */
    log_format(LOG_LEVEL_WARNING, "%s is opened anew", d->config->accounts_db);
    rows_use(d->rows, d->accounts);
    list_filter_forget(d->list_filter);
    events_accounts_changed(d->events, true);
    if (store_version(d->accounts, &watch.version) != OK)
        watch.version = 0;
}

/* Once, when the log is open. */
static void warn_of_library(void)
{
    static bool said;

    if (!said && store_wal_reset())
        log_format(LOG_LEVEL_WARNING,
                   "SQLite %s has the WAL-reset bug: let no other program write the databases; see policyctl doctor",
                   store_wal_reset());
    said = true;
}

static void on_watch(evutil_socket_t fd, short what, void *arg)
{
    struct daemon *d = arg;
    uint64_t version = watch.version;

    (void)fd, (void)what;
    warn_of_library();
    rows_turn_end(d->rows); /* a read transaction would not see the change */
    if (!d->accounts)
        accounts_back(d);
    else if (store_version(d->accounts, &version) != OK)
        accounts_away(d);
    else if (version != watch.version) {
        watch.version = version;
        rows_changed(d->rows);
        list_filter_changed(d->list_filter);
        events_accounts_changed(d->events, false);
    }
}

static enum result start_watch(struct daemon *d, struct error *e)
{
    struct store_params fail = { .backend = "fail" };
    struct timeval tv = { WATCH_S, 0 };

    watch.timer = event_new(d->base, -1, EV_PERSIST, on_watch, d);
    if (!watch.timer || event_add(watch.timer, &tv) != 0)
        return error_set(e, TRY_AGAIN, "timer: %s", strerror(errno));
    if (store_version(d->accounts, &watch.version) != OK)
        watch.version = 0;
    return store_open(&fail, &watch.fail, e);
}

/* ---- start, reload, stop ---- */

enum result daemon_open(struct error *e)
{
    struct daemon *d = &the_daemon;
    struct writer_config writer = { d->config->accounts_db, d->config->state_db, on_accounts_changed, NULL, 0 };
    struct resolver_config dns = resolver_config(d->config);
    struct server_limits limits = server_limits(d->config);
    struct load_watch_config load = load_config(d->config);
    enum result r;

    d->started = d->configured = daemon_now();
    r = writer_open(d->base, &writer, &d->writer, e); /* first: it repairs what a crash left */
    if (r == OK)
        r = open_accounts(d->config, &d->accounts, e);
    if (r == OK)
        r = resolver_open(d->base, &dns, &d->resolver, e);
    if (r != OK)
        return r;
    d->list_filter = list_filter_open(LIST_FILTER_KEYS_MAX);
    if (!d->list_filter || rows_open(d->accounts, ROW_ENTRIES, &d->rows) != OK || answered_open(&d->answered) != OK ||
        transactions_open(&d->transactions) != OK || recipients_open(&d->recipients) != OK || busiest_open(&d->busiest) != OK ||
        aggregate_open(d->base, d->writer, daemon_now, &d->aggregate) != OK ||
        habits_open(d->base, d->writer, d->config->state_db, &d->habits) != OK ||
        events_open(d->base, d->writer, &d->events) != OK ||
        zone_watch_open(d->base, resolver_source(d->resolver), d->events, d->config, daemon_now, &d->zone_watch) !=
            OK ||
        load_watch_open(d->base, d->events, d->config, &load, &d->load_watch) != OK ||
        server_open(d->base, &limits, monotonic_s, &d->server) != OK)
        return error_set(e, TRY_AGAIN, "out of memory");
    r = counters_open(d->base, d->writer, d->config->state_db, &d->counters, e);
    if (r != OK)
        return r;
    aggregate_keep(d->aggregate, d->config->limits.keep_days);
    events_turn(d->events, d->accounts);
    writer_commit(d->writer);
    return start_watch(d, e);
}

void daemon_close(void)
{
    struct daemon *d = &the_daemon;

    server_close(&d->server);
    aggregate_close(&d->aggregate);
    habits_stop(d->habits);
    events_finish(d->events);
    counters_stop(d->counters);
    writer_close(&d->writer);
    counters_close(&d->counters);
    habits_close(&d->habits);
    events_free(&d->events);
    if (watch.timer)
        event_free(watch.timer);
    rows_close(&d->rows);
    list_filter_close(&d->list_filter);
    store_close(&d->accounts);
    store_close(&watch.fail);
    answered_close(&d->answered);
    transactions_close(&d->transactions);
    recipients_close(&d->recipients);
    busiest_close(&d->busiest);
    zone_watch_close(&d->zone_watch);
    load_watch_close(&d->load_watch);
    load_files_close(&d->load_files);
    if (d->resolver)
        resolver_close(&d->resolver);
}

void daemon_turn(void)
{
    policy_service_turn();
    counters_commit(the_daemon.counters);
    server_send(the_daemon.server);
    policy_service_record();
    server_send(the_daemon.server); /* to what came behind those */
    rows_turn_end(the_daemon.rows);
    if (the_daemon.accounts)
        list_filter_step(the_daemon.list_filter, the_daemon.accounts);
    events_turn(the_daemon.events, the_daemon.accounts);
    habits_turn(the_daemon.habits);
    counters_commit(the_daemon.counters);
    writer_commit(the_daemon.writer);
    log_flush();
}

static bool same_list(const struct string_list *a, const struct string_list *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (strcmp(a->item[i], b->item[i]) != 0)
            return false;
    return true;
}

/* What was opened with rights that are gone now, or cannot move while it is in use. */
static const char *needs_restart(const struct config *old, const struct config *new)
{
    if (!same_list(&old->listen, &new->listen))
        return "listen";
    if (!same_list(&old->socketmap_listen, &new->socketmap_listen))
        return "socketmap_listen";
    if (!same_list(&old->metrics_listen, &new->metrics_listen))
        return "metrics_listen";
    if (strcmp(old->control_socket, new->control_socket) != 0)
        return "control_socket";
    if (strcmp(old->accounts_db, new->accounts_db) != 0)
        return "accounts_db";
    if (strcmp(old->state_db, new->state_db) != 0)
        return "state_db";
    if (strcmp(old->user, new->user) != 0)
        return "user";
    if (strcmp(old->observe_user, new->observe_user) != 0)
        return "observe_user";
    if (old->sandbox != new->sandbox)
        return "sandbox";
    if (old->sandbox && !sandbox_has_log(old, new))
        return "log";
    return NULL;
}

static enum result reload(struct error *e)
{
    struct daemon *d = &the_daemon;
    struct config *config = NULL;
    const char *option;
    int64_t now = daemon_now(); /* what is written from here on is not known to have been read */
    enum result r = config_load(d->config->path, &config, e);

    if (r == OK && (option = needs_restart(d->config, config)) != NULL)
        r = error_set(e, BAD, "%s: a new %s needs a restart: the old configuration stays", config->path,
                      option);
    if (r == OK)
        r = log_open(config->log, e);
    if (r == OK) {
        struct resolver_config dns = resolver_config(config);
        r = resolver_reload(d->resolver, &dns, e);
    }
    if (r != OK) {
        (void)!log_open(d->config->log, NULL);
        log_format(LOG_LEVEL_WARNING, "reload: %s", e->text);
        config_free(&config);
        return r;
    }
    zone_watch_reload(d->zone_watch, config);
    load_watch_reload(d->load_watch, config);
    struct server_limits limits = server_limits(config);
    server_set_limits(d->server, &limits);
    config_free(&d->config);
    d->config = config;
    d->configured = now;
    aggregate_keep(d->aggregate, config->limits.keep_days);
    rows_changed(d->rows);
    log_format(LOG_LEVEL_INFO, "configuration read again from %s", config->path);
    return OK;
}

enum result daemon_reload(struct error *e)
{
    enum result r;

    notify_reloading();
    r = reload(e);
    notify_ready();
    return r;
}
