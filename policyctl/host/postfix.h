/* SPDX-License-Identifier: MIT */
/*
 * What Postfix's configuration says, as postconf(1) reads it: parameters of main.cf and
 * what the smtpd services of master.cf say instead of them.  Layer 9.
 */
#ifndef POSTERN_HOST_POSTFIX_H
#define POSTERN_HOST_POSTFIX_H

#include <stdbool.h>

#include "lib/config.h"
#include "lib/str.h"

/* "name = value" lines; the texts lie in `text`. */
struct parameters {
    char *text;
    struct parameter {
        const char *name, *value;
    } * item;
    size_t count;
};

enum { SERVICES_MAX = 32, KEY_MAX = 80 };

/* A service of master.cf that others connect to. */
struct service {
    char key[KEY_MAX]; /* "submission/inet", as postconf -P writes it */
    char name[KEY_MAX];
    const char *program;   /* "smtpd"; for one of `others` whatever it is */
    const char *arguments; /* as written, on one line */
    bool chrooted;
    bool submission; /* mail programs log in here: port 587 or 465 */
    bool internal;   /* on a loopback address: a content filter hands mail back here */
};

struct postfix {
    struct parameters written, effective; /* of main.cf, with defaults: as written, and expanded */
    struct parameters own, own_effective; /* of services: "submission/inet/NAME" */
    struct service service[SERVICES_MAX]; /* each smtpd that the network connects to */
    struct service other[SERVICES_MAX];   /* what else it connects to, and smtpds that are internal */
    size_t services, others;
    bool more;                   /* than SERVICES_MAX of either: those are left out */
    const char *config;          /* a directory; NULL: postconf(1)'s own */
    const struct config *policyd;
    char *master; /* the services' texts */
};

/* Reads all of it. As run_program; free it in either case. The configuration is policyd's: its
 * sockets and submission_ports are gone by. It and the directory's name stay the caller's. */
enum result postfix_read(const struct config *, const char *directory, struct postfix *postfix_r,
                         struct error *) MUST_CHECK;
void postfix_free(struct postfix *);

/* What is said of a parameter in main.cf or by default; "" where there is none of that name.
 * The effective one has every $name replaced. */
const char *postfix_written(const struct postfix *, const char *name);
const char *postfix_effective(const struct postfix *, const char *name);

/* The same for a service, whether it says it by itself or not. */
const char *service_effective(const struct postfix *, const struct service *, const char *name);
bool service_is_on(const struct postfix *, const struct service *, const char *name); /* "yes" */

/* What the service itself says; NULL: nothing, main.cf counts. */
const char *service_own(const struct postfix *, const struct service *, const char *name);

/* A variable of main.cf to hold what the service is to say of a parameter, since postconf -P takes no
 * value with spaces: "mua_sender_restrictions" where mail programs log in, as in contrib/postfix, or,
 * where that says something else than this value, "port_2525_sender_restrictions". */
void service_variable(const struct postfix *, const struct service *, const char *name, const char *value,
                      char *variable_r, size_t size);

/* A list of Postfix's: words apart by spaces and commas, {...} is one. */
enum { WORDS_MAX = 200 };
struct words {
    struct span word[WORDS_MAX];
    size_t count;
    bool cut; /* there were more */
};
void words_parse(const char *text, struct words *words_r);

#endif
