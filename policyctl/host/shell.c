/* SPDX-License-Identifier: MIT */
#include "policyctl/host/shell.h"

#include <stdio.h>

static bool is_plain(struct span word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%";

    for (size_t i = 0; i < word.len; i++)
        if (!memchr(plain, word.ptr[i], sizeof plain - 1))
            return false;
    return word.len > 0;
}

static void separate(struct strbuf *b)
{
    if (b->len > 0)
        strbuf_addc(b, ' ');
}

void shell_word(struct strbuf *b, struct span word)
{
    separate(b);
    if (is_plain(word)) {
        strbuf_add(b, word);
        return;
    }
    strbuf_addc(b, '\'');
    for (size_t i = 0; i < word.len; i++)
        if (word.ptr[i] == '\'')
            strbuf_adds(b, "'\\''");
        else
            strbuf_addc(b, word.ptr[i]);
    strbuf_addc(b, '\'');
}

void shell_operator(struct strbuf *b, const char *text)
{
    separate(b);
    strbuf_adds(b, text);
}

/* The next command of the line begins here, and does not fit as a whole. */
static bool is_break(const char *line, size_t room)
{
    return strncmp(line, "&& ", 3) == 0 && strlen(line) > room;
}

/* Up to the next space (that is included within quotes), or the end. */
static size_t piece_length(const char *line, bool *quoted)
{
    size_t n = 0;

    for (; line[n]; n++) {
        if (line[n] == '\\' && !*quoted && line[n + 1])
            n++;
        else if (line[n] == '\'')
            *quoted = !*quoted;
        else if (line[n] == ' ')
            return *quoted ? n + 1 : n;
    }
    return n;
}

void shell_print(const char *line, size_t indent, size_t width)
{
    size_t column = indent;
    bool quoted = false, fresh = true;

    while (*line) {
        bool was_quoted = quoted;
        size_t n = piece_length(line, &quoted), space = !was_quoted && !fresh;
        /* room for what folds the next piece: " \" or "'\" */
        if (!fresh && (column + space + n + 2 > width || (!quoted && is_break(line, width - column)))) {
            column = was_quoted ? 1 : indent;
            if (was_quoted)
                fputs("'\\\n'", stdout);
            else
                printf(" \\\n%*s", (int)indent, "");
            space = 0;
        }
        printf("%s%.*s", space ? " " : "", (int)n, line);
        column += space + n;
        line += n;
        fresh = false;
        if (!quoted && *line == ' ')
            line++;
    }
    putchar('\n');
}
