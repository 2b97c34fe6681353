/* SPDX-License-Identifier: MIT */
/*
 * Accounts and what belongs to them from another server's files.  A reader hands over one
 * item after the other; each is checked, held against the account table, and what is new
 * (or differs, with --update) becomes a change.  Nothing is written before all was read;
 * then it is done as a whole.  Layer 9.
 */
#ifndef POSTERN_IMPORT_H
#define POSTERN_IMPORT_H

#include <stdio.h>

#include "policyctl/command.h"

/* In the order in which they are added: later ones need earlier ones. */
enum item {
    ITEM_DOMAIN,
    ITEM_ALIAS_DOMAIN,
    ITEM_ACCOUNT,
    ITEM_STATUS,
    ITEM_SUSPENSION,
    ITEM_FIELD,
    ITEM_ALIAS,
    ITEM_DESTINATION,
    ITEM_GRANT,
    ITEM_POLICY,
    ITEM_LIST,
    ITEM_COUNT
};

struct tally {
    size_t added, differs, same;
};

struct import {
    const struct ctl *ctl;
    struct store *store;  /* accounts.db, read in one state */
    const char *path;     /* of the file that is read, for messages */
    unsigned long line;   /* set by the reader: 0 where there are no lines */
    char domain[256];     /* --domain: of names without one; "" */
    bool update, show;    /* --update; each difference is printed */
    struct memory *memory;
    struct tally tally[ITEM_COUNT];
    size_t passed_over;   /* rows that mean nothing here, such as inactive aliases */
    struct error error;   /* "FILE:LINE: what", where a function answers BAD */
    FILE *out[ITEM_COUNT];  /* the changes of each kind (change_text.h) */
    char *text[ITEM_COUNT]; /* what was written there */
    size_t size[ITEM_COUNT];
};

enum result import_open(struct import *, const struct ctl *, const char *path) MUST_CHECK;
void import_close(struct import *);

/* Does all changes or none of them. */
enum status import_commit(struct import *);

/* After the last item: what only then is known. */
enum result import_finish(struct import *) MUST_CHECK;
size_t import_changes(const struct import *); /* how many items are new or will be updated */
void import_summary(const struct import *, bool done);

/* ---- for readers: all answer BAD with import->error set, or OK ---- */

/* "FILE:LINE: " and the text; always BAD. */
enum result import_error(struct import *, const char *format, ...) PRINTF(2, 3);

/* An address as another program wrote it: one without a domain gets --domain. The answer
 * lasts until the next one. */
enum result import_address(struct import *, struct span text, const char **address_r) MUST_CHECK;

enum result import_domain(struct import *, const char *domain, const char *kind, const char *target) MUST_CHECK;

/* hash: with its {SCHEME}, or in a form that tells it. The domain is added where it is not
 * known. */
enum result import_account(struct import *, const char *address, const char *kind, const char *hash) MUST_CHECK;
enum result import_status(struct import *, const char *address, bool active) MUST_CHECK;

/* scope: an account or a domain. An empty value says nothing. */
enum result import_field(struct import *, const char *scope, const char *name, const char *value) MUST_CHECK;
enum result import_quota(struct import *, const char *address, uint64_t bytes) MUST_CHECK; /* 0: none said */

/* members_send: "0", "1", or NULL where the file does not say. */
enum result import_alias(struct import *, const char *alias, const char *members_send) MUST_CHECK;
/* A destination of it, and the alias itself where it is not known yet. */
enum result import_destination(struct import *, const char *alias, const char *destination) MUST_CHECK;
/* A mailbox that keeps a copy counts as a destination only where there are others. */
enum result import_copy(struct import *, const char *address) MUST_CHECK;
enum result import_grant(struct import *, const char *grantee, const char *sender) MUST_CHECK;

/* Anything that is one change: `key` names it, `value` is what it says. */
enum result import_change(struct import *, enum item, const char *key, const char *value,
                          const struct change *) MUST_CHECK;

/* Whether it stands in the input, or in the table. */
bool import_knows(struct import *, enum item, const char *key);

/* ---- readers ---- */

struct format {
    const char *name, *help;
    enum result (*read)(struct import *, FILE *);
};

extern const struct format import_formats[]; /* ends in a row without a name */

enum result read_passwd_file(struct import *, FILE *) MUST_CHECK;
enum result read_csv(struct import *, FILE *) MUST_CHECK;
enum result read_json(struct import *, FILE *) MUST_CHECK;
enum result read_virtual(struct import *, FILE *) MUST_CHECK;
enum result read_sender_login(struct import *, FILE *) MUST_CHECK;
enum result read_iredmail(struct import *, FILE *) MUST_CHECK;
enum result read_postfixadmin(struct import *, FILE *) MUST_CHECK;

/* How much of the file was read, for whoever waits; on a terminal only. */
void import_progress(const struct import *, FILE *);
void import_progress_end(const char *what); /* what is done now instead */

#endif
