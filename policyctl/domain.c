/* SPDX-License-Identifier: MIT */
/* policyctl domain: the domains this host answers for. */
#include "policyctl/change.h"
#include "policyctl/fields.h"
#include "policyctl/show.h"

static enum status run_add(struct ctl *ctl, const struct args *a)
{
    const char *target = a->option[OPT_ALIAS_OF];
    struct change c = { .kind = CHANGE_DOMAIN_ADD };

    if (target && a->option[OPT_RELAY])
        return fail(STATUS_INPUT, "--relay and --alias-of exclude each other");
    c.field[FIELD_DOMAIN] = a->operand[0];
    c.field[FIELD_KIND] = target ? "alias" : a->option[OPT_RELAY] ? "relay" : "mailbox";
    c.field[FIELD_TARGET] = target;
    return change_submit(ctl, &c, 1);
}

static enum status run_remove(struct ctl *ctl, const struct args *a)
{
    struct change c = { .kind = CHANGE_DOMAIN_REMOVE, .field = { [FIELD_DOMAIN] = a->operand[0] } };

    return change_submit(ctl, &c, 1);
}

/* Of all accounts in it that do not say otherwise. */
static enum status run_set(struct ctl *ctl, const struct args *a)
{
    struct field_changes fields;
    char domain[DOMAIN_MAX + 1];
    struct error e;

    if (domain_check(a->operand[0], domain, &e) != OK)
        return fail_error(STATUS_INPUT, &e);
    enum status status = fields_changes(a, domain, &fields);
    if (status == STATUS_DONE && fields.count == 0)
        return fail(STATUS_INPUT, "domain set: what? see policyctl help domain set");
    return status == STATUS_DONE ? change_submit(ctl, fields.change, fields.count) : status;
}

static enum status run_show(struct ctl *ctl, const struct args *a)
{
    static const struct column columns[] = {
        { NULL, "domain", COLUMN_TEXT }, { NULL, "kind", COLUMN_TEXT }, { NULL, "alias_of", COLUMN_TEXT }
    };
    static const struct listing listing = { QUERY_DOMAIN, columns, sizeof columns / sizeof *columns };
    char at_domain[DOMAIN_MAX + 2] = "@", *domain = at_domain + 1;
    struct error e;

    if (domain_check(a->operand[0], domain, &e) != OK)
        return fail_error(STATUS_INPUT, &e);
    struct shown shown = { "domain", &listing, domain, at_domain, "", domain };
    return show_print(ctl, &shown, a->option[OPT_JSON]);
}

static enum status run_list(struct ctl *ctl, const struct args *a)
{
    static const struct column columns[] = {
        { "DOMAIN", "domain", COLUMN_TEXT },     { "KIND", "kind", COLUMN_TEXT },
        { "ALIAS OF", "alias_of", COLUMN_TEXT }, { "ACCOUNTS", "accounts", COLUMN_NUMBER },
        { "ALIASES", "aliases", COLUMN_NUMBER },
    };
    static const struct listing listing = { QUERY_DOMAINS, columns, sizeof columns / sizeof *columns };

    return listing_print(ctl, &listing, NULL, a->option[OPT_JSON]);
}

const struct command domain_commands[] = {
    { .name = "domain", .verb = "add", .operands = "DOMAIN", .min = 1, .max = 1,
      .optional = OPT(RELAY) | OPT(ALIAS_OF), .run = run_add,
      .help = "Adds a domain of mailboxes, a relayed or an alias domain",
      .example = "policyctl domain add example.org --alias-of example.com" },
    { .name = "domain", .verb = "list", .operands = "", .optional = OPT(JSON), .run = run_list,
      .help = "Lists the domains", .example = "policyctl domain list" },
    { .name = "domain", .verb = "remove", .operands = "DOMAIN", .min = 1, .max = 1, .run = run_remove,
      .help = "Removes an empty domain with all that belongs to it",
      .example = "policyctl domain remove example.org" },
    { .name = "domain", .verb = "set", .operands = "DOMAIN", .min = 1, .max = 1, .optional = OPT_FIELDS,
      .run = run_set, .help = "Sets what Dovecot is told of a domain's accounts",
      .example = "policyctl domain set example.com --quota 2G" },
    { .name = "domain", .verb = "show", .operands = "DOMAIN", .min = 1, .max = 1, .optional = OPT(JSON),
      .run = run_show, .help = "Shows a domain with all that belongs to it",
      .example = "policyctl domain show example.com" },
    { 0 },
};
