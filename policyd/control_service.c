/* SPDX-License-Identifier: MIT */
/*
 * The control socket: what policyctl asks of the daemon (lib/control.h has the
 * protocol).  Who asked is logged.  Layer 7.
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/change_text.h"
#include "lib/control.h"
#include "policyd/clock.h"
#include "policyd/control_load.h"
#include "policyd/control_top.h"
#include "policyd/daemon.h"
#include "policyd/log.h"
#include "policyd/login_service.h"
#include "policyd/protocol.h"
#include "policyd/record.h"

/* One change request. What it says is copied, or lies in the file that came with it, since
 * the connection may go first. */
struct change_job {
    struct job job;
    struct waiting waiting;
    struct conn *conn; /* NULL: gone */
    struct change_set set;
    struct change_text text;
    char *memory; /* the copy, or the mapped file */
    size_t size;
    bool is_file;
    enum change_kind kind;         /* of the first, for the log */
    char address[ADDRESS_MAX + 1]; /* and its address, where it is to be forgotten */
};

static void reply(struct conn *c, enum result r, const char *text)
{
    char array[1024];
    struct strbuf b;

    strbuf_init(&b, array, sizeof array - 1);
    strbuf_addf(&b, "result=%s\ntext=", result_name(r));
    strbuf_add_clean(&b, span_of(text));
    strbuf_adds(&b, "\n");
    array[b.len] = '\n';
    conn_reply(c, (struct span){ array, b.len + 1 });
}

