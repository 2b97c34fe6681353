/* SPDX-License-Identifier: MIT */
/* A question to the daemon that runs.  Layer 9. */
#ifndef POSTERN_ASK_H
#define POSTERN_ASK_H

#include "lib/control.h"
#include "policyctl/command.h"

/* request: lines with their blank one (lib/control.h). reply_r: policyd's lines behind the
 * result. TRY_AGAIN, with a line: policyd is away; else as it answers. */
enum result ask_policyd(const struct ctl *, struct span request, char reply_r[static CONTROL_REPLY_MAX],
                        struct error *) MUST_CHECK;

/* Who is at the keyboard, for the record: root by way of sudo has a name too. */
enum { ASK_WHO_MAX = 128 };
const char *ask_who(char name_r[static ASK_WHO_MAX]);

#endif
