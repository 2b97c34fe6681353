/* SPDX-License-Identifier: MIT */
/*
 * polload - load for a server of the Postfix policy delegation protocol.
 *
 * Prints one line of JSON: throughput, latency percentiles, verbs received, CPU
 * and memory of the server.  Each connection goes through the shapes of the file
 * in turn, connection i from shape i on.
 *
 * Exit status: 0 all was answered as expected, 1 not so, 2 usage or set-up.
 */
#include <err.h>
#include <getopt.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "load.h"

enum { REQUESTS_MAX = 20000000 };

struct options {
    const char *socket, *file, *profile, *label;
    struct load load;
};

enum option_type { TEXT, COUNT, REAL };

static const struct option_row {
    const char *name, *value, *help;
    enum option_type type;
    size_t offset; /* in struct options */
} option_rows[] = {
    { "socket", "ENDPOINT", "unix:PATH or inet:ADDRESS:PORT", TEXT, offsetof(struct options, socket) },
    { "file", "SHAPES", "the requests", TEXT, offsetof(struct options, file) },
    { "connections", "N", "persistent ones (1)", COUNT, offsetof(struct options, load.connection_count) },
    { "requests", "N", "to measure at most (20000000)", COUNT, offsetof(struct options, load.requests) },
    { "seconds", "S", "measure for that long (no limit)", REAL, offsetof(struct options, load.seconds) },
    { "warmup", "N", "requests before that (0)", COUNT, offsetof(struct options, load.warmup) },
    { "rate", "R", "open loop: R requests a second", REAL, offsetof(struct options, load.rate) },
    { "users", "N", "what %USER% counts to (10000)", COUNT, offsetof(struct options, load.users) },
    { "seq", "N", "first value of %SEQ% (0)", COUNT, offsetof(struct options, load.seq) },
    { "expect", "PROFILE", "the verbs of #expect PROFILE=VERB", TEXT, offsetof(struct options, profile) },
    { "pid", "PID", "the server: report its CPU and memory", COUNT, offsetof(struct options, load.pid) },
    { "timeout", "S", "wait that long for a reply (30)", REAL, offsetof(struct options, load.timeout) },
    { "label", "TEXT", "put into the result", TEXT, offsetof(struct options, label) },
};
enum { OPTION_ROWS = sizeof option_rows / sizeof *option_rows };

static _Noreturn void usage(void)
{
    fputs("usage: polload --socket ENDPOINT --file SHAPES [options]\n", stderr);
    for (size_t i = 0; i < OPTION_ROWS; i++)
        fprintf(stderr, "  --%-12s%-10s%s\n", option_rows[i].name, option_rows[i].value, option_rows[i].help);
    exit(2);
}

static void set_option(struct options *o, const struct option_row *row, const char *text)
{
    void *target = (char *)o + row->offset;
    char *end = NULL;

    if (row->type == TEXT)
        *(const char **)target = text;
    else if (row->type == COUNT)
        *(uint64_t *)target = strtoull(text, &end, 10);
    else
        *(double *)target = strtod(text, &end);
    if (end && (end == text || *end != '\0'))
        errx(2, "--%s %s: not a number", row->name, text);
}

static void parse_options(int argc, char **argv, struct options *o)
{
    struct option options[OPTION_ROWS + 1] = { { 0 } };
    int row = 0;

    for (size_t i = 0; i < OPTION_ROWS; i++)
        options[i] = (struct option){ option_rows[i].name, required_argument, NULL, 0 };
    for (int c; (c = getopt_long(argc, argv, "", options, &row)) != -1;) {
        if (c != 0)
            usage();
        set_option(o, &option_rows[row], optarg);
    }
    if (!o->socket || !o->file || optind < argc || !o->load.connection_count || !o->load.requests ||
        !o->load.users)
        usage();
}

int main(int argc, char **argv)
{
    static struct options o = {
        .load = { .connection_count = 1, .requests = REQUESTS_MAX, .users = 10000, .timeout = 30 },
    };
    struct load *l = &o.load;

    parse_options(argc, argv, &o);
    endpoint_parse(o.socket, SOCK_STREAM, &l->server);
    shape_set_load(o.file, o.profile, &l->shapes);
    load_run(l);
    tally_print(&l->tally, &(struct tally_context){
                               .label = o.label,
                               .connections = l->connection_count,
                               .connect_ns = l->connect_ns,
                               .run_ns = l->run_ns,
                               .cpu_ns = l->cpu_ns,
                               .rss_kib = l->rss_kib,
                           });
    return l->down == l->connection_count || l->tally.errors > 0 || l->tally.mismatches > 0;
}
