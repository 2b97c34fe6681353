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

/* "domain/local/": for virtual(8); a '/' in the local part would lead elsewhere, and a
 * '%' to the mailbox of another that has a '/'. */
static enum result mailbox_maps(struct facts *f, struct span key, struct strbuf *value_r)
{
    struct account_row account;
    struct domain_row domain = { 0 };
    struct address whole, a;
    struct span local;
    enum result r;

    if (parse_key(key, &whole) != OK)
        return NOT_FOUND;
    a = whole;
    r = facts_account(f, a.text, &account);
    if (r == NOT_FOUND && address_strip_extension(&whole, f->config->recipient_delimiter, &a) == OK)
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
        if (local.ptr[i] == '/' || local.ptr[i] == '%' || (i == 0 && local.ptr[i] == '.'))
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

static enum result add_with_extension(struct span address, struct span extension, struct strbuf *value_r)
{
    struct address a;

    if (address_parse(address, &a) != OK)
        return NOT_FOUND;
    if (value_r->len > 0)
        strbuf_addc(value_r, ',');
    strbuf_add(value_r, address_local(&a));
    strbuf_add(value_r, extension);
    strbuf_addc(value_r, '@');
    strbuf_add(value_r, address_domain(&a));
    return OK;
}

/* The destinations of a bearer that was found under an address with an extension: each
 * takes it over, as Postfix does for its own tables (propagate_unmatched_extensions). */
static enum result alias_of_bearer(struct facts *f, const struct bearer *b, struct span extension,
                                   struct strbuf *value_r)
{
    const char *alias = b->address.text;
    struct rowset set;
    enum result r;

    if (!b->alias) /* an account stands for itself */
        return add_with_extension(span_of(alias), extension, value_r);
    r = facts_column(f, QUERY_ALIAS_DESTINATIONS, &alias, 1, &set);
    for (const char *p = set.text; r == OK && set.count > 0; set.count--, p = rowset_next(p))
        r = add_with_extension(span_of(p), extension, value_r);
    return r;
}

/* What address_strip_extension takes off, with its delimiter. */
static struct span extension_of(const struct address *whole, const struct config *c)
{
    struct address bare;
    struct span local = address_local(whole);

    if (address_strip_extension(whole, c->recipient_delimiter, &bare) != OK)
        return (struct span){ NULL, 0 };
    return (struct span){ local.ptr + bare.local_len, local.len - bare.local_len };
}

/* Postfix asks a socketmap for the whole address only: extensions, alias domains and
 * catch-alls are to be seen to here. It asks other tables for "@domain" too. */
static enum result alias_maps(struct facts *f, struct span key, struct strbuf *value_r)
{
    struct span extension = { NULL, 0 };
    struct address a;
    struct bearer b;
    enum result r;

    if (key.len > 1 && key.ptr[0] == '@')
        return catchall(f, (struct span){ key.ptr + 1, key.len - 1 }, value_r);
    if (parse_key(key, &a) != OK)
        return NOT_FOUND;
    r = ownership_bearer(f, &a, &b);
    if (r == NOT_FOUND)
        return catchall(f, address_domain(&a), value_r);
    if (r != OK)
        return r;
    if (b.address.local_len != a.local_len)
        extension = extension_of(&a, f->config);
    return alias_of_bearer(f, &b, extension, value_r);
}

struct owners {
    struct facts *facts;
    struct strbuf *value;
    unsigned left;      /* destinations that may still be resolved, as in ownership.c */
    struct span domain; /* ptr NULL: any; else only logins in it, or only those outside */
    bool outside;
};

static void add_owner(struct owners *o, const char *login)
{
    const char *at = strrchr(login, '@');
    bool inside = span_equal(o->domain, span_of(at ? at + 1 : ""));

    if (o->domain.ptr && inside == o->outside)
        return;
    if (o->value->len > 0)
        strbuf_addc(o->value, ',');
    strbuf_adds(o->value, login);
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
    for (size_t i = 0; i < set.count; i++)
        len += strlen(set.text + len) + 1;
    memcpy(text, set.text, len);
    for (const char *p = text; r == OK && set.count > 0; set.count--, p = rowset_next(p))
        r = o->value->cut ? LIMIT : fn(o, p, depth);
    return r;
}

static enum result add_login(struct owners *o, const char *text, unsigned depth)
{
    (void)depth;
    add_owner(o, text);
    return OK;
}

static enum result add_alias_owners(struct owners *o, const char *alias, const struct alias_row *row,
                                    unsigned depth);

/* What a destination stands for: an address in an alias domain, with an extension, or an
 * alias. */
static enum result add_resolved(struct owners *o, const char *text, unsigned depth)
{
    struct address a;
    struct bearer b;
    enum result r;

