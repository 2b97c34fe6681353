/* SPDX-License-Identifier: MIT */
/* The rows of both databases that a readiness report goes by. */
#include "policyctl/readiness/gather.h"

#include <stdlib.h>
#include <string.h>

#include "lib/event_row.h"
#include "lib/login_event.h"
#include "lib/setting.h"

enum { HOUR_S = 3600, DAY_S = 86400 };

void *gather_room(void *array, size_t size, size_t count, size_t *room)
{
    if (count < *room)
        return array;
    size_t more = *room ? *room * 2 : 64;
    void *grown = reallocarray(array, more, size);
    if (grown)
        *room = more;
    return grown;
}

static int64_t number(const char *text)
{
    return text ? strtoll(text, NULL, 10) : 0;
}

static const char *keep(struct gather *g, const char *text)
{
    const char *copy = arena_text(g->report->arena, text);

    if (!copy)
        g->failed = true;
    return copy ? copy : "";
}

static bool is(const char *column, const char *word)
{
    return strcmp(column, word) == 0;
}

/* Copies the hit; its texts were kept. */
static void add_hit(struct gather *g, const struct hit *hit)
{
    struct hit *grown = gather_room(g->hit, sizeof *hit, g->hits, &g->hit_room);

    if (!grown) {
        g->failed = true;
        return;
    }
    g->hit = grown;
    g->hit[g->hits++] = *hit;
}

bool gather_in_scope(const struct gather *g, const char *address)
{
    const char *scope = g->report->scope, *at = strrchr(address, '@');

    return *scope == '\0' || (at && strcmp(at + 1, scope) == 0);
}

/* ---- accounts.db ---- */

/* scope, check_name, mode, expires, changed, starts; what is only planned does not count */
static bool policy_fn(const struct row *row, void *context)
{
    struct gather *g = context;
    struct policy_row p = { .starts = number(row->column[5]),
                            .expires = number(row->column[3]),
                            .changed = number(row->column[4]) };
    if (p.starts > g->ctl->now)
        return true;
    struct policy_row *grown = gather_room(g->policy, sizeof p, g->policies, &g->policy_room);

    if (!grown)
        g->failed = true;
    else
        g->policy = grown;
    if (grown && check_parse(span_of(row->column[1]), &p.id) == OK &&
        mode_parse(span_of(row->column[2]), &p.mode) == OK) {
        p.scope = keep(g, row->column[0]);
        g->policy[g->policies++] = p;
    }
    return !g->failed;
}

/* name, kind, target, accounts, aliases */
static bool domain_fn(const struct row *row, void *context)
{
    struct gather *g = context;

    if (*g->report->scope == '\0' || is(row->column[0], g->report->scope))
        g->report->accounts += (uint64_t)number(row->column[3]);
    return true;
}

/* ---- state.db ---- */

/* subject, check_name, cause, envelope_sender, client, mode, subject_kind, count, delivered,
 * first_seen, last_seen, sample */
static bool observation_fn(const struct row *row, void *context)
{
    struct gather *g = context;
    enum check_id id;
    struct hit hit = { .kind = is(row->column[6], "account")  ? KIND_ACCOUNT
                               : is(row->column[6], "sender") ? KIND_SENDER
                                                              : KIND_HOST };

    g->observations[hit.kind]++;
    if (check_parse(span_of(row->column[1]), &id) != OK ||
        (hit.kind == KIND_ACCOUNT && !gather_in_scope(g, row->column[0])))
        return true;
    hit.about = id;
    hit.name = keep(g, row->column[0]);
    hit.evidence = (struct evidence){ .cause = keep(g, row->column[2]),
                                      .service = "",
                                      .mechanism = "",
                                      .server_name = "",
                                      .client = keep(g, row->column[4]),
                                      .envelope_sender = keep(g, row->column[3]),
                                      .sample = keep(g, row->column[11]),
                                      .count = (uint64_t)number(row->column[7]),
                                      .delivered = (uint64_t)number(row->column[8]),
                                      .first_seen = number(row->column[9]),
                                      .last_seen = number(row->column[10]),
                                      .refused = is(row->column[5], "enforce") };
    add_hit(g, &hit);
    return !g->failed;
}

static void connect_account(struct gather *g, const char *account)
{
    const char **grown = gather_room(g->connected, sizeof *grown, g->connections, &g->connected_room);

    if (!grown) {
        g->failed = true;
        return;
    }
    g->connected = grown;
    g->connected[g->connections++] = account;
}

/* Columns of QUERY_LOGINS. */
enum { ACCOUNT, OUTCOME, SERVICE, MECHANISM, SECURITY, PORT, SERVER_NAME, CLIENT, CAUSE, BARE, COUNT, FIRST, LAST };

