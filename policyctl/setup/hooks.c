/* SPDX-License-Identifier: MIT */
/*
 * The hooks of one instance: each list of each smtpd gets its own in front, in the
 * parameter that holds the list.  What the list held stays behind it, word for word.
 */
#include "policyctl/setup/postfix.h"

#include <stdio.h>

/* A list that lacks its hook. */
struct gap {
    struct planning *w;
    size_t service; /* in w->p, which is read again after each change */
    const struct hook_list *list;
    struct hook_place place;
    bool own;         /* the service says the list itself */
    char name[160];   /* of the parameter that holds it */
    const char *text; /* what it says */
    char value[8192]; /* what it is to say */
};

static const struct service *service_of(const struct gap *g)
{
    return &g->w->p.service[g->service];
}

/* ---- what is left ---- */

static void leave_service(struct gap *g, const char *what)
{
    const struct service *s = service_of(g);
    struct lines l;

    master_cf_find(g->w->master_cf.bytes, s->name, strchr(s->key, '/') + 1, &l);
    setup_add_left(g->w->s, true, g->w->master_path, l.line, l.text, "%s: %s: %s", s->name, g->list->name,
                   what);
}

static void leave_main(struct gap *g, const char *name, const char *what)
{
    struct lines l;

    main_cf_find(g->w->main_cf.bytes, name, &l);
    setup_add_left(g->w->s, true, g->w->main_path, l.line, l.text, "%s: %s: %s", service_of(g)->name,
                   g->list->name, what);
}

/* A hook that is there, and not as contrib/postfix has it: somebody meant something by it. */
static void judge_present(struct gap *g)
{
    const struct hook_place *l = &g->place;
    bool reached = l->end >= l->at && !hook_only_warns(&l->words, l->at);
    bool right = strcmp(l->hook.context, l->list->context) == 0 && hook_is_ours(l->p, &l->hook) &&
                 !(l->s->chrooted && strncmp(l->hook.endpoint, "unix:/", 6) == 0);

    if (reached && right)
        return;
    const char *what =
        "policyd is asked there, but not as it should be; policyctl doctor tells how to mend it";
    if (g->own)
        leave_service(g, what);
    else
        leave_main(g, g->name, what);
}

/* ---- the value ---- */

/* A macro of main.cf may be changed only where nothing but this list uses it. */
static bool uses(const char *value, const char *name)
{
    size_t length = strlen(name);

    for (const char *p = value; (p = strchr(p, '$')) != NULL; p++) {
        const char *start = p + 1 + (p[1] == '{' || p[1] == '(');
        char next = strncmp(start, name, length) == 0 ? start[length] : 'x';
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_", next) || next == '\0')
            return true;
    }
    return false;
}

/* "submission/inet/NAME" and "NAME" are uses for the list NAME itself. */
static const char *other_use(const struct parameters *p, const char *macro, const char *list)
{
    for (size_t i = 0; i < p->count; i++) {
        const char *slash = strrchr(p->item[i].name, '/'), *name = slash ? slash + 1 : p->item[i].name;
        if (strcmp(name, list) != 0 && uses(p->item[i].value, macro))
            return p->item[i].name;
    }
    return NULL;
}

static bool may_change_macro(struct gap *g)
{
    const struct postfix *p = &g->w->p;
    const char *other = other_use(&p->written, g->name, g->list->name);

    other = other ? other : other_use(&p->own, g->name, g->list->name);
    for (size_t i = 0; !other && i < HOOK_LISTS; i++)
        other = strcmp(hook_lists[i].name, g->name) == 0 ? g->name : NULL;
    if (!other)
        return true;
    leave_main(g, g->name, setup_format(g->w->s, "the list is $%s, which counts for %s too", g->name, other));
    return false;
}

static bool says(const struct lines *l, const char *value)
{
    char there[8192];
    struct strbuf b;

    strbuf_init(&b, there, sizeof there);
    return l->found == 1 && main_cf_value(l, &b) && strcmp(there, value) == 0;
}

/* postern_policy and postern_away where neither stands yet; *variables_r: the hook goes by them. */
static enum result prepare_variables(struct gap *g, bool *variables_r, struct error *e)
{
    struct planning *w = g->w;
    char policy[512];
    struct lines where, away;
    struct strbuf b;

    strbuf_init(&b, policy, sizeof policy);
    hook_write_policy(&w->p, service_of(g), &b);
    main_cf_find(w->main_now.bytes, "postern_policy", &where);
    main_cf_find(w->main_now.bytes, "postern_away", &away);
    *variables_r =
        hook_variables_serve(&w->p, service_of(g)) || (says(&where, policy) && says(&away, HOOK_AWAY));
    if (*variables_r || where.found > 0 || away.found > 0)
        return OK;
    *variables_r = true;
    enum result r = planning_set_main(w, "postern_policy", policy,
                                      "Where smtpd finds policyd, and how long it waits.", e);
    return r == OK ? planning_set_main(w, "postern_away", HOOK_AWAY,
                                       "What a client is told while policyd is away: to come again.", e)
                   : r;
}

static enum result write_value(struct gap *g, struct error *e)
{
    struct strbuf b;
    bool variables;
    enum result r = prepare_variables(g, &variables, e);

