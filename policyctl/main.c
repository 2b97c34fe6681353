/* SPDX-License-Identifier: MIT */
/*
 * policyctl: the administrator's command.  Global options, then the row of the
 * subcommand that was named.  Layer 9.
 */
#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "policyctl/command.h"

enum { READ_BUSY_MS = 2000 };

static const char usage[] = "usage: policyctl [-c FILE] COMMAND ...\n"
                            "  -c FILE  configuration (" SYSCONFDIR "/postern/policyd.conf)\n"
                            "  -V       print the version and exit\n"
                            "Commands:\n";

static const struct option options[] = {
    { "config", required_argument, NULL, 'c' },
    { "help", no_argument, NULL, 'h' },
    { "version", no_argument, NULL, 'V' },
    { NULL, 0, NULL, 0 },
};

enum status fail_error(enum status status, const struct error *e)
{
    char line[sizeof e->text + 32];
    struct strbuf b;

    strbuf_init(&b, line, sizeof line);
    strbuf_adds(&b, "policyctl: ");
    strbuf_add_clean(&b, span_of(e->text));
    fflush(stdout); /* in the order in which they were said */
    fprintf(stderr, "%s\n", line);
    return status;
}

enum status fail(enum status status, const char *format, ...)
{
    struct error e;
    va_list args;

    va_start(args, format);
    vsnprintf(e.text, sizeof e.text, format, args);
    va_end(args);
    return fail_error(status, &e);
}

static enum status open_database(const char *path, enum database database, struct store **store_r)
{
    struct store_params p = { .path = path,
                              .database = database,
                              .access = STORE_READ,
                              .busy_timeout_ms = READ_BUSY_MS };
    struct error e;

    return store_open(&p, store_r, &e) == OK ? STATUS_DONE : fail_error(STATUS_UNREACHABLE, &e);
}

enum status open_accounts(const struct ctl *ctl, struct store **store_r)
{
    return open_database(ctl->config->accounts_db, DATABASE_ACCOUNTS, store_r);
}

enum status open_state(const struct ctl *ctl, struct store **store_r)
{
    return open_database(ctl->config->state_db, DATABASE_STATE, store_r);
}

enum status fail_read(const struct ctl *ctl)
{
    return fail(STATUS_UNREACHABLE, "%s: cannot be read now: try again", ctl->config->accounts_db);
}

static enum status print_usage(void)
{
    fputs(usage, stdout);
    command_list(NULL);
    return STATUS_DONE;
}

static enum status run(struct ctl *ctl, int argc, char **argv)
{
    const struct command *c;
    struct args args;
    struct error e;
    size_t used;
    bool help;

    c = command_find(argv, (size_t)argc, &used);
    if (!c && argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
        return command_help_words(argv, 1);
    if (!c)
        return command_unknown(argv, (size_t)argc);
    enum status status = args_parse(c, argc - (int)used + 1, argv + used - 1, &args, &help);
    if (status != STATUS_DONE)
        return status;
    if (help) {
        command_help(c);
        return STATUS_DONE;
    }
    if (!c->without_config && config_load(ctl->config_path, &ctl->config, &e) != OK)
        return fail_error(STATUS_INPUT, &e);
    status = c->run(ctl, &args);
    config_free(&ctl->config);
    return status;
}

/* A full disk behind a pipe or a redirection is no success. */
static enum status close_output(enum status status)
{
    bool bad = ferror(stdout);

    if (fclose(stdout) != 0 || bad)
        return fail(STATUS_FAILED, "standard output: %s", strerror(errno));
    return status;
}

int main(int argc, char **argv)
{
    struct ctl ctl = { .config_path = SYSCONFDIR "/postern/policyd.conf", .now = time(NULL) };
    int c;

    setlocale(LC_CTYPE, "");
    signal(SIGPIPE, SIG_IGN); /* a daemon that goes away is a result, not the end */
    umask(0027);
    opterr = 0;
    while ((c = getopt_long(argc, argv, "+:c:hV", options, NULL)) != -1)
        switch (c) {
        case 'c':
            ctl.config_path = optarg;
            break;
        case 'V':
            puts("policyctl (Postern) " PACKAGE_VERSION);
            return close_output(STATUS_DONE);
        case 'h':
            return close_output(print_usage());
        default:
            return fail(STATUS_INPUT, "wrong option %s: usage: policyctl [-c FILE] COMMAND ...", argv[optind - 1]);
        }
    if (optind == argc)
        return fail(STATUS_INPUT, "what? usage: policyctl [-c FILE] COMMAND ...; see policyctl help");
    return close_output(run(&ctl, argc - optind, argv + optind));
}
