/* SPDX-License-Identifier: MIT */
/* The account table as a file that policyctl import reads.  Layer 9. */
#ifndef POSTERN_EXPORT_H
#define POSTERN_EXPORT_H

#include <stdio.h>

#include "policyctl/arena.h"
#include "policyctl/command.h"

enum { EXPORT_FIELDS_MAX = 64 };

/* One account with its hash and the fields of its own. */
struct account {
    const char *address, *kind, *status;
    const char *hash;
    const char *suspended, *reason, *until; /* "" */
    struct {
        const char *name, *value;
    } field[EXPORT_FIELDS_MAX];
    size_t fields;
};

typedef enum result account_fn(const struct account *, void *context);

/* Calls fn with each, in the order of addresses; `domain` "" is all. TRY_AGAIN: the table
 * cannot be read; else what fn answers. */
enum result export_accounts(struct store *store, const char *domain, account_fn *fn, void *context) MUST_CHECK;

struct export {
    struct store *store; /* in one state */
    const char *domain;  /* "" all */
    FILE *out;
};

enum result export_passwd_file(struct export *) MUST_CHECK;
enum result export_csv(struct export *) MUST_CHECK;
enum result export_json(struct export *) MUST_CHECK;

#endif
