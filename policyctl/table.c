/* SPDX-License-Identifier: MIT */
#include "policyctl/table.h"

#include <stdio.h>
#include <string.h>
#include <uniwidth.h>

#include "lib/str.h"

enum { CELL_MAX = 2048, FOLD_INDENT = 4 };

/* Cleaned into an array; returns the columns it takes on a terminal. */
static size_t clean(const char *text, char array_r[static CELL_MAX])
{
    struct strbuf b;

    strbuf_init(&b, array_r, CELL_MAX);
    strbuf_add_clean(&b, span_of(text));
    return (size_t)u8_width((const uint8_t *)array_r, b.len, "UTF-8");
}

static void print_cell(const struct table *t, size_t column, const char *cell, const char *text)
{
    enum colour colour = t->paint && cell && !t->heading ? t->paint(column, cell) : COLOUR_NONE;

    printf("%s%s%s", colour_begin(colour), text, colour_end(colour));
}

static void measure_row(struct table *t, const char *const *cell)
{
    char text[CELL_MAX];

    for (size_t i = 0; i < t->columns; i++) {
        size_t width = clean(cell[i] && *cell[i] ? cell[i] : "-", text);
        if (width > t->width[i] && width <= TABLE_WIDTH_MAX)
            t->width[i] = width;
    }
}

void table_row(struct table *t, const char *const *cell)
{
    char text[CELL_MAX];
    size_t column = 0, gap = 0;

    if (!t->printing) {
        measure_row(t, cell);
        return;
    }
    for (size_t i = 0; i < t->columns; i++) {
        size_t width = clean(cell[i] && *cell[i] ? cell[i] : "-", text);
        bool beyond = t->screen > 0 && column > FOLD_INDENT && column + gap + width > t->screen;
        if (t->next_line[i] || beyond) {
            printf("\n%*s", FOLD_INDENT, "");
            column = FOLD_INDENT;
        } else {
            printf("%*s", (int)gap, "");
            column += gap;
        }
        print_cell(t, i, cell[i], text);
        column += width;
        gap = 2 + (width < t->width[i] ? t->width[i] - width : 0);
    }
    putchar('\n');
}

/* Where the next column would end beyond the screen, it begins a line. */
static void fold(struct table *t)
{
    size_t column = 0;

    t->screen = terminal_columns();
    for (size_t i = 0; t->screen > 0 && i < t->columns; i++) {
        t->next_line[i] = i > 0 && column + t->width[i] > t->screen;
        column = (t->next_line[i] ? FOLD_INDENT : column) + t->width[i] + 2;
    }
}

void table_print(struct table *t)
{
    table_row(t, t->title);
    t->printing = true;
    t->heading = true;
    fold(t);
    table_row(t, t->title);
    t->heading = false;
}

void print_clean(const char *text)
{
    char array[CELL_MAX];

    clean(text, array);
    fputs(array, stdout);
}

void table_line(const char *label, int width, const char *text)
{
    printf("%-*s  ", width, label);
    print_clean(text && *text ? text : "-");
    putchar('\n');
}

void table_paragraph(const char *label, int width, const char *text)
{
    table_paragraph_coloured(COLOUR_NONE, label, width, text);
}

void table_paragraph_coloured(enum colour colour, const char *label, int width, const char *text)
{
    char array[CELL_MAX];
    int room = TABLE_SCREEN - 1 - width - 2, column = 0;

    clean(text && *text ? text : "-", array);
    printf("%s%s%s%*s", colour_begin(colour), label, colour_end(colour),
           2 + (width > (int)strlen(label) ? width - (int)strlen(label) : 0), "");
    for (const char *word = array; *word;) {
        size_t len = strcspn(word, " ");
        int columns = u8_width((const uint8_t *)word, len, "UTF-8");
        if (column > 0 && column + 1 + columns > room) {
            printf("\n%*s", width + 2, "");
            column = 0;
        } else if (column > 0) {
            putchar(' ');
            column++;
        }
        fwrite(word, 1, len, stdout);
        column += columns;
        word += len + strspn(word + len, " ");
    }
    putchar('\n');
}
