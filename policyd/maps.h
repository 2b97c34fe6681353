/* SPDX-License-Identifier: MIT */
/*
 * Postfix's look-ups from the account table: what policyd's socketmap service and
 * `policyctl export-maps` answer.  Suspended and disabled accounts still get their
 * mail.  Layer 6.
 */
#ifndef POSTERN_MAPS_H
#define POSTERN_MAPS_H

#include "policyd/facts.h"

enum map_id {
    MAP_VIRTUAL_MAILBOX_DOMAINS,
    MAP_VIRTUAL_MAILBOX_MAPS,
    MAP_VIRTUAL_ALIAS_MAPS,
    MAP_SENDER_LOGIN_MAPS,
    MAP_RELAY_DOMAINS,
    MAP_COUNT
};

extern const char *const map_names[MAP_COUNT]; /* as Postfix's parameters are called */

enum result map_parse(struct span name, enum map_id *id_r) MUST_CHECK;

/* Looks a key up as Postfix asks it: a domain, an address, or "@domain". OK: *value_r
 * holds the value; NOT_FOUND; LIMIT: more owners or destinations than a value holds;
 * PENDING, TRY_AGAIN. */
enum result maps_lookup(struct facts *, enum map_id, struct span key, struct strbuf *value_r) MUST_CHECK;

#endif
