/* SPDX-License-Identifier: MIT */
/* policyctl export: the command. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policyctl/export/export.h"
#include "policyctl/listing.h"

static const struct {
    const char *name;
    enum result (*write)(struct export *);
} formats[] = {
    { "passwd-file", export_passwd_file },
    { "csv", export_csv },
    { "json", export_json },
};

enum { FORMATS = sizeof formats / sizeof *formats };

static enum status write_out(const struct ctl *ctl, struct export *x, size_t format)
{
    enum result r = TRY_AGAIN;
    enum status status = open_accounts(ctl, &x->store);

    if (status != STATUS_DONE)
        return status;
    if (store_begin(x->store) == OK) {
        r = formats[format].write(x);
        store_end(x->store);
    }
    store_close(&x->store);
    if (r == LIMIT)
        return fail(STATUS_FAILED, "more than %d fields", EXPORT_FIELDS_MAX);
    if (r != OK)
        return fail_read(ctl);
    return fflush(x->out) == 0 ? STATUS_DONE : fail(STATUS_FAILED, "cannot be written: %s", strerror(errno));
}

static enum status run_export(struct ctl *ctl, const struct args *a)
{
    char domain[DOMAIN_MAX + 1];
    struct export x = { .domain = domain, .out = stdout };
    size_t format = 0;
    enum status status = listing_domain(ctl, a, domain);

    while (format < FORMATS && strcmp(formats[format].name, a->option[OPT_FORMAT]) != 0)
        format++;
    if (format == FORMATS)
        return fail(STATUS_INPUT, "no format '%s': passwd-file, csv or json", a->option[OPT_FORMAT]);
    return status == STATUS_DONE ? write_out(ctl, &x, format) : status;
}

const struct command export_commands[] = {
    { .name = "export", .operands = "", .required = OPT(FORMAT), .optional = OPT(DOMAIN), .run = run_export,
      .help = "Writes accounts with their hashes, for policyctl import",
      .example = "policyctl export --format json --domain example.com" },
    { 0 },
};
