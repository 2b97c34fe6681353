/* SPDX-License-Identifier: MIT */
/* policyd's line of a decision, as policy_log_line (policyd/policy.c) writes it. */
#include "policyctl/explain/log_parse.h"

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One character of a quoted value, its escape taken off; how many octets it took. */
static size_t unescape(struct span text, char *octet_r)
{
    *octet_r = text.ptr[0];
    if (text.ptr[0] != '\\' || text.len < 2)
        return 1;
    *octet_r = text.ptr[1];
    if (text.ptr[1] != 'x' || text.len < 4)
        return 2;
    int high = hex_digit(text.ptr[2]), low = hex_digit(text.ptr[3]);
    if (high < 0 || low < 0)
        return 2;
    *octet_r = (char)(high * 16 + low);
    return 4;
}

/* In place: a value without its escapes is never longer. */
static void take_quoted(struct span *text, struct span *value_r)
{
    char *out = (char *)(text->ptr + 1);
    size_t i = 1;

    *value_r = (struct span){ out, 0 };
    while (i < text->len && text->ptr[i] != '"') {
        char octet;
        i += unescape(span_from(*text, i), &octet);
        out[value_r->len++] = octet;
    }
    *text = span_from(*text, i < text->len ? i + 1 : text->len);
}

static bool take_pair(struct span *text, struct span *name_r, struct span *value_r)
{
    if (!take_until(text, "=", name_r))
        return false;
    if (span_begins(*text, "\""))
        take_quoted(text, value_r);
    else {
        size_t end = find_first(*text, " ");
        *value_r = span_to(*text, end > text->len ? text->len : end);
        *text = span_from(*text, value_r->len);
    }
    (void)take(text, " ");
    return true;
}

void log_parse_policyd(struct span text, struct log_line *line)
{
    static const struct {
        struct span name;
        enum log_field field;
    } pairs[] = {
        { SPAN_INIT("decision"), LOG_STATUS },   { SPAN_INIT("check"), LOG_CHECK },
        { SPAN_INIT("observed"), LOG_OBSERVED }, { SPAN_INIT("state"), LOG_STATE },
        { SPAN_INIT("client"), LOG_CLIENT },     { SPAN_INIT("helo"), LOG_HELO },
        { SPAN_INIT("sender"), LOG_SENDER },     { SPAN_INIT("recipient"), LOG_RECIPIENT },
        { SPAN_INIT("login"), LOG_LOGIN_NAME },  { SPAN_INIT("queue_id"), LOG_QUEUE_ID },
        { SPAN_INIT("reply"), LOG_REPLY },
    };
    struct span name, value;

    if (!span_begins(text, "decision="))
        return;
    line->kind = LINE_DECISION;
    while (take_pair(&text, &name, &value))
        for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
            if (span_equal(name, pairs[i].name) && line->field[pairs[i].field].len == 0)
                line->field[pairs[i].field] = value;
}
