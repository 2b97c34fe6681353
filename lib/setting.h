/* SPDX-License-Identifier: MIT */
/*
 * What a user has to set in his mail program, in its own words.  Layer 1.
 */
#ifndef POSTERN_SETTING_H
#define POSTERN_SETTING_H

#include <stdbool.h>

#include "str.h"

/* "Set Encryption to STARTTLS on port 587". service: as Dovecot calls it (imap, pop3,
 * smtp, submission, sieve). port: of the connection, 0 where it is not known or is one
 * of implicit TLS: then the service's own of RFC 6409, 9051, 1939 and 5804 is named. */
void setting_starttls(const char *service, unsigned port, struct strbuf *);

/* For whoever still logs in with a password that was to be replaced. */
extern const char setting_new_password[];

/* For the owner of an account that was suspended because somebody else seems to use it. */
extern const char setting_stolen[];

/* Whether a SASL mechanism hands the server the password itself, or a token that is as
 * good: only these need TLS (RFC 4616, LOGIN, RFC 7628). */
bool mechanism_is_plaintext(struct span name);

#endif
