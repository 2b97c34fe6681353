/* SPDX-License-Identifier: MIT */
/* policyctl import: the command. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policyctl/import/import.h"
#include "policyctl/listing.h"

const struct format import_formats[] = {
    { "passwd-file", "Dovecot's passwd-file", read_passwd_file },
    { "csv", "address,password_hash and more columns", read_csv },
    { "json", "what policyctl export writes", read_json },
    { "iredmail", "a dump of iRedMail's database vmail", read_iredmail },
    { "postfixadmin", "a dump of PostfixAdmin's database, or its SQLite file", read_postfixadmin },
    { "virtual", "Postfix's virtual(5)", read_virtual },
    { "sender-login", "Postfix's smtpd_sender_login_maps", read_sender_login },
    { 0 },
};

enum { STEP = 100 };

void import_progress(const struct import *im, FILE *f)
{
    static int last = -1;
    struct stat st;

    if (im->line % STEP != 0 || !isatty(STDERR_FILENO) || fstat(fileno(f), &st) != 0 || st.st_size <= 0)
        return;
    int percent = (int)(ftello(f) * 100 / st.st_size);
    if (percent == last)
        return;
    last = percent;
    fprintf(stderr, "\rreading: %3d %% [%-50.*s]", percent, percent / 2,
            "##################################################");
}

void import_progress_end(const char *what)
{
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r%-70s\r%s", "", what);
}

static const struct format *find_format(const struct args *a)
{
    const char *name = a->option[OPT_FORMAT];

    for (const struct format *f = import_formats; f->name; f++)
        if (strcmp(f->name, name) == 0)
            return f;
    (void)fail(STATUS_INPUT, "no format '%s': see policyctl help import", name);
    return NULL;
}

/* The table is looked at in one state, which nobody's change moves under us. */
static enum status read_all(struct import *im, const struct format *format)
{
    enum status status = open_accounts(im->ctl, &im->store);
    FILE *f = status == STATUS_DONE ? fopen(im->path, "re") : NULL;
    enum result r;

    if (status != STATUS_DONE)
        return status;
    if (!f)
        return fail(STATUS_FAILED, "%s: %s", im->path, strerror(errno));
    if (store_begin(im->store) == OK) {
        r = format->read(im, f);
        if (r == OK)
            r = import_finish(im);
        store_end(im->store);
        import_progress_end("");
        status = r == OK ? STATUS_DONE : fail_error(STATUS_INPUT, &im->error);
    } else
        status = fail_read(im->ctl);
    fclose(f);
    return status;
}

static enum status import(struct import *im, const struct args *a, const struct format *format)
{
    bool dry = a->option[OPT_DRY_RUN] != NULL;
    enum status status = read_all(im, format);

    if (status == STATUS_DONE && !dry && import_changes(im) > 0) {
        import_progress_end("writing ...");
        status = import_commit(im);
        import_progress_end("");
    }
    if (status == STATUS_DONE)
        import_summary(im, !dry);
    return status;
}

static enum status run_import(struct ctl *ctl, const struct args *a)
{
    const char *path = strcmp(a->operand[0], "-") == 0 ? "/dev/stdin" : a->operand[0];
    const struct format *format = find_format(a);
    struct import im;
    enum status status;

    if (!format)
        return STATUS_INPUT;
    if (import_open(&im, ctl, path) != OK)
        return fail_error(STATUS_UNREACHABLE, &im.error);
    im.update = a->option[OPT_UPDATE] != NULL;
    im.show = a->option[OPT_DRY_RUN] != NULL;
    struct error e;
    if (a->option[OPT_DOMAIN] && domain_check(a->option[OPT_DOMAIN], im.domain, &e) != OK)
        status = fail_error(STATUS_INPUT, &e);
    else
        status = import(&im, a, format);
    import_close(&im);
    return status;
}

const struct command import_commands[] = {
    { .name = "import", .operands = "FILE", .min = 1, .max = 1, .required = OPT(FORMAT),
      .optional = OPT(DOMAIN) | OPT(DRY_RUN) | OPT(UPDATE), .run = run_import,
      .help = "Takes over accounts, aliases and grants of another server",
      .example = "policyctl import --format passwd-file --dry-run users" },
    { 0 },
};
