/* SPDX-License-Identifier: MIT */
#include "postern-act/account.h"

#include <string.h>

#include "lib/account_fields.h"
#include "lib/extra_field.h"

enum { BUSY_MS = 2000 };

static enum result open_accounts(const struct config *config, struct store **store_r, struct error *e)
{
    struct store_params p = { .path = config->accounts_db,
                              .database = DATABASE_ACCOUNTS,
                              .access = STORE_READ,
                              .busy_timeout_ms = BUSY_MS };

    return store_open(&p, store_r, e) == OK ? OK : TRY_AGAIN;
}

/* ---- suspended ---- */

struct suspension {
    int64_t now;
    char *services; /* SERVICES_TEXT_MAX */
    bool counts;
};

/* QUERY_ACCOUNT */
static bool suspension_fn(const struct row *row, void *context)
{
    struct suspension *s = context;
    uint64_t until = UINT64_MAX;

    if (row->column[4])
        (void)!str_number(span_of(row->column[4]), 0, INT64_MAX, &until);
    s->counts = row->column[2] && (until > INT64_MAX || (int64_t)until > s->now) &&
                str_copy(span_of(row->column[2]), s->services, SERVICES_TEXT_MAX) == OK;
    return true;
}

enum result account_suspended(const struct config *config, const char *address, int64_t now,
                              char services_r[static SERVICES_TEXT_MAX], struct error *e)
{
    struct suspension s = { .now = now, .services = services_r };
    struct store *store = NULL;
    enum result r = open_accounts(config, &store, e);

    if (r != OK)
        return r;
    r = store_query(store, QUERY_ACCOUNT, &address, 1, suspension_fn, &s);
    store_close(&store);
    if (r == TRY_AGAIN)
        return error_set(e, TRY_AGAIN, "%s: cannot be read now", config->accounts_db);
    return s.counts ? OK : NOT_FOUND;
}

static bool has(const char *list, struct span name)
{
    for (const char *p = list, *end; p; p = end ? end + 1 : NULL) {
        end = strchr(p, ',');
        if (span_equal((struct span){ p, end ? (size_t)(end - p) : strlen(p) }, name))
            return true;
    }
    return false;
}

bool account_services_have(const char *services, const char *names)
{
    if (strcmp(services, "all") == 0)
        return true;
    for (const char *p = names, *end; p; p = end ? end + 1 : NULL) {
        end = strchr(p, ',');
        if (has(services, (struct span){ p, end ? (size_t)(end - p) : strlen(p) }))
            return true;
    }
    return false;
}

/* ---- contact ---- */

static void contact_fn(const char *name, const char *value, enum field_source source, void *context)
{
    (void)source;
    if (extra_field_is_contact(name))
        (void)!str_copy(span_of(value), context, CONTACT_MAX);
}

enum result account_contact(const struct config *config, const char *address, const char *domain,
                            char contact_r[static CONTACT_MAX], struct error *e)
{
    struct store *store = NULL;
    enum result r = open_accounts(config, &store, e);

    contact_r[0] = '\0';
    if (r != OK)
        return r;
    r = account_fields_read(store, config, address, domain, contact_fn, contact_r);
    store_close(&store);
    if (r != OK)
        return error_set(e, TRY_AGAIN, "%s: cannot be read now", config->accounts_db);
    return *contact_r ? OK : NOT_FOUND;
}
