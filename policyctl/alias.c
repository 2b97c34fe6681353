/* SPDX-License-Identifier: MIT */
/* policyctl alias: addresses that lead to others. */
#include <stdlib.h>
#include <string.h>

#include "policyctl/change.h"
#include "policyctl/listing.h"

/* ---- changing ---- */

/* "1", "0", or NULL where neither was given. */
static enum status members_send(const struct args *a, const char **value_r)
{
    bool yes = a->option[OPT_MEMBERS_SEND], no = a->option[OPT_NO_MEMBERS_SEND];

    if (yes && no)
        return fail(STATUS_INPUT, "--members-send and --no-members-send exclude each other");
    *value_r = yes ? "1" : no ? "0" : NULL;
    return STATUS_DONE;
}

/* Submits `first`, where it is not NULL, and one change of a kind for each
 * destination. */
static enum status submit_members(struct ctl *ctl, const struct args *a, const struct change *first,
                                  enum change_kind kind)
{
    struct change *change = calloc(a->count, sizeof *change);
    size_t n = 0;

    if (!change)
        return fail(STATUS_UNREACHABLE, "out of memory");
    if (first)
        change[n++] = *first;
    for (size_t i = 1; i < a->count; i++) {
        struct change *c = &change[n++];
        c->kind = kind;
        c->field[FIELD_CATCHALL] = a->operand[0];
        c->field[FIELD_DESTINATION] = a->operand[i];
    }
    enum status status = change_submit(ctl, change, n);
    free(change);
    return status;
}

static enum status run_add(struct ctl *ctl, const struct args *a)
{
    struct change c = { .kind = CHANGE_ALIAS_ADD, .field = { [FIELD_CATCHALL] = a->operand[0] } };
    enum status status = members_send(a, &c.field[FIELD_SEND]);

    return status == STATUS_DONE ? submit_members(ctl, a, &c, CHANGE_ALIAS_MEMBER) : status;
}

static enum status run_set(struct ctl *ctl, const struct args *a)
{
    struct change c = { .kind = CHANGE_ALIAS_SET, .field = { [FIELD_CATCHALL] = a->operand[0] } };
    enum status status = members_send(a, &c.field[FIELD_SEND]);

    if (status == STATUS_DONE && !c.field[FIELD_SEND])
        return fail(STATUS_INPUT, "alias set: name --members-send or --no-members-send");
    return status == STATUS_DONE ? change_submit(ctl, &c, 1) : status;
}

static enum status run_remove(struct ctl *ctl, const struct args *a)
{
    struct change c = { .kind = CHANGE_ALIAS_REMOVE, .field = { [FIELD_CATCHALL] = a->operand[0] } };

    if (a->count > 1)
        return submit_members(ctl, a, NULL, CHANGE_ALIAS_MEMBER_REMOVE);
    return change_submit(ctl, &c, 1);
}

/* ---- reading ---- */

static const struct column columns[] = {
    { "ALIAS", "alias", COLUMN_TEXT },
    { "MEMBERS SEND", "members_send", COLUMN_FLAG },
    { "DESTINATION", "destination", COLUMN_TEXT },
};

struct grouping {
    struct json json;
    char alias[ADDRESS_MAX + 2]; /* whose object is open; "" for none */
};

static void close_alias(struct grouping *g)
{
    if (!*g->alias)
        return;
    json_close(&g->json, ']');
    json_close(&g->json, '}');
}

/* Rows come ordered by alias: one object for all of an alias' destinations. */
static bool json_fn(const struct row *row, void *context)
{
    struct grouping *g = context;

    if (strcmp(g->alias, row->column[0]) != 0) {
        close_alias(g);
        json_open(&g->json, NULL, '{');
        listing_members(&g->json, columns, 2, row);
        json_open(&g->json, "destinations", '[');
        if (str_copy(span_of(row->column[0]), g->alias, sizeof g->alias) != OK)
            return false;
    }
    if (row->column[2])
        json_text(&g->json, NULL, row->column[2]);
    return true;
}

static enum status print_json(struct ctl *ctl, const char *domain)
{
    struct grouping g = { .json = { .out = stdout } };
    struct store *store = NULL;
    enum status status = open_accounts(ctl, &store);

    if (status != STATUS_DONE)
        return status;
    json_open(&g.json, NULL, '[');
    enum result r = store_query(store, QUERY_ALIASES, &domain, 1, json_fn, &g);
    close_alias(&g);
    json_close(&g.json, ']');
    store_close(&store);
    return r == OK || r == NOT_FOUND ? STATUS_DONE : fail_read(ctl);
}

static enum status run_list(struct ctl *ctl, const struct args *a)
{
    static const struct listing listing = { QUERY_ALIASES, columns, sizeof columns / sizeof *columns };
    char domain[DOMAIN_MAX + 1];
    enum status status = listing_domain(ctl, a, domain);

    if (status != STATUS_DONE)
        return status;
    return a->option[OPT_JSON] ? print_json(ctl, domain) : listing_print(ctl, &listing, domain, false);
}

const struct command alias_commands[] = {
    { .name = "alias", .verb = "add", .operands = "ALIAS ADDRESS...", .min = 2, .max = ANY_NUMBER,
      .optional = OPT(MEMBERS_SEND) | OPT(NO_MEMBERS_SEND), .run = run_add,
      .help = "Adds an alias, or destinations; @DOMAIN is a catch-all",
      .example = "policyctl alias add info@example.com user@example.com" },
    { .name = "alias", .verb = "list", .operands = "", .optional = OPT(DOMAIN) | OPT(JSON), .run = run_list,
      .help = "Lists the aliases, a line for each destination",
      .example = "policyctl alias list --domain example.com" },
    { .name = "alias", .verb = "remove", .operands = "ALIAS [ADDRESS...]", .min = 1, .max = ANY_NUMBER,
      .run = run_remove, .help = "Removes an alias, or some of its destinations",
      .example = "policyctl alias remove info@example.com" },
    { .name = "alias", .verb = "set", .operands = "ALIAS", .min = 1, .max = 1,
      .optional = OPT(MEMBERS_SEND) | OPT(NO_MEMBERS_SEND), .run = run_set,
      .help = "Says whether the destinations may send as the alias",
      .example = "policyctl alias set team@example.com --members-send" },
    { 0 },
};