static void log_peer(struct conn *c, const char *what, enum result r, const char *why)
{
    struct ucred peer = { 0 };
    socklen_t len = sizeof peer;

    if (getsockopt(conn_fd(c), SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
        peer.uid = (uid_t)-1;
    log_format(LOG_LEVEL_INFO, "control=%s uid=%ld pid=%ld result=%s%s%s", what, (long)peer.uid,
               (long)peer.pid, result_name(r), *why ? " why=" : "", why);
}

/* ---- changes ---- */

static void free_change_job(struct change_job *j)
{
    if (j->is_file)
        munmap(j->memory, j->size);
    else if (j->memory) {
        explicit_bzero(j->memory, j->size); /* hashes */
        free(j->memory);
    }
    explicit_bzero(j->text.line, sizeof j->text.line);
    free(j);
}

static void on_done(struct job *job)
{
    struct change_job *j = (struct change_job *)job;

    if (j->conn) {
        log_peer(j->conn, change_name(j->kind), j->set.result, j->set.error.text);
        reply(j->conn, j->set.result, j->set.error.text);
    }
    free_change_job(j);
}

static void on_cancel(struct waiting *w)
{
    struct change_job *j = (struct change_job *)((char *)w - offsetof(struct change_job, waiting));

    j->conn = NULL; /* what was asked is done all the same */
}

static void on_expire(struct waiting *w)
{
    struct change_job *j = (struct change_job *)((char *)w - offsetof(struct change_job, waiting));
    struct conn *c = j->conn;

    if (j->is_file)
        return; /* takes as long as it takes: policyctl waits for it */
    j->conn = NULL;
    reply(c, TRY_AGAIN, "the database is busy: the change is made as soon as it is free");
}

/* The file cannot change under us: it is sealed. */
static enum result map_file(int fd, struct change_job *j, struct error *e)
{
    const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
    off_t size = lseek(fd, 0, SEEK_END);

    if ((fcntl(fd, F_GET_SEALS) & seals) != seals || size <= 0)
        return error_set(e, BAD, "the file of changes is not sealed, or empty");
    if (size > CONTROL_FILE_MAX)
        return error_set(e, LIMIT, "more than %d octets of changes at once", CONTROL_FILE_MAX);
    void *memory = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (memory == MAP_FAILED)
        return error_set(e, TRY_AGAIN, "the file of changes: %s", strerror(errno));
    j->memory = memory;
    j->size = (size_t)size;
    j->is_file = true;
    return OK;
}

/* The frame's lines without the blank one at its end. */
static enum result copy_lines(struct span lines, struct change_job *j, struct error *e)
{
    j->memory = malloc(lines.len);
    if (!j->memory)
        return error_set(e, TRY_AGAIN, "out of memory");
    j->size = lines.len - 1;
    memcpy(j->memory, lines.ptr, j->size);
    return OK;
}

static enum result take_changes(struct conn *c, struct span lines, struct change_job *j, struct error *e)
{
    int fd = conn_take_fd(c);
    enum result r = fd >= 0 ? map_file(fd, j, e) : copy_lines(lines, j, e);
    struct change first;

    if (fd >= 0)
        close(fd);
    if (r != OK)
        return r;
    change_text_open(&j->text, (struct span){ j->memory, j->size });
    r = change_text_next(&j->text, &first, e);
    j->kind = first.kind;
    if (r == OK && j->kind == CHANGE_FORGET) /* one that is too long is none: the writer says so */
        (void)!str_copy(span_of(first.field[FIELD_ADDRESS]), j->address, sizeof j->address);
    return r == NOT_FOUND ? error_set(e, BAD, "no change in the request") : r;
}

static enum served change(struct conn *c, struct span lines)
{
    struct change_job *j = calloc(1, sizeof *j);
    struct error e = { "" };
    enum result r;

    if (!j) {
        reply(c, TRY_AGAIN, "out of memory");
        return SERVED;
    }
    r = take_changes(c, lines, j, &e);
    if (r != OK) {
        free_change_job(j);
        reply(c, r, e.text);
        return SERVED;
    }
    j->conn = c;
    j->waiting = (struct waiting){ on_cancel, on_expire };
    j->set.source = &j->text.source;
    j->job = (struct job){ .database = change_database(j->kind), .set = &j->set, .sets = 1, .done = on_done };
    conn_park(c, &j->waiting);
    if (j->kind == CHANGE_FORGET)
        record_forget(j->address, &j->job);
    else
        writer_submit(the_daemon.writer, &j->job);
    return SERVED_PARKED;
}

/* ---- status, reload ---- */

static unsigned long long held_s(uint64_t since_ns)
{
    return since_ns > 0 ? (clock_monotonic_ns() - since_ns) / SECOND_NS : 0;
}

static void add_store_status(struct strbuf *b)
{
    struct rows_stats rows = rows_stats(the_daemon.rows);
    struct writer_stats w = writer_stats(the_daemon.writer);

    strbuf_addf(b, "accounts_readable=%s\n", the_daemon.accounts ? "yes" : "no");
    strbuf_addf(b, "rows_kept=%llu\nrows_read=%llu\nrows_last_good=%llu\nrows_failed=%llu\n",
                (unsigned long long)rows.kept, (unsigned long long)rows.read,
                (unsigned long long)rows.last_good, (unsigned long long)rows.failed);
    strbuf_addf(b, "commits=%llu\nchanges=%llu\ncommit_failures=%llu\n", (unsigned long long)w.transactions,
                (unsigned long long)w.sets, (unsigned long long)w.failures);
    strbuf_addf(b, "accounts_log_held=%llu\nstate_log_held=%llu\n", held_s(w.held_since_ns[DATABASE_ACCOUNTS]),
                held_s(w.held_since_ns[DATABASE_STATE]));
    strbuf_addf(b, "observations_lost=%llu\nevents_lost=%llu\nlog_dropped=%llu\n",
                (unsigned long long)aggregate_lost(the_daemon.aggregate),
                (unsigned long long)events_lost(the_daemon.events),
                (unsigned long long)log_dropped());
}

static void add_login_status(struct strbuf *b)
{
    struct login_stats l = login_stats();

    strbuf_addf(b, "logins=%llu\nlogins_lost=%llu\nlogins_forbidden=%llu\nlogins_malformed=%llu\n",
                (unsigned long long)l.received, (unsigned long long)l.lost, (unsigned long long)l.forbidden,
                (unsigned long long)l.malformed);
}

static void add_dns_status(struct strbuf *b)
{
    struct resolver_stats dns;

    resolver_get_stats(the_daemon.resolver, &dns);
    strbuf_addf(b,
                "dns_asked=%llu\ndns_hits=%llu\ndns_lookups=%llu\ndns_failed=%llu\ndns_in_flight=%zu\n"
                "dns_in_flight_peak=%zu\n",
                (unsigned long long)dns.asked, (unsigned long long)dns.hits, (unsigned long long)dns.lookups,
                (unsigned long long)dns.failed, dns.in_flight, dns.in_flight_peak);
}

static void add_zone_status(struct strbuf *b)
{
    const struct zones *zones = zone_watch_zones(the_daemon.zone_watch);

    for (size_t i = 0; i < zones->count; i++)
        strbuf_addf(b, "dnsbl_zone=%s: %s\n", the_daemon.config->dnsbl.zones.item[i].name,
                    zone_health_texts[zones->zone[i].health]);
}

static enum served status(struct conn *c, struct span lines)
{
    struct server_stats s = server_stats(the_daemon.server);
    const uint64_t *outcome = the_daemon.counts.outcome;
    char array[16384];
    struct strbuf b;

    (void)lines;
    strbuf_init(&b, array, sizeof array);
    strbuf_addf(&b, "result=OK\nversion=%s\nuptime_s=%lld\nconfiguration=%s\nconfiguration_read=%lld\n",
                PACKAGE_VERSION, (long long)(daemon_now() - the_daemon.started), the_daemon.config->path,
                (long long)the_daemon.configured);
    strbuf_addf(&b, "passed=%llu\nrefused=%llu\ndeferred=%llu\nheld=%llu\n",
                (unsigned long long)outcome[OUTCOME_PASS], (unsigned long long)outcome[OUTCOME_REFUSE],
                (unsigned long long)outcome[OUTCOME_DEFER], (unsigned long long)outcome[OUTCOME_HOLD]);
    strbuf_addf(&b,
                "connections=%u\nwaiting=%u\naccepted=%llu\nrequests=%llu\nmalformed=%llu\noversized=%llu\n"
                "closed_idle=%llu\nclosed_at_cap=%llu\n",
                s.open, s.parked, (unsigned long long)s.accepted, (unsigned long long)s.requests,
                (unsigned long long)s.malformed, (unsigned long long)s.oversized,
                (unsigned long long)s.idle_closed, (unsigned long long)s.cap_closed);
    add_store_status(&b);
    add_login_status(&b);
    add_dns_status(&b);
    add_zone_status(&b);
    control_load_status(&b);
    strbuf_addc(&b, '\n');
    conn_reply(c, (struct span){ array, b.len });
    return SERVED;
}

static enum served top(struct conn *c, struct span lines)
{
    static char array[CONTROL_REPLY_MAX];
    struct error e = { "" };
    struct strbuf b;

    strbuf_init(&b, array, sizeof array);
    strbuf_adds(&b, "result=OK\n");
    if (control_top(lines, &b, &e) != OK) {
        reply(c, BAD, e.text);
        return SERVED;
    }
    strbuf_addc(&b, '\n');
    conn_reply(c, (struct span){ array, b.len });
    return SERVED;
}

static enum served shed(struct conn *c, struct span lines)
{
    struct error e = { "" };
    enum result r = control_shed(lines, &e);
    char what[32];
    struct strbuf b;

    strbuf_init(&b, what, sizeof what);
    strbuf_addf(&b, "shed mode=%s", load_mode_names[load_watch_load(the_daemon.load_watch)->mode]);
    log_peer(c, what, r, e.text);
    reply(c, r, e.text);
    return SERVED;
}

static enum served reload(struct conn *c, struct span lines)
{
    struct error e = { "" };
    enum result r = daemon_reload(&e);

    (void)lines;
    log_peer(c, "reload", r, e.text);
    reply(c, r, e.text);
    return SERVED;
}

/* ---- what was counted ---- */

struct settle_request {
    struct settling settling;
    struct waiting waiting;
    struct conn *conn; /* NULL: answered, or gone */
};

static struct settle_request *settle_of(struct waiting *w)
{
    return (struct settle_request *)((char *)w - offsetof(struct settle_request, waiting));
}

static void on_settled(struct settling *settling, enum result r)
{
    struct settle_request *s = (struct settle_request *)settling;

    if (s->conn)
        reply(s->conn, r, r == OK ? "" : "state.db cannot be written");
    free(s);
}

static void on_settle_cancel(struct waiting *w)
{
    settle_of(w)->conn = NULL;
}

static void on_settle_expire(struct waiting *w)
{
    struct conn *c = settle_of(w)->conn;

    settle_of(w)->conn = NULL;
    reply(c, TRY_AGAIN, "the database is busy");
}

static enum served settle(struct conn *c, struct span lines)
{
    struct settle_request *s = calloc(1, sizeof *s);

    (void)lines;
    if (!s) {
        reply(c, TRY_AGAIN, "out of memory");
        return SERVED;
    }
    s->settling.done = on_settled;
    s->waiting = (struct waiting){ on_settle_cancel, on_settle_expire };
    s->conn = c;
    conn_park(c, &s->waiting);
    counters_settle(the_daemon.counters, &s->settling);
    return SERVED_PARKED;
}

static const struct {
    const char *name;
    enum served (*run)(struct conn *, struct span lines);
} commands[] = {
    { "change", change },
    { "status", status },
    { "reload", reload },
    { "settle", settle },
    { "shed", shed },
    { "top", top },
};

static enum served handle(struct conn *c, struct span frame)
{
    struct span name, value;

    if (protocol_line(&frame, &name, &value) != OK || !span_equal(name, SPAN("command"))) {
        reply(c, BAD, "the first line is no command=");
        return SERVED_CLOSE;
    }
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (span_equal(value, span_of(commands[i].name)))
            return commands[i].run(c, frame);
    reply(c, BAD, "no such command");
    return SERVED_CLOSE;
}

static enum result frame(struct span text, size_t *scanned, size_t *length_r, struct error *e)
{
    (void)e;
    *length_r = protocol_frame(text, scanned);
    return OK;
}

const struct service control_service = { "control", frame, handle, .takes_fd = true };
