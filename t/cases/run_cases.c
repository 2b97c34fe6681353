/* SPDX-License-Identifier: MIT */
/*
 * Runs t/cases/: each NAME.in holds requests as Postfix sends them, NAME.ref what
 * they are answered.  README.md there says how to add one; no C is needed.
 *
 *     run_cases [-w] [FILE.in ...]    -w writes the .ref files anew
 */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policyd/policy.h"
#include "policyd/protocol.h"
#include "t/unit/world.h"

enum { CASE_MAX = 65536, ATTRIBUTES = 256 };

struct run {
    struct world world;
    const char *path;
    unsigned line;
    char config[8192], request[CASE_MAX], output[CASE_MAX];
    struct strbuf configured, wire, out;
    unsigned requests;
};

static unsigned total;

static enum result at_line(const struct run *r, struct error *e)
{
    struct error why = *e;

    return error_set(e, BAD, "%s:%u: %.400s", r->path, r->line, why.text);
}

/* ---- answering ---- */

static void add_observed(enum check_id id, const struct finding *f, void *context)
{
    if (f->mode == MODE_OBSERVE)
        strbuf_addf(context, "  observed %s (%s): %s\n", check_infos[id].name, f->cause, f->reply);
}

static void add_shed(const struct decision *d, struct strbuf *out)
{
    for (unsigned id = 0; id < CHECK_COUNT; id++)
        if (d->finding[id].verdict == VERDICT_SHED)
            strbuf_addf(out, "  shed %s\n", check_infos[id].name);
}

/* Waits as the daemon does: woken by an answer, or expired at the deadline. */
static void decide(struct run *r, const struct request *q, struct decision *d)
{
    struct facts *f = world_facts(&r->world);
    unsigned waits = 0;

    while (policy_decide(q, f, false, d) == PENDING) {
        bool expired = ++waits > 10 || !fake_dns_answer(&r->world.dns);
        f = world_facts(&r->world);
        f->expired = expired;
    }
    f->dns->cancel(f->dns, f->waiter);
    world_commit(&r->world, q, d);
    rows_turn_end(r->world.rows);
}

static void answer(struct run *r)
{
    static struct request request;
    static struct decision decision;
    char reply[REPLY_MAX + 16];
    struct strbuf b;
    struct error e;

    r->requests++;
    strbuf_addc(&r->wire, '\n');
    if (protocol_parse((struct span){ r->request, r->wire.len }, ATTRIBUTES, &request, &e) != OK)
        strbuf_addf(&r->out, "closed: %s\n", e.text);
    else {
        request_prepare(&request, r->world.config);
        if (span_equal(request.attr[ATTR_STRESS], SPAN("yes")))
            load_stressed(&r->world.load);
        decide(r, &request, &decision);
        strbuf_init(&b, reply, sizeof reply);
        protocol_format(decision.action, &b);
        strbuf_add(&r->out, (struct span){ reply, b.len - 1 });
        policy_found(&decision, add_observed, &r->out);
        add_shed(&decision, &r->out);
    }
    strbuf_init(&r->wire, r->request, sizeof r->request);
}

/* ---- reading ---- */

/* "\xNN" stands for the octet. */
static void add_decoded(struct strbuf *b, const char *line)
{
    for (unsigned octet; *line;)
        if (line[0] == '\\' && line[1] == 'x' && sscanf(line + 2, "%2x", &octet) == 1) {
            strbuf_addc(b, (char)octet);
            line += 4;
        } else
            strbuf_addc(b, *line++);
    strbuf_addc(b, '\n');
}

static enum result set_up_change(struct run *r, const char *text, struct error *e)
{
    return world_change(&r->world, span_of(text), e);
}

static enum result set_up_config(struct run *r, const char *text, struct error *e)
{
    strbuf_addf(&r->configured, "%s\n", text);
    return world_configure(&r->world, r->config, e);
}

/* CHECK MODE [SCOPE [UNTIL]] */
static enum result set_up_policy(struct run *r, const char *text, struct error *e)
{
    char check[32], mode[16], scope[512] = "", until[32] = "", line[1024];
    struct strbuf b;

