/* SPDX-License-Identifier: MIT */
#include "policyd/metrics.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "policyd/check.h"
#include "policyd/clock.h"
#include "policyd/daemon.h"
#include "policyd/exposition.h"
#include "policyd/log.h"
#include "policyd/login_service.h"

enum { WRITER_STUCK_S = 10, PATH_SIZE = 4096 };
static const double ns_per_s = 1e9;

/* ---- families with labels ---- */

static void write_decisions(struct evbuffer *out)
{
    static const struct family decisions = { "postern_decisions_total", METRIC_COUNTER,
                                             "Requests answered, by what the answer was." };
    static const struct family duration = { "postern_decision_duration_seconds", METRIC_HISTOGRAM,
                                            "Time from a whole request to its reply." };
    const struct counts *c = &the_daemon.counts;

    exposition_head(out, &decisions);
    for (int o = 0; o < OUTCOME_COUNT; o++)
        exposition_sample(out, &decisions, &(struct label){ "outcome", outcome_names[o] }, 1,
                          (double)c->outcome[o]);
    exposition_head(out, &duration);
    exposition_histogram(out, &duration, NULL, 0, &c->duration, duration_bounds, ns_per_s);
}

static void write_verdicts(struct evbuffer *out)
{
    static const struct family verdicts = { "postern_check_verdicts_total", METRIC_COUNTER,
                                            "Times that a check was run, by its verdict." };
    static const enum verdict shown[] = { VERDICT_PASS, VERDICT_REFUSE, VERDICT_TRY_AGAIN };

    exposition_head(out, &verdicts);
    for (int id = 0; id < CHECK_COUNT; id++)
        for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
            enum verdict v = shown[i];
            struct label label[] = { { "check", check_infos[id].name }, { "verdict", verdict_name(v) } };
            exposition_sample(out, &verdicts, label, 2, (double)the_daemon.counts.check[id].verdict[v]);
        }
}

static void write_load(struct evbuffer *out)
{
    static const struct family shed = { "postern_check_shed_total", METRIC_COUNTER,
                                        "Times that a check was not run, for the load." };
    static const struct family level = { "postern_load_level", METRIC_GAUGE,
                                         "How many steps of checks are not run, for the load: 0 to 3." };
    static const struct family reading = { "postern_load_reading", METRIC_GAUGE,
                                           "What the load goes by, in the units of policyd.conf." };
    const struct load *load = load_watch_load(the_daemon.load_watch);

    exposition_head(out, &shed);
    for (int id = 0; id < CHECK_COUNT; id++)
        if (checks[id].shed_at > 0)
            exposition_sample(out, &shed, &(struct label){ "check", check_infos[id].name }, 1,
                              (double)the_daemon.counts.check[id].verdict[VERDICT_SHED]);
    exposition_single(out, &level, load->level);
    exposition_head(out, &reading);
    for (unsigned i = 0; i < LOAD_READINGS; i++)
        if (load->sample.value[i] >= 0)
            exposition_sample(out, &reading, &(struct label){ "reading", load_reading_names[i] }, 1,
                              load->sample.value[i]);
}

static void write_causes(struct evbuffer *out, const struct family *f, const char *check,
                         const struct cause_count *c)
{
    const char *cause = *c->name ? c->name : "other";
    struct label refused[] = { { "check", check }, { "mode", "enforce" }, { "cause", cause } };
    struct label held[] = { { "check", check }, { "mode", "hold" }, { "cause", cause } };
    struct label observed[] = { { "check", check }, { "mode", "observe" }, { "cause", cause } };

    if (c->refused > 0)
        exposition_sample(out, f, refused, 3, (double)c->refused);
    if (c->held > 0)
        exposition_sample(out, f, held, 3, (double)c->held);
    if (c->observed > 0)
        exposition_sample(out, f, observed, 3, (double)c->observed);
}