static void add_login(struct gather *g, unsigned about, const char *cause, struct hit *hit)
{
    hit->about = about;
    hit->evidence.cause = cause;
    add_hit(g, hit);
}

/* The password was right, or a message was sent: what would be refused of it, and which
 * old habits it shows. */
static void judge_login(struct gather *g, const struct row *row, struct hit *hit)
{
    bool is_mail = is(row->column[OUTCOME], "mail"), is_lookup = is(row->column[OUTCOME], "lookup");
    bool has_password = is_mail ? mechanism_is_plaintext(span_of(row->column[MECHANISM])) : !is_lookup;
    bool in_clear = is(row->column[SECURITY], "none"), implicit = is(row->column[SECURITY], "implicit");
    const char *name = row->column[SERVER_NAME];

    hit->evidence.refused = is(row->column[CAUSE], "starttls") || is(row->column[CAUSE], "implicit_tls")
                                ? is(row->column[OUTCOME], "refused")
                                : false;
    /* Whether a message without TLS came from a place that needs none is the check's to say. */
    if (has_password && in_clear && !is_mail)
        add_login(g, CHECK_STARTTLS, "no_tls", hit);
    if (has_password && implicit)
        add_login(g, CHECK_IMPLICIT_TLS, "implicit_tls", hit);
    hit->evidence.refused = false;
    if (is(row->column[BARE], "1"))
        add_login(g, ABOUT_HABIT + HABIT_BARE_NAME, "bare_name", hit);
    if (*name && is(name, g->report->old_name))
        add_login(g, ABOUT_HABIT + HABIT_OLD_NAME, "old_server_name", hit);
    if (has_password && in_clear && !is_mail)
        add_login(g, ABOUT_HABIT + HABIT_EXPOSED, "exposed", hit);
    if (is(row->column[SERVICE], "smtp"))
        *(is_mail ? &g->smtp_mail : &g->smtp_logins) = true;
    if (is_mail && (implicit || is(row->column[SECURITY], "starttls")))
        *(*name ? &g->smtp_has_name : &g->smtp_has_none) = true;
}

static bool login_fn(const struct row *row, void *context)
{
    struct gather *g = context;
    bool is_mail = is(row->column[OUTCOME], "mail");

    if (!gather_in_scope(g, row->column[ACCOUNT]) || !(is_mail || is(row->column[OUTCOME], "ok") ||
        is(row->column[OUTCOME], "lookup") || is(row->column[OUTCOME], "refused")))
        return true;
    struct hit hit = { .kind = KIND_ACCOUNT, .name = keep(g, row->column[ACCOUNT]) };
    hit.evidence = (struct evidence){ .service = keep(g, row->column[SERVICE]),
                                      .mechanism = keep(g, row->column[MECHANISM]),
                                      .port = (unsigned)number(row->column[PORT]),
                                      .server_name = keep(g, row->column[SERVER_NAME]),
                                      .client = keep(g, row->column[CLIENT]),
                                      .envelope_sender = "",
                                      .sample = "",
                                      .count = (uint64_t)number(row->column[COUNT]),
                                      .first_seen = number(row->column[FIRST]),
                                      .last_seen = number(row->column[LAST]) };
    hit.evidence.delivered = is_mail ? hit.evidence.count : 0;
    connect_account(g, hit.name);
    judge_login(g, row, &hit);
    return !g->failed;
}

/* account, messages */
static bool sending_fn(const struct row *row, void *context)
{
    struct gather *g = context;

    if (gather_in_scope(g, row->column[0]))
        connect_account(g, keep(g, row->column[0]));
    return !g->failed;
}

/* ---- over time ---- */

static struct moment *moment_at(struct gather *g, int64_t start)
{
    struct readiness *r = g->report;

    if (r->moments > 0 && r->moment[r->moments - 1].start == start)
        return &r->moment[r->moments - 1];
    /* Whether the array has to grow can be seen from its length: it doubles. */
    if (r->moments == 0 || (r->moments >= 64 && (r->moments & (r->moments - 1)) == 0)) {
        size_t room = r->moments ? r->moments * 2 : 64;
        struct moment *grown = arena_get(r->arena, room * sizeof *grown);
        if (!grown) {
            g->failed = true;
            return NULL;
        }
        if (r->moments > 0)
            memcpy(grown, r->moment, r->moments * sizeof *grown);
        r->moment = grown;
    }
    r->moment[r->moments] = (struct moment){ .start = start };
    return &r->moment[r->moments++];
}

