/* SPDX-License-Identifier: MIT */
#include "policyctl/setup/lines.h"

#include <string.h>

#define BLANK " \t\r"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* Up to the line's end. */
static struct span line_at(const char *p)
{
    return (struct span){ p, strcspn(p, "\n") };
}

static bool counts(struct span line)
{
    struct span rest = span_trim(line);

    return rest.len > 0 && rest.ptr[0] != '#' && rest.ptr[0] != '\r';
}

typedef bool begins_fn(struct span line, const char *a, const char *b);

static void find(const char *text, begins_fn *begins, const char *a, const char *b, struct lines *l)
{
    size_t number = 0;
    bool inside = false;

    *l = (struct lines){ 0 };
    for (const char *p = text; *p; p += strcspn(p, "\n"), p += *p == '\n') {
        struct span line = line_at(p);
        number++;
        if (!counts(line))
            continue;
        if (!is_blank(line.ptr[0])) {
            inside = begins(line, a, b);
            if (inside) {
                l->found++;
                l->line = number;
                l->text.ptr = line.ptr;
            }
        }
        if (inside)
            l->text.len = (size_t)(line.ptr + line.len - l->text.ptr);
    }
}

static struct span first_word(struct span *rest, const char *end)
{
    size_t n = 0;

    while (rest->len > 0 && is_blank(rest->ptr[0]))
        *rest = (struct span){ rest->ptr + 1, rest->len - 1 };
    while (n < rest->len && !strchr(end, rest->ptr[n]))
        n++;
    struct span word = { rest->ptr, n };
    *rest = (struct span){ rest->ptr + n, rest->len - n };
    return word;
}

static bool begins_parameter(struct span line, const char *name, const char *unused)
{
    (void)unused;
    struct span word = first_word(&line, "=" BLANK), next = first_word(&line, "");
    return span_equal(word, span_of(name)) && next.len > 0 && next.ptr[0] == '=';
}

static bool begins_service(struct span line, const char *name, const char *type)
{
    struct span word = first_word(&line, BLANK), second = first_word(&line, BLANK);

    return span_equal(word, span_of(name)) && span_equal(second, span_of(type));
}

void main_cf_find(const char *text, const char *parameter, struct lines *l)
{
    find(text, begins_parameter, parameter, NULL, l);
}

void master_cf_find(const char *text, const char *name, const char *type, struct lines *l)
{
    find(text, begins_service, name, type, l);
}

bool main_cf_value(const struct lines *l, struct strbuf *b)
{
    const char *end = l->text.ptr + l->text.len, *sign = memchr(l->text.ptr, '=', l->text.len);

    for (const char *p = sign ? sign + 1 : end; p < end; p += p < end) {
        const char *stop = memchr(p, '\n', (size_t)(end - p));
        struct span piece = { p, (size_t)((stop ? stop : end) - p) };
        if (counts(piece)) {
            strbuf_adds(b, b->len > 0 ? " " : "");
            strbuf_add(b, span_trim(piece));
        }
        p = stop ? stop : end;
    }
    return !b->cut;
}

/* Of one line; *option: the word before was "-o". */
static size_t count_in_line(struct span rest, const char *parameter, bool *option)
{
    size_t count = 0, length = strlen(parameter);

    while (rest.len > 0) {
        struct span word = first_word(&rest, BLANK "{}");
        bool named = word.len >= length && memcmp(word.ptr, parameter, length) == 0 &&
                     (word.len == length || word.ptr[length] == '=');
        count += *option && named;
        *option = span_equal(word, SPAN("-o")) || (*option && word.len == 0);
        if (word.len == 0 && rest.len > 0)
            rest = (struct span){ rest.ptr + 1, rest.len - 1 };
    }
    return count;
}

size_t master_cf_count(const struct lines *l, const char *parameter)
{
    const char *end = l->text.ptr + l->text.len;
    size_t count = 0;
    bool option = false;

    for (const char *p = l->text.ptr; p && p < end; p++) {
        const char *stop = memchr(p, '\n', (size_t)(end - p));
        struct span line = { p, (size_t)((stop ? stop : end) - p) };
        if (counts(line))
            count += count_in_line(line, parameter, &option);
        p = line.ptr + line.len;
    }
    return count;
}

void dovecot_conf_include(const char *text, struct lines *l)
{
    size_t number = 0, depth = 0;

    *l = (struct lines){ 0 };
    for (const char *p = text; *p; p += strcspn(p, "\n"), p += *p == '\n') {
        struct span rest = span_trim(line_at(p));
        number++;
        if (rest.len == 0 || rest.ptr[0] == '#')
            continue;
        depth += rest.ptr[rest.len - 1] == '{';
        depth -= rest.ptr[0] == '}' && depth > 0;
        struct span word = first_word(&rest, BLANK), pattern = first_word(&rest, BLANK);
        if (depth == 0 && (span_equal(word, SPAN("!include")) || span_equal(word, SPAN("!include_try"))) &&
            span_ends_case(pattern, SPAN("/*.conf")))
            *l = (struct lines){ l->found + 1, number, pattern };
    }
}
