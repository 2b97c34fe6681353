/* SPDX-License-Identifier: MIT */
#include "policyctl/import/sql.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_START = 65536 };

/* ---- characters ---- */

int sql_next(struct sql *s)
{
    int c = getc(s->in);

    if (c == '\n') {
        s->im->line++;
        import_progress(s->im, s->in);
    }
    return c;
}

void sql_back(struct sql *s, int c)
{
    if (c == '\n')
        s->im->line--;
    if (c != EOF)
        ungetc(c, s->in);
}

bool sql_put(struct sql *s, int c)
{
    if (s->used == s->size) {
        size_t size = s->size ? s->size * 2 : TEXT_START;
        char *text = realloc(s->text, size);
        if (!text)
            return false;
        s->text = text;
        s->size = size;
    }
    s->text[s->used++] = (char)c;
    return true;
}

/* ---- tokens ---- */

static bool is_word(int c)
{
    return isalnum(c) || c == '_' || c == '.' || c == '$' || c == '-' || c == '+' || c >= 0x80;
}

/* MySQL's escapes (its manual, 9.1.1), of which PostgreSQL's E'' knows the same here. */
int sql_unescape(int c)
{
    switch (c) {
    case 'n': return '\n';
    case 't': return '\t';
    case 'r': return '\r';
    case 'b': return '\b';
    case 'Z': return 26;
    default: return c;
    }
}

static enum token take_string(struct sql *s, int quote, bool escapes)
{
    for (int c; (c = sql_next(s)) != EOF;) {
        if (c == '\\' && escapes) {
            c = sql_next(s);
            if (c == EOF)
                break;
            c = sql_unescape(c);
        } else if (c == quote) {
            int after = sql_next(s);
            if (after != quote) { /* two of them are one */
                sql_back(s, after);
                return sql_put(s, '\0') ? TOKEN_STRING : TOKEN_BAD;
            }
        }
        if (!sql_put(s, c))
            return TOKEN_BAD;
    }
    return TOKEN_BAD;
}

void sql_skip_line(struct sql *s)
{
    char line[64] = "";
    size_t length = 0;
    int c;

    while ((c = sql_next(s)) != EOF && c != '\n')
        if (length < sizeof line - 1)
            line[length++] = (char)c;
    if (strstr(line, "PostgreSQL database dump"))
        s->backslashes = false;
}

static void skip_comment(struct sql *s)
{
    for (int before = 0, c; (c = sql_next(s)) != EOF && !(before == '*' && c == '/'); before = c)
        continue;
}

/* Past blanks and comments. */
static int skip_blanks(struct sql *s)
{
    for (;;) {
        int c = sql_next(s), after;
        if (c == '#' && s->backslashes) {
            sql_skip_line(s);
            continue;
        }
        if (c == '-' || c == '/') {
            after = sql_next(s);
            if (c == '-' && after == '-')
                sql_skip_line(s);
            else if (c == '/' && after == '*')
                skip_comment(s);
            else {
                sql_back(s, after);
                return c;
            }
            continue;
        }
        if (c == EOF || !isspace(c))
            return c;
    }
}

static enum token take_word(struct sql *s, int c)
{
    for (; c != EOF && is_word(c); c = sql_next(s))
        if (!sql_put(s, c))
            return TOKEN_BAD;
    sql_back(s, c);
    return sql_put(s, '\0') ? TOKEN_WORD : TOKEN_BAD;
}

enum token sql_token_at(struct sql *s, size_t *text_r)
{
    int c = skip_blanks(s);

    *text_r = s->used;
    if (c == EOF)
        return TOKEN_END;
    if (c == '\'' || c == '"' || c == '`') {
        enum token t = take_string(s, c, c == '\'' && s->backslashes);
        return t == TOKEN_STRING && c != '\'' ? TOKEN_WORD : t;
    }
    if ((c == 'E' || c == 'e') && !s->backslashes) {
        int quote = sql_next(s);
        if (quote == '\'')
            return take_string(s, quote, true);
        sql_back(s, quote);
    }
    if (is_word(c))
        return take_word(s, c);
    return sql_put(s, c) && sql_put(s, '\0') ? TOKEN_SIGN : TOKEN_BAD;
}

enum token sql_token(struct sql *s, const char **text_r)
{
    size_t offset;
    enum token t = sql_token_at(s, &offset);

    *text_r = t == TOKEN_END || t == TOKEN_BAD ? "" : s->text + offset;
    return t;
}

enum result sql_skip_statement(struct sql *s)
{
    const char *text;
    enum token t;

    do {
        s->used = 0;
        t = sql_token(s, &text);
        if (t == TOKEN_BAD)
            return import_error(s->im, "a string that does not end");
    } while (t != TOKEN_END && !(t == TOKEN_SIGN && *text == ';'));
    return OK;
}

