/* SPDX-License-Identifier: MIT */
#include "policyctl/export/export.h"

#include <string.h>

struct walk {
    struct store *store;
    account_fn *fn;
    void *context;
    struct arena *arena;
    struct account *account;
    enum result result;
};

static bool hash_fn(const struct row *row, void *context)
{
    struct walk *w = context;

    w->account->hash = arena_text(w->arena, row->column[0]);
    return false;
}

static bool field_fn(const struct row *row, void *context)
{
    struct walk *w = context;
    struct account *a = w->account;

    if (a->fields == EXPORT_FIELDS_MAX) {
        w->result = LIMIT;
        return false;
    }
    a->field[a->fields].name = arena_text(w->arena, row->column[0]);
    a->field[a->fields++].value = arena_text(w->arena, row->column[1]);
    return true;
}

/* The rest of one account; NOT_FOUND is no fault: it has no password, or no fields. */
static enum result complete(struct walk *w)
{
    const char *params[] = { w->account->address, "" };

    w->result = OK;
    if (store_query(w->store, QUERY_ACCOUNT_PASSWORD, params, 1, hash_fn, w) == TRY_AGAIN ||
        store_query(w->store, QUERY_ACCOUNT_FIELDS, params, 2, field_fn, w) == TRY_AGAIN)
        return TRY_AGAIN;
    return w->result;
}

static bool account_row_fn(const struct row *row, void *context)
{
    struct walk *w = context;
    const char *const *c = row->column;
    struct account account = { .address = c[0], .kind = c[1], .status = c[2], .hash = "",
                               .suspended = c[3] ? c[3] : "", .reason = c[4] ? c[4] : "", .until = c[6] ? c[6] : "" };

    w->account = &account;
    w->arena = arena_open();
    w->result = w->arena ? complete(w) : TRY_AGAIN;
    if (w->result == OK)
        w->result = w->fn(&account, w->context);
    arena_close(&w->arena);
    return w->result == OK;
}

enum result export_accounts(struct store *store, const char *domain, account_fn *fn, void *context)
{
    struct walk w = { .store = store, .fn = fn, .context = context };
    enum result r = store_query(store, QUERY_ACCOUNTS, &domain, 1, account_row_fn, &w);

    return r == TRY_AGAIN ? r : w.result;
}
