/* SPDX-License-Identifier: MIT */
/*
 * Tables on standard output: header, aligned columns, nothing cut, "-" for what is
 * empty.  Every row is given twice: first to be measured, then to be printed.  On a
 * terminal that is narrower than the table, columns go on in further lines.  Layer 9.
 */
#ifndef POSTERN_TABLE_H
#define POSTERN_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "policyctl/terminal.h"

/* A longer cell stands as it is and moves only its own row. */
enum { TABLE_COLUMNS_MAX = 10, TABLE_WIDTH_MAX = 40 };

struct table {
    const char *const *title;
    size_t columns;
    bool printing, heading;
    enum colour (*paint)(size_t column, const char *cell); /* NULL: no colours */
    size_t width[TABLE_COLUMNS_MAX]; /* zero to begin with, likewise below */
    bool next_line[TABLE_COLUMNS_MAX]; /* set in, on a line of its own with what follows */
    size_t screen; /* columns; 0: no terminal */
};

void table_row(struct table *, const char *const *cell); /* NULL and "": "-" */

/* All rows were measured: prints the header, and rows from now on. */
void table_print(struct table *);

/* A line of "label  text" with the label's column `width` wide. */
void table_line(const char *label, int width, const char *text);

/* The same with the text broken at spaces before column 80 (TABLE_SCREEN); a longer word
 * stands as it is. */
enum { TABLE_SCREEN = 80 };
void table_paragraph(const char *label, int width, const char *text);
void table_paragraph_coloured(enum colour, const char *label, int width, const char *text); /* the label is */

/* Prints text without control characters and malformed UTF-8. */
void print_clean(const char *text);

#endif
