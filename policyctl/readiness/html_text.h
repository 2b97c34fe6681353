/* SPDX-License-Identifier: MIT */
/*
 * HTML as it leaves policyctl.  Markup of ours is a literal; everything else, from the wire
 * or not, goes through html_text.  Layer 9.
 */
#ifndef POSTERN_READINESS_HTML_TEXT_H
#define POSTERN_READINESS_HTML_TEXT_H

#include <stdint.h>
#include <stdio.h>

/* As text, and as the value of a quoted attribute: & < > " and ' become references;
 * control characters, those that turn the direction of text, and malformed UTF-8, U+FFFD. */
void html_text(FILE *out, const char *text);

/* The same inside <bdi>: a name in a script from right to left moves nothing round it. */
void html_name(FILE *out, const char *text);

void html_count(FILE *out, uint64_t number);         /* "12,345" */
void html_date(FILE *out, int64_t seconds);          /* <time>, local time */
void html_lines(FILE *out, const char *const *line); /* as they are, up to NULL */

#endif
