/* SPDX-License-Identifier: MIT */
#include "policyd/ownership.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct walk {
    struct facts *facts;
    const struct address *login;
    unsigned left; /* aliases that may still be looked into */
    char *why;     /* NULL: nobody asks */
};

static void say(const struct walk *w, const char *format, ...) PRINTF(2, 3);

static void say(const struct walk *w, const char *format, ...)
{
    va_list args;

    if (!w->why)
        return;
    va_start(args, format);
    vsnprintf(w->why, OWNERSHIP_TEXT_MAX, format, args);
    va_end(args);
}

enum result ownership_real_domain(struct facts *f, const struct address *a, struct address *address_r)
{
    struct domain_row row;
    enum result r = facts_domain(f, address_domain(a), &row);

    if (r == OK && row.kind == DOMAIN_ALIAS)
        return address_in_domain(a, span_of(row.target), address_r);
    if (r != OK && r != NOT_FOUND)
        return r;
    *address_r = *a;
    return OK;
}

/* Whether an entry bears exactly this address. */
static enum result bears(struct facts *f, const struct address *a, struct bearer *b)
{
    struct address_row row;
    enum result r = facts_address(f, a->text, &row);

    if (r != OK)
        return r;
    b->address = *a;
    b->account = row.account;
    b->alias = row.alias;
    b->alias_row = row.alias_row;
    return OK;
}

/* As it stands, then in the domain that an alias domain stands for. */
static enum result bears_in_either_domain(struct facts *f, const struct address *a, struct bearer *b)
{
    struct address real;
    enum result r = bears(f, a, b);

    if (r != NOT_FOUND)
        return r;
    r = ownership_real_domain(f, a, &real);
    if (r != OK || address_equal(&real, a))
        return r == OK ? NOT_FOUND : r;
    return bears(f, &real, b);
}

enum result ownership_bearer(struct facts *f, const struct address *a, struct bearer *bearer_r)
{
    struct address bare;
    enum result r = bears_in_either_domain(f, a, bearer_r);

    if (r != NOT_FOUND || address_strip_extension(a, f->config->recipient_delimiter, &bare) != OK)
        return r;
    return bears_in_either_domain(f, &bare, bearer_r);
}

static enum result alias_owned(struct walk *w, const char *alias, const struct alias_row *row,
                               unsigned depth);

/* A destination may be an address with extension, in an alias domain, or another alias. */
static enum result destination_owned(struct walk *w, const char *text, unsigned depth)
{
    struct address destination;
    struct bearer b;
    enum result r;

    if (address_parse(span_of(text), &destination) != OK)
        return NOT_FOUND;
    r = ownership_bearer(w->facts, &destination, &b);
    if (r != OK)
        return r;
    if (b.account && address_equal(&b.address, w->login))
        return OK;
    if (!b.alias || depth >= ALIAS_DEPTH_MAX)
        return NOT_FOUND;
    return alias_owned(w, b.address.text, &b.alias_row, depth + 1);
}

static enum result any_destination_owned(struct walk *w, const char *alias, unsigned depth)
{
    char text[ROWS_TEXT_MAX];
    struct rowset set;
    size_t len = 0;
    enum result r = facts_column(w->facts, QUERY_ALIAS_DESTINATIONS, &alias, 1, &set);

    if (r != OK)
        return r; /* never LIMIT: there are ALIAS_WALK_MAX at most */
    for (size_t i = 0; i < set.count; i++)
        len += strlen(set.text + len) + 1;
    memcpy(text, set.text, len); /* what follows reuses the rowset */
    r = NOT_FOUND;
    for (const char *p = text; set.count > 0 && r == NOT_FOUND; set.count--, p = rowset_next(p))
        r = destination_owned(w, p, depth);
    return r;
}

/* Looks into the alias' destinations for the login: first directly, so that a list of
 * thousands costs one look-up, then through a bounded number of others. */
static enum result alias_owned(struct walk *w, const char *alias, const struct alias_row *row, unsigned depth)
{
    bool only = row->destinations == 1;
    enum result r;

    if (!only && !row->members_send)
        return NOT_FOUND;
    if (only)
        r = strcmp(row->first, w->login->text) == 0 ? OK : NOT_FOUND;
    else
        r = facts_alias_member(w->facts, alias, w->login->text);
    if (r == NOT_FOUND && row->destinations <= w->left) {
        w->left -= row->destinations;
        r = only ? destination_owned(w, row->first, depth) : any_destination_owned(w, alias, depth);
    }
    if (r == OK)
        say(w, "alias %s goes to %s", alias, w->login->text);
    return r;
}

static enum result catchall_in(struct facts *f, struct span domain, struct bearer *b)
{
    char alias[DOMAIN_MAX + 2];
    struct strbuf text;
    enum result r;

    strbuf_init(&text, alias, sizeof alias);
    strbuf_addc(&text, '@');
    strbuf_add(&text, domain);
    r = facts_alias(f, alias, &b->alias_row);
    if (r != OK)
        return r;
    b->account = false;
    b->alias = true;
    return address_parse(span_of(alias), &b->address);
}

