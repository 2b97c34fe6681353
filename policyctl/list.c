/* SPDX-License-Identifier: MIT */
/* policyctl list: clients, names, senders and recipients that are let pass or refused. */
#include <string.h>

#include "policyctl/change.h"
#include "policyctl/listing.h"

#define PARTS (OPT(CLIENT) | OPT(CLIENT_NAME) | OPT(HELO) | OPT(SENDER) | OPT(RECIPIENT) | OPT(DOMAIN))

/* What an entry says, from the options. */
static struct change entry(enum change_kind kind, const char *action, const struct args *a)
{
    return (struct change){ .kind = kind,
                            .field = { [FIELD_ACTION] = action,
                                       [FIELD_CLIENT] = a->option[OPT_CLIENT],
                                       [FIELD_CLIENT_NAME] = a->option[OPT_CLIENT_NAME],
                                       [FIELD_HELO] = a->option[OPT_HELO],
                                       [FIELD_SENDER] = a->option[OPT_SENDER],
                                       [FIELD_LIST_RECIPIENT] = a->option[OPT_RECIPIENT],
                                       [FIELD_SCOPE] = a->option[OPT_DOMAIN] } };
}

/* A scope may be an address elsewhere; in an entry it is the recipient's domain. */
static enum status check_domain(const struct args *a)
{
    char domain[DOMAIN_MAX + 1];
    struct error e;

    if (!a->option[OPT_DOMAIN] || domain_check(a->option[OPT_DOMAIN], domain, &e) == OK)
        return STATUS_DONE;
    return fail_error(STATUS_INPUT, &e);
}

static enum status add(struct ctl *ctl, const struct args *a, const char *action)
{
    char until[UNTIL_TEXT_MAX];
    struct change c = entry(CHANGE_LIST_ADD, action, a);
    enum status status = check_domain(a);

    if (status == STATUS_DONE)
        status = change_until(ctl, a, until);
    c.field[FIELD_UNTIL] = until;
    c.field[FIELD_NOTE] = a->option[OPT_NOTE];
    return status == STATUS_DONE ? change_submit(ctl, &c, 1) : status;
}

static enum status run_allow(struct ctl *ctl, const struct args *a)
{
    return add(ctl, a, "allow");
}

static enum status run_deny(struct ctl *ctl, const struct args *a)
{
    return add(ctl, a, "deny");
}

static bool has_parts(const struct args *a)
{
    for (unsigned i = 0; i < OPTION_COUNT; i++)
        if ((PARTS & OPT_BIT(i)) && a->option[i])
            return true;
    return false;
}

/* By its number, or by what it says. */
static enum status run_remove(struct ctl *ctl, const struct args *a)
{
    const char *which = a->operand[0];
    bool by_parts = strcmp(which, "allow") == 0 || strcmp(which, "deny") == 0;
    struct change c = by_parts ? entry(CHANGE_LIST_REMOVE_ENTRY, which, a)
                               : (struct change){ .kind = CHANGE_LIST_REMOVE, .field = { [FIELD_ID] = which } };
    enum status status = check_domain(a);
    uint64_t id;

    if (!by_parts && str_number(span_of(which), 1, INT64_MAX, &id) != OK)
        return fail(STATUS_INPUT, "no entry '%s': name its ID (policyctl list show), or allow or deny and its "
                    "options", which);
    if (!by_parts && has_parts(a))
        return fail(STATUS_INPUT, "an entry's ID goes without options");
    return status == STATUS_DONE ? change_submit(ctl, &c, 1) : status;
}

static enum status run_show(struct ctl *ctl, const struct args *a)
{
    static const struct column columns[] = {
        { "ID", "id", COLUMN_NUMBER },
        { "ACTION", "action", COLUMN_TEXT },
        { "CLIENT", "client", COLUMN_TEXT },
        { "CLIENT-NAME", "client_name", COLUMN_TEXT },
        { "HELO", "helo", COLUMN_TEXT },
        { "SENDER", "sender", COLUMN_TEXT },
        { "RECIPIENT", "recipient", COLUMN_TEXT },
        { "DOMAIN", "domain", COLUMN_TEXT },
        { "UNTIL", "until", COLUMN_EXPIRY },
        { "NOTE", "note", COLUMN_TEXT },
    };
    static const struct listing listing = { QUERY_LIST_ENTRIES, columns, sizeof columns / sizeof *columns };

    return listing_print(ctl, &listing, NULL, a->option[OPT_JSON]);
}

const struct command list_commands[] = {
    { .name = "list", .verb = "allow", .operands = "", .optional = PARTS | OPT(UNTIL) | OPT(NOTE),
      .run = run_allow, .help = "Lets clients pass that all given options match",
      .example = "policyctl list allow --sender app@example.com --client 192.0.2.0/24" },
    { .name = "list", .verb = "deny", .operands = "", .optional = PARTS | OPT(UNTIL) | OPT(NOTE),
      .run = run_deny, .help = "Refuses clients that all given options match",
      .example = "policyctl list deny --client 198.51.100.0/24 --note \"floods\"" },
    { .name = "list", .verb = "remove", .operands = "ID|allow|deny", .min = 1, .max = 1, .optional = PARTS,
      .run = run_remove, .help = "Removes an entry, by its number or by what it says",
      .example = "policyctl list remove 3" },
    { .name = "list", .verb = "show", .operands = "", .optional = OPT(JSON), .run = run_show,
      .help = "Shows the entries", .example = "policyctl list show" },
    { 0 },
};
