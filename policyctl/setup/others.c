/* SPDX-License-Identifier: MIT */
/* What setup does not touch in an instance of Postfix, and what it only tells of. */
#include <stdio.h>

#include "policyctl/setup/postfix.h"

static struct lines lines_of(const struct planning *w, const struct service *s)
{
    struct lines l;

    master_cf_find(w->master_cf.bytes, s->name, strchr(s->key, '/') + 1, &l);
    return l;
}

static void leave(struct planning *w, const struct service *s, bool gap, const char *what)
{
    struct lines l = lines_of(w, s);

    setup_add_left(w->s, gap, w->master_path, l.line, l.text, "%s: %s", s->name, what);
}

/* ---- services that are smtpd ---- */

/* The next of master.cf's arguments: {...} is one. */
static struct span take_argument(const char **text)
{
    const char *start = *text + strspn(*text, " \t"), *p = start;

    for (int depth = 0; *p && (depth > 0 || !strchr(" \t", *p)); p++)
        depth += *p == '{' ? 1 : *p == '}' && depth > 0 ? -1 : 0;
    *text = p;
    return (struct span){ start, (size_t)(p - start) };
}

/* Nothing but "-o NAME=VALUE", "-o { NAME = VALUE }" and "-v": any other option may point elsewhere. */
static bool arguments_are_plain(const char *arguments)
{
    struct span word;

    while ((word = take_argument(&arguments)).len > 0)
        if (span_equal(word, SPAN("-o")))
            (void)take_argument(&arguments);
        else if (!span_equal(word, SPAN("-v")))
            return false;
    return true;
}

/* master_service_disable: "inet", "submission.inet", "submission/inet". */
static bool is_disabled(const struct planning *w, const struct service *s)
{
    static struct words off;
    char key[KEY_MAX];

    if (str_copy(span_of(s->key), key, sizeof key) != OK)
        return false;
    const char *type = strchr(s->key, '/') + 1;
    words_parse(postfix_effective(&w->p, "master_service_disable"), &off);
    for (size_t i = 0; i < off.count; i++) {
        key[strlen(s->name)] = '.';
        if (span_equal(off.word[i], span_of(type)) || span_equal(off.word[i], span_of(key)) ||
            span_equal(off.word[i], span_of(s->key)))
            return true;
    }
    return false;
}

bool plan_understands(struct planning *w, const struct service *s)
{
    bool plain = arguments_are_plain(s->arguments);

    if (is_disabled(w, s)) {
        leave(w, s, false, "switched off (master_service_disable)");
        return false;
    }
    if (!plain)
        leave(w, s, true, "its smtpd has options that setup does not understand");
    return plain;
}

/* ---- those that are not ---- */

static bool is_mail_port(const char *name)
{
    static const char *const ports[] = { "smtp", "25", "smtps", "submissions", "465", "submission", "587" };
    const char *colon = strrchr(name, ':');

    for (size_t i = 0; i < sizeof ports / sizeof *ports; i++)
        if (strcmp(colon ? colon + 1 : name, ports[i]) == 0)
            return true;
    return false;
}

static bool has_pass(const struct planning *w)
{
    for (size_t i = 0; i < w->p.services; i++)
        if (strstr(w->p.service[i].key, "/pass"))
            return true;
    return false;
}

void plan_others(struct planning *w)
{
    for (size_t i = 0; i < w->p.others; i++) {
        const struct service *s = &w->p.other[i];
        if (s->internal)
            leave(w, s, false,
                  "on a loopback address: what a content filter hands back was asked about before");
        else if (strcmp(s->program, "postscreen") == 0 && has_pass(w))
            leave(w, s, false, "postscreen hands clients on to the smtpd of type pass, which asks");
        else
            leave(w, s, is_mail_port(s->name) || strstr(s->arguments, "smtpd") != NULL,
                  "no smtpd of Postfix: setup does not understand it");
    }
}

/* ---- notes ---- */

static const char *known_as(const char *endpoint)
{
    static const struct {
        const char *part, *name;
    } known[] = {
        { ":7777", "iRedAPD" },
        { ":10023", "postgrey" },
        { ":10031", "policyd of Cluebringer" },
        { ":10040", "postfwd" },
        { ":8552", "policyd-rate-limit" },
        { "postgrey", "postgrey" },
        { "quota", "a quota service" },
        { "spf", "an SPF check" },
        { ":12340", "Dovecot's quota-status" },
    };

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strstr(endpoint, known[i].part))
            return known[i].name;
    return "";
}

static void note_policy_services(struct planning *w, const struct service *s)
{
    static struct words words;
    struct hook h;

    for (size_t k = 0; k < HOOK_LISTS; k++) {
        words_parse(service_effective(&w->p, s, hook_lists[k].name), &words);
        for (size_t i = 0; i + 1 < words.count; i++) {
            if (!span_equal(words.word[i], SPAN("check_policy_service")) ||
                hook_parse(&w->p, s, words.word[i + 1], &h) != OK || hook_is_ours(&w->p, &h))
                continue;
            const char *name = known_as(h.endpoint);
            setup_add_note(
                w->s,
                "The policy service %s%s%s%s stays where it is, and is asked about what policyd lets pass.",
                h.endpoint, *name ? " (" : "", name, *name ? ")" : "");
        }
    }
}

static void note_login(struct planning *w, const struct service *s)
{
    if (s->submission && service_is_on(&w->p, s, "smtpd_sasl_auth_enable") &&
        strcmp(service_effective(&w->p, s, "smtpd_sasl_type"), "dovecot") != 0)
        setup_add_note(
            w->s,
            "%s: smtpd_sasl_type = %s: logins over SMTP do not go by Dovecot, so what Dovecot is told of "
            "an account does not count for them.",
            s->name, service_effective(&w->p, s, "smtpd_sasl_type"));
}

void plan_notes(struct planning *w)
{
    for (size_t i = 0; i < w->p.services; i++) {
        note_policy_services(w, &w->p.service[i]);
        note_login(w, &w->p.service[i]);
    }
}