static void write_findings(struct evbuffer *out)
{
    static const struct family findings = { "postern_findings_total", METRIC_COUNTER,
                                            "What checks would refuse, by mode and cause." };

    exposition_head(out, &findings);
    for (int id = 0; id < CHECK_COUNT; id++) {
        const struct check_counts *c = &the_daemon.counts.check[id];
        for (size_t i = 0; i < c->causes; i++)
            write_causes(out, &findings, check_infos[id].name, &c->cause[i]);
        write_causes(out, &findings, check_infos[id].name, &c->cause[COUNTS_CAUSES_MAX]);
    }
}

static void write_check_durations(struct evbuffer *out)
{
    static const struct family duration = { "postern_check_duration_seconds", METRIC_HISTOGRAM,
                                            "Time that a run of a check took, of one request in 32." };

    exposition_head(out, &duration);
    for (int id = 0; id < CHECK_COUNT; id++)
        exposition_histogram(out, &duration, &(struct label){ "check", check_infos[id].name }, 1,
                             &the_daemon.counts.check[id].duration, duration_bounds, ns_per_s);
}

static void write_facts(struct evbuffer *out)
{
    static const struct family facts = { "postern_facts_total", METRIC_COUNTER,
                                         "What checks asked the account table, by kind and answer." };
    static const struct family dns = { "postern_dns_questions_total", METRIC_COUNTER,
                                       "What checks asked the DNS, by answer." };
    static const char *const statuses[DNS_STATUS_COUNT] = { "found", "nodata", "nxdomain", "failed",
                                                            "pending" };
    static const enum result answers[] = { OK, NOT_FOUND, LIMIT, TRY_AGAIN };

    exposition_head(out, &facts);
    for (int kind = 0; kind < FACT_KINDS; kind++)
        for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
            struct label label[] = { { "kind", fact_kind_names[kind] },
                                     { "answer", result_name(answers[i]) } };
            exposition_sample(out, &facts, label, 2, (double)the_daemon.facts_counts.row[kind][answers[i]]);
        }
    exposition_head(out, &dns);
    for (int s = 0; s < DNS_STATUS_COUNT; s++)
        exposition_sample(out, &dns, &(struct label){ "answer", statuses[s] }, 1,
                          (double)the_daemon.facts_counts.dns[s]);
}

static void write_commits(struct evbuffer *out)
{
    static const struct family duration = { "postern_commit_duration_seconds", METRIC_HISTOGRAM,
                                            "Time that a transaction of the writer took." };
    static const struct family size = { "postern_commit_changes", METRIC_HISTOGRAM,
                                        "Sets of changes in a transaction of the writer." };
    struct writer_stats w = writer_stats(the_daemon.writer);

    exposition_head(out, &duration);
    exposition_histogram(out, &duration, NULL, 0, &w.duration, duration_bounds, ns_per_s);
    exposition_head(out, &size);
    exposition_histogram(out, &size, NULL, 0, &w.size, size_bounds, 1);
}

static void write_sizes(struct evbuffer *out)
{
    static const struct family size = { "postern_database_bytes", METRIC_GAUGE,
                                        "Size of a database's files: the main one and its write-ahead log." };
    const struct {
        const char *name, *path;
    } databases[] = { { "accounts", the_daemon.config->accounts_db },
                      { "state", the_daemon.config->state_db } };
    static const char *const suffixes[] = { "", "-wal" };
    char path[PATH_SIZE];

    exposition_head(out, &size);
    for (size_t i = 0; i < 4; i++) {
        struct label label[] = { { "database", databases[i / 2].name }, { "file", i % 2 ? "wal" : "main" } };
        struct strbuf b;
        struct stat st;
        strbuf_init(&b, path, sizeof path);
        strbuf_addf(&b, "%s%s", databases[i / 2].path, suffixes[i % 2]);
        if (!b.cut && stat(path, &st) == 0)
            exposition_sample(out, &size, label, 2, (double)st.st_size);
    }
}

