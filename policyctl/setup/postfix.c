/* SPDX-License-Identifier: MIT */
/* Postfix: which instances there are, and each one's files from what they are to what they are to be. */
#include "policyctl/setup/postfix.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "policyctl/host/run.h"

/* ---- the scratch copy ---- */

enum result planning_read(struct planning *w, struct error *e)
{
    postfix_free(&w->p);
    enum result r = postfix_read(w->s->ctl->config, w->scratch.directory, &w->p, e);
    return r == OK ? scratch_take(&w->scratch, "main.cf", &w->main_now, e) : r;
}

static enum result set(struct planning *w, const char *option, const char *key, const char *value,
                       struct error *e)
{
    char assignment[8192];
    struct strbuf b;

    strbuf_init(&b, assignment, sizeof assignment);
    strbuf_addf(&b, "%s=", key);
    strbuf_adds(&b, value);
    if (b.cut)
        return error_set(e, BAD, "%s: the value is too long", key);
    return scratch_postconf(&w->scratch, option, assignment, NULL, e);
}

enum result planning_set_main(struct planning *w, const char *name, const char *value, const char *why,
                              struct error *e)
{
    char old[8192];
    struct lines l;
    struct strbuf b;

    strbuf_init(&b, old, sizeof old);
    main_cf_find(w->main_now.bytes, name, &l);
    if (l.found > 0 && !main_cf_value(&l, &b))
        return error_set(e, BAD, "%s: the value is too long", name);
    setup_add_change(w->s, &(struct setup_change){ .kind = SETUP_MAIN,
                                                   .directory = w->instance->directory,
                                                   .path = setup_text(w->s, span_of(w->main_path)),
                                                   .name = setup_text(w->s, span_of(name)),
                                                   .old = l.found > 0 ? setup_text(w->s, span_of(old)) : NULL,
                                                   .value = setup_text(w->s, span_of(value)),
                                                   .why = setup_text(w->s, span_of(why)) });
    enum result r = set(w, "-e", name, value, e);
    return r == OK ? scratch_take(&w->scratch, "main.cf", &w->main_now, e) : r;
}

enum result planning_set_service(struct planning *w, const struct service *s, const char *name,
                                 const char *value, const char *why, struct error *e)
{
    const char *old = service_own(&w->p, s, name);
    const char *key = setup_format(w->s, "%s/%s", s->key, name);

    setup_add_change(w->s, &(struct setup_change){ .kind = SETUP_SERVICE,
                                                   .directory = w->instance->directory,
                                                   .path = setup_text(w->s, span_of(w->master_path)),
                                                   .name = key,
                                                   .old = old ? setup_text(w->s, span_of(old)) : NULL,
                                                   .value = setup_text(w->s, span_of(value)),
                                                   .why = setup_text(w->s, span_of(why)) });
    return set(w, "-P", key, value, e);
}

/* ---- one instance ---- */

/* The file itself where the name is a link, so that the link stays. */
static enum result read_file(const char *directory, const char *name, char path_r[static PATH_MAX],
                             struct content *c, struct error *e)
{
    char path[PATH_MAX];

    if (snprintf(path, sizeof path, "%s/%s", directory, name) >= PATH_MAX)
        return error_set(e, BAD, "%s: the name is too long", directory);
    if (!realpath(path, path_r))
        return error_set(e, errno == ENOENT ? NOT_FOUND : BAD, "%s: %s", path, strerror(errno));
    return content_read(path_r, c, e);
}

/* A file that changed becomes an edit. */
static enum result keep(struct planning *w, const char *path, const char *name, struct content *old,
                        struct error *e)
{
    struct content new;
    enum result r = content_copy(old, &new, e);

    r = r == OK ? scratch_take(&w->scratch, name, &new, e) : r;
    if (r != OK || content_equal(old, &new)) {
        content_free(&new);
        return r;
    }
    setup_add_edit(w->s, path, old, &new);
    *old = (struct content){ 0 };
    return OK;
}

static void see(struct planning *w, struct setup_instance *instance)
{
    char seen[512];
    struct strbuf b;

    strbuf_init(&b, seen, sizeof seen);
    for (size_t i = 0; i < w->p.services; i++)
        strbuf_addf(&b, "%s%s", i > 0 ? ", " : "", w->p.service[i].name);
    instance->seen = setup_text(w->s, span_of(b.len ? seen : "no smtpd that the network connects to"));
}

