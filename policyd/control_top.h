/* SPDX-License-Identifier: MIT */
/* The control socket's answer to command=top: who sends most, who is refused most.  Layer 7. */
#ifndef POSTERN_CONTROL_TOP_H
#define POSTERN_CONTROL_TOP_H

#include "lib/result.h"
#include "lib/str.h"

enum { CONTROL_TOP_ROWS = 100 };

/* lines: by=account|domain|client|helo|check, order=sent|refused, rows=1 to
 * CONTROL_TOP_ROWS; all may be missing. Adds a line "row=" for each, with messages,
 * recipients and refusals of the minute, the same of the hour, and who it is. BAD, with a
 * line. */
enum result control_top(struct span lines, struct strbuf *out, struct error *) MUST_CHECK;

#endif
