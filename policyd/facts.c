/* SPDX-License-Identifier: MIT */
#include "policyd/facts.h"

#include <stdlib.h>
#include <string.h>

void facts_init(struct facts *f, const struct config *config, struct rows *rows, struct dns_source *dns)
{
    f->config = config;
    f->rows = rows;
    f->dns = dns;
    f->clock_ns = NULL;
    f->counts = NULL;
    f->zones = NULL;
    f->list_filter = NULL;
    f->behaviours = NULL;
    f->recipients = NULL;
    f->load_level = 0;
    f->account.address[0] = '\0';
    for (size_t i = 0; i < sizeof f->memo / sizeof *f->memo; i++)
        f->memo[i].known = false;
    memset(f->host_limits, 0, sizeof f->host_limits);
}

void facts_begin(struct facts *f, struct dns_waiter *waiter, int64_t now)
{
    f->waiter = waiter;
    f->now = now;
    f->expired = false;
    f->lookups = 0;
    f->account.address[0] = '\0'; /* rows are to know that it is still asked for */
}

const char *const fact_kind_names[FACT_KINDS] = { "domain", "account", "alias", "grant", "policy", "list" };

static enum fact_kind kind_of(enum query q)
{
    switch (q) {
    case QUERY_DOMAIN:
        return FACT_DOMAIN;
    case QUERY_ACCOUNT:
        return FACT_ACCOUNT;
    case QUERY_GRANT:
    case QUERY_GRANTS_OF:
    case QUERY_GRANTEES:
        return FACT_GRANT;
    case QUERY_POLICY:
        return FACT_POLICY;
    case QUERY_LISTED:
    case QUERY_LIST_SHAPES:
        return FACT_LIST;
    default: /* an alias, its destinations and members, or whichever an address is */
        return FACT_ALIAS;
    }
}

enum result facts_query(struct facts *f, enum query q, const char *const *params, size_t count,
                        struct rowset *rowset_r)
{
    enum result r = rows_get(f->rows, q, params, count, f->now, rowset_r);

    if (f->counts)
        f->counts->row[kind_of(q)][r]++;
    return r;
}

static enum result get1(struct facts *f, enum query q, const char *param, struct rowset *rowset_r)
{
    return facts_query(f, q, &param, 1, rowset_r);
}

static void copy(char *array, size_t size, const char *text)
{
    str_fill(span_of(text), array, size); /* nothing where it is longer than its field can be */
}

enum result facts_domain(struct facts *f, struct span name, struct domain_row *row_r)
{
    char domain[DOMAIN_MAX + 1];
    struct rowset set;
    enum result r;

    if (name.len == 0 || str_copy(name, domain, sizeof domain) != OK)
        return NOT_FOUND;
    r = get1(f, QUERY_DOMAIN, domain, &set);
    if (r != OK)
        return r;
    const char *kind = rowset_next(set.text);
    row_r->kind = kind[0] == 'm' ? DOMAIN_MAILBOX : kind[0] == 'r' ? DOMAIN_RELAY : DOMAIN_ALIAS;
    copy(row_r->target, sizeof row_r->target, rowset_next(kind));
    return OK;
}

static void take_account(const struct rowset *set, struct account_row *row_r)
{
    const char *kind = set->text, *status = rowset_next(kind), *suspended = rowset_next(status);
    const char *reason = rowset_next(suspended), *until = rowset_next(reason);
    row_r->relay = kind[0] == 'r';
    row_r->disabled = status[0] == 'd';
    copy(row_r->suspended, sizeof row_r->suspended, suspended);
    copy(row_r->reason, sizeof row_r->reason, reason);
    row_r->suspended_until = strtoll(until, NULL, 10);
    const char *has_policy = rowset_next(until);
    row_r->has_policy = has_policy[0] == '1';
    const char *new_password = rowset_next(has_policy);
    row_r->new_password = *new_password != '\0';
    row_r->has_limit = *rowset_next(new_password) == '1';
}

/* Into f->account, since each check asks for the same one. */
static enum result find_account(struct facts *f, const char *address)
{
    struct account_memo *m = &f->account;
    struct rowset set;
    enum result r;

