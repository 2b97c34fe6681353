/* SPDX-License-Identifier: MIT */
/*
 * What Dovecot is told of an account or of all accounts in a domain, set by options.
 * Layer 9.
 */
#ifndef POSTERN_FIELDS_H
#define POSTERN_FIELDS_H

#include "lib/extra_field.h"
#include "policyctl/command.h"

#define OPT_FIELDS (OPT(HOME) | OPT(MAIL) | OPT(UID) | OPT(GID) | OPT(QUOTA) | OPT(FIELD) | OPT(NO_FIELD))

enum { FIELD_CHANGES_MAX = MAILBOX_FIELDS + REPEATED_MAX };

struct field_changes {
    struct change change[FIELD_CHANGES_MAX];
    size_t count;
    char name[REPEATED_MAX][EXTRA_FIELD_NAME_MAX + 1]; /* what some of them point to */
};

/* A change for each of these options that was given; the scope is the caller's. Says so
 * where one is wrong. */
enum status fields_changes(const struct args *, const char *scope, struct field_changes *changes_r);

#endif
