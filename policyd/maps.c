/* SPDX-License-Identifier: MIT */
#include "policyd/maps.h"

#include <string.h>

#include "policyd/ownership.h"

typedef enum result lookup_fn(struct facts *, struct span key, struct strbuf *value_r);

static enum result domain_of_kind(struct facts *f, struct span key, enum domain_kind kind,
                                  struct strbuf *value_r)
{
    char domain[DOMAIN_MAX + 1], target[DOMAIN_MAX + 1];
    struct domain_row row;
    enum result r;

    if (domain_parse(key, domain) != OK)
        return NOT_FOUND;
    r = facts_domain(f, span_of(domain), &row);
    if (r == OK && row.kind == DOMAIN_ALIAS) {
        if (str_copy(span_of(row.target), target, sizeof target) != OK)
            return NOT_FOUND;
        r = facts_domain(f, span_of(target), &row);
    }
    if (r == OK && row.kind != kind)
        return NOT_FOUND;
    if (r == OK)
        strbuf_adds(value_r, domain);
    return r;
}

static enum result mailbox_domains(struct facts *f, struct span key, struct strbuf *value_r)
{
    return domain_of_kind(f, key, DOMAIN_MAILBOX, value_r);
}

static enum result relay_domains(struct facts *f, struct span key, struct strbuf *value_r)
{
    return domain_of_kind(f, key, DOMAIN_RELAY, value_r);
}

/* An address with a domain; Postfix also asks for bare local parts. */
static enum result parse_key(struct span key, struct address *a)
{
    if (address_parse(key, a) != OK || address_domain(a).len == 0 || a->local_len == 0)
        return NOT_FOUND;
    return OK;
}

/* "domain/local/": for virtual(8); a '/' in the local part would lead elsewhere. */
static enum result mailbox_maps(struct facts *f, struct span key, struct strbuf *value_r)
{
    struct account_row account;
    struct domain_row domain;
    struct address a;
    struct span local;
    enum result r = parse_key(key, &a);

    if (r == OK)
        r = facts_account(f, a.text, &account);
    if (r == OK && account.relay)
        return NOT_FOUND;
    if (r == OK)
        r = facts_domain(f, address_domain(&a), &domain);
    if (r != OK || domain.kind != DOMAIN_MAILBOX)
        return r == OK ? NOT_FOUND : r;
    strbuf_add(value_r, address_domain(&a));
    strbuf_addc(value_r, '/');
    local = address_local(&a);
    for (size_t i = 0; i < local.len; i++)
        if (local.ptr[i] == '/' || (i == 0 && local.ptr[i] == '.'))
            strbuf_addf(value_r, "%%%02X", (unsigned char)local.ptr[i]);
        else
            strbuf_addc(value_r, local.ptr[i]);
    strbuf_addc(value_r, '/');
    return OK;
}

static enum result add_destinations(struct facts *f, const char *alias, struct strbuf *value_r)
{
    struct rowset set;
    enum result r = facts_column(f, QUERY_ALIAS_DESTINATIONS, &alias, 1, &set);

    for (const char *p = set.text; r == OK && set.count > 0; set.count--, p = rowset_next(p)) {
        if (value_r->len > 0)
            strbuf_addc(value_r, ',');
        strbuf_adds(value_r, p);
    }
    return r;
}

/* "@domain": the catch-all of the domain or of the one it stands for. */
static enum result catchall(struct facts *f, struct span domain, struct strbuf *value_r)
{
    char alias[DOMAIN_MAX + 2] = "@";
    struct domain_row row;
    enum result r;

    if (domain_parse(domain, alias + 1) != OK)
        return NOT_FOUND;
    r = add_destinations(f, alias, value_r);
    if (r != NOT_FOUND)
        return r;
    r = facts_domain(f, span_of(alias + 1), &row);
    if (r != OK || row.kind != DOMAIN_ALIAS)
        return r == OK ? NOT_FOUND : r;
    if (str_copy(span_of(row.target), alias + 1, sizeof alias - 1) != OK)
        return NOT_FOUND;
    return add_destinations(f, alias, value_r);
}

