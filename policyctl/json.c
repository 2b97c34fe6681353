/* SPDX-License-Identifier: MIT */
#include "policyctl/json.h"

#include "lib/json_text.h"

static void begin(struct json *j, const char *key)
{
    if (j->follows)
        putc(',', j->out);
    if (j->depth > 0)
        fprintf(j->out, "\n%*s", (int)j->depth * 2, "");
    if (key) {
        json_text_write(span_of(key), j->out);
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
        json_text_write(span_of(value), j->out);
    else
        fputs("null", j->out);
}

void json_number(struct json *j, const char *key, int64_t value)
{
    begin(j, key);
    fprintf(j->out, "%lld", (long long)value);
}

void json_real(struct json *j, const char *key, double value)
{
    begin(j, key);
    fprintf(j->out, "%.2f", value);
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