/* 3.1 tells a policy server which list asks; 0.0 where the version cannot be read. */
static bool is_too_old(const struct postfix *p)
{
    unsigned major = 0, minor = 0;

    /* NOLINTNEXTLINE(cert-err34-c): Postfix's own version, two small numbers */
    return sscanf(postfix_effective(p, "mail_version"), "%u.%u", &major, &minor) == 2 &&
           (major < 3 || (major == 3 && minor < 1));
}

static enum result plan_all(struct planning *w, struct setup_instance *instance, struct error *e)
{
    enum result r = planning_read(w, e);

    if (r != OK)
        return r;
    see(w, instance);
    if (is_too_old(&w->p)) {
        setup_add_left(w->s, true, w->main_path, 0, SPAN(""), "Postfix %s: policyd needs 3.1 or later",
                       postfix_effective(&w->p, "mail_version"));
        return OK;
    }
    w->s->cut = w->s->cut || w->p.more;
    plan_others(w);
    r = plan_hooks(w, e);
    r = r == OK ? planning_read(w, e) : r;
    if (r == OK)
        plan_notes(w);
    r = r == OK ? keep(w, w->main_path, "main.cf", &w->main_cf, e) : r;
    return r == OK ? keep(w, w->master_path, "master.cf", &w->master_cf, e) : r;
}

static enum result plan_instance(struct setup *s, struct setup_instance *instance, struct error *e)
{
    struct planning *w = calloc(1, sizeof *w);
    enum result r;

    if (!w)
        return error_set(e, TRY_AGAIN, "out of memory");
    w->s = s;
    w->instance = instance;
    r = read_file(instance->directory, "main.cf", w->main_path, &w->main_cf, e);
    r = r == OK ? read_file(instance->directory, "master.cf", w->master_path, &w->master_cf, e) : r;
    r = r == OK ? scratch_open(&w->main_cf, &w->master_cf, &w->scratch, e) : r;
    r = r == OK ? plan_all(w, instance, e) : r;
    scratch_close(&w->scratch);
    postfix_free(&w->p);
    content_free(&w->main_cf);
    content_free(&w->master_cf);
    content_free(&w->main_now);
    free(w);
    return r;
}

/* ---- all of them ---- */

/* postconf's value of a parameter, expanded, without its line's end. */
static enum result ask(const char *directory, const char *name, char *value_r, size_t size, struct error *e)
{
    const char *named[] = { "postconf", "-c", directory, "-xh", name, NULL };
    const char *own[] = { "postconf", "-xh", name, NULL };
    char *output;
    enum result r = run_program(directory ? named : own, &output, e);

    if (r != OK)
        return r;
    r = str_copy((struct span){ output, strcspn(output, "\n") }, value_r, size);
    free(output);
    return r == OK ? OK : error_set(e, BAD, "%s: too long", name);
}

static void add_instance(struct setup *s, struct span directory, bool named)
{
    if (s->instances == INSTANCES_MAX) {
        s->cut = true;
        return;
    }
    s->instance[s->instances++] = (struct setup_instance){ setup_text(s, directory), named, NULL };
}

/* The first, and those that it starts and stops along with itself (postmulti(1)). */
static enum result find_instances(struct setup *s, struct error *e)
{
    char first[PATH_MAX], path[PATH_MAX], more[8192];
    static struct words w;
    enum result r = ask(s->postfix_config, "config_directory", first, sizeof first, e);

    r = r == OK ? ask(s->postfix_config, "multi_instance_directories", more, sizeof more, e) : r;
    if (r != OK)
        return r;
    if (!realpath(first, path))
        return error_set(e, BAD, "%s: %s", first, strerror(errno));
    add_instance(s, span_of(path), s->postfix_config != NULL);
    words_parse(more, &w);
    for (size_t i = 0; i < w.count; i++)
        add_instance(s, w.word[i], true);
    return OK;
}

enum result plan_postfix(struct setup *s, struct error *e)
{
    enum result r = find_instances(s, e);

    if (r == NOT_FOUND && s->want_dovecot) {
        setup_add_note(s, "Postfix: %s", e->text);
        return OK;
    }
    for (size_t i = 0; r == OK && i < s->instances; i++)
        r = plan_instance(s, &s->instance[i], e);
    return r;
}
