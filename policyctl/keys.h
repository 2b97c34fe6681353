/* SPDX-License-Identifier: MIT */
/* The keys under which Postfix may ask for something that accounts.db holds.  Layer 9. */
#ifndef POSTERN_KEYS_H
#define POSTERN_KEYS_H

#include <stddef.h>

#include "lib/store.h"

/* Sorted, each once. */
struct keys {
    char **item;
    size_t count, room;
};

/* Every domain; every address, "@domain" and granted sender, also in the domains that
 * are aliases of theirs. TRY_AGAIN: not readable, or out of memory. */
enum result keys_domains(struct store *, struct keys *keys_r) MUST_CHECK;
enum result keys_addresses(struct store *, struct keys *keys_r) MUST_CHECK;
void keys_free(struct keys *);

#endif
