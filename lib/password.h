/* SPDX-License-Identifier: MIT */
/*
 * Password hashing by libcrypt's crypt(3), in a form that Dovecot verifies
 * ("{CRYPT}$y$..."; doc.dovecot.org: password schemes).  Layer 1.
 */
#ifndef POSTERN_PASSWORD_H
#define POSTERN_PASSWORD_H

#include "result.h"

enum { PASSWORD_HASH_MAX = 400 }; /* NUL included; CRYPT_OUTPUT_SIZE plus the scheme */

/* scheme: "yescrypt" or "bcrypt" (crypt(5)), at libcrypt's default cost.
 * BAD: unknown scheme, empty password, one with CR or LF, or one that is longer
 * than the scheme takes (bcrypt would ignore what comes after 72 octets). TRY_AGAIN:
 * no random salt, no memory.  The caller wipes the password. */
enum result password_hash(const char *password, const char *scheme, char hash_r[static PASSWORD_HASH_MAX],
                          struct error *) MUST_CHECK;

#endif