    if (address_parse(span_of(text), &a) != OK)
        return OK;
    r = ownership_bearer(o->facts, &a, &b);
    if (r != OK)
        return r == NOT_FOUND ? OK : r;
    if (b.account && !address_equal(&a, &b.address))
        add_owner(o, b.address.text);
    return b.alias && depth < ALIAS_DEPTH_MAX ? add_alias_owners(o, b.address.text, &b.alias_row, depth + 1)
                                              : OK;
}

static enum result add_alias_owners(struct owners *o, const char *alias, const struct alias_row *row,
                                    unsigned depth)
{
    enum result r;

    if (row->destinations != 1 && !row->members_send)
        return OK;
    r = each_text(o, QUERY_ALIAS_DESTINATIONS, &alias, 1, add_login, depth);
    if (r != OK || row->destinations > o->left)
        return r;
    o->left -= row->destinations;
    return each_text(o, QUERY_ALIAS_DESTINATIONS, &alias, 1, add_resolved, depth);
}

/* A grant to "@domain" is one to each account in it. */
static enum result add_grantee(struct owners *o, const char *text, unsigned depth)
{
    const char *domain = text + 1;

    if (text[0] != '@')
        return add_login(o, text, depth);
    return each_text(o, QUERY_ACCOUNT_NAMES, &domain, 1, add_login, depth);
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

static enum result add_granted_in_any_form(struct owners *o, const struct address *sender,
                                           const struct bearer *b)
{
    struct ownership_forms forms;
    enum result r = ownership_forms(o->facts, sender, b, &forms);

    for (size_t i = 0; r == OK && i < forms.count; i++)
        r = add_granted(o, &forms.form[i]);
    return r;
}

static enum result add_owners(struct owners *o, const struct address *sender)
{
    struct bearer b;
    enum result borne = NOT_FOUND, r = NOT_FOUND;

    o->left = ALIAS_WALK_MAX;
    if (sender->local_len > 0)
        borne = ownership_bearer(o->facts, sender, &b);
    if (borne > NOT_FOUND)
        return borne;
    if (borne == OK && b.account)
        add_owner(o, b.address.text);
    if (borne == OK)
        r = b.alias ? add_alias_owners(o, b.address.text, &b.alias_row, 0) : OK;
    else if ((r = ownership_catchall(o->facts, sender, &b)) == OK)
        r = add_alias_owners(o, b.address.text, &b.alias_row, 0);
    if (r != OK && r != NOT_FOUND)
        return r;
    return add_granted_in_any_form(o, sender, borne == OK ? &b : NULL);
}

/* What SRS wrapped, in a domain of ours, is for that domain's logins: see ownership.c. */
static enum result add_owners_of_wrapped(struct owners *o, const struct address *a,
                                         const struct address *plain)
{
    struct domain_row row;
    enum result r = NOT_FOUND;

    if (!span_equal(address_domain(plain), address_domain(a)))
        r = facts_domain(o->facts, address_domain(a), &row);
    if (r > NOT_FOUND)
        return r;
    if (r == NOT_FOUND)
        return add_owners(o, plain);
    o->domain = address_domain(a);
    r = add_owners(o, plain);
    o->outside = true;
    return r == OK ? add_owners(o, a) : r;
}

/* The union of all owners: Postfix takes the first answer it gets, so the answer for a
 * full address has to hold them all. */
static enum result sender_login_maps(struct facts *f, struct span key, struct strbuf *value_r)
{
    struct owners o = { .facts = f, .value = value_r };
    struct address a, plain;
    enum result r;

    if (key.len == 0 || address_parse(key, &a) != OK || address_domain(&a).len == 0)
        return NOT_FOUND;
    r = address_unwrap(&a, &plain) == OK ? add_owners_of_wrapped(&o, &a, &plain) : add_owners(&o, &a);
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
    [MAP_VIRTUAL_MAILBOX_DOMAINS] = mailbox_domains,
    [MAP_VIRTUAL_MAILBOX_MAPS] = mailbox_maps,
    [MAP_VIRTUAL_ALIAS_MAPS] = alias_maps,
    [MAP_SENDER_LOGIN_MAPS] = sender_login_maps,
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
