/* SPDX-License-Identifier: MIT */
/*
 * An account table and a configuration for the tests of dovecot-plugin/: temporary
 * files, made before each test, and a password check that compares.
 */
#ifndef POSTERN_T_AUTH_FIXTURE_H
#define POSTERN_T_AUTH_FIXTURE_H

#include "dovecot-plugin/auth_core.h"

enum { AUTH_NOW = 1000 }; /* the time of every login */

extern struct auth_core *auth_core;
extern char auth_database[64];

/* Fixtures: domains example.com and example.net; user@example.com with the password
 * {PLAIN}secret. The core waits 200 ms for the store. {CLEARTEXT} is another scheme. */
void auth_create(void);
void auth_remove(void);

/* Loads another configuration, these lines added. */
void auth_configure(const char *lines);

/* Makes the database; one that is there has to be moved away first. */
void auth_make_database(void);

/* Applies a change; fields come in pairs, FIELD_COUNT at the end. The test fails
 * where the store refuses. */
void auth_change(enum change_kind kind, ...);

/* What the last password check was asked. */
extern struct auth_check {
    unsigned count;
    bool quiet;
    char stored[AUTH_PASSWORD_MAX];
} auth_checked;

struct auth_login auth_login_of(const char *user, const char *service, enum auth_secured secured,
                                unsigned port);

/* The field's value, or "" where there is none. */
const char *auth_field(const struct account_fields *, const char *name);

/* A login with this password; the answer is in auth_answer. */
extern struct auth_answer auth_answer;
enum auth_result auth_try(const struct auth_login *, const char *password);

#endif
