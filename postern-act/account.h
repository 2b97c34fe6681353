/* SPDX-License-Identifier: MIT */
/* What the account table says at this moment: an event may be old.  Layer 9. */
#ifndef POSTERN_ACT_ACCOUNT_H
#define POSTERN_ACT_ACCOUNT_H

#include <stdint.h>

#include "lib/config.h"

enum { SERVICES_TEXT_MAX = 32, CONTACT_MAX = 512 };

/* OK: suspended, for *services; NOT_FOUND: not, or there is no such account; TRY_AGAIN, with
 * a line: the table cannot be read now. now: seconds since 1970. */
enum result account_suspended(const struct config *, const char *address, int64_t now,
                              char services_r[static SERVICES_TEXT_MAX], struct error *) MUST_CHECK;

/* Whether a suspension for `services` concerns one of the names, apart by commas. */
bool account_services_have(const char *services, const char *names);

/* The contact of the account, or of its domain; NOT_FOUND: neither has one. */
enum result account_contact(const struct config *, const char *address, const char *domain,
                            char contact_r[static CONTACT_MAX], struct error *) MUST_CHECK;

#endif
