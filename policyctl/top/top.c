/* SPDX-License-Identifier: MIT */
#include "policyctl/top/top.h"

#include <stdlib.h>
#include <string.h>

#include "policyctl/ask.h"

const struct top_kind top_kinds[TOP_KINDS] = {
    [TOP_ACCOUNT] = { "account", "ACCOUNT", 'a' }, [TOP_DOMAIN] = { "domain", "DOMAIN", 'd' },
    [TOP_CLIENT] = { "client", "CLIENT", 'c' },    [TOP_HELO] = { "helo", "HELO", 'h' },
    [TOP_CHECK] = { "check", "CHECK", 'k' },
};

/* "1.0 2.0 0.0 1.0 2.0 0.0 KEY" */
static enum result take_row(char *text, struct top_row *row_r)
{
    char *end;

    for (int i = 0; i < TOP_NUMBERS; i++) {
        row_r->number[i] = strtod(text, &end);
        if (end == text || *end != ' ')
            return BAD;
        text = end + 1;
    }
    return str_copy(span_of(text), row_r->key, sizeof row_r->key);
}

static enum result take_rows(char *reply, struct top *t, struct error *e)
{
    static const char prefix[] = "row=";

    t->count = 0;
    for (char *line = reply, *end; (end = strchr(line, '\n')) != NULL && end > line; line = end + 1) {
        *end = '\0';
        if (strncmp(line, prefix, sizeof prefix - 1) != 0 || t->count == TOP_ROWS)
            continue;
        if (take_row(line + sizeof prefix - 1, &t->row[t->count++]) != OK)
            return error_set(e, TRY_AGAIN, "policyd answers in another format: is it of the same version?");
    }
    return OK;
}

enum result top_read(const struct ctl *ctl, struct top *t, struct error *e)
{
    static char reply[CONTROL_REPLY_MAX];
    char request[128];
    struct strbuf b;

    strbuf_init(&b, request, sizeof request);
    strbuf_addf(&b, "command=top\nby=%s\norder=%s\n\n", top_kinds[t->by].name,
                t->refused ? "refused" : "sent");
    enum result r = ask_policyd(ctl, (struct span){ request, b.len }, reply, e);
    return r == OK ? take_rows(reply, t, e) : r;
}