static uint64_t *figure(struct moment *m, const char *check, const char *outcome)
{
    enum check_id id;

    if (*check == '\0') {
        if (is(outcome, "accepted"))
            return &m->accepted;
        if (is(outcome, "refused"))
            return &m->refused;
        if (is(outcome, "lost"))
            return &m->lost;
        for (unsigned i = 0; i < LOGIN_KINDS; i++)
            if (strncmp(outcome, "login_", 6) == 0 && is(outcome + 6, login_security_names[i]))
                return &m->logins[i];
        return NULL;
    }
    if (check_parse(span_of(check), &id) != OK)
        return NULL;
    return is(outcome, "observed")    ? &m->check[id].observed
           : is(outcome, "delivered") ? &m->check[id].delivered
           : is(outcome, "refused")   ? &m->check[id].refused
                                      : NULL;
}

/* start, check_name, outcome, count */
static bool tally_fn(const struct row *row, void *context)
{
    struct gather *g = context;
    struct readiness *r = g->report;
    int64_t start = number(row->column[0]);

    if (!g->is_tallied || start < g->first_tally)
        g->first_tally = start;
    g->is_tallied = true;
    if (start + (int64_t)r->step_s <= r->since)
        return true;
    struct moment *m = moment_at(g, start);
    if (!m)
        return false;
    uint64_t *value = figure(m, row->column[1], row->column[2]);
    if (value)
        *value = (uint64_t)number(row->column[3]);
    return true;
}

/* What is lost is not known by domain: it counts for each of them. */
static bool lost_fn(const struct row *row, void *context)
{
    struct gather *g = context;
    int64_t start = number(row->column[0]);

    if (!g->is_tallied || start < g->first_tally)
        g->first_tally = start;
    g->is_tallied = true;
    if (start + HOUR_S > g->report->since && *row->column[1] == '\0' && is(row->column[2], "lost"))
        g->report->lost += (uint64_t)number(row->column[3]);
    return true;
}

/* ---- what was not run, for the load ---- */

/* A moment counts as a second: something may have come in it. */
static void end_shed(struct gather *g, enum check_id id, int64_t end)
{
    const struct readiness *r = g->report;
    int64_t start = g->shed_since[id] > r->since ? g->shed_since[id] : r->since;

    if (g->shed_since[id] > 0 && end >= r->since)
        g->report->check[id].shed_s += end > start ? end - start : 1;
    g->shed_since[id] = 0;
}

/* time, kind, subject; policyd ends at its start what one before it left (load_watch) */
static bool shed_fn(const struct row *row, void *context)
{
    struct gather *g = context;
    enum check_id id;

    if (check_parse(span_of(row->column[2]), &id) != OK)
        return true;
    if (is(row->column[1], event_kind_name(EVENT_CHECK_RESTORED)))
        end_shed(g, id, number(row->column[0]));
    else if (g->shed_since[id] == 0)
        g->shed_since[id] = number(row->column[0]);
    return true;
}

/* ---- all ---- */

static void ask(struct gather *g, struct store *store, enum query query, const char *const *params, size_t count,
                store_row_fn *fn)
{
    enum result r = g->failed ? OK : store_query(store, query, params, count, fn, g);

    if (r != OK && r != NOT_FOUND)
        g->failed = true;
}

void gather_rows(struct gather *g)
{
    struct readiness *r = g->report;
    char since[24];
    struct strbuf b;

    strbuf_init(&b, since, sizeof since);
    strbuf_addu(&b, (uint64_t)r->since);
    r->step_s = *r->scope ? DAY_S : HOUR_S;
    ask(g, g->accounts, QUERY_POLICIES, NULL, 0, policy_fn);
    ask(g, g->accounts, QUERY_DOMAINS, NULL, 0, domain_fn);
    ask(g, g->state, QUERY_TALLIES, (const char *const[]){ "0", "" }, 2, lost_fn);
    ask(g, g->state, QUERY_TALLIES, (const char *const[]){ "0", r->scope }, 2, tally_fn);
    ask(g, g->state, QUERY_LOGINS, (const char *const[]){ since }, 1, login_fn);
    ask(g, g->state, QUERY_OBSERVATIONS, (const char *const[]){ since }, 1, observation_fn);
    ask(g, g->state, QUERY_SENDING_ACCOUNTS, (const char *const[]){ since }, 1, sending_fn);
    ask(g, g->state, QUERY_SHED_EVENTS, NULL, 0, shed_fn);
    for (unsigned id = 0; id < CHECK_COUNT; id++)
        end_shed(g, (enum check_id)id, r->until);
    r->smtp_name_unknown = g->smtp_has_none && !g->smtp_has_name;
}
