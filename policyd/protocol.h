/* SPDX-License-Identifier: MIT */
/*
 * The policy delegation protocol (SMTPD_POLICY_README), bytes to request and
 * decision to bytes: pure functions.  The control socket uses the same framing.
 * Layer 4.
 */
#ifndef POSTERN_PROTOCOL_H
#define POSTERN_PROTOCOL_H

#include "lib/str.h"
#include "policyd/decision.h"
#include "policyd/request.h"

/* The length of the first request in text with its blank line, 0 where that is not
 * there yet. *scanned (0 at first) remembers how far was looked, for the next call
 * with more text behind the same start. */
size_t protocol_frame(struct span text, size_t *scanned);

/* Takes the first "name=value" line off *lines. OK; NOT_FOUND at the blank line;
 * BAD: no '=' or no name. The value may be empty and hold anything but a
 * line feed. */
enum result protocol_line(struct span *lines, struct span *name_r, struct span *value_r) MUST_CHECK;

/* Parses one frame. The first of repeated attributes counts; unknown ones are
 * passed over. BAD, LIMIT: with a line that says what is wrong; then no reply is
 * due, and the connection is closed. */
enum result protocol_parse(struct span frame, unsigned attributes_max, struct request *request_r,
                           struct error *) MUST_CHECK;

/* "action=...\n\n". */
void protocol_format(const char *action, struct strbuf *out);

#endif
