/* SPDX-License-Identifier: MIT */
#include "policyd/facts.h"

#include <stdlib.h>
#include <string.h>

void facts_init(struct facts *f, const struct config *config, struct rows *rows, struct dns_source *dns,
                struct dns_waiter *waiter, int64_t now)
{
    f->config = config;
    f->rows = rows;
    f->dns = dns;
    f->waiter = waiter;
    f->now = now;
    f->expired = false;
    f->lookups = 0;
    for (size_t i = 0; i < sizeof f->memo / sizeof *f->memo; i++)
        f->memo[i].valid = false;
}

static enum result get(struct facts *f, enum query q, const char *const *params, size_t count,
                       struct rowset *rowset_r)
{
    return rows_get(f->rows, q, params, count, f->now, rowset_r);
}

static enum result get1(struct facts *f, enum query q, const char *param, struct rowset *rowset_r)
{
    return get(f, q, &param, 1, rowset_r);
}

static void copy(char *array, size_t size, const char *text)
{
    if (str_copy(span_of(text), array, size) != OK)
        array[0] = '\0'; /* longer than its field can be in the table */
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

enum result facts_account(struct facts *f, const char *address, struct account_row *row_r)
{
    struct rowset set;
    enum result r = get1(f, QUERY_ACCOUNT, address, &set);

    if (r != OK)
        return r;
    const char *kind = set.text, *status = rowset_next(kind), *suspended = rowset_next(status);
    const char *reason = rowset_next(suspended), *until = rowset_next(reason);
    row_r->relay = kind[0] == 'r';
    row_r->disabled = status[0] == 'd';
    copy(row_r->suspended, sizeof row_r->suspended, suspended);
    copy(row_r->reason, sizeof row_r->reason, reason);
    row_r->suspended_until = strtoll(until, NULL, 10);
    row_r->has_policy = rowset_next(until)[0] == '1';
    return OK;
}

enum result facts_alias(struct facts *f, const char *address, struct alias_row *row_r)
{
    struct rowset set;
    enum result r = get1(f, QUERY_ALIAS, address, &set);

    if (r != OK)
        return r;
    row_r->members_send = set.text[0] == '1';
    row_r->destinations = (unsigned)strtoul(rowset_next(set.text), NULL, 10);
    return OK;
}

enum result facts_alias_member(struct facts *f, const char *alias, const char *destination)
{
    const char *const params[] = { alias, destination };
    struct rowset set;

    return get(f, QUERY_ALIAS_MEMBER, params, 2, &set);
}

enum result facts_column(struct facts *f, enum query q, const char *const *params, size_t count,
                         struct rowset *rowset_r)
{
    return get(f, q, params, count, rowset_r);
}

static void at_domain(const struct address *a, char text_r[static DOMAIN_MAX + 2])
{
    struct strbuf b;

    strbuf_init(&b, text_r, DOMAIN_MAX + 2);
    strbuf_addc(&b, '@');
    strbuf_add(&b, address_domain(a));
}

enum result facts_grant(struct facts *f, const struct address *login, const struct address *sender,
                        struct grant_row *row_r)
{
    char login_domain[DOMAIN_MAX + 2], sender_domain[DOMAIN_MAX + 2];
    const char *const params[] = { login->text, login_domain, sender->text, sender_domain };
    struct rowset set;
    enum result r;

    at_domain(login, login_domain);
    at_domain(sender, sender_domain);
    r = get(f, QUERY_GRANT, params, 4, &set);
    if (r != OK)
        return r;
    copy(row_r->grantee, sizeof row_r->grantee, set.text);
    copy(row_r->sender, sizeof row_r->sender, rowset_next(set.text));
    return OK;
}

/* Reads a scope's rows once a request. */
static const struct scope_modes *scope_modes(struct facts *f, struct scope_modes *m, const char *scope)
{
    struct rowset set;

    if (m->valid && strcmp(m->scope, scope) == 0)
        return m;
    m->valid = true;
    copy(m->scope, sizeof m->scope, scope);
    memset(m->mode, -1, sizeof m->mode);
    m->result = get1(f, QUERY_POLICY, scope, &set);
    if (m->result != OK)
        return m;
    const char *p = set.text;
    for (size_t i = 0; i < set.count; i++) {
        const char *name = p, *mode = rowset_next(name), *expires = rowset_next(mode);
        enum check_id id;
        enum mode value;
        p = rowset_next(expires);
        if (*expires && strtoll(expires, NULL, 10) <= f->now)
            continue;
        if (check_parse(span_of(name), &id) == OK && mode_parse(span_of(mode), &value) == OK)
            m->mode[id] = (signed char)value;
    }
    return m;
}

enum result facts_mode(struct facts *f, enum check_id id, const struct address *account, struct span domain,
                       enum mode *mode_r, const char **scope_r)
{
    const struct scope_modes *m;
    enum result r = OK;
    char name[DOMAIN_MAX + 1];

    *scope_r = NULL;
    *mode_r = check_infos[id].mode;
    for (int level = 0; level < 3; level++) {
        if (level == 0 && account)
            m = scope_modes(f, &f->memo[2], account->text);
        else if (level == 1 && domain.len > 0 && str_copy(domain, name, sizeof name) == OK)
            m = scope_modes(f, &f->memo[1], name);
        else if (level == 2)
            m = scope_modes(f, &f->memo[0], "");
        else
            continue;
        if (m->result != OK && m->result != NOT_FOUND)
            r = TRY_AGAIN;
        else if (m->mode[id] >= 0) {
            *mode_r = (enum mode)m->mode[id];
            *scope_r = m->scope;
            return OK;
        }
    }
    return r;
}

enum dns_status facts_dns(struct facts *f, struct span name, enum dns_type type, struct dns_answer *answer_r)
{
    enum dns_status status = DNS_FAILED;

    if (f->dns && f->lookups++ < f->config->dns.lookups)
        status = f->dns->ask(f->dns, name, type, f->waiter, answer_r);
    return status == DNS_PENDING && f->expired ? DNS_FAILED : status;
}
