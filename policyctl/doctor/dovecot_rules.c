/* SPDX-License-Identifier: MIT */
/* Dovecot against the account table: that the driver is asked, alone, and can do what it is there for. */
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policyctl/doctor/doctor.h"
#include "policyctl/doctor/rights.h"
#include "policyctl/host/dovecot.h"
#include "policyctl/host/loaded.h"
#include "policyctl/host/shell.h"

#define DRIVER  "postern"
#define LIBRARY "libauthdb_" DRIVER ".so"

static const struct rule unreadable = { "dovecot_config", LEVEL_PROBLEM, "Dovecot does not start with it either." };
static const struct rule no_driver = {
    "dovecot_driver", LEVEL_WARNING,
    "Logins do not go by the account table: a suspension does not reach IMAP and POP3, `starttls` decides nothing, "
    "and how accounts connect is not seen."
};
static const struct rule no_module = { "dovecot_module", LEVEL_PROBLEM,
                                       "Dovecot cannot load the driver, so nobody can log in. Build Postern with "
                                       "Dovecot's headers (dovecot-dev) and install it." };
static const struct rule not_loaded = { "dovecot_not_loaded", LEVEL_PROBLEM,
                                        "Dovecot was started before it was set up so: logins go by what was set "
                                        "then." };
static const struct rule config_unreadable = { "dovecot_driver_config", LEVEL_PROBLEM,
                                               "The driver cannot read its configuration, so nobody can log in." };
static const struct rule other_table = { "dovecot_driver_config", LEVEL_PROBLEM,
                                         "Dovecot's logins and policyd go by different account tables." };
static const struct rule second_passdb = {
    "dovecot_second_passdb", LEVEL_WARNING,
    "It is asked whenever the account table says that a password is wrong, or does not know the user: whom it knows "
    "logs in all the same."
};
static const struct rule cache = {
    "dovecot_cache", LEVEL_WARNING,
    "Whoever another passdb knows logs in with a password that was changed, or after he was locked there, for as long "
    "as the cache keeps it."
};
static const struct rule cache_idle = { "dovecot_cache", LEVEL_NOTE,
                                        "It serves nobody: the driver gives no cache key, every login is read "
                                        "afresh." };
static const struct rule exceptions_void = {
    "dovecot_cleartext", LEVEL_WARNING,
    "Dovecot itself refuses every password without encryption, before the driver learns of the account: the "
    "exceptions of `starttls` do not count, and nobody is told why."
};
static const struct rule observing_void = {
    "dovecot_cleartext", LEVEL_NOTE,
    "Dovecot itself refuses every password without encryption: `starttls` is not enforced, but there is nothing for "
    "it to see either."
};
static const struct rule could_refuse = {
    "native_tls", LEVEL_NOTE,
    "`starttls` is enforced and no exception is left: Dovecot could refuse such passwords by itself, before the "
    "account is looked up."
};
static const struct rule worker_blind = { "dovecot_worker", LEVEL_PROBLEM,
                                          "The auth workers cannot read the account table: logins fail." };
static const struct rule worker_unheard = { "dovecot_worker", LEVEL_WARNING,
                                            "policyd drops what other users than root and observe_user tell it of "
                                            "logins." };

/* ---- remedies ---- */

/* "doveadm -c FILE reload" */
static void add_reload(const struct dovecot *v, struct strbuf *b)
{
    shell_word(b, SPAN("doveadm"));
    shell_word(b, SPAN("-c"));
    shell_word(b, span_of(v->config));
    shell_word(b, SPAN("reload"));
}

/* What stands last counts; lines: up to four, NULL where there are fewer. */
static void remedy_append(const struct dovecot *v, const char *const lines[4], struct strbuf *b)
{
    shell_word(b, SPAN("printf"));
    shell_word(b, SPAN("%s\\n"));
    for (size_t i = 0; i < 4 && lines[i]; i++)
        shell_word(b, span_of(lines[i]));
    shell_operator(b, ">>");
    shell_word(b, span_of(v->config));
    shell_operator(b, "&&");
    add_reload(v, b);
}