enum result ownership_catchall(struct facts *f, const struct address *a, struct bearer *bearer_r)
{
    struct address real;
    enum result r = catchall_in(f, address_domain(a), bearer_r);

    if (r != NOT_FOUND)
        return r;
    r = ownership_real_domain(f, a, &real);
    if (r != OK || span_equal(address_domain(&real), address_domain(a)))
        return r == OK ? NOT_FOUND : r;
    return catchall_in(f, address_domain(&real), bearer_r);
}

static enum result catchall_owned(struct walk *w, const struct address *sender)
{
    struct bearer b;
    enum result r = ownership_catchall(w->facts, sender, &b);

    return r == OK ? alias_owned(w, b.address.text, &b.alias_row, 0) : r;
}

static enum result granted(struct walk *w, const struct address *sender)
{
    struct grant_row row;
    enum result r = facts_grant(w->facts, w->login, sender, &row);

    if (r == OK)
        say(w, "grant to %s for %s", row.grantee, row.sender);
    return r;
}

static void add_form(struct ownership_forms *forms, const struct address *a)
{
    for (size_t i = 0; i < forms->count; i++)
        if (address_equal(&forms->form[i], a))
            return;
    forms->form[forms->count++] = *a;
}

static enum result add_real_form(struct facts *f, struct ownership_forms *forms, const struct address *a)
{
    struct address real;
    enum result r = ownership_real_domain(f, a, &real);

    if (r == OK)
        add_form(forms, &real);
    return r;
}

enum result ownership_forms(struct facts *f, const struct address *sender, const struct bearer *b,
                            struct ownership_forms *forms_r)
{
    struct address bare;
    enum result r;

    forms_r->count = 0;
    add_form(forms_r, sender);
    /* An entry of the full address has nothing to do with what stands before its delimiter. */
    if (b && b->address.local_len == sender->local_len) {
        add_form(forms_r, &b->address);
        return OK;
    }
    r = add_real_form(f, forms_r, sender);
    if (r != OK || address_strip_extension(sender, f->config->recipient_delimiter, &bare) != OK)
        return r;
    add_form(forms_r, &bare);
    return add_real_form(f, forms_r, &bare);
}

static enum result granted_in_any_form(struct walk *w, const struct address *sender, const struct bearer *b)
{
    struct ownership_forms forms;
    enum result r = ownership_forms(w->facts, sender, b, &forms);

    if (r != OK)
        return r;
    r = NOT_FOUND;
    for (size_t i = 0; r == NOT_FOUND && i < forms.count; i++)
        r = granted(w, &forms.form[i]);
    return r;
}

static enum result owned(struct walk *w, const struct address *sender)
{
    struct bearer b = { 0 };
    enum result r;

    if (address_equal(w->login, sender)) {
        say(w, "%s is the login", sender->text);
        return OK;
    }
    enum result borne = ownership_bearer(w->facts, sender, &b);
    if (borne > NOT_FOUND)
        return borne;
    if (borne == OK && b.account && address_equal(&b.address, w->login)) {
        say(w, "%s is an address of the login", sender->text);
        return OK;
    }
    r = NOT_FOUND;
    if (borne == NOT_FOUND)
        r = catchall_owned(w, sender);
    else if (b.alias)
        r = alias_owned(w, b.address.text, &b.alias_row, 0);
    if (r == NOT_FOUND)
        r = granted_in_any_form(w, sender, borne == OK ? &b : NULL);
    if (r == NOT_FOUND)
        say(w, "%s is %s, and no grant names it", sender->text,
            borne == NOT_FOUND ? "no address here"
            : b.account        ? "another account"
                               : "an alias for others");
    return r;
}

/* SRS moves an address into the forwarder's domain. Where that is a domain of ours, it
 * has owners of its own: what is wrapped inside lets only its own domain's logins in. */
static enum result unwrapped(struct facts *f, const struct address *login, const struct address *sender,
                             struct address *plain_r)
{
    struct domain_row row;
    enum result r;

    if (address_unwrap(sender, plain_r) != OK)
        return NOT_FOUND;
    if (span_equal(address_domain(plain_r), address_domain(sender)) ||
        span_equal(address_domain(login), address_domain(sender)))
        return OK;
    r = facts_domain(f, address_domain(sender), &row);
    return r == OK ? NOT_FOUND : r == NOT_FOUND ? OK : r;
}

enum result ownership_check(struct facts *f, const struct address *login, const struct address *sender,
                            char why_r[OWNERSHIP_TEXT_MAX])
{
    struct walk w = { .facts = f, .login = login, .left = ALIAS_WALK_MAX, .why = why_r };
    struct address plain;
    enum result r;

    if (why_r)
        why_r[0] = '\0';
    r = unwrapped(f, login, sender, &plain);
    if (r > NOT_FOUND)
        return r;
    return owned(&w, r == OK ? &plain : sender);
}
