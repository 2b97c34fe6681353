/* SPDX-License-Identifier: MIT */
#include "policyd/netstring.h"

#include <string.h>

enum { DIGITS_MAX = 6 };

enum result netstring_frame(struct span text, size_t *length_r, struct error *e)
{
    size_t digits = 0, length = 0;

    *length_r = 0;
    while (digits < text.len && digits <= DIGITS_MAX && text.ptr[digits] >= '0' && text.ptr[digits] <= '9')
        length = length * 10 + (size_t)(text.ptr[digits++] - '0');
    if (digits > DIGITS_MAX || (digits > 1 && text.ptr[0] == '0'))
        return error_set(e, BAD, "no netstring: bad length");
    if (digits == text.len)
        return OK;
    if (digits == 0 || text.ptr[digits] != ':')
        return error_set(e, BAD, "no netstring: LENGTH:TEXT, is expected");
    if (text.len < digits + 1 + length + 1)
        return OK;
    if (text.ptr[digits + 1 + length] != ',')
        return error_set(e, BAD, "no netstring: the comma is missing");
    *length_r = digits + 1 + length + 1;
    return OK;
}

struct span netstring_payload(struct span frame)
{
    const char *colon = memchr(frame.ptr, ':', frame.len);
    size_t head = (size_t)(colon - frame.ptr) + 1;

    return (struct span){ colon + 1, frame.len - head - 1 };
}

void netstring_add(struct strbuf *out, struct span payload)
{
    strbuf_addu(out, payload.len);
    strbuf_addc(out, ':');
    strbuf_add(out, payload);
    strbuf_addc(out, ',');
}

enum result socketmap_parse(struct span payload, struct span *map_r, struct span *key_r)
{
    const char *space = payload.len > 0 ? memchr(payload.ptr, ' ', payload.len) : NULL;

    if (!space || space == payload.ptr)
        return BAD;
    *map_r = (struct span){ payload.ptr, (size_t)(space - payload.ptr) };
    *key_r = (struct span){ space + 1, payload.len - map_r->len - 1 };
    return OK;
}
