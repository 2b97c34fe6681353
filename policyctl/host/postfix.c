/* SPDX-License-Identifier: MIT */
#include "policyctl/host/postfix.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "policyctl/host/run.h"

/* ---- postconf ---- */

static enum result ask(const struct postfix *p, const char *option, char **output_r, struct error *e)
{
    const char *argv[5] = { "postconf" };
    size_t n = 1;

    if (p->config) {
        argv[n++] = "-c";
        argv[n++] = p->config;
    }
    argv[n] = option; /* NULL: the parameters as they are written */
    return run_program(argv, output_r, e);
}

static size_t count_lines(const char *text)
{
    size_t count = 0;

    for (; (text = strchr(text, '\n')) != NULL; text++)
        count++;
    return count;
}

/* "name = value" and "name =". */
static void take_line(char *line, struct parameters *p)
{
    char *sign = strchr(line, '=');

    if (!sign)
        return;
    struct span name = span_trim((struct span){ line, (size_t)(sign - line) });
    struct span value = span_trim(span_of(sign + 1));
    ((char *)name.ptr)[name.len] = '\0';
    p->item[p->count++] = (struct parameter){ name.ptr, value.ptr };
}

static enum result read_parameters(const struct postfix *postfix, const char *option, struct parameters *p,
                                   struct error *e)
{
    enum result r = ask(postfix, option, &p->text, e);

    if (r != OK)
        return r;
    p->item = calloc(count_lines(p->text) + 1, sizeof *p->item);
    if (!p->item)
        return error_set(e, TRY_AGAIN, "out of memory");
    for (char *line = p->text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        take_line(line, p);
    }
    return OK;
}

static const char *find(const struct parameters *p, const char *name)
{
    for (size_t i = 0; i < p->count; i++)
        if (strcmp(p->item[i].name, name) == 0)
            return p->item[i].value;
    return NULL;
}

/* ---- look-ups ---- */

const char *postfix_written(const struct postfix *p, const char *name)
{
    const char *value = find(&p->written, name);

    return value ? value : "";
}

const char *postfix_effective(const struct postfix *p, const char *name)
{
    const char *value = find(&p->effective, name);

    return value ? value : "";
}

static const char *find_own(const struct parameters *p, const struct service *s, const char *name)
{
    char key[KEY_MAX + 128];
    struct strbuf b;

    strbuf_init(&b, key, sizeof key);
    strbuf_addf(&b, "%s/%s", s->key, name);
    return find(p, key);
}

const char *service_own(const struct postfix *p, const struct service *s, const char *name)
{
    return find_own(&p->own, s, name);
}

const char *service_effective(const struct postfix *p, const struct service *s, const char *name)
{
    const char *own = find_own(&p->own_effective, s, name);

    return own ? own : postfix_effective(p, name);
}

bool service_is_on(const struct postfix *p, const struct service *s, const char *name)
{
    return strcmp(service_effective(p, s, name), "yes") == 0;
}

void words_parse(const char *text, struct words *w)
{
    w->count = 0;
    w->cut = false;
    for (const char *p = text;; ) {
        const char *start = p += strspn(p, ", \t\r\n");
        int depth = 0;
        for (; *p && (depth > 0 || !strchr(", \t\r\n", *p)); p++)
            depth += *p == '{' ? 1 : *p == '}' && depth > 0 ? -1 : 0;
        if (p == start)
            return;
        if (w->count == WORDS_MAX) {
            w->cut = true;
            return;
        }
        w->word[w->count++] = (struct span){ start, (size_t)(p - start) };
    }
}

/* ---- services ---- */

static unsigned port_of(const char *name)
{
    const char *colon = strrchr(name, ':');
    const char *port = colon ? colon + 1 : name;
    struct servent *known;
    uint64_t number;

    if (str_number(span_of(port), 1, 65535, &number) == OK)
        return (unsigned)number;
    known = getservbyname(port, "tcp");
    return known ? ntohs((uint16_t)known->s_port) : 0;
}

/* Whether strangers are turned away wherever they come from: "permit_sasl_authenticated, reject". */
static bool wants_login(const struct postfix *p, const struct service *s)
{
    static const char *const lists[] = { "smtpd_client_restrictions", "smtpd_relay_restrictions",
                                         "smtpd_recipient_restrictions" };
    static struct words w;

    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        words_parse(service_effective(p, s, lists[i]), &w);
        for (size_t k = 0; k + 1 < w.count; k++)
            if (span_equal(w.word[k], SPAN("permit_sasl_authenticated")) && span_equal(w.word[k + 1], SPAN("reject")))
                return true;
    }
    return false;
}

