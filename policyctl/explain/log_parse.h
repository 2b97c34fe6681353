/* SPDX-License-Identifier: MIT */
/* What the parsers of the programs share (log_line.c).  Layer 9, private. */
#ifndef POSTERN_LOG_PARSE_H
#define POSTERN_LOG_PARSE_H

#include "policyctl/explain/log_line.h"

/* Each sets the kind and its fields, or leaves LINE_OTHER. text: behind the program's
 * name and, with Dovecot, the level. */
void log_parse_postfix(struct span text, struct log_line *);
void log_parse_dovecot_login(struct span text, struct log_line *);
void log_parse_dovecot_driver(struct span text, struct log_line *);
void log_parse_policyd(struct span text, struct log_line *);

/* All of these take something off the front of *text, or leave it alone and say false. */
bool take(struct span *text, const char *literal);
bool take_until(struct span *text, const char *stop, struct span *value_r); /* and the stop itself */

/* "<...>": the value up to the first '>' that stands in no quoted string (RFC 5321, 4.1.2). */
bool take_angle(struct span *text, struct span *value_r);

bool span_begins(struct span text, const char *prefix);

/* Where needle stands first or last in text, as an offset; text.len + 1: nowhere. */
size_t find_first(struct span text, const char *needle);
size_t find_last(struct span text, const char *needle);

struct span span_from(struct span text, size_t offset);
static inline struct span span_to(struct span text, size_t length)
{
    return (struct span){ text.ptr, length };
}

#endif
