/* SPDX-License-Identifier: MIT */
/* policyctl letter: the command. */
#include <stdio.h>
#include <string.h>

#include "lib/address.h"
#include "policyctl/date.h"
#include "policyctl/letter/letter.h"
#include "policyctl/listing.h"

static const char since_default[] = "7d";

/* Whom the command line names. */
struct recipient {
    enum letter_kind kind;
    char name[ADDRESS_MAX + 1];
    char scope[DOMAIN_MAX + 1]; /* of the report: the domain; "" the host */
    char old_name[DOMAIN_MAX + 1];
};

static enum status find_account(const struct ctl *ctl, const char *name, struct recipient *to)
{
    struct address address;
    struct error e;

    to->kind = LETTER_ACCOUNT;
    if (address_check(name, false, &address, &e) != OK)
        return fail_error(STATUS_INPUT, &e);
    struct span domain = address_domain(&address);
    memcpy(to->name, address.text, sizeof to->name);
    memcpy(to->scope, domain.ptr, domain.len + 1);
    return listing_exists(ctl, QUERY_ACCOUNT, "account", to->name);
}

static enum status find_domain(const struct ctl *ctl, const char *name, struct recipient *to)
{
    struct error e;

    to->kind = LETTER_DOMAIN;
    if (domain_check(name, to->scope, &e) != OK)
        return fail_error(STATUS_INPUT, &e);
    memcpy(to->name, to->scope, sizeof to->scope);
    return listing_exists(ctl, QUERY_DOMAIN, "domain", to->name);
}

static enum status find_host(const char *name, struct recipient *to)
{
    to->kind = LETTER_HOST;
    if (str_copy(span_of(name), to->name, sizeof to->name) != OK)
        return fail(STATUS_INPUT, "--helo: longer than %d octets", ADDRESS_MAX);
    return STATUS_DONE;
}

static enum status find_recipient(const struct ctl *ctl, const struct args *a, struct recipient *to)
{
    const char *helo = a->option[OPT_HELO], *old_name = a->option[OPT_OLD_NAME];
    struct error e;

    if ((helo != NULL) == (a->count == 1))
        return fail(STATUS_INPUT, "name an account, a domain, or a host by --helo: see policyctl help letter");
    if (old_name && domain_check(old_name, to->old_name, &e) != OK)
        return fail_error(STATUS_INPUT, &e);
    if (helo)
        return find_host(helo, to);
    return strchr(a->operand[0], '@') ? find_account(ctl, a->operand[0], to) : find_domain(ctl, a->operand[0], to);
}

static enum status write_letter(const struct ctl *ctl, const struct args *a, const struct words *words)
{
    const char *since = a->option[OPT_SINCE];
    struct recipient to = { .scope = "", .old_name = "" };
    struct readiness_params params = { .scope = to.scope, .old_name = to.old_name };
    struct readiness *report = NULL;
    struct error e;
    enum status status;

    if (date_since(since ? since : since_default, ctl->now, &params.since, &e) != OK)
        return fail_error(STATUS_INPUT, &e);
    status = find_recipient(ctl, a, &to);
    if (status == STATUS_DONE)
        status = readiness_make(ctl, &params, &report);
    if (status != STATUS_DONE)
        return status;
    status = letter_print(ctl, words, report, to.kind, to.name);
    readiness_free(&report);
    return status;
}

static enum status run_letter(struct ctl *ctl, const struct args *a)
{
    const char *path = a->option[OPT_TEMPLATE] ? a->option[OPT_TEMPLATE] : ctl->config->letter.template_file;
    struct words *words;
    struct error e;
    enum status status;

    if (words_load(*path ? path : NULL, &words, &e) != OK)
        return fail_error(STATUS_INPUT, &e);
    if (a->option[OPT_TEMPLATE] && a->count == 0 && !a->option[OPT_HELO])
        status = printf("%s: complete\n", path) > 0 ? STATUS_DONE : STATUS_FAILED;
    else
        status = write_letter(ctl, a, words);
    words_free(&words);
    return status;
}

const struct command letter_commands[] = {
    { .name = "letter", .operands = "[ACCOUNT|DOMAIN]", .max = 1,
      .optional = OPT(HELO) | OPT(OLD_NAME) | OPT(SINCE) | OPT(TEMPLATE), .run = run_letter,
      .help = "Writes to customers what they are to change",
      .example = "policyctl letter user@example.com | sendmail -t" },
    { 0 },
};
