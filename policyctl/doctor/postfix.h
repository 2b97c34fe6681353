/* SPDX-License-Identifier: MIT */
/*
 * What Postfix's configuration says, as postconf(1) reads it: parameters of main.cf and
 * what the smtpd services of master.cf say instead of them.  Layer 9.
 */
#ifndef POSTERN_DOCTOR_POSTFIX_H
#define POSTERN_DOCTOR_POSTFIX_H

#include "policyctl/doctor/doctor.h"

/* "name = value" lines; the texts lie in `text`. */
struct parameters {
    char *text;
    struct parameter {
        const char *name, *value;
    } * item;
    size_t count;
};

enum { SERVICES_MAX = 32, KEY_MAX = 80 };

/* An smtpd that others connect to. */
struct service {
    char key[KEY_MAX]; /* "submission/inet", as postconf -P writes it */
    char name[KEY_MAX];
    bool chrooted;
    bool submission; /* mail programs log in here: port 587 or 465 */
};

struct postfix {
    struct parameters written, effective; /* of main.cf, with defaults: as written, and expanded */
    struct parameters own, own_effective; /* of services: "submission/inet/NAME" */
    struct service service[SERVICES_MAX];
    size_t services;
    const char *config; /* as struct doctor's postfix_config */
};

/* What is said of a parameter in main.cf or by default; "" where there is none of that name.
 * The effective one has every $name replaced. */
const char *postfix_written(const struct postfix *, const char *name);
const char *postfix_effective(const struct postfix *, const char *name);

/* The same for a service, whether it says it by itself or not. */
const char *service_effective(const struct postfix *, const struct service *, const char *name);
bool service_is_on(const struct postfix *, const struct service *, const char *name); /* "yes" */

/* What the service itself says; NULL: nothing, main.cf counts. */
const char *service_own(const struct postfix *, const struct service *, const char *name);

/* A list of Postfix's: words apart by spaces and commas, {...} is one. */
enum { WORDS_MAX = 200 };
struct words {
    struct span word[WORDS_MAX];
    size_t count;
    bool cut; /* there were more */
};
void words_parse(const char *text, struct words *words_r);

/* The remedies: "postconf [-c DIR] -e 'NAME=VALUE' && postfix [-c DIR] reload". For a service by
 * way of a variable of main.cf where the value holds spaces: postconf -P takes none. */
void remedy_main(const struct postfix *, const char *name, const char *value, struct strbuf *);
void remedy_service(const struct postfix *, const struct service *, const char *name, const char *value,
                    struct strbuf *);

/* Who asks policyd, and where: every restriction list of every service. */
void examine_hooks(struct doctor *, const struct postfix *);
/* The rest. */
void examine_smtpd(struct doctor *, const struct postfix *);
void examine_mynetworks(struct doctor *, const struct postfix *);

#endif
