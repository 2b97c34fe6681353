/* SPDX-License-Identifier: MIT */
/* The types of options that are words for people: reply texts, and what stands in them.  Layer 2. */
#include <string.h>

#include "config_option.h"

/* Postfix cuts replies at 510 octets, code and expanded placeholders included. */
enum { TEXT_MAX = 300, DELIMITER_MAX = 8 };

enum result config_check_url(const struct config_row *row, struct span value, struct strbuf *b,
                             struct error *e)
{
    bool plain = true;

    (void)row;
    for (size_t i = 0; i < value.len; i++)
        if (value.ptr[i] <= ' ' || value.ptr[i] > '~')
            plain = false;
    if (value.len > 0 && (!plain || value.len > TEXT_MAX / 2 ||
                          (strncmp(value.ptr, "https://", 8) != 0 && strncmp(value.ptr, "http://", 7) != 0)))
        return error_set(e, BAD, "'%.64s' is no URL; write https://..., in ASCII, at most %d characters",
                         value.ptr, TEXT_MAX / 2);
    strbuf_add(b, value);
    return OK;
}

enum result config_check_delimiter(const struct config_row *row, struct span value, struct strbuf *b,
                                   struct error *e)
{
    (void)row;
    if (value.len > DELIMITER_MAX)
        return error_set(e, BAD, "more than %d characters", DELIMITER_MAX);
    for (size_t i = 0; i < value.len; i++)
        if (!strchr("!#$%&'*+-./=?^_`{|}~", value.ptr[i]))
            return error_set(e, BAD, "'%.64s' is no delimiter; take punctuation, such as \"+\" or \"+-\"",
                             value.ptr);
    strbuf_add(b, value);
    return OK;
}

/* ---- reply texts ---- */

static const char *const placeholders[] = { "login", "sender", "recipient", "helo", "suffix", "reason" };

static bool is_placeholder(struct span name)
{
    for (size_t i = 0; i < sizeof placeholders / sizeof placeholders[0]; i++)
        if (span_equal(name, span_of(placeholders[i])))
            return true;
    return false;
}

/* A reply without a text over-reads in some Postfix versions (CVE-2026-43964). */
enum result config_check_text(const struct config_row *row, struct span value, struct strbuf *b,
                              struct error *e)
{
    (void)row;
    if (span_trim(value).len == 0)
        return error_set(e, BAD, "a reply needs a text");
    if (value.len > TEXT_MAX)
        return error_set(e, BAD, "the text has %zu octets; write at most %d", value.len, TEXT_MAX);
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] != '{')
            continue;
        const char *name = value.ptr + i + 1, *end = memchr(name, '}', value.len - i - 1);
        if (!end || !is_placeholder((struct span){ name, (size_t)(end - name) }))
            return error_set(e, BAD,
                             "'%.32s' is no placeholder; there are {login}, {sender}, {recipient}, "
                             "{helo}, {suffix} and {reason}",
                             name - 1);
    }
    strbuf_add(b, value);
    return OK;
}
