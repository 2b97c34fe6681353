/* SPDX-License-Identifier: MIT */
#include "policyctl/import/existing.h"

#include <string.h>

#include "lib/list_entry.h"

struct search {
    const struct change *change;
    struct existing *existing;
};

/* Each finds the item among the rows of its query. */
static void found(struct search *s, const char *value)
{
    struct strbuf b;

    s->existing->is_there = true;
    strbuf_init(&b, s->existing->value, sizeof s->existing->value);
    strbuf_adds(&b, value);
}

static const char *of(const struct search *s, enum field f)
{
    return s->change->field[f] ? s->change->field[f] : "";
}

static bool equal(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

static bool domain_fn(const struct row *row, void *context)
{
    char value[EXISTING_MAX];
    bool is_alias = equal(row->column[1], "alias");

    snprintf(value, sizeof value, "%s%s%s", row->column[1], is_alias ? " of " : "", is_alias ? row->column[2] : "");
    found(context, value);
    return false;
}

static bool first_fn(const struct row *row, void *context)
{
    found(context, row->column[0]);
    return false;
}

static bool status_fn(const struct row *row, void *context)
{
    found(context, row->column[1]);
    return false;
}

static bool suspension_fn(const struct row *row, void *context)
{
    char value[EXISTING_MAX];

    snprintf(value, sizeof value, "%s until %s: %s", row->column[2] ? row->column[2] : "",
             row->column[4] ? row->column[4] : "released", row->column[3] ? row->column[3] : "");
    if (row->column[2])
        found(context, value);
    return false;
}

static bool field_fn(const struct row *row, void *context)
{
    struct search *s = context;

    if (!equal(row->column[0], of(s, FIELD_NAME)))
        return true;
    found(s, row->column[1]);
    return false;
}

static bool alias_fn(const struct row *row, void *context)
{
    struct search *s = context;

    found(s, s->change->field[FIELD_SEND] ? row->column[0] : "");
    return false;
}

static bool member_fn(const struct row *row, void *context)
{
    (void)row;
    found(context, "");
    return false;
}

static bool grant_fn(const struct row *row, void *context)
{
    struct search *s = context;

    if (!equal(row->column[1], of(s, FIELD_SENDER)))
        return true;
    found(s, "");
    return false;
}

static bool policy_fn(const struct row *row, void *context)
{
    struct search *s = context;
    const char *start = *of(s, FIELD_START) ? of(s, FIELD_START) : "0";
    char value[EXISTING_MAX];

    if (!equal(row->column[0], of(s, FIELD_CHECK)) || !equal(row->column[3], start))
        return true;
    snprintf(value, sizeof value, "%s until %s", row->column[1], row->column[2] ? row->column[2] : "");
    found(s, value);
    return false;
}

static bool list_fn(const struct row *row, void *context)
{
    struct search *s = context;

    if (equal(row->column[1], of(s, FIELD_ACTION)))
        found(s, "");
    return true;
}

/* By the one key that such an entry has. */
static enum result find_list(struct store *store, struct search *s)
{
    const char *const text[LIST_PARTS] = { of(s, FIELD_LIST_RECIPIENT), of(s, FIELD_SENDER), of(s, FIELD_CLIENT_NAME),
                                           of(s, FIELD_HELO),           of(s, FIELD_CLIENT), of(s, FIELD_SCOPE) };
    char shape_text[LIST_SHAPE_MAX];
    const char *const params[] = { shape_text, text[0], text[1], text[2], text[3], text[4], text[5] };
    struct list_shape shape;

    if (list_shape_of(text, &shape) != OK)
        return NOT_FOUND; /* not canonical: the table has none that says so */
    list_shape_text(&shape, shape_text);
    return store_query(store, QUERY_LISTED, params, sizeof params / sizeof *params, list_fn, s);
}

static const struct {
    enum query query;
    enum field param[2];
    size_t params;
    store_row_fn *fn;
    enum change_kind update;
} kinds[ITEM_COUNT] = {
    [ITEM_DOMAIN] = { QUERY_DOMAIN, { FIELD_DOMAIN, 0 }, 1, domain_fn, CHANGE_DOMAIN_ADD },
    [ITEM_ALIAS_DOMAIN] = { QUERY_DOMAIN, { FIELD_DOMAIN, 0 }, 1, domain_fn, CHANGE_DOMAIN_ADD },
    [ITEM_ACCOUNT] = { QUERY_ACCOUNT_PASSWORD, { FIELD_ADDRESS, 0 }, 1, first_fn, CHANGE_ACCOUNT_PASSWORD },
    [ITEM_STATUS] = { QUERY_ACCOUNT, { FIELD_ADDRESS, 0 }, 1, status_fn, CHANGE_ACCOUNT_STATUS },
    [ITEM_SUSPENSION] = { QUERY_ACCOUNT, { FIELD_ADDRESS, 0 }, 1, suspension_fn, CHANGE_ACCOUNT_SUSPEND },
    [ITEM_FIELD] = { QUERY_ACCOUNT_FIELDS, { FIELD_SCOPE, FIELD_COUNT }, 2, field_fn, CHANGE_ACCOUNT_FIELD_SET },
    [ITEM_ALIAS] = { QUERY_ALIAS, { FIELD_CATCHALL, 0 }, 1, alias_fn, CHANGE_ALIAS_SET },
    [ITEM_DESTINATION] = { QUERY_ALIAS_MEMBER, { FIELD_CATCHALL, FIELD_DESTINATION }, 2, member_fn,
                           CHANGE_ALIAS_MEMBER },
    [ITEM_GRANT] = { QUERY_GRANTS, { FIELD_GRANTEE, 0 }, 1, grant_fn, CHANGE_GRANT_ADD },
    [ITEM_POLICY] = { QUERY_POLICY, { FIELD_SCOPE, 0 }, 1, policy_fn, CHANGE_POLICY_SET },
    [ITEM_LIST] = { QUERY_LISTED, { 0, 0 }, 0, list_fn, CHANGE_LIST_ADD },
};

enum result existing_find(struct store *store, enum item item, const struct change *change,
                          struct existing *existing_r, struct change *update_r)
{
    /* cppcheck-suppress ctuuninitvar; it is set here */
    struct search s = { change, existing_r };
    const char *params[2];

    *existing_r = (struct existing){ .is_there = false };
    *update_r = *change;
    update_r->kind = kinds[item].update;
    for (size_t i = 0; i < kinds[item].params; i++)
        params[i] = kinds[item].param[i] == FIELD_COUNT ? "" : of(&s, kinds[item].param[i]);
    enum result r = item == ITEM_LIST
                        ? find_list(store, &s)
                        : store_query(store, kinds[item].query, params, kinds[item].params, kinds[item].fn, &s);
    return r == NOT_FOUND ? OK : r;
}
