/* SPDX-License-Identifier: MIT */
/*
 * postern-act: what follows from policyd's events and needs rights that policyd has not:
 * notices, ending sessions, holding queued mail.  It reads the databases and writes neither.
 * Layer 9.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "postern-act/act.h"

#ifndef PACKAGE_VERSION /* by a tool that does not know the build */
#define PACKAGE_VERSION "unknown"
#endif

enum { EXIT_FAILED = 1, EXIT_USAGE = 2 };

static const char usage[] = "usage: postern-act [-c FILE] [-t]\n"
                            "  -c FILE  configuration (" SYSCONFDIR "/postern/policyd.conf)\n"
                            "  -t       check the configuration and the words of notices, and exit\n"
                            "  -V       print the version and exit\n";

struct options {
    const char *config;
    bool test;
};

static struct options parse_options(int argc, char **argv)
{
    struct options o = { .config = SYSCONFDIR "/postern/policyd.conf" };
    int c;

    while ((c = getopt(argc, argv, "c:thV")) != -1)
        switch (c) {
        case 'c':
            o.config = optarg;
            break;
        case 't':
            o.test = true;
            break;
        case 'V':
            puts("postern-act (Postern) " PACKAGE_VERSION);
            exit(0);
        case 'h':
            fputs(usage, stdout);
            exit(0);
        default:
            fputs(usage, stderr);
            exit(EXIT_USAGE);
        }
    if (optind < argc) {
        fprintf(stderr, "postern-act: what is '%s'?\n%s", argv[optind], usage);
        exit(EXIT_USAGE);
    }
    return o;
}

static void on_signal(evutil_socket_t number, short what, void *arg)
{
    (void)number, (void)what;
    act_stop(arg);
}

/* Until a signal comes and what runs has ended. */
static enum result serve(struct event_base *base, struct act *act, struct error *e)
{
    static const int numbers[] = { SIGTERM, SIGINT };
    enum { SIGNALS = sizeof numbers / sizeof *numbers };
    struct event *signals[SIGNALS] = { NULL };
    enum result r = OK;

    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN); /* a new configuration takes a restart */
    for (size_t i = 0; i < SIGNALS; i++) {
        signals[i] = evsignal_new(base, numbers[i], on_signal, act);
        if (!signals[i] || event_add(signals[i], NULL) != 0)
            r = error_set(e, TRY_AGAIN, "signals: %s", strerror(errno));
    }
    if (r == OK) {
        act_log("%s started behind event %lld", PACKAGE_VERSION, (long long)act->id);
        event_base_dispatch(base);
        act_log("stops behind event %lld", (long long)act->id);
    }
    for (size_t i = 0; i < SIGNALS; i++)
        if (signals[i])
            event_free(signals[i]);
    return r;
}

static enum result run(const struct config *config, struct error *e)
{
    struct event_base *base = event_base_new();
    struct act act = { .journal = { .lock = -1 } };
    enum result r = base ? act_open(&act, base, config, e) : error_set(e, TRY_AGAIN, "no event loop");

    if (r == OK)
        r = serve(base, &act, e);
    act_close(&act);
    if (base)
        event_base_free(base);
    return r;
}

static enum result test(const struct config *config, struct error *e)
{
    struct template *template;
    enum result r = template_load(config->act.template_file, &template, e);

    if (r != OK)
        return r;
    template_free(&template);
    printf("%s: good\n", config->path);
    return OK;
}

int main(int argc, char **argv)
{
    struct options o = parse_options(argc, argv);
    struct config *config = NULL;
    struct error e = { "" };
    enum result r;

    umask(0077);
    r = config_load(o.config, &config, &e);
    if (r == OK && config->act.command.count > COMMANDS_MAX)
        r = error_set(&e, BAD, "%s: act.command: more than %d commands", o.config, COMMANDS_MAX);
    if (r == OK)
        r = o.test ? test(config, &e) : run(config, &e);
    config_free(&config);
    if (r != OK)
        fprintf(stderr, "postern-act: %s\n", e.text);
    return r == OK ? 0 : EXIT_FAILED;
}
