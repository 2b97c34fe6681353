/* SPDX-License-Identifier: MIT */
/*
 * A pass over the text before libconfuse sees it.  libconfuse 3.3 counts lines
 * wrongly behind comments, takes an unclosed comment or section without a word,
 * skips a stray '*', glues a ';' to the value and fills ${...} in from the
 * environment.  Here comments become blanks, and the rest one line that says what
 * is wrong and where it began.  Layer 2.
 */
#include <string.h>

#include "config_option.h"

enum { DEPTH_MAX = 8 }; /* a list in a section makes two */

struct scan {
    char *at, *end;
    unsigned line;
    unsigned depth, opened[DEPTH_MAX]; /* the line of each open brace */
    const char *path;
    struct error *error;
};

static enum result scan_fail(struct scan *s, unsigned line, const char *text)
{
    return error_set(s->error, BAD, "%s:%u: %s", s->path, line, text);
}

static char next(const struct scan *s)
{
    return s->at + 1 < s->end ? s->at[1] : '\0';
}

static void blank(struct scan *s)
{
    if (*s->at == '\n')
        s->line++;
    else
        *s->at = ' ';
    s->at++;
}

static void blank_line_comment(struct scan *s)
{
    while (s->at < s->end && *s->at != '\n')
        blank(s);
}

static enum result blank_block_comment(struct scan *s)
{
    unsigned from = s->line;

    blank(s);
    blank(s);
    for (; s->at < s->end; blank(s))
        if (*s->at == '*' && next(s) == '/') {
            blank(s);
            blank(s);
            return OK;
        }
    return scan_fail(s, from, "the comment that begins here is not closed; add */");
}

/* Both kinds of quotes; a backslash takes the next character along. */
static enum result skip_string(struct scan *s)
{
    unsigned from = s->line;
    char quote = *s->at++;

    for (; s->at < s->end; s->at++) {
        if (*s->at == quote) {
            s->at++;
            return OK;
        }
        if (*s->at == '\n')
            break;
        if (quote == '"' && *s->at == '$' && next(s) == '{')
            return scan_fail(s, from, "${...} would be taken from the environment; write \\${");
        if (*s->at == '\\' && next(s) != '\n' && s->at + 1 < s->end)
            s->at++;
    }
    return scan_fail(s, from,
                     "the text that begins here is not closed; add the quotation mark on the same line");
}

static enum result scan_brace(struct scan *s)
{
    if (*s->at == '}') {
        if (s->depth == 0)
            return scan_fail(s, s->line, "this } closes nothing");
        s->depth--;
    } else {
        if (s->depth == DEPTH_MAX)
            return scan_fail(s, s->line, "sections do not nest so deep");
        s->opened[s->depth++] = s->line;
    }
    s->at++;
    return OK;
}

/* Outside strings and comments; `in_word`: the character before belongs to an
 * unquoted word, where slashes are ordinary. */
static enum result scan_plain(struct scan *s, bool in_word)
{
    switch (*s->at) {
    case '#':
        blank_line_comment(s);
        return OK;
    case '"':
    case '\'':
        return skip_string(s);
    case '{':
    case '}':
        return scan_brace(s);
    case '/':
        if (!in_word && next(s) == '*')
            return blank_block_comment(s);
        if (!in_word && next(s) == '/')
            blank_line_comment(s);
        else
            s->at++;
        return OK;
    case '$':
    case '*':
    case ';':
        return scan_fail(s, s->line, "$, * and ; stand inside quotation marks only; no ; ends a line");
    case '\n':
        s->line++;
        /* fall through */
    default:
        s->at++;
        return OK;
    }
}

/* The whole text is UTF-8 without control characters, comments included. */
static enum result check_characters(struct scan *s)
{
    unsigned line = 1;

    for (char *p = s->at; p < s->end;) {
        size_t n = utf8_length(p, (size_t)(s->end - p));
        if (n == 0)
            return scan_fail(s, line, "malformed UTF-8; save the file as UTF-8");
        if (((unsigned char)*p < ' ' && !strchr("\t\r\n", *p)) || *p == '\0' || *p == 0x7f)
            return scan_fail(s, line, "holds a control character; remove it");
        if (*p == '\n')
            line++;
        p += n;
    }
    return OK;
}

enum result config_scan(struct strbuf *text, const char *path, struct error *e)
{
    struct scan s = { .at = text->ptr, .end = text->ptr + text->len, .line = 1, .path = path, .error = e };
    bool in_word = false;

    if (check_characters(&s) != OK)
        return BAD;
    while (s.at < s.end) {
        char c = *s.at;
        if (scan_plain(&s, in_word) != OK)
            return BAD;
        in_word = !strchr(" \t\r\n#\"'={}()+,", c);
    }
    if (s.depth > 0)
        return scan_fail(&s, s.opened[s.depth - 1], "the { of this line is not closed; add }");
    return OK;
}
