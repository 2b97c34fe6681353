/* SPDX-License-Identifier: MIT */
#include "policyctl/table.h"

#include <stdio.h>
#include <string.h>
#include <uniwidth.h>

#include "lib/str.h"

enum { CELL_MAX = 2048 };

/* Cleaned into an array; returns the columns it takes on a terminal. */
static size_t clean(const char *text, char array_r[static CELL_MAX])
{
    struct strbuf b;

    strbuf_init(&b, array_r, CELL_MAX);
    strbuf_add_clean(&b, span_of(text));
    return (size_t)u8_width((const uint8_t *)array_r, b.len, "UTF-8");
}

void table_row(struct table *t, const char *const *cell)
{
    char text[CELL_MAX];

    for (size_t i = 0; i < t->columns; i++) {
        size_t width = clean(cell[i] && *cell[i] ? cell[i] : "-", text);
        if (!t->printing) {
            if (width > t->width[i] && width <= TABLE_WIDTH_MAX)
                t->width[i] = width;
        } else if (i + 1 == t->columns)
            printf("%s\n", text);
        else
            printf("%s%*s", text, 2 + (width < t->width[i] ? (int)(t->width[i] - width) : 0), "");
    }
}

void table_print(struct table *t)
{
    table_row(t, t->title);
    t->printing = true;
    table_row(t, t->title);
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
    char array[CELL_MAX];
    int room = TABLE_SCREEN - 1 - width - 2, column = 0;

    clean(text && *text ? text : "-", array);
    printf("%-*s  ", width, label);
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