static void write_held(struct evbuffer *out)
{
    static const struct family held = { "postern_database_log_held_seconds", METRIC_GAUGE,
                                        "For how long a database's log was not written back as a whole." };
    static const char *const names[] = { [DATABASE_ACCOUNTS] = "accounts", [DATABASE_STATE] = "state" };
    struct writer_stats w = writer_stats(the_daemon.writer);

    exposition_head(out, &held);
    for (size_t d = 0; d < 2; d++) {
        uint64_t since = w.held_since_ns[d];
        exposition_sample(out, &held, &(struct label){ "database", names[d] }, 1,
                          since > 0 ? (double)(clock_monotonic_ns() - since) / 1e9 : 0);
    }
}

static void write_zones(struct evbuffer *out)
{
    static const struct family usable = { "postern_dnsbl_zone_usable", METRIC_GAUGE,
                                          "0 where a DNS list is switched off." };
    const struct zones *zones = zone_watch_zones(the_daemon.zone_watch);

    if (zones->count > 0)
        exposition_head(out, &usable);
    for (size_t i = 0; i < zones->count; i++)
        exposition_sample(out, &usable,
                          &(struct label){ "zone", the_daemon.config->dnsbl.zones.item[i].text }, 1,
                          zones_usable(zones, i));
}

/* ---- families of one sample ---- */

static bool take_number(const struct row *row, void *context)
{
    *(double *)context = row->column[0] ? strtod(row->column[0], NULL) : 0;
    return false;
}

static void write_suspended(struct evbuffer *out)
{
    static const struct family suspended = { "postern_suspended_accounts", METRIC_GAUGE,
                                             "Accounts that are suspended, in any service." };
    char now[24];
    const char *param = now;
    double number;
    struct strbuf b;

    strbuf_init(&b, now, sizeof now);
    strbuf_addu(&b, (uint64_t)daemon_now());
    if (the_daemon.accounts &&
        store_query(the_daemon.accounts, QUERY_SUSPENDED_COUNT, &param, 1, take_number, &number) == OK)
        exposition_single(out, &suspended, number);
}

struct sample {
    struct family family;
    double value;
};

static void write_samples(struct evbuffer *out, const struct sample *sample, size_t count)
{
    for (size_t i = 0; i < count; i++)
        exposition_single(out, &sample[i].family, sample[i].value);
}

#define COUNTER(name, help, value)                                                                           \
    {                                                                                                        \
        { "postern_" name "_total", METRIC_COUNTER, help }, (double)(value)                                  \
    }
#define GAUGE(name, help, value)                                                                             \
    {                                                                                                        \
        { "postern_" name, METRIC_GAUGE, help }, (double)(value)                                             \
    }
#define WRITE(out, ...)                                                                                      \
    do {                                                                                                     \
        const struct sample samples[] = { __VA_ARGS__ };                                                     \
        write_samples(out, samples, sizeof samples / sizeof *samples);                                       \
    } while (0)

static void write_server(struct evbuffer *out)
{
    struct server_stats s = server_stats(the_daemon.server);

    WRITE(out,
          GAUGE("start_time_seconds", "When the daemon started, in seconds since 1970.", the_daemon.started),
          GAUGE("connections", "Open connections.", s.open),
          GAUGE("waiting_requests", "Requests that wait for DNS or a commit.", s.parked),
          COUNTER("connections_accepted", "Connections accepted.", s.accepted),
          COUNTER("requests", "Whole requests, of every service.", s.requests),
          COUNTER("requests_malformed", "Requests closed without a reply for what they said.", s.malformed),
          COUNTER("requests_oversized", "Requests closed without a reply for their size.", s.oversized),
          COUNTER("connections_closed_idle", "Connections closed for being idle.", s.idle_closed),
          COUNTER("connections_closed_at_cap", "Connections closed to make room.", s.cap_closed));
}