    if (r != OK)
        return r;
    strbuf_init(&b, g->value, sizeof g->value);
    hook_write(&g->w->p, service_of(g), g->list->context, variables, &b);
    strbuf_adds(&b, *g->text ? ", " : "");
    strbuf_adds(&b, g->text);
    return b.cut ? error_set(e, BAD, "%s: the list is too long", g->name) : OK;
}

/* ---- the change ---- */

/* "smtp, submission": whoever has the list from the same place. */
static const char *sharers(const struct gap *g)
{
    const struct planning *w = g->w;
    char names[512];
    struct strbuf b;

    strbuf_init(&b, names, sizeof names);
    for (size_t i = 0; i < w->p.services; i++) {
        static struct hook_place place;
        char name[160];
        bool own;
        place = (struct hook_place){ .p = &w->p, .s = &w->p.service[i], .list = g->list };
        hook_source(&place, name, sizeof name, &own);
        if (own == g->own && strcmp(name, g->name) == 0 && (!own || i == g->service))
            strbuf_addf(&b, "%s%s", b.len ? ", " : "", w->p.service[i].name);
    }
    return setup_text(w->s, span_of(names));
}

static const char *reason(const struct gap *g, const char *services)
{
    const char *rest = *g->text ? "; what stands there stays behind it" : "";

    return setup_format(g->w->s, "%s: policyd is asked in %s, before anything else can let mail pass%s.",
                        services, g->list->name, rest);
}

static enum result change_main(struct gap *g, struct error *e)
{
    struct planning *w = g->w;
    struct lines l;

    main_cf_find(w->main_now.bytes, g->name, &l);
    if (l.found > 1) {
        leave_main(g, g->name, setup_format(w->s, "%s is set %zu times", g->name, l.found));
        return OK;
    }
    if (strcmp(g->name, g->list->name) != 0 && !may_change_macro(g))
        return OK;
    const char *why = reason(g, sharers(g));
    enum result r = write_value(g, e);
    return r == OK ? planning_set_main(w, g->name, g->value, why, e) : r;
}

/* The list of a service goes into a variable of main.cf, since postconf -P takes no spaces. */
static enum result change_service(struct gap *g, struct error *e)
{
    struct planning *w = g->w;
    char variable[160], reference[168];
    struct lines l;
    enum result r;

    master_cf_find(w->master_cf.bytes, service_of(g)->name, strchr(service_of(g)->key, '/') + 1, &l);
    if (l.found != 1 || master_cf_count(&l, g->list->name) > 1) {
        leave_service(g, "it is set several times");
        return OK;
    }
    const char *why = reason(g, service_of(g)->name);
    r = write_value(g, e);
    if (r != OK)
        return r;
    service_variable(&w->p, service_of(g), g->list->name, g->value, variable, sizeof variable);
    main_cf_find(w->main_now.bytes, variable, &l);
    bool same = says(&l, g->value);
    if (l.found > 0 && !same) {
        leave_main(g, variable, "its variable has another value already");
        return OK;
    }
    if (!same)
        r = planning_set_main(w, variable, g->value,
                              "The list for master.cf, where no value with spaces can be put.", e);
    snprintf(reference, sizeof reference, "$%s", variable);
    return r == OK ? planning_set_service(w, service_of(g), g->list->name, reference, why, e) : r;
}

static enum result plan_list(struct gap *g, struct error *e)
{
    struct planning *w = g->w;
    char endpoint[512];
    struct strbuf b;

    hook_find(&w->p, service_of(g), g->list, &g->place);
    g->text = hook_source(&g->place, g->name, sizeof g->name, &g->own);
    if (g->place.at < g->place.words.count)
        judge_present(g);
    if (g->place.at < g->place.words.count || !hook_is_wanted(service_of(g), g->list))
        return OK;
    strbuf_init(&b, endpoint, sizeof endpoint);
    if (hook_endpoint(&w->p, service_of(g), &b) != OK) {
        leave_service(g, setup_format(w->s,
                                      "chrooted, and no socket of policyd.conf (listen) lies in %s: add "
                                      "\"unix:%s/postern/policy\" to listen",
                                      postfix_effective(&w->p, "queue_directory"),
                                      postfix_effective(&w->p, "queue_directory")));
        return OK;
    }
    if (g->place.words.cut || !utf8_valid(span_of(g->text))) {
        leave_main(g, g->name, "the list is not understood");
        return OK;
    }
    enum result r = g->own ? change_service(g, e) : change_main(g, e);
    return r == OK ? planning_read(w, e) : r;
}

enum result plan_hooks(struct planning *w, struct error *e)
{
    static struct gap g;
    enum result r = OK;

    for (size_t i = 0; r == OK && i < w->p.services; i++) {
        if (!plan_understands(w, &w->p.service[i]))
            continue;
        for (size_t k = 0; r == OK && k < HOOK_LISTS; k++) {
            if (!hook_lists[k].context)
                continue;
            g = (struct gap){ .w = w, .service = i, .list = &hook_lists[k] };
            r = plan_list(&g, e);
        }
    }
    return r;
}
