/* SPDX-License-Identifier: MIT */
/* Lines of text files.  Layer 9. */
#ifndef POSTERN_IMPORT_LINES_H
#define POSTERN_IMPORT_LINES_H

#include "policyctl/import/import.h"

enum { LINE_LENGTH_MAX = 65536 };

/* The next line without its end, import->line counted; NOT_FOUND at the end of the file;
 * BAD: too long, a zero octet, not readable. It lasts until the next one. */
enum result lines_next(struct import *, FILE *, struct span *line_r) MUST_CHECK;

/* The entries of a table as postmap(1) reads it: a key, which may hold blanks within quotes,
 * and what stands behind it. A line that begins with a blank goes on with the one before;
 * messages name the first. */
typedef enum result lines_entry_fn(struct import *, struct span key, struct span values);
enum result lines_entries(struct import *, FILE *, lines_entry_fn *) MUST_CHECK;

/* The first word up to one of `separators`, which goes too; false: there is none. */
bool lines_word(struct span *rest, const char *separators, struct span *word_r);

#endif
