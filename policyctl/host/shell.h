/* SPDX-License-Identifier: MIT */
/* Command lines for a POSIX shell, to be copied from a terminal.  Layer 9. */
#ifndef POSTERN_HOST_SHELL_H
#define POSTERN_HOST_SHELL_H

#include "lib/str.h"

/* Appends a word, quoted where it has to be, apart from what stands before. */
void shell_word(struct strbuf *, struct span word);

/* Appends what the shell is to see as it is: "&&", ">>". */
void shell_operator(struct strbuf *, const char *text);

/* Prints a line folded to `width` columns, so that the shell reads the same: between words
 * by a backslash, the next line set in by `indent`; within quotes by ending and opening
 * them again in the first column. */
void shell_print(const char *line, size_t indent, size_t width);

#endif
