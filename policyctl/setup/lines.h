/* SPDX-License-Identifier: MIT */
/* Where something stands in main.cf and master.cf (postconf(5), master(5)): pure functions over texts.
 * Layer 9. */
#ifndef POSTERN_SETUP_LINES_H
#define POSTERN_SETUP_LINES_H

#include "lib/str.h"

/* Logical lines: a line that begins with white space continues the one before; comments and empty
 * lines do not count. */
struct lines {
    size_t found;     /* how often; 0: not at all */
    size_t line;      /* the last one's first line, from 1 */
    struct span text; /* of that, with comments between, without its last line's end */
};

void main_cf_find(const char *text, const char *parameter, struct lines *lines_r);

/* The value, as postconf prints it: pieces of lines joined by a space. false: too long. */
bool main_cf_value(const struct lines *, struct strbuf *value);

void master_cf_find(const char *text, const char *name, const char *type, struct lines *lines_r);

/* How often the service's lines say "-o PARAMETER=" or "-o { PARAMETER =". */
size_t master_cf_count(const struct lines *, const char *parameter);

/* The last !include of dovecot.conf for all of a folder, outside every block: found, line, and in text the
 * pattern. */
void dovecot_conf_include(const char *text, struct lines *lines_r);

#endif
