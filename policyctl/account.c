/* SPDX-License-Identifier: MIT */
/* policyctl account: who may log in. */
#include <stdio.h>
#include <string.h>

#include "policyctl/change.h"
#include "policyctl/listing.h"
#include "policyctl/password_input.h"
#include "policyctl/table.h"

/* ---- changing ---- */

/* The input is checked with a hash that stands in, before anybody types a password. */
static enum status submit_with_password(struct ctl *ctl, const struct args *a, struct change *c)
{
    char hash[PASSWORD_HASH_MAX] = "{CRYPT}*";

    c->field[FIELD_ADDRESS] = a->operand[0];
    c->field[FIELD_PASSWORD] = hash;
    enum status status = change_check_input(c, 1);
    if (status == STATUS_DONE)
        status = password_input(ctl, a, hash);
    if (status == STATUS_DONE)
        status = change_submit(ctl, c, 1);
    explicit_bzero(hash, sizeof hash);
    return status;
}

static enum status run_add(struct ctl *ctl, const struct args *a)
{
    struct change c = { .kind = CHANGE_ACCOUNT_ADD };

    c.field[FIELD_KIND] = a->option[OPT_RELAY] ? "relay" : "user";
    return submit_with_password(ctl, a, &c);
}

static enum status run_passwd(struct ctl *ctl, const struct args *a)
{
    struct change c = { .kind = CHANGE_ACCOUNT_PASSWORD };

    return submit_with_password(ctl, a, &c);
}

static enum status run_set(struct ctl *ctl, const struct args *a)
{
    struct change c = { .kind = CHANGE_ACCOUNT_STATUS,
                        .field = { [FIELD_ADDRESS] = a->operand[0], [FIELD_STATUS] = a->option[OPT_STATUS] } };

    return change_submit(ctl, &c, 1);
}

static enum status run_suspend(struct ctl *ctl, const struct args *a)
{
    char until[UNTIL_TEXT_MAX];
    enum status status = change_until(ctl, a, until);
    struct change c = { .kind = CHANGE_ACCOUNT_SUSPEND,
                        .field = { [FIELD_ADDRESS] = a->operand[0],
                                   [FIELD_REASON] = a->option[OPT_REASON],
                                   [FIELD_SERVICES] = a->option[OPT_SERVICES],
                                   [FIELD_UNTIL] = until } };

    return status == STATUS_DONE ? change_submit(ctl, &c, 1) : status;
}

static enum status run_release(struct ctl *ctl, const struct args *a)
{
    struct change c = { .kind = CHANGE_ACCOUNT_RELEASE, .field = { [FIELD_ADDRESS] = a->operand[0] } };

    return change_submit(ctl, &c, 1);
}

static enum status run_remove(struct ctl *ctl, const struct args *a)
{
    struct change c = { .kind = CHANGE_ACCOUNT_REMOVE, .field = { [FIELD_ADDRESS] = a->operand[0] } };

    return change_submit(ctl, &c, 1);
}

/* ---- reading ---- */

/* QUERY_ACCOUNTS and QUERY_ACCOUNT_ALL; the password is in neither. */
static const struct column columns[] = {
    { "ADDRESS", "address", COLUMN_TEXT },    { "KIND", "kind", COLUMN_TEXT },
    { "STATUS", "status", COLUMN_TEXT },      { "SUSPENDED", "suspended", COLUMN_TEXT },
    { NULL, "suspended_reason", COLUMN_TEXT }, { NULL, "suspended_since", COLUMN_TIME },
    { "UNTIL", "suspended_until", COLUMN_EXPIRY }, { NULL, "password_changed", COLUMN_TIME },
    { NULL, "created", COLUMN_TIME },        { NULL, "new_password_since", COLUMN_TIME },
};
enum { COLUMNS = sizeof columns / sizeof *columns };

static enum status run_list(struct ctl *ctl, const struct args *a)
{
    static const struct listing listing = { QUERY_ACCOUNTS, columns, COLUMNS };
    char domain[DOMAIN_MAX + 1];
    enum status status = listing_domain(ctl, a, domain);

    return status == STATUS_DONE ? listing_print(ctl, &listing, domain, a->option[OPT_JSON]) : status;
}

struct show {
    const struct ctl *ctl;
    struct json json;
};

static bool show_account(const struct row *row, void *context)
{
    struct show *s = context;
    char buffer[LISTING_TEXT_MAX];

    for (size_t i = 0; i < COLUMNS; i++)
        table_line(columns[i].key, 16, listing_text(&columns[i], row->column[i], s->ctl->now, buffer));
    return true;
}

static bool show_grant(const struct row *row, void *context)
{
    (void)context;
    table_line("may send as", 16, row->column[1]);
    return true;
}

static const struct column policy_columns[] = {
    { NULL, "check", COLUMN_TEXT },
    { NULL, "mode", COLUMN_TEXT },
    { NULL, "until", COLUMN_EXPIRY },
};

