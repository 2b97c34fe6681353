/* SPDX-License-Identifier: MIT */
#include "policyctl/doctor/postfix.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "policyctl/doctor/run.h"
#include "policyctl/doctor/shell.h"

/* ---- postconf ---- */

static enum result ask(const struct doctor *d, const char *option, char **output_r, struct error *e)
{
    const char *argv[5] = { "postconf" };
    size_t n = 1;

    if (d->postfix_config) {
        argv[n++] = "-c";
        argv[n++] = d->postfix_config;
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

static enum result read_parameters(const struct doctor *d, const char *option, struct parameters *p, struct error *e)
{
    enum result r = ask(d, option, &p->text, e);

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

static bool is_submission(const struct doctor *d, const struct postfix *p, const struct service *s)
{
    unsigned port = port_of(s->name);

    return port == 465 || port == 587 || port_list_has(&d->ctl->config->submission_ports, port) ||
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

/* Columns of master(5): service, type, private, unprivileged, chroot, wake-up, processes, command. */
static void take_service(struct doctor *d, struct postfix *p, char *line)
{
    enum { NAME, TYPE, CHROOT = 4, COMMAND = 7, COLUMNS };
    char *column[COLUMNS], *rest = line;
    struct service *s = &p->service[p->services];
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
    if (strcmp(column[COMMAND], "smtpd") != 0 || strcmp(column[TYPE], "unix") == 0)
        return;
    memset(s, 0, sizeof *s);
    strbuf_init(&b, s->key, sizeof s->key);
    strbuf_addf(&b, "%s/%s", column[NAME], column[TYPE]);
    if (b.cut || is_internal(column[NAME]))
        return;
    if (str_copy(span_of(column[NAME]), s->name, sizeof s->name) != OK)
        return;
    s->chrooted = column[CHROOT][0] == 'y';
    s->submission = is_submission(d, p, s);
    p->services++;
    doctor_saw(d, s->name);
}

static enum result read_services(struct doctor *d, struct postfix *p, struct error *e)
{
    char *text;
    enum result r = ask(d, "-M", &text, e);

    if (r != OK)
        return r;
    for (char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        if (p->services < SERVICES_MAX)
            take_service(d, p, line);
        else
            doctor_unknown(d, "", "more than %d services in master.cf", SERVICES_MAX);
    }
    free(text);
    return OK;
}

/* ---- remedies ---- */

static void add_program(const struct postfix *p, const char *name, struct strbuf *b)
{
    shell_word(b, span_of(name));
    if (p->config) {
        shell_word(b, SPAN("-c"));
        shell_word(b, span_of(p->config));
    }
}

static void add_assignment(const struct postfix *p, const char *option, const char *name, const char *value,
                           struct strbuf *b)
{
    char assignment[REMEDY_MAX];
    struct strbuf a;

    strbuf_init(&a, assignment, sizeof assignment);
    strbuf_addf(&a, "%s=", name);
    strbuf_adds(&a, value);
    add_program(p, "postconf", b);
    shell_word(b, span_of(option));
    shell_word(b, span_of(assignment));
    shell_operator(b, "&&");
    b->cut = b->cut || a.cut;
}

static void add_reload(const struct postfix *p, struct strbuf *b)
{
    add_program(p, "postfix", b);
    shell_word(b, SPAN("reload"));
}

void remedy_main(const struct postfix *p, const char *name, const char *value, struct strbuf *b)
{
    add_assignment(p, "-e", name, value, b);
    add_reload(p, b);
}

/* "smtpd_sender_restrictions" of "submission": mua_sender_restrictions, as in contrib/postfix, or, where
 * that says something else, submission_sender_restrictions. */
static void choose_variable(const struct postfix *p, const struct service *s, const char *name, const char *value,
                            char *variable_r, size_t size)
{
    const char *part = strncmp(name, "smtpd_", 6) == 0 ? name + 6 : name, *written;
    struct strbuf b;

    strbuf_init(&b, variable_r, size);
    strbuf_addf(&b, "mua_%s", part);
    written = postfix_written(p, variable_r);
    if (!*written || strcmp(written, value) == 0)
        return;
    strbuf_init(&b, variable_r, size);
    strbuf_addf(&b, "port_%s_%s", s->name, part);
    for (char *c = variable_r; *c; c++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_", *c))
            *c = '_';
}

void remedy_service(const struct postfix *p, const struct service *s, const char *name, const char *value,
                    struct strbuf *b)
{
    char key[KEY_MAX + 128], variable[KEY_MAX + 128], reference[KEY_MAX + 130];
    struct strbuf k;

    if (strchr(value, ' ')) { /* postconf -P takes none */
        choose_variable(p, s, name, value, variable, sizeof variable);
        if (strcmp(postfix_written(p, variable), value) != 0)
            add_assignment(p, "-e", variable, value, b);
        strbuf_init(&k, reference, sizeof reference);
        strbuf_addf(&k, "$%s", variable);
        value = reference;
    }
    strbuf_init(&k, key, sizeof key);
    strbuf_addf(&k, "%s/%s", s->key, name);
    add_assignment(p, "-P", key, value, b);
    add_reload(p, b);
}

/* ---- the area ---- */

static const struct rule unreadable = {
    "postfix_config", LEVEL_PROBLEM, "Postfix cannot read its configuration either."
};
static const struct rule no_service = {
    "postfix_services", LEVEL_WARNING, "master.cf has no smtpd that takes mail from the network."
};

static enum result gather(struct doctor *d, struct postfix *p, struct error *e)
{
    enum result r = read_parameters(d, NULL, &p->written, e);

    r = r == OK ? read_parameters(d, "-x", &p->effective, e) : r;
    r = r == OK ? read_parameters(d, "-P", &p->own, e) : r;
    r = r == OK ? read_parameters(d, "-xP", &p->own_effective, e) : r;
    return r == OK ? read_services(d, p, e) : r;
}

static void free_parameters(struct parameters *p)
{
    free(p->text);
    free(p->item);
}

void examine_postfix(struct doctor *d)
{
    static struct postfix p;
    struct error e;

    p.config = d->postfix_config;
    switch (gather(d, &p, &e)) {
    case OK:
        if (p.services == 0)
            doctor_say(d, &no_service, "", NULL, "no smtpd in master.cf");
        examine_hooks(d, &p);
        examine_smtpd(d, &p);
        examine_mynetworks(d, &p);
        break;
    case BAD:
        doctor_say(d, &unreadable, "", NULL, "%s", e.text);
        break;
    default:
        doctor_unknown(d, "", "%s", e.text);
    }
    free_parameters(&p.written);
    free_parameters(&p.effective);
    free_parameters(&p.own);
    free_parameters(&p.own_effective);
}