static void write_storage(struct evbuffer *out)
{
    struct rows_stats rows = rows_stats(the_daemon.rows);
    struct writer_stats w = writer_stats(the_daemon.writer);

    WRITE(out,
          GAUGE("accounts_readable", "1 where the account table can be read.", the_daemon.accounts != NULL),
          COUNTER("rows_kept", "Rows answered from memory.", rows.kept),
          COUNTER("rows_read", "Rows read from the account table.", rows.read),
          COUNTER("rows_last_good", "Rows answered as they last were, the table being unreadable.",
                  rows.last_good),
          COUNTER("rows_failed", "Rows that could not be had.", rows.failed),
          COUNTER("commit_failures", "Transactions of the writer that failed.", w.failures),
          COUNTER("observations_lost", "Observations lost for want of room.",
                  aggregate_lost(the_daemon.aggregate)),
          COUNTER("events_lost", "Events lost for want of room.", events_lost(the_daemon.events)),
          COUNTER("log_lines_dropped", "Log lines lost for want of room.", log_dropped()));
}

static void write_logins(struct evbuffer *out)
{
    struct login_stats l = login_stats();

    WRITE(out, COUNTER("logins", "Logins that Dovecot told of.", l.received),
          COUNTER("logins_lost", "Logins that Dovecot could not tell of, by its count.", l.lost),
          COUNTER("logins_forbidden", "Datagrams dropped for their sender's user.", l.forbidden),
          COUNTER("logins_malformed", "Datagrams dropped for what they said.", l.malformed));
}

static void write_dns(struct evbuffer *out)
{
    struct resolver_stats d;

    resolver_get_stats(the_daemon.resolver, &d);
    WRITE(out, COUNTER("dns_cache_hits", "Questions answered from the cache.", d.hits),
          COUNTER("dns_shared", "Questions that joined one in flight.", d.shared),
          COUNTER("dns_lookups", "Look-ups started.", d.lookups),
          COUNTER("dns_failures", "Look-ups without an answer.", d.failed),
          COUNTER("dns_over_limit", "Look-ups not started for their number.", d.over_limit),
          GAUGE("dns_in_flight", "Look-ups in flight.", d.in_flight),
          GAUGE("dns_cache_entries", "Answers in the cache.", d.cache_entries),
          GAUGE("dns_cache_bytes", "Memory of the cache.", d.cache_octets));
}

void metrics_write(struct evbuffer *out)
{
    write_decisions(out);
    write_verdicts(out);
    write_load(out);
    write_findings(out);
    write_check_durations(out);
    write_facts(out);
    write_commits(out);
    write_sizes(out);
    write_held(out);
    write_zones(out);
    write_suspended(out);
    write_server(out);
    write_storage(out);
    write_logins(out);
    write_dns(out);
}

/* ---- health ---- */

bool health_write(struct evbuffer *out)
{
    struct writer_stats w = writer_stats(the_daemon.writer);
    uint64_t busy_ns = w.busy_since_ns > 0 ? clock_monotonic_ns() - w.busy_since_ns : 0;

    if (!the_daemon.accounts)
        evbuffer_add_printf(out, "%s cannot be read\n", the_daemon.config->accounts_db);
    if (w.failing[DATABASE_ACCOUNTS])
        evbuffer_add_printf(out, "%s cannot be written\n", the_daemon.config->accounts_db);
    if (w.failing[DATABASE_STATE])
        evbuffer_add_printf(out, "%s cannot be written\n", the_daemon.config->state_db);
    if (busy_ns > WRITER_STUCK_S * SECOND_NS)
        evbuffer_add_printf(out, "the writer has been at one transaction for %llu s\n",
                            (unsigned long long)(busy_ns / SECOND_NS));
    if (evbuffer_get_length(out) > 0)
        return false;
    evbuffer_add_printf(out, "ok\n");
    return true;
}
