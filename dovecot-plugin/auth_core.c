/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "dovecot-plugin/auth_private.h"

struct auth_core *auth_core_new(const char *config_path, struct error *e)
{
    struct auth_core *c = calloc(1, sizeof *c);

    if (!c) {
        error_set(e, TRY_AGAIN, "out of memory");
        return NULL;
    }
    if (config_load(config_path, &c->config, e) == OK) {
        c->store = auth_store_new(NULL, c->config->accounts_db, c->config->dovecot.store_timeout_ms);
        c->report = auth_report_new(c->config->observe_socket);
        if (!c->store || !c->report)
            error_set(e, TRY_AGAIN, "out of memory");
    }
    if (!c->store || !c->report)
        auth_core_free(&c);
    return c;
}

void auth_core_free(struct auth_core **core)
{
    if (*core) {
        auth_store_free(&(*core)->store);
        auth_report_free(&(*core)->report);
        config_free(&(*core)->config);
    }
    free(*core);
    *core = NULL;
}

/* ---- names ---- */

enum result auth_parse_user(const struct auth_core *c, const char *name, struct address *address_r)
{
    struct address bare;
    enum result r = address_parse(span_of(name), address_r);

    if (r == OK && address_r->len > 0 && !address_domain(address_r).ptr && *c->config->default_domain) {
        bare = *address_r;
        r = address_in_domain(&bare, span_of(c->config->default_domain), address_r);
    }
    if (r == BAD || r == LIMIT || (r == OK && address_r->len == 0))
        return NOT_FOUND;
    return r;
}

/* ---- where mail lies ---- */

static bool take_nothing(const struct row *row, void *context)
{
    (void)row, (void)context;
    return false;
}

static enum result read_exists(struct store *store, void *context)
{
    const char *name = context;

    return store_query(store, QUERY_ACCOUNT, &name, 1, take_nothing, NULL);
}

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
    return b->cut ? LIMIT : OK;
}

/* Adds a field with the account's name filled in; an empty one is left to Dovecot. */
static enum result add_field(struct account_fields *f, const char *name, const char *template,
                             const struct address *a)
{
    struct strbuf b;
    enum result r;

    if (!*template)
        return OK;
    if (f->count == ACCOUNT_FIELDS_MAX || f->used == sizeof f->text)
        return LIMIT;
    strbuf_init(&b, f->text + f->used, sizeof f->text - f->used);
    r = fill_in(template, a, &b);
    if (r == OK) {
        f->field[f->count++] = (struct account_field){ name, f->text + f->used };
        f->used += b.len + 1;
    }
    return r;
}

static enum auth_result unavailable(enum result r)
{
    return r == NOT_FOUND ? AUTH_UNKNOWN : AUTH_UNAVAILABLE;
}

enum auth_result auth_core_user(struct auth_core *c, const char *name, struct auth_user *user_r,
                                struct error *e)
{
    struct address address;
    enum result r = auth_parse_user(c, name, &address);

    if (r == OK)
        r = auth_store_read(c->store, read_exists, address.text, e);
    if (r != OK)
        return unavailable(r);
    user_r->fields.count = user_r->fields.used = 0;
    if (add_field(&user_r->fields, "home", c->config->dovecot.home, &address) != OK ||
        add_field(&user_r->fields, "mail", c->config->dovecot.mail, &address) != OK ||
        add_field(&user_r->fields, "uid", c->config->dovecot.uid, &address) != OK ||
        add_field(&user_r->fields, "gid", c->config->dovecot.gid, &address) != OK) {
        error_set(e, BAD, "%s: the name cannot be part of a path: set dovecot { home, mail } without it",
                  address.text);
        return AUTH_UNAVAILABLE;
    }
    memcpy(user_r->name, address.text, address.len + 1);
    return AUTH_OK;
}

struct page_read {
    const char *after;
    struct auth_page *page;
};

static bool take_name(const struct row *row, void *context)
{
    struct auth_page *page = context;

    if (str_copy(span_of(row->column[0]), page->name[page->count], sizeof page->name[0]) == OK)
        page->count++;
    return page->count < AUTH_PAGE;
}

static enum result read_page(struct store *store, void *context)
{
    struct page_read *read = context;

    read->page->count = 0;
    return store_query(store, QUERY_ACCOUNTS_AFTER, &read->after, 1, take_name, read->page);
}

enum auth_result auth_core_users(struct auth_core *c, const char *after, struct auth_page *page_r,
                                 struct error *e)
{
    enum result r = auth_store_read(c->store, read_page, &(struct page_read){ after, page_r }, e);

    return r == OK ? AUTH_OK : unavailable(r);
}