static void remedy_setting(const struct dovecot *v, const char *line, struct strbuf *b)
{
    const char *const lines[4] = { line };

    remedy_append(v, lines, b);
}

static const char *cleartext_line(const struct dovecot *v, bool allow)
{
    if (v->version_2_4)
        return allow ? "auth_allow_cleartext = yes" : "auth_allow_cleartext = no";
    return allow ? "disable_plaintext_auth = no" : "disable_plaintext_auth = yes";
}

/* ---- passdbs ---- */

static bool is_driver(const struct passdb *p)
{
    return strcmp(p->driver, DRIVER) == 0;
}

static void say_no_driver(struct doctor *d, const struct dovecot *v)
{
    char line[PATH_MAX + 32], remedy[PATH_MAX * 2 + 200];
    const char *const lines[4] = { v->version_2_4 ? "passdb " DRIVER " {" : "passdb {",
                                   v->version_2_4 ? line : "  driver = " DRIVER, v->version_2_4 ? "}" : line,
                                   v->version_2_4 ? NULL : "}" };
    struct strbuf b;

    snprintf(line, sizeof line, "  %s = %s", v->version_2_4 ? "config" : "args", d->ctl->config->path);
    strbuf_init(&b, remedy, sizeof remedy);
    remedy_append(v, lines, &b);
    doctor_say(d, &no_driver, "", remedy, "no passdb has the driver " DRIVER);
}

static void examine_driver_config(struct doctor *d, const struct passdb *p)
{
    struct config *config;
    struct stat ours, theirs;
    struct error e;

    if (!*p->config || strcmp(p->config, d->ctl->config->path) == 0)
        return;
    if (config_load(p->config, &config, &e) != OK) {
        doctor_say(d, &config_unreadable, "", NULL, "%s", e.text);
        return;
    }
    if (strcmp(config->accounts_db, d->ctl->config->accounts_db) != 0 &&
        (stat(config->accounts_db, &theirs) != 0 || stat(d->ctl->config->accounts_db, &ours) != 0 ||
         ours.st_dev != theirs.st_dev || ours.st_ino != theirs.st_ino))
        doctor_say(d, &other_table, "", NULL, "%s says accounts_db = %s", p->config, config->accounts_db);
    config_free(&config);
}

/* What runs has the last word: it may see other folders than we do. */
static void examine_module(struct doctor *d, const struct dovecot *v)
{
    enum loaded loaded = dovecot_loaded(v->base_dir, LIBRARY);
    char path[PATH_MAX + 64], remedy[PATH_MAX + 64];
    struct strbuf b;

    if (loaded == LOADED_YES)
        return;
    snprintf(path, sizeof path, "%s/auth/" LIBRARY, v->modules);
    if (access(path, F_OK) != 0) {
        doctor_say(d, &no_module, "", NULL, "%s: %s", path, strerror(errno));
    } else if (loaded == LOADED_NO) {
        strbuf_init(&b, remedy, sizeof remedy);
        add_reload(v, &b);
        doctor_say(d, &not_loaded, "", remedy, "the driver is set up, and the Dovecot that runs has not loaded it");
    }
}

static size_t examine_passdbs(struct doctor *d, const struct dovecot *v)
{
    size_t drivers = 0, others = 0;

    for (size_t i = 0; i < v->passdbs; i++)
        if (is_driver(&v->passdb[i])) {
            examine_driver_config(d, &v->passdb[i]);
            drivers++;
        }
    if (drivers == 0)
        say_no_driver(d, v);
    else
        examine_module(d, v);
    for (size_t i = 0; i < v->passdbs; i++) {
        if (is_driver(&v->passdb[i]) || v->passdb[i].special)
            continue;
        others++;
        if (drivers > 0)
            doctor_say(d, &second_passdb, "", NULL, "passdb %s is asked too", v->passdb[i].driver);
    }
    return others;
}

/* ---- settings ---- */

static void examine_cache(struct doctor *d, const struct dovecot *v, size_t others)
{
    char remedy[PATH_MAX * 2 + 128];
    struct strbuf b;

    if (v->cache_size[strspn(v->cache_size, "0 BbkKMGT")] == '\0')
        return;
    strbuf_init(&b, remedy, sizeof remedy);
    remedy_setting(v, "auth_cache_size = 0", &b);
    doctor_say(d, others > 0 ? &cache : &cache_idle, "", remedy, "auth_cache_size = %s", v->cache_size);
}

