/* SPDX-License-Identifier: MIT */
/*
 * Requests that were answered lately and left something behind: Postfix sends a
 * request again when its connection breaks, and then gets the same answer without
 * being counted twice.  Bounded.  Layer 6.
 */
#ifndef POSTERN_ANSWERED_H
#define POSTERN_ANSWERED_H

#include <stdint.h>

#include "lib/result.h"
#include "lib/str.h"

/* smtpd_policy_service_timeout (100 s), tried twice, and a margin. */
enum { ANSWERED_KEEP_S = 300, ANSWERED_MAX = 8192 };

struct answered;

enum result answered_open(struct answered **answered_r) MUST_CHECK;
void answered_close(struct answered **);

/* The action that the key was answered with within ANSWERED_KEEP_S, or NULL. It stays
 * valid until the next answered_add. *decided_by_r: who decided it. now: seconds. */
const char *answered_find(const struct answered *, struct span key, int64_t now, int *decided_by_r);

/* Remembers an answer, in the place of an old one where the table is full. */
void answered_add(struct answered *, struct span key, const char *action, int decided_by, int64_t now);

#endif
