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

/* ---- all of them ---- */

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

    if (r == OK)
        return AUTH_OK;
    return r == NOT_FOUND ? AUTH_UNKNOWN : AUTH_UNAVAILABLE;
}
