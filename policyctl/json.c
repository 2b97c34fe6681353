/* SPDX-License-Identifier: MIT */
#include "policyctl/json.h"

#include "lib/str.h"

static void put_string(FILE *out, struct span text)
{
    putc('"', out);
    for (size_t i = 0, n; i < text.len; i += n) {
        const unsigned char *p = (const unsigned char *)text.ptr + i;
        n = utf8_length(text.ptr + i, text.len - i);
        if (n == 0) {
            fputs("\xef\xbf\xbd", out); /* U+FFFD */
            n = 1;
        } else if (*p == '"' || *p == '\\')
            fprintf(out, "\\%c", *p);
        else if (*p < ' ' || *p == 0x7f)
            fprintf(out, "\\u%04x", *p);
        else if (*p == 0xc2 && p[1] < 0xa0) /* C1: some terminals obey it */
            fprintf(out, "\\u%04x", p[1]);
        else
            fwrite(p, 1, n, out);
    }
    putc('"', out);
}

static void begin(struct json *j, const char *key)
{
    if (j->follows)
        putc(',', j->out);
    if (j->depth > 0)
        fprintf(j->out, "\n%*s", (int)j->depth * 2, "");
    if (key) {
        put_string(j->out, span_of(key));
        fputs(": ", j->out);
    }
    j->follows = true;
}

void json_open(struct json *j, const char *key, char bracket)
{
    begin(j, key);
    putc(bracket, j->out);
    j->depth++;
    j->follows = false;
}

void json_close(struct json *j, char bracket)
{
    j->depth--;
    if (j->follows)
        fprintf(j->out, "\n%*s", (int)j->depth * 2, "");
    putc(bracket, j->out);
    j->follows = true;
    if (j->depth == 0)
        putc('\n', j->out);
}

void json_text(struct json *j, const char *key, const char *value)
{
    begin(j, key);
    if (value)
        put_string(j->out, span_of(value));
    else
        fputs("null", j->out);
}

void json_number(struct json *j, const char *key, int64_t value)
{
    begin(j, key);
    fprintf(j->out, "%lld", (long long)value);
}

void json_flag(struct json *j, const char *key, bool value)
{
    begin(j, key);
    fputs(value ? "true" : "false", j->out);
}

void json_number_text(struct json *j, const char *key, const char *value)
{
    uint64_t number;

    begin(j, key);
    if (value && str_number(span_of(value), 0, INT64_MAX, &number) == OK)
        fprintf(j->out, "%llu", (unsigned long long)number);
    else
        fputs("null", j->out);
}
