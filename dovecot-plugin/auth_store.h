/* SPDX-License-Identifier: MIT */
/*
 * accounts.db as a Dovecot auth worker reads it: opened at the first use in the
 * process that uses it, never carried over a fork, opened anew where the file was
 * replaced or could not be read.  Layer 9, lib/ only.
 */
#ifndef POSTERN_AUTH_STORE_H
#define POSTERN_AUTH_STORE_H

#include "lib/store.h"

struct auth_store;

/* Opens nothing yet. `path` is the caller's and has to stay; `backend` as in struct
 * store_params. NULL: out of memory. */
struct auth_store *auth_store_new(const char *backend, const char *path, unsigned timeout_ms);
void auth_store_free(struct auth_store **);

/* Asks the store; TRY_AGAIN where it could not be asked. It may be called several
 * times, so it begins with an empty result each time. */
typedef enum result auth_store_fn(struct store *, void *context);

/* Runs fn with all its queries in one read transaction. What cannot be read is tried
 * again until the time-out has passed: then TRY_AGAIN, with a line. Blocks. */
enum result auth_store_read(struct auth_store *, auth_store_fn *fn, void *context, struct error *) MUST_CHECK;

#endif