static void examine_cleartext(struct doctor *d, const struct dovecot *v)
{
    const struct exceptions *e = &d->exceptions;
    bool could = v->cleartext && e->enforced && e->count == 0;
    char remedy[PATH_MAX * 2 + 128];
    struct strbuf b;

    if (!e->known)
        return;
    strbuf_init(&b, remedy, sizeof remedy);
    remedy_setting(v, cleartext_line(v, !could), &b);
    if (could)
        doctor_say(d, &could_refuse, "", remedy, "%s", cleartext_line(v, true));
    else if (!v->cleartext && e->count > 0)
        doctor_say(d, &exceptions_void, "", remedy, "%s, and `starttls` has %zu exception%s, %s%s",
                   cleartext_line(v, false), e->count, e->count == 1 ? "" : "s", e->count == 1 ? "" : "such as ",
                   e->first);
    else if (!v->cleartext && !e->enforced)
        doctor_say(d, &observing_void, "", remedy, "%s", cleartext_line(v, false));
}

static void add_groups(struct identity *i, const char *groups)
{
    char name[64];

    for (const char *p = groups; *p; p += strspn(p, ", ")) {
        size_t length = strcspn(p, ", ");
        if (str_copy((struct span){ p, length }, name, sizeof name) == OK)
            identity_add_group(i, name);
        p += length;
    }
}

/* The group that has the table, besides those that the worker has. */
static void remedy_group(const struct dovecot *v, const char *accounts_db, struct strbuf *b)
{
    char line[400];
    const char *const lines[4] = { "service auth-worker {", line, "}" };
    struct stat st;
    struct group *gr = stat(accounts_db, &st) == 0 ? getgrgid(st.st_gid) : NULL;

    if (!gr)
        return;
    snprintf(line, sizeof line, "  extra_groups = %s%s%s", v->worker_groups, *v->worker_groups ? " " : "",
             gr->gr_name);
    remedy_append(v, lines, b);
}

static void examine_worker(struct doctor *d, const struct dovecot *v)
{
    const struct config *c = d->ctl->config;
    const char *user = v->worker_user;
    char blocker[PATH_MAX], remedy[PATH_MAX * 2 + 128];
    struct identity identity;
    struct strbuf b;

    if (!*user || strcmp(user, "root") == 0)
        return;
    if (identity_of(user, &identity) != OK) {
        doctor_say(d, &worker_blind, "service auth-worker", NULL, "there is no user %s", user);
        return;
    }
    add_groups(&identity, v->worker_groups);
    strbuf_init(&b, remedy, sizeof remedy);
    if (!identity_may(&identity, c->accounts_db, 4, blocker, sizeof blocker)) {
        remedy_group(v, c->accounts_db, &b);
        doctor_say(d, &worker_blind, "service auth-worker", remedy, "%s does not let user %s in", blocker, user);
    }
    if (strcmp(user, c->observe_user) == 0)
        return;
    char line[128];
    const char *const lines[4] = { "service auth-worker {", line, "}" };
    strbuf_init(&b, remedy, sizeof remedy);
    snprintf(line, sizeof line, "  user = %s", c->observe_user);
    remedy_append(v, lines, &b);
    doctor_say(d, &worker_unheard, "service auth-worker", remedy, "user = %s, and observe_user = %s", user,
               c->observe_user);
}

void examine_dovecot(struct doctor *d)
{
    static struct dovecot v;
    struct error e;
    enum result r = dovecot_read(d->dovecot_config, &v, &e);

    if (r == BAD && geteuid() == 0) {
        doctor_say(d, &unreadable, "", NULL, "%s", e.text);
    } else if (r != OK) {
        doctor_unknown(d, "", "%s", e.text);
    } else {
        doctor_saw(d, v.config);
        size_t others = examine_passdbs(d, &v);
        examine_cache(d, &v, others);
        examine_cleartext(d, &v);
        examine_worker(d, &v);
    }
}
