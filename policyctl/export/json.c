/* SPDX-License-Identifier: MIT */
/* Everything that is said in the account table, as policyctl import reads it. */
#include <string.h>

#include "policyctl/export/export.h"
#include "policyctl/json.h"

struct writer {
    struct export *x;
    struct json json;
    char alias[600]; /* whose destinations are being written; "" none */
};

static bool is_wanted(const struct writer *w, const char *domain)
{
    return *w->x->domain == '\0' || strcmp(w->x->domain, domain) == 0;
}

/* ---- domains ---- */

static bool field_fn(const struct row *row, void *context)
{
    struct writer *w = context;

    json_text(&w->json, row->column[0], row->column[1]);
    return true;
}

static enum result put_fields(struct writer *w, const char *scope)
{
    const char *params[] = { scope, "" };

    json_open(&w->json, "fields", '{');
    enum result r = store_query(w->x->store, QUERY_ACCOUNT_FIELDS, params, 2, field_fn, w);
    json_close(&w->json, '}');
    return r;
}

static bool domain_fn(const struct row *row, void *context)
{
    struct writer *w = context;

    if (!is_wanted(w, row->column[0]))
        return true;
    json_open(&w->json, NULL, '{');
    json_text(&w->json, "domain", row->column[0]);
    json_text(&w->json, "kind", row->column[1]);
    json_text(&w->json, "alias_of", row->column[2]);
    enum result r = put_fields(w, row->column[0]);
    json_close(&w->json, '}');
    return r != TRY_AGAIN;
}

/* ---- accounts ---- */

static enum result put_account(const struct account *a, void *context)
{
    struct writer *w = context;
    struct json *j = &w->json;

    json_open(j, NULL, '{');
    json_text(j, "address", a->address);
    json_text(j, "kind", a->kind);
    json_text(j, "status", a->status);
    json_text(j, "password_hash", a->hash);
    if (*a->suspended) {
        json_open(j, "suspended", '{');
        json_text(j, "services", a->suspended);
        json_text(j, "reason", a->reason);
        json_number_text(j, "until", a->until);
        json_close(j, '}');
    }
    json_open(j, "fields", '{');
    for (size_t i = 0; i < a->fields; i++)
        json_text(j, a->field[i].name, a->field[i].value);
    json_close(j, '}');
    json_close(j, '}');
    return OK;
}

/* ---- aliases ---- */

static void end_alias(struct writer *w)
{
    if (w->alias[0] == '\0')
        return;
    json_close(&w->json, ']');
    json_close(&w->json, '}');
    w->alias[0] = '\0';
}

static bool alias_fn(const struct row *row, void *context)
{
    struct writer *w = context;

    if (strcmp(w->alias, row->column[0]) != 0) {
        end_alias(w);
        snprintf(w->alias, sizeof w->alias, "%s", row->column[0]);
        json_open(&w->json, NULL, '{');
        json_text(&w->json, "alias", row->column[0]);
        json_flag(&w->json, "members_send", row->column[1][0] == '1');
        json_open(&w->json, "destinations", '[');
    }
    if (row->column[2])
        json_text(&w->json, NULL, row->column[2]);
    return true;
}

/* ---- the rest, as the rows are ---- */

/* Of a domain alone: what its accounts and it were granted. */
static bool grant_fn(const struct row *row, void *context)
{
    struct writer *w = context;

    if (!is_wanted(w, strrchr(row->column[0], '@') + 1))
        return true;
    json_open(&w->json, NULL, '{');
    json_text(&w->json, "grantee", row->column[0]);
    json_text(&w->json, "sender", row->column[1]);
    json_close(&w->json, '}');
    return true;
}

static bool policy_fn(const struct row *row, void *context)
{
    struct writer *w = context;
    const char *at = strrchr(row->column[0], '@');

    if (!is_wanted(w, at ? at + 1 : row->column[0]))
        return true;
    json_open(&w->json, NULL, '{');
    json_text(&w->json, "scope", row->column[0]);
    json_text(&w->json, "check", row->column[1]);
    json_text(&w->json, "mode", row->column[2]);
    json_number_text(&w->json, "from", row->column[5]);
    json_number_text(&w->json, "until", row->column[3]);
    json_close(&w->json, '}');
    return true;
}

static bool list_fn(const struct row *row, void *context)
{
    static const char *const keys[] = { "action", "client", "client_name", "helo", "sender", "recipient", "scope" };
    struct writer *w = context;

    if (!is_wanted(w, row->column[7]))
        return true;
    json_open(&w->json, NULL, '{');
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        json_text(&w->json, keys[i], row->column[i + 1]);
    json_number_text(&w->json, "until", row->column[8]);
    json_text(&w->json, "note", row->column[9]);
    json_close(&w->json, '}');
    return true;
}

static enum result put_rows(struct writer *w, const char *key, enum query query, const char *param, store_row_fn *fn)
{
    json_open(&w->json, key, '[');
    enum result r = store_query(w->x->store, query, &param, param ? 1 : 0, fn, w);
    end_alias(w);
    json_close(&w->json, ']');
    return r == NOT_FOUND ? OK : r;
}

static enum result put_accounts(struct writer *w)
{
    json_open(&w->json, "accounts", '[');
    enum result r = export_accounts(w->x->store, w->x->domain, put_account, w);
    json_close(&w->json, ']');
    return r;
}

enum result export_json(struct export *x)
{
    struct writer w = { .x = x, .json = { .out = x->out } };
    enum result r;

    json_open(&w.json, NULL, '{');
    json_number(&w.json, "postern_export", 1);
    r = put_rows(&w, "domains", QUERY_DOMAINS, NULL, domain_fn);
    if (r == OK)
        r = put_accounts(&w);
    if (r == OK)
        r = put_rows(&w, "aliases", QUERY_ALIASES, x->domain, alias_fn);
    if (r == OK)
        r = put_rows(&w, "grants", QUERY_GRANTS, "", grant_fn);
    if (r == OK)
        r = put_rows(&w, "policy", QUERY_POLICIES, NULL, policy_fn);
    if (r == OK)
        r = put_rows(&w, "lists", QUERY_LIST_ENTRIES, NULL, list_fn);
    json_close(&w.json, '}');
    return r;
}
