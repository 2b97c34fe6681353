/* SPDX-License-Identifier: MIT */
/* policyctl list import: the command. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "policyctl/change.h"
#include "policyctl/lists/batch.h"

static const struct list_format formats[] = {
    { "entries", read_list_entries, false },
    { "networks", read_list_networks, true },
    { "postfix-client", read_access_client, false },
    { "postfix-helo", read_access_helo, false },
    { "postfix-sender", read_access_sender, false },
    { "postfix-recipient", read_access_recipient, false },
    { "postfix-cidr", read_access_cidr, false },
    { "postgrey-clients", read_postgrey_clients, false },
    { "postgrey-recipients", read_postgrey_recipients, false },
};

static const struct list_format *find_format(const struct args *a)
{
    const char *name = a->option[OPT_FORMAT] ? a->option[OPT_FORMAT] : formats[0].name;
    char names[256];
    struct strbuf b;

    strbuf_init(&b, names, sizeof names);
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        if (strcmp(formats[i].name, name) == 0)
            return &formats[i];
        strbuf_addf(&b, "%s%s", i > 0 ? ", " : "", formats[i].name);
    }
    (void)fail(STATUS_INPUT, "no format '%s': there are %s", name, names);
    return NULL;
}

static enum status check_options(struct batch *b, const struct args *a, const struct list_format *format)
{
    const char *action = a->option[OPT_ACTION];
    struct error e;

    if (a->option[OPT_DOMAIN] && domain_check(a->option[OPT_DOMAIN], b->im.domain, &e) != OK)
        return fail_error(STATUS_INPUT, &e);
    if (format->wants_action && !action)
        return fail(STATUS_INPUT, "a list of %s does not say what becomes of them: add --action allow or --action deny",
                    format->name);
    if (!format->wants_action && action)
        return fail(STATUS_INPUT, "--action: in this format the file itself allows and denies");
    if (action && strcmp(action, "allow") != 0 && strcmp(action, "deny") != 0)
        return fail(STATUS_INPUT, "'%s' is none of allow|deny", action);
    b->action = action;
    return STATUS_DONE;
}

/* The table is looked at in one state, which nobody's change moves under us. */
static enum status read_all(struct batch *b, const struct list_format *format)
{
    enum status status = open_accounts(b->im.ctl, &b->im.store);
    FILE *f = status == STATUS_DONE ? fopen(b->im.path, "re") : NULL;
    enum result r;

    if (status != STATUS_DONE)
        return status;
    if (!f)
        return fail(STATUS_FAILED, "%s: %s", b->im.path, strerror(errno));
    r = format->read(b, f);
    fclose(f);
    import_progress_end("");
    if (r == OK && store_begin(b->im.store) != OK)
        return fail_read(b->im.ctl);
    if (r == OK) {
        r = batch_compare(b);
        store_end(b->im.store);
    }
    return r == OK ? STATUS_DONE : fail_error(STATUS_INPUT, &b->im.error);
}

static enum status import(struct batch *b, const struct list_format *format)
{
    enum status status = read_all(b, format);

    if (status == STATUS_DONE && !b->im.show && import_changes(&b->im) > 0) {
        import_progress_end("writing ...");
        status = batch_commit(b);
        import_progress_end("");
    }
    if (status != STATUS_DONE)
        return status;
    if (b->left_out > 0)
        printf("%zu line%s left out\n", b->left_out, b->left_out == 1 ? " was" : "s were");
    import_summary(&b->im, !b->im.show);
    return status;
}

static enum status run_import(struct ctl *ctl, const struct args *a)
{
    const char *path = strcmp(a->operand[0], "-") == 0 ? "/dev/stdin" : a->operand[0];
    const struct list_format *format = find_format(a);
    char until[UNTIL_TEXT_MAX];
    struct batch b;
    enum status status = format ? change_until(ctl, a, until) : STATUS_INPUT;

    if (status != STATUS_DONE)
        return status;
    if (batch_open(&b, ctl, path) != OK)
        return fail_error(STATUS_UNREACHABLE, &b.im.error);
    b.until = *until ? until : NULL;
    b.note = a->option[OPT_NOTE];
    b.im.update = a->option[OPT_UPDATE] != NULL;
    b.im.show = a->option[OPT_DRY_RUN] != NULL;
    status = check_options(&b, a, format);
    if (status == STATUS_DONE)
        status = import(&b, format);
    batch_close(&b);
    return status;
}

const struct command list_import_commands[] = {
    { .name = "list", .verb = "import", .operands = "FILE", .min = 1, .max = 1,
      .optional = OPT(ACTION) | OPT(DOMAIN) | OPT(DRY_RUN) | OPT(FORMAT) | OPT(NOTE) | OPT(UNTIL) | OPT(UPDATE),
      .run = run_import, .help = "Takes over entries from a file, all of them or none",
      .example = "policyctl list import --format postgrey-clients --dry-run whitelist_clients" },
    { 0 },
};