    if (*address && m->generation == rows_generation(f->rows) && strcmp(m->address, address) == 0)
        return OK;
    r = get1(f, QUERY_ACCOUNT, address, &set);
    if (r != OK)
        return r;
    take_account(&set, &m->row);
    m->generation = rows_generation(f->rows);
    copy(m->address, sizeof m->address, set.last_good ? "" : address);
    return OK;
}

enum result facts_account(struct facts *f, const char *address, struct account_row *row_r)
{
    enum result r = find_account(f, address);

    if (r == OK)
        *row_r = f->account.row;
    return r;
}

/* members_send, destinations, the first of them */
static void take_alias(const char *members_send, struct alias_row *row_r)
{
    const char *destinations = rowset_next(members_send);

    row_r->members_send = *members_send == '1';
    row_r->destinations = (unsigned)strtoul(destinations, NULL, 10);
    copy(row_r->first, sizeof row_r->first, rowset_next(destinations));
}

enum result facts_alias(struct facts *f, const char *address, struct alias_row *row_r)
{
    struct rowset set;
    enum result r = get1(f, QUERY_ALIAS, address, &set);

    if (r == OK)
        take_alias(set.text, row_r);
    return r;
}

enum result facts_address(struct facts *f, const char *address, struct address_row *row_r)
{
    struct rowset set;
    enum result r = get1(f, QUERY_BEARER, address, &set);

    if (r != OK)
        return r;
    const char *members_send = rowset_next(set.text);
    row_r->account = set.text[0] == '1';
    row_r->alias = *members_send != '\0';
    if (row_r->alias)
        take_alias(members_send, &row_r->alias_row);
    return row_r->account || row_r->alias ? OK : NOT_FOUND;
}

enum result facts_alias_member(struct facts *f, const char *alias, const char *destination)
{
    const char *const params[] = { alias, destination };
    struct rowset set;

    return facts_query(f, QUERY_ALIAS_MEMBER, params, 2, &set);
}

enum result facts_column(struct facts *f, enum query q, const char *const *params, size_t count,
                         struct rowset *rowset_r)
{
    return facts_query(f, q, params, count, rowset_r);
}

static void at_domain(const struct address *a, char text_r[static DOMAIN_MAX + 2])
{
    struct strbuf b;

    strbuf_init(&b, text_r, DOMAIN_MAX + 2);
    strbuf_addc(&b, '@');
    strbuf_add(&b, address_domain(a));
}

static enum result take_grant(const struct rowset *set, struct grant_row *row_r)
{
    copy(row_r->grantee, sizeof row_r->grantee, set->text);
    copy(row_r->sender, sizeof row_r->sender, rowset_next(set->text));
    return OK;
}

/* Of a login's grants, the one that names the sender: the address, its domain, or all. */
static enum result choose_grant(const struct rowset *all, const char *sender, const char *domain,
                                struct grant_row *row_r)
{
    const char *const names[] = { sender, domain, "*" };
    struct rowset row = *all;

    for (size_t i = 0; i < 3; i++) {
        row.text = all->text;
        for (size_t n = 0; n < all->count; n++, row.text = rowset_next(rowset_next(row.text)))
            if (strcmp(rowset_next(row.text), names[i]) == 0)
                return take_grant(&row, row_r);
    }
    return NOT_FOUND;
}

/* All of a login's grants are asked for together: whoever it sends as, they are one entry
 * in memory. A login with hundreds of them is asked about one by one. */
enum result facts_grant(struct facts *f, const struct address *login, const struct address *sender,
                        struct grant_row *row_r)
{
    char login_domain[DOMAIN_MAX + 2], sender_domain[DOMAIN_MAX + 2];
    const char *const params[] = { login->text, login_domain, sender->text, sender_domain };
    struct rowset set;
    enum result r;

    at_domain(login, login_domain);
    at_domain(sender, sender_domain);
    r = facts_query(f, QUERY_GRANTS_OF, params, 2, &set);
    if (r == OK)
        return choose_grant(&set, sender->text, sender_domain, row_r);
    if (r != LIMIT)
        return r;
    r = facts_query(f, QUERY_GRANT, params, 4, &set);
    return r == OK ? take_grant(&set, row_r) : r;
}

/* One row: check_name, mode, expires, starts. Returns what follows it. One that began later
 * takes the place of an earlier one. */
