/* SPDX-License-Identifier: MIT */
/*
 * What the driver is on every version of Dovecot (shim.c), and what each version does in
 * its own way (shim_2_3.c, shim_2_4.c; configure picks one).  Layer 9, private.
 */
#ifndef POSTERN_SHIM_H
#define POSTERN_SHIM_H

#include <config.h>

#include <auth-common.h>
#include <passdb.h>
#include <userdb.h>

#include "dovecot-plugin/auth_core.h"

#define EXPORTED __attribute__((visibility("default")))

/* All but preinit, which the version's file sets before it registers them. */
extern struct passdb_module_interface shim_passdb;
extern struct userdb_module_interface shim_userdb;

/* NULL, with the line: what is wrong with the configuration. */
struct passdb_module *shim_passdb_new(pool_t, const char *config_path, struct error *);
struct userdb_module *shim_userdb_new(pool_t, const char *config_path, struct error *);

/* ---- by version ---- */

enum auth_secured shim_secured(const struct auth_request *);
const char *shim_service(const struct auth_request *); /* may be NULL */

/* By Dovecot's own functions, which log what does not match. */
bool shim_password_matches(struct auth_request *, const char *plain, const char *stored, const char *scheme);
void shim_log_unknown_user(struct auth_request *);

/* A field of struct auth_user, under the name that this version knows it by. */
void shim_set_user_field(struct auth_request *, const char *name, const char *value);

#endif
