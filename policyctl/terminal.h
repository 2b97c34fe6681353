/* SPDX-License-Identifier: MIT */
/*
 * What standard output is: a terminal, of so many columns, on which words may stand in
 * colours.  In a pipe everything is plain and as wide as it is.  Layer 9.
 */
#ifndef POSTERN_TERMINAL_H
#define POSTERN_TERMINAL_H

#include <stddef.h>

enum colour { COLOUR_NONE, COLOUR_GOOD, COLOUR_WARNING, COLOUR_BAD };

/* What begins a word of that colour, and what ends it: "" for COLOUR_NONE, where standard output is no
 * terminal, where NO_COLOR is set (no-color.org), and where TERM is dumb or unset. */
const char *colour_begin(enum colour);
const char *colour_end(enum colour);

/* Columns; 0: no terminal. */
size_t terminal_columns(void);

#endif
