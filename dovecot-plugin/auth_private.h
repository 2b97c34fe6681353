/* SPDX-License-Identifier: MIT */
/*
 * What auth_core.c and auth_login.c share.  Layer 9, private.
 */
#ifndef POSTERN_AUTH_PRIVATE_H
#define POSTERN_AUTH_PRIVATE_H

#include "dovecot-plugin/auth_core.h"
#include "dovecot-plugin/auth_report.h"

struct auth_core {
    struct config *config;
    struct auth_store *store;
    struct auth_report *report;
};

/* The canonical name of an account, completed with default_domain. NOT_FOUND: no
 * account can have this name. TRY_AGAIN: no memory. */
enum result auth_parse_user(const struct auth_core *, const char *name, struct address *address_r) MUST_CHECK;

/* The account's fields for the userdb or for the passdb. BAD: its name cannot be part of a
 * path; LIMIT: they do not fit; TRY_AGAIN: the store could not be asked. */
enum result auth_fields_read(const struct auth_core *, struct store *, const struct address *, bool userdb,
                             struct account_fields *fields_r) MUST_CHECK;

#endif