    if (sscanf(text, "%31s %15s %511s %31s", check, mode, scope, until) < 2)
        return error_set(e, BAD, "%%policy CHECK MODE [SCOPE [UNTIL]]");
    strbuf_init(&b, line, sizeof line);
    strbuf_addf(&b, "policy-set check=%s mode=%s scope=%s until=%s", check, mode,
                strcmp(scope, "host") == 0 ? "" : scope, until);
    return world_change(&r->world, span_of(line), e);
}

static enum result set_up_dns(struct run *r, const char *text, struct error *e)
{
    return fake_dns_add(&r->world.dns, span_of(text)) == OK ? OK : error_set(e, BAD, "%%dns NAME WORD...");
}

static enum result set_up_now(struct run *r, const char *text, struct error *e)
{
    uint64_t seconds;
    bool forward = text[0] == '+';

    if (str_number(span_of(text + forward), 0, INT64_MAX, &seconds) != OK)
        return error_set(e, BAD, "%%now SECONDS or %%now +SECONDS");
    if (forward)
        world_pass(&r->world, seconds);
    else
        r->world.now = (int64_t)seconds;
    return OK;
}

static enum result set_up_store(struct run *r, const char *text, struct error *e)
{
    if (strcmp(text, "fails") != 0 && strcmp(text, "works") != 0)
        return error_set(e, BAD, "%%store fails|works");
    world_fail(&r->world, text[0] == 'f');
    return OK;
}

static enum result set_up_state(struct run *r, const char *text, struct error *e)
{
    if (strcmp(text, "fails") != 0 && strcmp(text, "works") != 0)
        return error_set(e, BAD, "%%state fails|works");
    world_fail_state(&r->world, text[0] == 'f');
    return OK;
}

/* Many of one line, for limits: COUNT LINE; "\n" within LINE is not possible. */
static enum result set_up_repeat(struct run *r, const char *text, struct error *e)
{
    unsigned count;
    int skip = 0;

    if (sscanf(text, "%u %n", &count, &skip) != 1 || skip == 0)
        return error_set(e, BAD, "%%repeat COUNT LINE");
    while (count-- > 0)
        add_decoded(&r->wire, text + skip);
    return OK;
}

static const struct {
    const char *name;
    enum result (*set_up)(struct run *, const char *text, struct error *);
} directives[] = {
    { "change", set_up_change }, { "config", set_up_config }, { "policy", set_up_policy },
    { "dns", set_up_dns },       { "now", set_up_now },       { "store", set_up_store },
    { "repeat", set_up_repeat }, { "state", set_up_state },
};

static enum result set_up(struct run *r, const char *line, struct error *e)
{
    size_t len = strcspn(line, " ");

    for (size_t i = 0; i < sizeof directives / sizeof *directives; i++)
        if (span_equal((struct span){ line, len }, span_of(directives[i].name)))
            return directives[i].set_up(r, line + len + strspn(line + len, " "), e);
    return error_set(e, BAD, "no directive %%%s", line);
}

static enum result take_line(struct run *r, char *line, bool world, struct error *e)
{
    enum result result = OK;

    r->line++;
    line[strcspn(line, "\n")] = '\0';
    if (line[0] == '#')
        return OK;
    if (world)
        result = *line ? world_change(&r->world, span_of(line), e) : OK;
    else if (line[0] == '%')
        result = set_up(r, line + 1, e);
    else if (*line)
        add_decoded(&r->wire, line);
    else if (r->wire.len > 0)
        answer(r);
    return result == OK ? OK : at_line(r, e);
}

static enum result take_file(struct run *r, const char *path, bool world, struct error *e)
{
    char line[8192];
    FILE *f = fopen(path, "r");
    enum result result = OK;

    if (!f)
        return error_set(e, BAD, "%s: cannot be read", path);
    r->path = path;
    r->line = 0;
    while (result == OK && fgets(line, sizeof line, f))
        result = take_line(r, line, world, e);
    fclose(f);
    if (result == OK && r->wire.len > 0)
        answer(r);
    return result;
}

