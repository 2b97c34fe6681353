/* SPDX-License-Identifier: MIT */
/* policyctl readiness: who would break if a check were enforced now. */
#include <string.h>

#include "lib/address.h"
#include "policyctl/date.h"
#include "policyctl/listing.h"
#include "policyctl/readiness/readiness.h"

static const char since_default[] = "7d";

/* What the options ask for; the texts are the caller's. */
struct wish {
    char scope[DOMAIN_MAX + 1], old_name[DOMAIN_MAX + 1];
    unsigned check; /* CHECK_COUNT: all */
    struct readiness_params params;
};

static enum status read_options(const struct ctl *ctl, const struct args *a, struct wish *w)
{
    const char *check = a->option[OPT_CHECK], *old_name = a->option[OPT_OLD_NAME], *since = a->option[OPT_SINCE];
    enum check_id id = CHECK_COUNT;
    struct error e;

    if (check && check_parse(span_of(check), &id) != OK)
        return fail(STATUS_INPUT, "no check '%s': see policyctl policy show", check);
    if (old_name && domain_check(old_name, w->old_name, &e) != OK)
        return fail_error(STATUS_INPUT, &e);
    if (date_since(since ? since : since_default, ctl->now, &w->params.since, &e) != OK)
        return fail_error(STATUS_INPUT, &e);
    if (!!a->option[OPT_JSON] + !!a->option[OPT_CSV] + !!a->option[OPT_HTML] > 1)
        return fail(STATUS_INPUT, "--csv, --html and --json exclude each other");
    w->check = id;
    w->params.scope = w->scope;
    w->params.old_name = w->old_name;
    return listing_domain(ctl, a, w->scope);
}

static enum status run_readiness(struct ctl *ctl, const struct args *a)
{
    struct wish w = { .old_name = "" };
    struct readiness *report = NULL;
    enum status status = read_options(ctl, a, &w);

    if (status == STATUS_DONE)
        status = readiness_make(ctl, &w.params, &report);
    if (status != STATUS_DONE)
        return status;
    if (a->option[OPT_HTML])
        status = readiness_html(ctl, report, w.check);
    else if (a->option[OPT_JSON])
        readiness_json(report, w.check);
    else if (a->option[OPT_CSV])
        readiness_csv(report, w.check);
    else
        readiness_print(report, w.check);
    readiness_free(&report);
    return status;
}

const struct command readiness_commands[] = {
    { .name = "readiness", .operands = "",
      .optional = OPT(DOMAIN) | OPT(CHECK) | OPT(SINCE) | OPT(OLD_NAME) | OPT(JSON) | OPT(CSV) | OPT(HTML), .run = run_readiness,
      .help = "Shows who would break if each check were enforced now",
      .example = "policyctl readiness --since 7d --old-name imap27.example.net" },
    { 0 },
};
