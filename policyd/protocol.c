/* SPDX-License-Identifier: MIT */
#include "policyd/protocol.h"

#include <string.h>

size_t protocol_frame(struct span text, size_t *scanned)
{
    const char *end = text.ptr + text.len, *p = text.ptr + (*scanned > 0 ? *scanned - 1 : 0);

    if (text.len > 0 && text.ptr[0] == '\n')
        return 1; /* a blank line alone: an empty request, which is malformed */
    while (p < end && (p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
        if (p + 1 < end && p[1] == '\n')
            return (size_t)(p - text.ptr) + 2;
        p++;
    }
    *scanned = text.len;
    return 0;
}

enum result protocol_line(struct span *lines, struct span *name_r, struct span *value_r)
{
    const char *end = memchr(lines->ptr, '\n', lines->len), *equals;
    size_t len;

    if (!end)
        return BAD;
    len = (size_t)(end - lines->ptr);
    if (len == 0)
        return NOT_FOUND;
    equals = memchr(lines->ptr, '=', len);
    if (!equals || equals == lines->ptr)
        return BAD;
    *name_r = (struct span){ lines->ptr, (size_t)(equals - lines->ptr) };
    *value_r = (struct span){ equals + 1, (size_t)(end - equals) - 1 };
    lines->ptr += len + 1;
    lines->len -= len + 1;
    return OK;
}

static int attribute_find(struct span name)
{
    for (int a = 0; a < ATTR_COUNT; a++)
        if (span_equal(name, attribute_names[a]))
            return a;
    return -1;
}

/* Postfix sends the attributes in a fixed order: the one after the last is the likeliest,
 * and found without looking for its '='. */
static enum result next_attribute(struct span *lines, int expected, int *attribute_r, struct span *value_r)
{
    struct span want = attribute_names[expected], name;
    const char *value = lines->ptr + want.len + 1, *end;
    enum result r;

    if (lines->len > want.len && lines->ptr[want.len] == '=' && memcmp(lines->ptr, want.ptr, want.len) == 0 &&
        (end = memchr(value, '\n', lines->len - want.len - 1)) != NULL) {
        *attribute_r = expected;
        *value_r = (struct span){ value, (size_t)(end - value) };
        lines->len -= (size_t)(end + 1 - lines->ptr);
        lines->ptr = end + 1;
        return OK;
    }
    r = protocol_line(lines, &name, value_r);
    *attribute_r = r == OK ? attribute_find(name) : -1;
    return r;
}

enum result protocol_parse(struct span frame, unsigned attributes_max, struct request *request_r,
                           struct error *e)
{
    struct span lines = frame, value;
    unsigned count = 0, seen = 0; /* a bit for each attribute */
    int expected = 0, a;
    enum result r;

    if (memchr(frame.ptr, '\0', frame.len))
        return error_set(e, BAD, "request with a NUL in it");
    memset(request_r->attr, 0, sizeof request_r->attr);
    while ((r = next_attribute(&lines, expected, &a, &value)) == OK) {
        if (++count > attributes_max)
            return error_set(e, LIMIT, "request with more than %u attributes", attributes_max);
        if (a < 0)
            continue;
        expected = a + 1 < ATTR_COUNT ? a + 1 : 0;
        if (!(seen & 1u << a))
            request_r->attr[a] = value;
        seen |= 1u << a;
    }
    if (r != NOT_FOUND)
        return error_set(e, BAD, "request with a line that is no name=value");
    if (!span_equal(request_r->attr[ATTR_REQUEST], SPAN("smtpd_access_policy")))
        return error_set(e, BAD, "request is not 'request=smtpd_access_policy'");
    return OK;
}

void protocol_format(const char *action, struct strbuf *out)
{
    strbuf_adds(out, "action=");
    strbuf_adds(out, action);
    strbuf_adds(out, "\n\n");
}
