/* SPDX-License-Identifier: MIT */
#include "policyctl/host/dovecot.h"

#include <stdlib.h>
#include <string.h>

#include "policyctl/host/run.h"

/* Where in the output a line stands. */
struct reading {
    struct dovecot *dovecot;
    unsigned depth;
    enum { IN_NONE, IN_PASSDB, IN_WORKER } block; /* at depth 1 */
};

static enum result ask(const char *file, const char *const *names, char **output_r, struct error *e)
{
    const char *argv[16] = { "doveconf" };
    size_t n = 1;

    if (file) {
        argv[n++] = "-c";
        argv[n++] = file;
    }
    while (*names && n + 1 < sizeof argv / sizeof *argv)
        argv[n++] = *names++;
    return run_program(argv, output_r, e);
}

static void copy(struct span from, char *array, size_t size)
{
    struct strbuf b;

    if (from.len >= 2 && from.ptr[0] == '"' && from.ptr[from.len - 1] == '"')
        from = (struct span){ from.ptr + 1, from.len - 2 };
    strbuf_init(&b, array, size);
    strbuf_add(&b, from);
}

/* "# 2.4.1-4 (7d8c0e5759): /etc/dovecot/dovecot.conf" */
static void take_heading(struct dovecot *v, const char *line)
{
    const char *path = strstr(line, "): ");

    if (*v->config || strncmp(line, "# ", 2) != 0 || !path)
        return;
    v->version_2_4 = strncmp(line + 2, "2.3.", 4) != 0;
    copy(span_of(path + 3), v->config, sizeof v->config);
}

/* "passdb {" of 2.3, "passdb NAME {" of 2.4, where the name is the driver too unless one is said. */
static void open_block(struct reading *r, struct span head)
{
    struct dovecot *v = r->dovecot;
    bool passdb = head.len >= 6 && memcmp(head.ptr, "passdb", 6) == 0 && (head.len == 6 || head.ptr[6] == ' ');

    if (r->depth++ > 0)
        return;
    r->block = IN_NONE;
    if (span_equal(head, SPAN("service auth-worker")))
        r->block = IN_WORKER;
    else if (passdb && v->passdbs < PASSDBS_MAX) {
        r->block = IN_PASSDB;
        copy(span_trim((struct span){ head.ptr + 6, head.len - 6 }), v->passdb[v->passdbs].driver,
             sizeof v->passdb->driver);
        v->passdbs++;
    }
}

static void take_passdb(struct dovecot *v, struct span name, struct span value)
{
    struct passdb *p = &v->passdb[v->passdbs - 1];

    if (span_equal(name, SPAN("driver")))
        copy(value, p->driver, sizeof p->driver);
    else if (span_equal(name, SPAN("args")) || span_equal(name, SPAN("config")) ||
             span_equal(name, SPAN("passdb_postern_config")) || span_equal(name, SPAN("postern_config")))
        copy(value, p->config, sizeof p->config);
    else if (span_equal(name, SPAN("master")) || span_equal(name, SPAN("deny")))
        p->special = p->special || span_equal(value, SPAN("yes"));
}

static void take_global(struct dovecot *v, struct span name, struct span value)
{
    if (span_equal(name, SPAN("disable_plaintext_auth")))
        v->cleartext = span_equal(value, SPAN("no"));
    else if (span_equal(name, SPAN("auth_allow_cleartext")))
        v->cleartext = span_equal(value, SPAN("yes"));
    else if (span_equal(name, SPAN("auth_cache_size")))
        copy(value, v->cache_size, sizeof v->cache_size);
    else if (span_equal(name, SPAN("mail_plugin_dir")))
        copy(value, v->modules, sizeof v->modules);
    else if (span_equal(name, SPAN("base_dir")))
        copy(value, v->base_dir, sizeof v->base_dir);
    else if (span_equal(name, SPAN("default_internal_user")) && v->worker_user[0] == '$')
        copy(value, v->worker_user, sizeof v->worker_user);
}

static void take_setting(struct reading *r, struct span name, struct span value)
{
    struct dovecot *v = r->dovecot;

    if (r->depth == 0)
        take_global(v, name, value);
    else if (r->depth == 1 && r->block == IN_PASSDB)
        take_passdb(v, name, value);
    else if (r->depth == 1 && r->block == IN_WORKER && span_equal(name, SPAN("user")))
        copy(value, v->worker_user, sizeof v->worker_user);
    else if (r->depth == 1 && r->block == IN_WORKER && span_equal(name, SPAN("extra_groups")))
        copy(value, v->worker_groups, sizeof v->worker_groups);
}

static void take_line(struct reading *r, const char *text)
{
    struct span line = span_trim(span_of(text));
    const char *sign = line.len > 0 ? memchr(line.ptr, '=', line.len) : NULL;

    if (line.len == 0 || line.ptr[0] == '#')
        take_heading(r->dovecot, text);
    else if (sign)
        take_setting(r, span_trim((struct span){ line.ptr, (size_t)(sign - line.ptr) }),
                     span_trim((struct span){ sign + 1, line.len - (size_t)(sign + 1 - line.ptr) }));
    else if (line.ptr[line.len - 1] == '{')
        open_block(r, span_trim((struct span){ line.ptr, line.len - 1 }));
    else if (line.ptr[0] == '}' && r->depth > 0)
        r->depth--;
}

static enum result read_output(const char *file, const char *const *names, struct dovecot *v, struct error *e)
{
    struct reading reading = { .dovecot = v };
    char *output;
    enum result r = ask(file, names, &output, e);

    if (r != OK)
        return r;
    for (char *line = output, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        take_line(&reading, line);
    }
    free(output);
    return OK;
}

/* Blocks are told by -n alone; defaults of settings only when these are named. A name that
 * this version does not know is passed over. */
enum result dovecot_read(const char *file, struct dovecot *v, struct error *e)
{
    static const char *const blocks[] = { "-n", NULL };
    static const char *const settings[] = { "disable_plaintext_auth", "auth_allow_cleartext", "auth_cache_size",
                                            "mail_plugin_dir", "base_dir", "default_internal_user",
                                            NULL };
    enum result r;

    memset(v, 0, sizeof *v);
    r = read_output(file, blocks, v, e);
    return r == OK ? read_output(file, settings, v, e) : r;
}
