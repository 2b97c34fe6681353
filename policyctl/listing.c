/* SPDX-License-Identifier: MIT */
#include "policyctl/listing.h"

#include <stdlib.h>
#include <string.h>

#include "policyctl/date.h"
#include "policyctl/table.h"

struct print {
    const struct ctl *ctl;
    const struct listing *listing;
    bool empty_too; /* the header stands alone where there are no rows */
    struct table table;
    struct json *json;
};

const char *listing_text(const struct column *c, const char *value, int64_t now,
                         char buffer[static LISTING_TEXT_MAX])
{
    char date[DATE_TEXT_MAX];
    struct strbuf b;

    if (!value || *value == '\0')
        return NULL;
    if (c->kind == COLUMN_FLAG)
        return value[0] == '1' ? "yes" : "no";
    if (c->kind != COLUMN_TIME && c->kind != COLUMN_EXPIRY)
        return value;
    int64_t seconds = strtoll(value, NULL, 10);
    date_text(seconds, date);
    strbuf_init(&b, buffer, LISTING_TEXT_MAX);
    strbuf_adds(&b, date);
    if (c->kind == COLUMN_EXPIRY && seconds <= now)
        strbuf_adds(&b, " expired");
    return buffer;
}

void listing_members(struct json *j, const struct column *column, size_t columns, const struct row *row)
{
    for (size_t i = 0; i < columns; i++) {
        const char *value = row->column[i] && *row->column[i] ? row->column[i] : NULL;
        if (column[i].kind == COLUMN_TEXT)
            json_text(j, column[i].key, value);
        else if (column[i].kind == COLUMN_FLAG)
            json_flag(j, column[i].key, value && value[0] == '1');
        else
            json_number_text(j, column[i].key, value);
    }
}

static bool table_fn(const struct row *row, void *context)
{
    struct print *p = context;
    char buffer[TABLE_COLUMNS_MAX][LISTING_TEXT_MAX];
    const char *cell[TABLE_COLUMNS_MAX];
    size_t n = 0;

    for (size_t i = 0; i < p->listing->columns; i++)
        if (p->listing->column[i].title) {
            cell[n] = listing_text(&p->listing->column[i], row->column[i], p->ctl->now, buffer[n]);
            n++;
        }
    table_row(&p->table, cell);
    return true;
}

static bool json_fn(const struct row *row, void *context)
{
    struct print *p = context;

    json_open(p->json, NULL, '{');
    listing_members(p->json, p->listing->column, p->listing->columns, row);
    json_close(p->json, '}');
    return true;
}

static enum result print_table(struct store *s, struct print *p, const char *const *params, size_t count)
{
    const char *title[TABLE_COLUMNS_MAX];
    enum result r;

    for (size_t i = 0; i < p->listing->columns; i++)
        if (p->listing->column[i].title)
            title[p->table.columns++] = p->listing->column[i].title;
    p->table.title = title;
    r = store_query(s, p->listing->query, params, count, table_fn, p);
    if (r != OK && (r != NOT_FOUND || !p->empty_too))
        return r;
    table_print(&p->table);
    return store_query(s, p->listing->query, params, count, table_fn, p);
}

static enum result print_json(struct store *s, struct print *p, const char *key, const char *const *params,
                              size_t count)
{
    json_open(p->json, key, '[');
    enum result r = store_query(s, p->listing->query, params, count, json_fn, p);
    json_close(p->json, ']');
    return r;
}

enum result listing_part(const struct ctl *ctl, struct store *store, const struct listing *l, const char *param,
                         struct json *json, const char *key)
{
    struct print p = { .ctl = ctl, .listing = l, .json = json };

    return json ? print_json(store, &p, key, &param, param ? 1 : 0) : print_table(store, &p, &param, param ? 1 : 0);
}

enum status listing_print(const struct ctl *ctl, const struct listing *l, const char *param, bool json)
{
    struct json out = { .out = stdout };
    struct print p = { .ctl = ctl, .listing = l, .json = &out, .empty_too = true };
    struct store *store = NULL;
    enum status status = open_accounts(ctl, &store);
    enum result r = TRY_AGAIN;

    if (status != STATUS_DONE)
        return status;
    if (store_begin(store) == OK) {
        r = json ? print_json(store, &p, NULL, &param, param ? 1 : 0)
                 : print_table(store, &p, &param, param ? 1 : 0);
        store_end(store);
    }
    store_close(&store);
    return r == OK || r == NOT_FOUND ? STATUS_DONE : fail_read(ctl);
}

static bool any_fn(const struct row *row, void *context)
{
    (void)row, (void)context;
    return true;
}

enum status listing_exists(const struct ctl *ctl, enum query query, const char *what, const char *key)
{
    struct store *store = NULL;
    enum status status = open_accounts(ctl, &store);

    if (status != STATUS_DONE)
        return status;
    enum result r = store_query(store, query, &key, 1, any_fn, NULL);
    store_close(&store);
    if (r == NOT_FOUND)
        return fail(STATUS_FAILED, "no %s %s", what, key);
    return r == OK ? STATUS_DONE : fail_read(ctl);
}

enum status listing_domain(const struct ctl *ctl, const struct args *a, char domain_r[static DOMAIN_MAX + 1])
{
    struct error e;

    domain_r[0] = '\0';
    if (!a->option[OPT_DOMAIN])
        return STATUS_DONE;
    if (domain_check(a->option[OPT_DOMAIN], domain_r, &e) != OK)
        return fail_error(STATUS_INPUT, &e);
    return listing_exists(ctl, QUERY_DOMAIN, "domain", domain_r);
}
