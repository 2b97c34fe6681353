/* SPDX-License-Identifier: MIT */
/* What the control socket tells of the load, and takes.  Layer 7. */
#ifndef POSTERN_CONTROL_LOAD_H
#define POSTERN_CONTROL_LOAD_H

#include "lib/result.h"
#include "lib/str.h"

/* Adds the lines of command=status: load_level, load_mode, load_since (seconds since 1970) and
 * load_cause; of each reading "load_reading=NAME VALUE LIMIT", the value "-" where it is not
 * known; of each check that is not run "load_shed=CHECK"; and of each change of the level, the
 * newest first, "load_change=SECONDS FROM TO CAUSE". */
void control_load_status(struct strbuf *out);

/* command=shed. lines: mode=on|off|auto, by=WHO. BAD, with a line. */
enum result control_shed(struct span lines, struct error *) MUST_CHECK;

#endif
