/* SPDX-License-Identifier: MIT */
/*
 * The lock that says who may write the databases: policyd while it runs, policyctl
 * while it does not.  Layer 2.
 */
#ifndef POSTERN_LOCK_H
#define POSTERN_LOCK_H

#include "result.h"

/* Locks ACCOUNTS_DB.lock, made where it is absent (0640, owned as the directory is).
 * TRY_AGAIN: somebody holds it (the line names the process); BAD: it cannot be made. */
enum result lock_take(const char *accounts_db, int *fd_r, struct error *) MUST_CHECK;

/* The same, but waits for who holds it, at most so many seconds: a policyctl has it for
 * milliseconds, or seconds where the disk is busy, and so has a policyd that ends. */
enum { LOCK_WAIT_S = 12 };
enum result lock_wait(const char *accounts_db, int *fd_r, struct error *) MUST_CHECK;

void lock_release(int *fd);

#endif
