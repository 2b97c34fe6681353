/* SPDX-License-Identifier: MIT */
#include "policyctl/doctor/postfix.h"

#include <string.h>

#include "policyctl/host/shell.h"

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

void remedy_service(const struct postfix *p, const struct service *s, const char *name, const char *value,
                    struct strbuf *b)
{
    char key[KEY_MAX + 128], variable[KEY_MAX + 128], reference[KEY_MAX + 130];
    struct strbuf k;

    if (strchr(value, ' ')) { /* postconf -P takes none */
        service_variable(p, s, name, value, variable, sizeof variable);
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

static void examine(struct doctor *d, const struct postfix *p)
{
    for (size_t i = 0; i < p->services; i++)
        doctor_saw(d, p->service[i].name);
    if (p->more)
        doctor_unknown(d, "", "more than %d services in master.cf", SERVICES_MAX);
    if (p->services == 0)
        doctor_say(d, &no_service, "", NULL, "no smtpd in master.cf");
    examine_hooks(d, p);
    examine_smtpd(d, p);
    examine_mynetworks(d, p);
}

void examine_postfix(struct doctor *d)
{
    static struct postfix p;
    struct error e;

    switch (postfix_read(d->ctl->config, d->postfix_config, &p, &e)) {
    case OK:
        examine(d, &p);
        break;
    case BAD:
        doctor_say(d, &unreadable, "", NULL, "%s", e.text);
        break;
    default:
        doctor_unknown(d, "", "%s", e.text);
    }
    postfix_free(&p);
}
