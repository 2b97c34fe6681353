/* SPDX-License-Identifier: MIT */
/* policyctl account: who may log in. */
#include <stdlib.h>
#include <string.h>

#include "policyctl/ask.h"
#include "policyctl/change.h"
#include "policyctl/fields.h"
#include "policyctl/password_input.h"
#include "policyctl/show.h"

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
    c->field[FIELD_PASSWORD] = NULL;
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

/* Its status and its fields: all or nothing. */
static enum status run_set(struct ctl *ctl, const struct args *a)
{
    struct change change[1 + FIELD_CHANGES_MAX] = { 0 };
    struct field_changes fields;
    struct address address;
    size_t count = 0;
    struct error e;

    if (address_check(a->operand[0], false, &address, &e) != OK)
        return fail_error(STATUS_INPUT, &e);
    enum status status = fields_changes(a, address.text, &fields);
    if (status != STATUS_DONE)
        return status;
    if (a->option[OPT_STATUS])
        change[count++] = (struct change){ .kind = CHANGE_ACCOUNT_STATUS,
                                           .field = { [FIELD_ADDRESS] = address.text,
                                                      [FIELD_STATUS] = a->option[OPT_STATUS] } };
    for (size_t i = 0; i < fields.count; i++)
        change[count++] = fields.change[i];
    if (count == 0)
        return fail(STATUS_INPUT, "account set: what? see policyctl help account set");
    return change_submit(ctl, change, count);
}

static enum status run_suspend(struct ctl *ctl, const struct args *a)
{
    char until[UNTIL_TEXT_MAX], name[ASK_WHO_MAX];
    enum status status = change_until(ctl, a, until);
    struct change c = { .kind = CHANGE_ACCOUNT_SUSPEND,
                        .field = { [FIELD_ADDRESS] = a->operand[0],
                                   [FIELD_REASON] = a->option[OPT_REASON],
                                   [FIELD_SERVICES] = a->option[OPT_SERVICES],
                                   [FIELD_UNTIL] = until,
                                   [FIELD_BY] = ask_who(name),
                                   [FIELD_EVIDENCE] = a->option[OPT_EVIDENCE] } };

    return status == STATUS_DONE ? change_submit(ctl, &c, 1) : status;
}

static enum status run_release(struct ctl *ctl, const struct args *a)
{
    char name[ASK_WHO_MAX];
    struct change c = { .kind = CHANGE_ACCOUNT_RELEASE,
                        .field = { [FIELD_ADDRESS] = a->operand[0],
                                   [FIELD_BY] = ask_who(name),
                                   [FIELD_NEW_PASSWORD] = a->option[OPT_REQUIRE_NEW_PASSWORD] ? "1" : "0" } };

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
    { NULL, "suspended_by", COLUMN_TEXT },   { NULL, "suspended_evidence", COLUMN_TEXT },
};
enum { COLUMNS = sizeof columns / sizeof *columns };

static enum status run_list(struct ctl *ctl, const struct args *a)
{
    static const struct listing listing = { QUERY_ACCOUNTS, columns, COLUMNS };
    char domain[DOMAIN_MAX + 1];
    enum status status = listing_domain(ctl, a, domain);

    return status == STATUS_DONE ? listing_print(ctl, &listing, domain, a->option[OPT_JSON]) : status;
}

/* QUERY_SUSPENDED */
static enum status run_suspended(struct ctl *ctl, const struct args *a)
{
    static const struct column suspended[] = {
        { "ADDRESS", "address", COLUMN_TEXT }, { "SERVICES", "services", COLUMN_TEXT },
        { "SINCE", "since", COLUMN_TIME },     { "UNTIL", "until", COLUMN_EXPIRY },
        { "REASON", "reason", COLUMN_TEXT },   { "BY", "by", COLUMN_TEXT },
        { NULL, "evidence", COLUMN_TEXT },
    };
    static const struct listing listing = { QUERY_SUSPENDED, suspended, sizeof suspended / sizeof *suspended };

    return listing_print(ctl, &listing, NULL, a->option[OPT_JSON]);
}

static enum status run_show(struct ctl *ctl, const struct args *a)
{
    static const struct listing listing = { QUERY_ACCOUNT_ALL, columns, COLUMNS };
    struct address address;
    char domain[DOMAIN_MAX + 1];
    struct error e;

    if (address_check(a->operand[0], false, &address, &e) != OK ||
        str_copy(address_domain(&address), domain, sizeof domain) != OK)
        return fail_error(STATUS_INPUT, &e);
    struct shown shown = { "account", &listing, address.text, address.text, address.text, domain };
    return show_print(ctl, &shown, a->option[OPT_JSON]);
}

#define ACCOUNT(word) .name = "account", .verb = (word), .operands = "ADDRESS", .min = 1, .max = 1

const struct command account_commands[] = {
    { ACCOUNT("add"), .optional = OPT(PASSWORD_STDIN) | OPT(RELAY), .run = run_add,
      .help = "Adds an account; asks for its password, twice",
      .example = "policyctl account add user@example.com" },
    { .name = "account", .verb = "list", .operands = "", .optional = OPT(DOMAIN) | OPT(JSON), .run = run_list,
      .help = "Lists the accounts", .example = "policyctl account list --domain example.com" },
    { ACCOUNT("passwd"), .optional = OPT(PASSWORD_STDIN), .run = run_passwd,
      .help = "Sets a new password", .example = "policyctl account passwd user@example.com" },
    { ACCOUNT("release"), .optional = OPT(REQUIRE_NEW_PASSWORD), .run = run_release,
      .help = "Ends a suspension, demands another password, or both",
      .example = "policyctl account release user@example.com --require-new-password" },
    { ACCOUNT("remove"), .run = run_remove,
      .help = "Removes an account with all that belongs to it",
      .example = "policyctl account remove user@example.com" },
    { ACCOUNT("set"), .optional = OPT(STATUS) | OPT_FIELDS, .run = run_set,
      .help = "Sets an account's status and what Dovecot is told of it",
      .example = "policyctl account set user@example.com --status disabled" },
    { ACCOUNT("show"), .optional = OPT(JSON), .run = run_show,
      .help = "Shows an account with all that belongs to it",
      .example = "policyctl account show user@example.com" },
    { ACCOUNT("suspend"), .required = OPT(REASON), .optional = OPT(EVIDENCE) | OPT(SERVICES) | OPT(UNTIL),
      .run = run_suspend,
      .help = "Suspends an account; mail to it still arrives",
      .example = "policyctl account suspend user@example.com --reason \"stolen password\"" },
    { .name = "suspended", .operands = "", .optional = OPT(JSON), .run = run_suspended,
      .help = "Lists the accounts that are suspended, and why",
      .example = "policyctl suspended" },
    { 0 },
};