static bool is_submission(const struct postfix *p, const struct service *s)
{
    unsigned port = port_of(s->name);

    return port == 465 || port == 587 || port_list_has(&p->policyd->submission_ports, port) ||
           service_is_on(p, s, "smtpd_tls_wrappermode") || wants_login(p, s);
}

/* Where a content filter hands mail back: what comes there was asked about before. */
static bool is_internal(const char *name)
{
    static const char *const local[] = { "127.", "[127.", "localhost:", "[::1]:", "::1:" };

    for (size_t i = 0; i < sizeof local / sizeof *local; i++)
        if (strncmp(name, local[i], strlen(local[i])) == 0)
            return true;
    return false;
}

/* The service's place in its array; NULL: there is no more room. */
static struct service *make_room(struct postfix *p, bool smtpd)
{
    size_t *count = smtpd ? &p->services : &p->others;

    if (*count == SERVICES_MAX) {
        p->more = true;
        return NULL;
    }
    return smtpd ? &p->service[(*count)++] : &p->other[(*count)++];
}

/* Columns of master(5): service, type, private, unprivileged, chroot, wake-up, processes, command. */
static void take_service(struct postfix *p, char *line)
{
    enum { NAME, TYPE, CHROOT = 4, COMMAND = 7, COLUMNS };
    char *column[COLUMNS], *rest = line, key[KEY_MAX];
    struct strbuf b;

    for (size_t i = 0; i < COLUMNS; i++) {
        rest += strspn(rest, " \t");
        column[i] = rest;
        rest += strcspn(rest, " \t");
        if (rest == column[i])
            return;
        if (*rest)
            *rest++ = '\0';
    }
    if (strcmp(column[TYPE], "inet") != 0 && strcmp(column[TYPE], "pass") != 0)
        return;
    strbuf_init(&b, key, sizeof key);
    strbuf_addf(&b, "%s/%s", column[NAME], column[TYPE]);
    bool internal = is_internal(column[NAME]), smtpd = strcmp(column[COMMAND], "smtpd") == 0;
    struct service *s = b.cut ? NULL : make_room(p, smtpd && !internal);
    if (!s)
        return;
    *s = (struct service){ .program = column[COMMAND],
                           .arguments = rest + strspn(rest, " \t"),
                           .chrooted = column[CHROOT][0] == 'y',
                           .internal = internal };
    if (str_copy(span_of(key), s->key, sizeof s->key) == OK &&
        str_copy(span_of(column[NAME]), s->name, sizeof s->name) == OK)
        s->submission = smtpd && is_submission(p, s);
}

static enum result read_services(struct postfix *p, struct error *e)
{
    enum result r = ask(p, "-M", &p->master, e);

    if (r != OK)
        return r;
    for (char *line = p->master, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        take_service(p, line);
    }
    return OK;
}

void service_variable(const struct postfix *p, const struct service *s, const char *name, const char *value,
                      char *variable_r, size_t size)
{
    const char *part = strncmp(name, "smtpd_", 6) == 0 ? name + 6 : name, *written;
    struct strbuf b;

    strbuf_init(&b, variable_r, size);
    strbuf_addf(&b, "mua_%s", part);
    written = postfix_written(p, variable_r);
    if (s->submission && (!*written || strcmp(written, value) == 0))
        return;
    strbuf_init(&b, variable_r, size);
    strbuf_addf(&b, "port_%s_%s", s->name, part);
    for (char *c = variable_r; *c; c++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_", *c))
            *c = '_';
}

/* ---- all of it ---- */

enum result postfix_read(const struct config *policyd, const char *directory, struct postfix *p, struct error *e)
{
    enum result r;

    memset(p, 0, sizeof *p);
    p->config = directory;
    p->policyd = policyd;
    r = read_parameters(p, NULL, &p->written, e);
    r = r == OK ? read_parameters(p, "-x", &p->effective, e) : r;
    r = r == OK ? read_parameters(p, "-P", &p->own, e) : r;
    r = r == OK ? read_parameters(p, "-xP", &p->own_effective, e) : r;
    return r == OK ? read_services(p, e) : r;
}

static void free_parameters(struct parameters *p)
{
    free(p->text);
    free(p->item);
    *p = (struct parameters){ 0 };
}

void postfix_free(struct postfix *p)
{
    free_parameters(&p->written);
    free_parameters(&p->effective);
    free_parameters(&p->own);
    free_parameters(&p->own_effective);
    free(p->master);
    p->master = NULL;
}