/* The extension is Postfix's to strip and to add again: only whole addresses count. */
static enum result alias_maps(struct facts *f, struct span key, struct strbuf *value_r)
{
    struct account_row account;
    struct alias_row alias;
    struct address a, real;
    enum result r;

    if (key.len > 1 && key.ptr[0] == '@')
        return catchall(f, (struct span){ key.ptr + 1, key.len - 1 }, value_r);
    if (parse_key(key, &a) != OK)
        return NOT_FOUND;
    r = add_destinations(f, a.text, value_r);
    if (r != NOT_FOUND)
        return r;
    r = ownership_real_domain(f, &a, &real);
    if (r != OK)
        return r;
    r = facts_account(f, real.text, &account);
    /* An account stands for itself, or the catch-all would take its mail. */
    if (r == NOT_FOUND && !address_equal(&a, &real))
        r = facts_alias(f, real.text, &alias);
    if (r == OK)
        strbuf_adds(value_r, real.text);
    return r;
}

struct owners {
    struct facts *facts;
    struct strbuf *value;
    unsigned left;
};

static void add_owner(struct owners *o, const char *login)
{
    if (o->value->len > 0)
        strbuf_addc(o->value, ',');
    strbuf_adds(o->value, login);
}

static enum result add_alias_owners(struct owners *o, const char *alias, const struct alias_row *row,
                                    unsigned depth);

static enum result add_bearer_owners(struct owners *o, const struct bearer *b, unsigned depth)
{
    if (b->account)
        add_owner(o, b->address.text);
    return b->alias && depth < ALIAS_DEPTH_MAX ? add_alias_owners(o, b->address.text, &b->alias_row, depth) : OK;
}

/* Runs fn over a copy of a one-column rowset: what fn asks reuses the rows' memory. */
typedef enum result text_fn(struct owners *, const char *text, unsigned depth);

static enum result each_text(struct owners *o, enum query q, const char *const *params, size_t count,
                             text_fn *fn, unsigned depth)
{
    char text[ROWS_TEXT_MAX];
    struct rowset set;
    size_t len = 0;
    enum result r = facts_column(o->facts, q, params, count, &set);

    if (r != OK)
        return r == NOT_FOUND ? OK : r;
    for (size_t i = 0; i < set.count * set.columns; i++)
        len += strlen(set.text + len) + 1;
    memcpy(text, set.text, len);
    const char *p = text;
    for (size_t i = 0; r == OK && i < set.count; i++) {
        r = fn(o, p, depth);
        for (size_t c = 0; c < set.columns; c++)
            p = rowset_next(p);
    }
    return r;
}

static enum result add_destination_owners(struct owners *o, const char *text, unsigned depth)
{
    struct address a;
    struct bearer b;
    enum result r;

    if (o->left-- == 0)
        return LIMIT;
    if (address_parse(span_of(text), &a) != OK)
        return OK;
    r = ownership_bearer(o->facts, &a, &b);
    if (r != OK)
        return r == NOT_FOUND ? OK : r;
    return add_bearer_owners(o, &b, depth + 1);
}

static enum result add_alias_owners(struct owners *o, const char *alias, const struct alias_row *row,
                                    unsigned depth)
{
    if (row->destinations != 1 && !row->members_send)
        return OK;
    return each_text(o, QUERY_ALIAS_DESTINATIONS, &alias, 1, add_destination_owners, depth);
}

static enum result add_account(struct owners *o, const char *text, unsigned depth)
{
    (void)depth;
    add_owner(o, text);
    return OK;
}

/* A grant to "@domain" is one to each account in it. */
static enum result add_grantee(struct owners *o, const char *text, unsigned depth)
{
    const char *domain = text + 1;

