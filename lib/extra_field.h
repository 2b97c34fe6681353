/* SPDX-License-Identifier: MIT */
/*
 * What Dovecot is told of an account besides its password: the names of these fields,
 * and what their values may be (doc.dovecot.org: passdb and userdb extra fields).
 * Layer 1.
 */
#ifndef POSTERN_EXTRA_FIELD_H
#define POSTERN_EXTRA_FIELD_H

#include "result.h"
#include "str.h"

enum { EXTRA_FIELD_NAME_MAX = 64, EXTRA_FIELD_VALUE_MAX = 400 };

/* What can be said of every mailbox, by an account, its domain or the configuration:
 * home, mail, uid, gid, quota. */
enum { MAILBOX_FIELDS = 5 };
extern const char *const mailbox_fields[MAILBOX_FIELDS];
bool is_mailbox_field(const char *name);

/* One of these, or an extra field as Dovecot names it: "userdb_..." is the userdb's, any
 * other the passdb's. BAD, with a line: it would let somebody in without his password,
 * or as somebody else, or it is one of the five by another name. */
enum result extra_field_check_name(const char *name, struct error *) MUST_CHECK;

/* Appends the canonical form. In home and mail {user}, {local} and {domain} stand for
 * the account's address and its parts; quota is a size such as 2G, and 0 unlimited; an
 * empty value says nothing. BAD, with a line that does not name the field. */
enum result extra_field_check_value(const char *name, struct span value, struct strbuf *canonical,
                                    struct error *) MUST_CHECK;

/* "contact": an address that is told of what befalls the account, or the domain's accounts
 * (postern-act). No field of Dovecot's: it is never told. */
bool extra_field_is_contact(const char *name);

/* The field's name in the userdb; NULL: it is the passdb's. */
const char *extra_field_of_userdb(const char *name);

#endif
