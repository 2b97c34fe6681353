/* SPDX-License-Identifier: MIT */
/* Before a check is enforced: whom that will hit, and whether it is wanted.  Layer 9. */
#ifndef POSTERN_READINESS_PREVIEW_H
#define POSTERN_READINESS_PREVIEW_H

#include "policyctl/readiness/readiness.h"

/* Observations of the last week count. Where state.db cannot be read, that is said, and
 * nothing is known. */
struct preview;

/* The caller frees it. */
enum status preview_open(const struct ctl *, struct preview **preview_r);
void preview_free(struct preview **);

/* Prints what is known of the check in a scope ("" the host, a domain or an account), as
 * much as there is to say; whether nobody is hit, and that is certain. */
bool preview_show(struct preview *, enum check_id, const char *scope);

/* Asks on the terminal, unless --yes was given. STATUS_FAILED: the answer was no;
 * STATUS_INPUT: nobody could be asked. Either is said. */
enum status preview_confirm(const char *question, bool yes);

#endif
