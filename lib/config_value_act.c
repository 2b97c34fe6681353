/* SPDX-License-Identifier: MIT */
/*
 * The types of postern-act's options: addresses, kinds of events, and commands, which
 * become argument vectors and never meet a shell.  Layer 2.
 */
#include <string.h>

#include "address.h"
#include "config_option.h"
#include "event_row.h"

enum result config_check_address(const struct config_row *row, struct span value, struct strbuf *b,
                                 struct error *e)
{
    struct address address;

    (void)row;
    if (value.len == 0)
        return OK;
    if (address_check(value.ptr, false, &address, e) != OK)
        return BAD;
    strbuf_adds(b, address.text);
    return OK;
}

enum result config_check_event(const struct config_row *row, struct span value, struct strbuf *b,
                               struct error *e)
{
    enum event_kind kind;

    (void)row;
    if (event_kind_parse(value.ptr, &kind) != OK)
        return error_set(e, BAD, "no event '%.64s': policyctl(1) names them", value.ptr);
    strbuf_add(b, value);
    return OK;
}

enum result config_check_queue(const struct config_row *row, struct span value, struct strbuf *b,
                               struct error *e)
{
    static const char *const words[] = { "none", "list", "hold" };

    (void)row;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (span_equal(value, span_of(words[i]))) {
            strbuf_add(b, value);
            return OK;
        }
    return error_set(e, BAD, "'%.64s' is not none, list or hold", value.ptr);
}

/* Words apart by spaces; the first is the program. */
enum result config_check_command(const struct config_row *row, struct span value, struct strbuf *b,
                                 struct error *e)
{
    (void)row;
    if (value.len == 0 || value.ptr[0] != '/')
        return error_set(e, BAD, "'%.64s' is no command: it begins with the absolute path of a program",
                         value.ptr);
    strbuf_add(b, value);
    return OK;
}

static bool is_placeholder(struct span name)
{
    for (unsigned i = 0; i < EVENT_COLUMNS; i++)
        if (span_equal(name, span_of(event_column_name((enum event_column)i))))
            return true;
    return span_equal(name, SPAN("domain"));
}

enum result config_check_own_command(const struct config_row *row, struct span value, struct strbuf *b,
                                     struct error *e)
{
    const char *p = value.ptr;

    if (config_check_command(row, value, b, e) != OK)
        return BAD;
    while ((p = strchr(p, '{')) != NULL) {
        const char *end = strchr(++p, '}');
        if (!end || !is_placeholder((struct span){ p, (size_t)(end - p) }))
            return error_set(
                e, BAD, "'%.32s' is no placeholder; there are {domain} and the members of an event", p - 1);
    }
    return OK;
}