static const char *take_mode(struct scope_modes *m, const char *name, int64_t now)
{
    const char *mode = rowset_next(name), *expires = rowset_next(mode), *starts = rowset_next(expires);
    int64_t end = *expires ? strtoll(expires, NULL, 10) : INT64_MAX, start = strtoll(starts, NULL, 10);
    int64_t change = start > now ? start : end; /* of what the row says */
    enum check_id id;
    enum mode value;

    if (end > now && check_parse(span_of(name), &id) == OK && mode_parse(span_of(mode), &value) == OK) {
        if (start <= now)
            m->mode[id] = (signed char)value;
        m->expires = change < m->expires ? change : m->expires;
    }
    return rowset_next(starts);
}

/* Not kept for good: rows are to know that they are still asked for. */
static enum result scope_modes(struct facts *f, struct scope_modes *m, const char *scope)
{
    struct rowset set;
    enum result r;

    if (m->known && m->generation == rows_generation(f->rows) && f->now < m->expires &&
        strcmp(m->scope, scope) == 0)
        return OK;
    m->known = false;
    r = get1(f, QUERY_POLICY, scope, &set);
    if (r != OK && r != NOT_FOUND)
        return r;
    copy(m->scope, sizeof m->scope, scope);
    memset(m->mode, -1, sizeof m->mode);
    m->expires = f->now + FACTS_KEPT_S;
    for (const char *p = set.text; set.count > 0; set.count--)
        p = take_mode(m, p, f->now);
    m->generation = rows_generation(f->rows);
    m->known = !set.last_good;
    return OK;
}

enum result facts_mode(struct facts *f, enum check_id id, const struct address *account, struct span domain,
                       enum mode *mode_r, const char **scope_r)
{
    enum { ACCOUNT, DOMAIN, HOST, LEVELS };
    struct scope_modes *memo[LEVELS] = { &f->memo[0], &f->memo[2 + check_infos[id].subject], &f->memo[1] };
    const char *scope[LEVELS] = { NULL, NULL, "" };
    char name[DOMAIN_MAX + 1];
    enum result r = account ? find_account(f, account->text) : NOT_FOUND;

    if (r == OK && f->account.row.has_policy)
        scope[ACCOUNT] = account->text;
    r = r == OK || r == NOT_FOUND ? OK : TRY_AGAIN;
    if (domain.len > 0 && str_copy(domain, name, sizeof name) == OK)
        scope[DOMAIN] = name;
    *scope_r = NULL;
    *mode_r = check_infos[id].mode;
    for (int level = ACCOUNT; level < LEVELS; level++) {
        if (!scope[level])
            continue;
        if (scope_modes(f, memo[level], scope[level]) != OK)
            r = TRY_AGAIN;
        else if (memo[level]->mode[id] >= 0) {
            *mode_r = (enum mode)memo[level]->mode[id];
            *scope_r = memo[level]->scope;
            return r;
        }
    }
    return r;
}

static enum dns_status answered(struct facts *f, enum dns_status status)
{
    if (status == DNS_PENDING && f->expired)
        status = DNS_FAILED;
    if (f->counts)
        f->counts->dns[status]++;
    return status;
}

enum result facts_behaviour(struct facts *f, const char *account, struct behaviour *behaviour_r)
{
    const struct behaviour *known;

    if (!f->behaviours)
        return NOT_FOUND;
    known = f->behaviours->get(f->behaviours, account, f->now);
    if (!known)
        return TRY_AGAIN;
    behaviour_copy(behaviour_r, known);
    return OK;
}

enum dns_status facts_zone(struct facts *f, size_t zone, struct span question, enum dns_type type,
                           struct dns_answer *answer_r)
{
    enum dns_status status;

    if (!f->dns || (f->zones && !zones_usable(f->zones, zone)))
        return DNS_FAILED;
    status = answered(f, f->dns->ask(f->dns, question, type, f->waiter, answer_r));
    if (f->zones)
        zones_answered(f->zones, zone, status);
    return status;
}

enum dns_status facts_dns(struct facts *f, struct span name, enum dns_type type, struct dns_answer *answer_r)
{
    enum dns_status status = DNS_FAILED;

    if (f->dns && f->lookups++ < f->config->dns.lookups)
        status = f->dns->ask(f->dns, name, type, f->waiter, answer_r);
    return answered(f, status);
}
