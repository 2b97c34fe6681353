/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "dovecot-plugin/auth_private.h"
#include "lib/account_fields.h"
#include "lib/extra_field.h"

/* ---- values ---- */

/* A name becomes part of a path as it is, or not at all. */
static bool is_path_part(struct span name)
{
    return name.len > 0 && name.ptr[0] != '.' && memchr(name.ptr, '/', name.len) == NULL;
}

static enum result fill_in(const char *template, const struct address *a, struct strbuf *b)
{
    for (const char *p = template; *p;) {
        const char *end = *p == '{' ? strchr(p, '}') : NULL;
        struct span name = { p + 1, end ? (size_t)(end - p) - 1 : 0 }, value = { a->text, a->len };
        if (!end) {
            strbuf_addc(b, *p++);
            continue;
        }
        if (span_equal(name, SPAN("local")))
            value = address_local(a);
        else if (span_equal(name, SPAN("domain")))
            value = address_domain(a);
        if (!is_path_part(value))
            return BAD;
        strbuf_add(b, value);
        p = end + 1;
    }
    return OK;
}

static bool is_template(const char *name)
{
    return strcmp(name, "home") == 0 || strcmp(name, "mail") == 0;
}

/* ---- fields ---- */

struct collecting {
    const struct address *address;
    bool userdb;
    struct account_fields *fields;
    enum result result;
};

static const char *keep(struct collecting *c, const char *text, bool template)
{
    struct account_fields *f = c->fields;
    struct strbuf b;

    if (f->used == sizeof f->text) {
        c->result = LIMIT;
        return "";
    }
    strbuf_init(&b, f->text + f->used, sizeof f->text - f->used);
    if (!template)
        strbuf_adds(&b, text);
    else if (fill_in(text, c->address, &b) != OK)
        c->result = BAD;
    if (b.cut)
        c->result = LIMIT;
    f->used += b.len + 1;
    return b.ptr;
}

static void take_field(const char *name, const char *value, enum field_source source, void *context)
{
    struct collecting *c = context;
    struct account_fields *f = c->fields;
    const char *of_userdb = extra_field_of_userdb(name);

    (void)source;
    if ((of_userdb != NULL) != c->userdb || c->result != OK || extra_field_is_contact(name))
        return;
    if (f->count == ACCOUNT_FIELDS_MAX) {
        c->result = LIMIT;
        return;
    }
    f->field[f->count].name = keep(c, of_userdb ? of_userdb : name, false);
    f->field[f->count++].value = keep(c, value, is_template(name));
}

enum result auth_fields_read(const struct auth_core *core, struct store *store, const struct address *address,
                             bool userdb, struct account_fields *fields_r)
{
    struct collecting c = { .address = address, .userdb = userdb, .fields = fields_r, .result = OK };
    char domain[DOMAIN_MAX + 1];

    fields_r->count = fields_r->used = 0;
    if (str_copy(address_domain(address), domain, sizeof domain) != OK)
        return LIMIT;
    if (account_fields_read(store, core->config, address->text, domain, take_field, &c) != OK)
        return TRY_AGAIN;
    return c.result;
}

/* ---- userdb ---- */

struct user_read {
    const struct auth_core *core;
    const struct address *address;
    struct account_fields *fields;
};

static bool take_nothing(const struct row *row, void *context)
{
    (void)row, (void)context;
    return false;
}

static enum result read_user(struct store *store, void *context)
{
    const struct user_read *u = context;
    const char *name = u->address->text;
    enum result r = store_query(store, QUERY_ACCOUNT, &name, 1, take_nothing, NULL);

    return r == OK ? auth_fields_read(u->core, store, u->address, true, u->fields) : r;
}

enum auth_result auth_core_user(struct auth_core *c, const char *name, struct auth_user *user_r, struct error *e)
{
    struct address address;
    struct user_read read = { c, &address, &user_r->fields };
    enum result r = auth_parse_user(c, name, &address);

    if (r == OK)
        r = auth_store_read(c->store, read_user, &read, e);
    if (r == NOT_FOUND)
        return AUTH_UNKNOWN;
    if (r == BAD)
        error_set(e, BAD, "%s: the name cannot be part of a path: set home and mail without it", address.text);
    else if (r == LIMIT)
        error_set(e, LIMIT, "%s: too many extra fields", address.text);
    if (r != OK)
        return AUTH_UNAVAILABLE;
    memcpy(user_r->name, address.text, address.len + 1);
    return AUTH_OK;
}
