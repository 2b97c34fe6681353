/* SPDX-License-Identifier: MIT */
/* A new password from standard input or from the terminal, never from an argument.  Layer 9. */
#ifndef POSTERN_PASSWORD_INPUT_H
#define POSTERN_PASSWORD_INPUT_H

#include "lib/password.h"
#include "policyctl/command.h"

/* Reads it (--password-stdin: one line; else twice from the terminal, without echo),
 * hashes it with the configured scheme and wipes it. */
enum status password_input(const struct ctl *, const struct args *, char hash_r[static PASSWORD_HASH_MAX]);

#endif