static bool show_policy(const struct row *row, void *context)
{
    struct show *s = context;
    char text[128], buffer[LISTING_TEXT_MAX];
    const char *until = listing_text(&policy_columns[2], row->column[2], s->ctl->now, buffer);
    struct strbuf b;

    strbuf_init(&b, text, sizeof text);
    strbuf_addf(&b, "%s %s%s%s", row->column[0], row->column[1], until ? " until " : "", until ? until : "");
    table_line("policy", 16, text);
    return true;
}

static bool json_account(const struct row *row, void *context)
{
    struct json *j = &((struct show *)context)->json;

    json_open(j, NULL, '{');
    listing_members(j, columns, COLUMNS, row);
    return true;
}

static bool json_grant(const struct row *row, void *context)
{
    json_text(&((struct show *)context)->json, NULL, row->column[1]);
    return true;
}

static bool json_policy(const struct row *row, void *context)
{
    struct json *j = &((struct show *)context)->json;

    json_open(j, NULL, '{');
    listing_members(j, policy_columns, 3, row);
    json_close(j, '}');
    return true;
}

static enum result print_account(struct store *store, struct show *s, const char *address)
{
    enum result r = store_query(store, QUERY_ACCOUNT_ALL, &address, 1, show_account, s);

    if (r == OK)
        r = store_query(store, QUERY_GRANTS, &address, 1, show_grant, s) == TRY_AGAIN ? TRY_AGAIN : OK;
    if (r == OK)
        r = store_query(store, QUERY_POLICY, &address, 1, show_policy, s) == TRY_AGAIN ? TRY_AGAIN : OK;
    return r;
}

static enum result print_json(struct store *store, struct show *s, const char *address)
{
    enum result r = store_query(store, QUERY_ACCOUNT_ALL, &address, 1, json_account, s);

    if (r != OK)
        return r;
    json_open(&s->json, "grants", '[');
    r = store_query(store, QUERY_GRANTS, &address, 1, json_grant, s) == TRY_AGAIN ? TRY_AGAIN : OK;
    json_close(&s->json, ']');
    json_open(&s->json, "policy", '[');
    if (r == OK)
        r = store_query(store, QUERY_POLICY, &address, 1, json_policy, s) == TRY_AGAIN ? TRY_AGAIN : OK;
    json_close(&s->json, ']');
    json_close(&s->json, '}');
    return r;
}

static enum status run_show(struct ctl *ctl, const struct args *a)
{
    struct show s = { .ctl = ctl, .json = { .out = stdout } };
    struct store *store = NULL;
    struct address address;
    struct error e;
    enum result r = TRY_AGAIN;

    if (address_check(a->operand[0], false, &address, &e) != OK)
        return fail_error(STATUS_INPUT, &e);
    enum status status = open_accounts(ctl, &store);
    if (status != STATUS_DONE)
        return status;
    if (store_begin(store) == OK) {
        r = (a->option[OPT_JSON] ? print_json : print_account)(store, &s, address.text);
        store_end(store);
    }
    store_close(&store);
    if (r == NOT_FOUND)
        return fail(STATUS_FAILED, "no account %s", address.text);
    return r == OK ? STATUS_DONE : fail_read(ctl);
}

#define ACCOUNT(word) .name = "account", .verb = word, .operands = "ADDRESS", .min = 1, .max = 1

const struct command account_commands[] = {
    { ACCOUNT("add"), .optional = OPT(PASSWORD_STDIN) | OPT(RELAY), .run = run_add,
      .help = "Adds an account; asks for its password, twice",
      .example = "policyctl account add user@example.com" },
    { .name = "account", .verb = "list", .operands = "", .optional = OPT(DOMAIN) | OPT(JSON), .run = run_list,
      .help = "Lists the accounts", .example = "policyctl account list --domain example.com" },
    { ACCOUNT("passwd"), .optional = OPT(PASSWORD_STDIN), .run = run_passwd,
      .help = "Sets a new password", .example = "policyctl account passwd user@example.com" },
    { ACCOUNT("release"), .run = run_release,
      .help = "Ends a suspension", .example = "policyctl account release user@example.com" },
    { ACCOUNT("remove"), .run = run_remove,
      .help = "Removes an account with its grants and policy rows",
      .example = "policyctl account remove user@example.com" },
    { ACCOUNT("set"), .required = OPT(STATUS), .run = run_set,
      .help = "Sets the status of an account",
      .example = "policyctl account set user@example.com --status disabled" },
    { ACCOUNT("show"), .optional = OPT(JSON), .run = run_show,
      .help = "Shows an account with its grants and policy rows",
      .example = "policyctl account show user@example.com" },
    { ACCOUNT("suspend"), .required = OPT(REASON), .optional = OPT(SERVICES) | OPT(UNTIL), .run = run_suspend,
      .help = "Suspends an account; mail to it still arrives",
      .example = "policyctl account suspend user@example.com --reason \"stolen password\"" },
    { 0 },
};
