/* SPDX-License-Identifier: MIT */
/*
 * Any octets as what Postfix's socketmap client sends: a frame lies within the text, says
 * what it says whatever stands behind it, and its payload is written as the same frame.
 */
#include <string.h>

#include "policyd/netstring.h"
#include "t/fuzz/fuzz.h"

enum { TEXT_MAX = 4096 };

static void need_same_when_written(struct span frame)
{
    static char array[TEXT_MAX + 16];
    struct strbuf b;

    strbuf_init(&b, array, sizeof array);
    netstring_add(&b, netstring_payload(frame));
    need(!b.cut && span_equal((struct span){ b.ptr, b.len }, frame));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = { (const char *)data, size }, map, key;
    size_t length = 0, again = 0;
    struct error e;

    if (size == 0 || size > TEXT_MAX || netstring_frame(text, &length, &e) != OK || length == 0)
        return 0;
    need(length <= size);
    text.len = length;
    need(netstring_frame(text, &again, &e) == OK && again == length);
    need_same_when_written(text);
    if (socketmap_parse(netstring_payload(text), &map, &key) == OK) {
        need(map.ptr >= text.ptr && map.len < length && !memchr(map.ptr, ' ', map.len));
        need(key.len == 0 || (key.ptr > map.ptr && key.ptr + key.len < text.ptr + length));
    }
    return 0;
}
