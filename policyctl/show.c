/* SPDX-License-Identifier: MIT */
#include "policyctl/show.h"

#include <stdio.h>
#include <string.h>

#include "lib/account_fields.h"
#include "policyctl/table.h"

enum { LABEL_WIDTH = 18, TEXT_MAX = 2048 };

struct show {
    const struct ctl *ctl;
    const struct shown *shown;
    bool as_json;
    struct json json;
};

static bool show_row(const struct row *row, void *context)
{
    struct show *s = context;
    const struct listing *l = s->shown->listing;
    char buffer[LISTING_TEXT_MAX];

    if (s->as_json) {
        json_open(&s->json, NULL, '{');
        listing_members(&s->json, l->column, l->columns, row);
    } else
        for (size_t i = 0; i < l->columns; i++)
            table_line(l->column[i].key, LABEL_WIDTH, listing_text(&l->column[i], row->column[i], s->ctl->now, buffer));
    return true;
}

static bool show_grant(const struct row *row, void *context)
{
    struct show *s = context;

    if (s->as_json)
        json_text(&s->json, NULL, row->column[1]);
    else
        table_line("may send as", LABEL_WIDTH, row->column[1]);
    return true;
}

static void show_field(const char *name, const char *value, enum field_source source, void *context)
{
    static const char *const sources[] = {
        [SOURCE_ACCOUNT] = "account", [SOURCE_DOMAIN] = "domain", [SOURCE_CONFIG] = "configuration"
    };
    struct show *s = context;
    char text[TEXT_MAX];
    struct strbuf b;

    if (s->as_json) {
        json_open(&s->json, NULL, '{');
        json_text(&s->json, "name", name);
        json_text(&s->json, "value", value);
        json_text(&s->json, "from", sources[source]);
        json_close(&s->json, '}');
        return;
    }
    strbuf_init(&b, text, sizeof text);
    strbuf_addf(&b, "%s (%s)", value, sources[source]);
    table_line(name, LABEL_WIDTH, text);
}

static bool show_policy(const struct row *row, void *context)
{
    static const struct column columns[] = {
        { NULL, "check", COLUMN_TEXT },
        { NULL, "mode", COLUMN_TEXT },
        { NULL, "until", COLUMN_EXPIRY },
        { NULL, "from", COLUMN_TIME },
    };
    struct show *s = context;
    char text[192], first[LISTING_TEXT_MAX], last[LISTING_TEXT_MAX];
    const char *starts = strcmp(row->column[3], "0") == 0 ? NULL : row->column[3];
    const char *from = listing_text(&columns[3], starts, s->ctl->now, first);
    const char *until = listing_text(&columns[2], row->column[2], s->ctl->now, last);
    struct strbuf b;

    if (s->as_json) {
        json_open(&s->json, NULL, '{');
        listing_members(&s->json, columns, 3, row);
        json_number_text(&s->json, "from", starts);
        json_close(&s->json, '}');
        return true;
    }
    strbuf_init(&b, text, sizeof text);
    strbuf_addf(&b, "%s %s%s%s%s%s", row->column[0], row->column[1], from ? " from " : "", from ? from : "",
                until ? " until " : "", until ? until : "");
    table_line("policy", LABEL_WIDTH, text);
    return true;
}

static enum result show_fields(struct store *store, struct show *s)
{
    const struct shown *u = s->shown;

    return account_fields_read(store, s->ctl->config, u->address, u->domain, show_field, s);
}

static enum result show_grants(struct store *store, struct show *s)
{
    return store_query(store, QUERY_GRANTS, &s->shown->grantee, 1, show_grant, s);
}

static enum result show_policies(struct store *store, struct show *s)
{
    return store_query(store, QUERY_POLICY, &s->shown->scope, 1, show_policy, s);
}

static enum result show_all(struct store *store, struct show *s)
{
    static const struct {
        const char *key;
        enum result (*show)(struct store *, struct show *);
    } parts[] = { { "grants", show_grants }, { "fields", show_fields }, { "policy", show_policies } };
    enum result r = store_query(store, s->shown->listing->query, &s->shown->scope, 1, show_row, s);

    if (r != OK)
        return r;
    for (size_t i = 0; r == OK && i < sizeof parts / sizeof parts[0]; i++) {
        if (s->as_json)
            json_open(&s->json, parts[i].key, '[');
        if (parts[i].show(store, s) == TRY_AGAIN)
            r = TRY_AGAIN;
        if (s->as_json)
            json_close(&s->json, ']');
    }
    if (s->as_json)
        json_close(&s->json, '}');
    return r;
}

enum status show_print(struct ctl *ctl, const struct shown *shown, bool json)
{
    struct show s = { .ctl = ctl, .shown = shown, .as_json = json, .json = { .out = stdout } };
    struct store *store = NULL;
    enum result r = TRY_AGAIN;
    enum status status = open_accounts(ctl, &store);

    if (status != STATUS_DONE)
        return status;
    if (store_begin(store) == OK) {
        r = show_all(store, &s);
        store_end(store);
    }
    store_close(&store);
    if (r == NOT_FOUND)
        return fail(STATUS_FAILED, "no %s %s", shown->kind, shown->scope);
    return r == OK ? STATUS_DONE : fail_read(ctl);
}