/* ---- comparing ---- */

static const char *world_path(const char *path)
{
    static char text[4096];
    const char *slash = strrchr(path, '/');
    struct strbuf b;

    strbuf_init(&b, text, sizeof text);
    strbuf_addf(&b, "%.*sworld", slash ? (int)(slash - path) + 1 : 0, path);
    return text;
}

static bool read_text(const char *path, char *text, size_t size)
{
    FILE *f = fopen(path, "r");
    size_t len = f ? fread(text, 1, size - 1, f) : 0;

    text[len] = '\0';
    if (f)
        fclose(f);
    return f != NULL;
}

static bool write_text(const char *path, struct span text)
{
    FILE *f = fopen(path, "w");

    return f && fwrite(text.ptr, 1, text.len, f) == text.len && fclose(f) == 0;
}

/* Names the first line that differs. */
static bool compare(const struct run *r, const char *path, const char *expected)
{
    const char *got = r->output, *want = expected;

    for (unsigned line = 1; *got || *want; line++) {
        int got_len = (int)strcspn(got, "\n"), want_len = (int)strcspn(want, "\n");
        if (got_len != want_len || memcmp(got, want, (size_t)got_len) != 0) {
            fprintf(stderr, "%s:%u: expected '%.*s', got '%.*s'\n", path, line, want_len, want, got_len, got);
            return false;
        }
        got += got_len + (got[got_len] != '\0');
        want += want_len + (want[want_len] != '\0');
    }
    return true;
}

static bool run_file(const char *path, bool write)
{
    static struct run run;
    static char expected[CASE_MAX];
    char ref[4096];
    struct strbuf b;
    struct error e = { "" };
    bool good = false;
    size_t len = strlen(path);

    memset(&run, 0, sizeof run);
    strbuf_init(&run.configured, run.config, sizeof run.config);
    strbuf_init(&run.wire, run.request, sizeof run.request);
    strbuf_init(&run.out, run.output, sizeof run.output);
    strbuf_init(&b, ref, sizeof ref);
    strbuf_addf(&b, "%.*s.ref", len > 3 ? (int)len - 3 : 0, path);
    if (world_open(&run.world, &e) != OK || take_file(&run, world_path(path), true, &e) != OK ||
        take_file(&run, path, false, &e) != OK)
        fprintf(stderr, "%s\n", e.text);
    else if (run.requests == 0 || run.out.cut)
        fprintf(stderr, "%s: %s\n", path, run.out.cut ? "too many replies" : "holds no request");
    else if (write)
        good = write_text(ref, (struct span){ run.output, run.out.len });
    else if (!read_text(ref, expected, sizeof expected))
        fprintf(stderr, "%s: is missing\n", ref);
    else
        good = compare(&run, ref, expected);
    world_close(&run.world);
    total += run.requests;
    return good;
}

static int run_all(bool write)
{
    const char *srcdir = getenv("srcdir");
    char pattern[4096];
    struct strbuf b;
    glob_t found;
    int failed = 0;

    strbuf_init(&b, pattern, sizeof pattern);
    strbuf_addf(&b, "%s/t/cases/*.in", srcdir ? srcdir : ".");
    if (glob(pattern, 0, NULL, &found) != 0) {
        fprintf(stderr, "%s: no cases\n", pattern);
        return 1;
    }
    for (size_t i = 0; i < found.gl_pathc; i++)
        failed += !run_file(found.gl_pathv[i], write);
    printf("%zu files, %u requests, %d files failed\n", found.gl_pathc, total, failed);
    globfree(&found);
    return failed;
}

int main(int argc, char **argv)
{
    bool write = argc > 1 && strcmp(argv[1], "-w") == 0;
    int failed = 0;

    if (argc == 1 + write)
        failed = run_all(write);
    for (int i = 1 + write; i < argc; i++)
        failed += !run_file(argv[i], write);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
