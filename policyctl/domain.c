/* SPDX-License-Identifier: MIT */
/* policyctl domain: the domains this host answers for. */
#include "policyctl/change.h"
#include "policyctl/listing.h"

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
      .help = "Removes an empty domain with its policy rows and grants",
      .example = "policyctl domain remove example.org" },
    { 0 },
};
