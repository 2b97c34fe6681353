/* SPDX-License-Identifier: MIT */
/*
 * Any octets as a line of a log.  What is checked: every field lies within the text,
 * whichever words are taken from a reply do too, and a text is parsed the same twice.
 */
#include "policyctl/explain/log_line.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool holds)
{
    if (!holds)
        abort();
}

static char *copy_of(const uint8_t *data, size_t size)
{
    char *text = malloc(size > 0 ? size : 1);

    need(text);
    if (size > 0)
        memcpy(text, data, size);
    return text;
}

/* Two fields are words of the parser's own where it sums up what the line says. */
static void need_within(const struct log_line *line, const char *text, size_t size)
{
    for (size_t i = 0; i < LOG_FIELDS; i++) {
        struct span f = line->field[i];
        if (f.len > 0 && i != LOG_STATUS && i != LOG_SERVICE)
            need(f.ptr >= text && f.len <= size && f.ptr + f.len <= text + size);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *one = copy_of(data, size), *other = copy_of(data, size);
    struct log_line a, b;
    const char *list;

    log_line_parse(one, size, &a);
    log_line_parse(other, size, &b);
    need_within(&a, one, size);
    need(a.kind == b.kind);
    for (size_t i = 0; i < LOG_FIELDS; i++)
        need(span_equal(a.field[i], b.field[i]));
    need(log_line_reply_text(&a, &list).len <= size + strlen("Relay access denied"));
    free(one);
    free(other);
    return 0;
}