    if (text[0] != '@')
        return add_account(o, text, depth);
    return each_text(o, QUERY_ACCOUNT_NAMES, &domain, 1, add_account, depth);
}

static enum result add_granted(struct owners *o, const struct address *sender)
{
    char domain[DOMAIN_MAX + 2];
    const char *const params[] = { sender->text, domain };
    struct strbuf b;

    strbuf_init(&b, domain, sizeof domain);
    strbuf_addc(&b, '@');
    strbuf_add(&b, address_domain(sender));
    return each_text(o, QUERY_GRANTEES, params, 2, add_grantee, 0);
}

static enum result add_catchall_owners(struct owners *o, const struct address *sender)
{
    char alias[DOMAIN_MAX + 2];
    struct address real;
    struct alias_row row;
    struct strbuf b;
    enum result r = ownership_real_domain(o->facts, sender, &real);

    if (r != OK)
        return r;
    strbuf_init(&b, alias, sizeof alias);
    strbuf_addc(&b, '@');
    strbuf_add(&b, address_domain(&real));
    r = facts_alias(o->facts, alias, &row);
    if (r != OK)
        return r == NOT_FOUND ? OK : r;
    return add_alias_owners(o, alias, &row, 0);
}

/* The union of all owners: Postfix takes the first answer it gets, so the answer for a
 * full address has to hold them all. */
static enum result sender_login_maps(struct facts *f, struct span key, struct strbuf *value_r)
{
    struct owners o = { f, value_r, ALIAS_WALK_MAX };
    struct address a, plain;
    struct bearer b;
    enum result r, borne = NOT_FOUND;

    if (key.len == 0 || address_parse(key, &a) != OK || address_domain(&a).len == 0)
        return NOT_FOUND;
    if (address_unwrap(&a, &plain) == OK)
        a = plain;
    if (a.local_len > 0)
        borne = ownership_bearer(f, &a, &b);
    r = borne;
    if (borne == OK)
        r = add_bearer_owners(&o, &b, 0);
    else if (borne == NOT_FOUND)
        r = add_catchall_owners(&o, &a);
    if (r == OK)
        r = add_granted(&o, &a);
    if (r == OK && borne == OK && !address_equal(&b.address, &a))
        r = add_granted(&o, &b.address);
    if (r != OK)
        return r;
    return value_r->len > 0 ? OK : NOT_FOUND;
}

const char *const map_names[MAP_COUNT] = {
    [MAP_VIRTUAL_MAILBOX_DOMAINS] = "virtual_mailbox_domains",
    [MAP_VIRTUAL_MAILBOX_MAPS] = "virtual_mailbox_maps",
    [MAP_VIRTUAL_ALIAS_MAPS] = "virtual_alias_maps",
    [MAP_SENDER_LOGIN_MAPS] = "smtpd_sender_login_maps",
    [MAP_RELAY_DOMAINS] = "relay_domains",
};

static lookup_fn *const lookups[MAP_COUNT] = {
    [MAP_VIRTUAL_MAILBOX_DOMAINS] = mailbox_domains, [MAP_VIRTUAL_MAILBOX_MAPS] = mailbox_maps,
    [MAP_VIRTUAL_ALIAS_MAPS] = alias_maps,           [MAP_SENDER_LOGIN_MAPS] = sender_login_maps,
    [MAP_RELAY_DOMAINS] = relay_domains,
};

enum result map_parse(struct span name, enum map_id *id_r)
{
    for (unsigned i = 0; i < MAP_COUNT; i++)
        if (span_equal(name, span_of(map_names[i]))) {
            *id_r = (enum map_id)i;
            return OK;
        }
    return NOT_FOUND;
}

enum result maps_lookup(struct facts *f, enum map_id id, struct span key, struct strbuf *value_r)
{
    enum result r = lookups[id](f, key, value_r);

    return r == OK && value_r->cut ? LIMIT : r;
}
