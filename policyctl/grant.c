/* SPDX-License-Identifier: MIT */
/* policyctl grant: who may send as whom, beyond one's own addresses and aliases. */
#include "lib/address.h"
#include "policyctl/change.h"
#include "policyctl/listing.h"

static enum status submit(struct ctl *ctl, const struct args *a, enum change_kind kind)
{
    struct change c = { .kind = kind,
                        .field = { [FIELD_GRANTEE] = a->operand[0], [FIELD_SENDER] = a->operand[1] } };

    return change_submit(ctl, &c, 1);
}

static enum status run_add(struct ctl *ctl, const struct args *a)
{
    return submit(ctl, a, CHANGE_GRANT_ADD);
}

static enum status run_remove(struct ctl *ctl, const struct args *a)
{
    return submit(ctl, a, CHANGE_GRANT_REMOVE);
}

static enum status canonical(const char *who, char who_r[static ADDRESS_MAX + 1])
{
    struct address address;
    struct error e;
    enum result r;

    who_r[0] = '@';
    if (who[0] == '@')
        r = domain_check(who + 1, who_r + 1, &e);
    else if ((r = address_check(who, false, &address, &e)) == OK)
        r = str_copy(span_of(address.text), who_r, ADDRESS_MAX + 1);
    return r == OK ? STATUS_DONE : fail_error(STATUS_INPUT, &e);
}

static enum status run_list(struct ctl *ctl, const struct args *a)
{
    static const struct column columns[] = { { "WHO", "grantee", COLUMN_TEXT },
                                             { "MAY SEND AS", "sender", COLUMN_TEXT } };
    static const struct listing listing = { QUERY_GRANTS, columns, sizeof columns / sizeof *columns };
    char who[ADDRESS_MAX + 1] = "";
    enum status status = a->count > 0 ? canonical(a->operand[0], who) : STATUS_DONE;

    return status == STATUS_DONE ? listing_print(ctl, &listing, who, a->option[OPT_JSON]) : status;
}

const struct command grant_commands[] = {
    { .name = "grant", .verb = "add", .operands = "WHO AS", .min = 2, .max = 2, .run = run_add,
      .help = "Lets an account or @DOMAIN send as an address, @DOMAIN, *",
      .example = "policyctl grant add user@example.com @example.org" },
    { .name = "grant", .verb = "list", .operands = "[WHO]", .max = 1, .optional = OPT(JSON), .run = run_list,
      .help = "Lists the grants, of all or of one", .example = "policyctl grant list user@example.com" },
    { .name = "grant", .verb = "remove", .operands = "WHO AS", .min = 2, .max = 2, .run = run_remove,
      .help = "Takes a grant back", .example = "policyctl grant remove user@example.com @example.org" },
    { 0 },
};
