/* SPDX-License-Identifier: MIT */
/*
 * A stream of policy requests that arrives in pieces: the first octet says how long they
 * are.  What is checked: the same frames are found as in one piece, each parses to
 * attributes that lie within it, and what is made of them is well formed.
 */
#include <string.h>

#include "policyd/protocol.h"
#include "t/fuzz/fuzz.h"

enum { ATTRIBUTES = 40, FRAME_MAX = 65536 };

static struct config config;

static unsigned next_piece(unsigned *seed)
{
    *seed = *seed * 1103515245u + 12345u;
    return 1 + (*seed >> 16) % 97;
}

/* As conn.c does: more text behind the same start, until a frame is whole. */
static size_t frame_in_pieces(struct span text, unsigned *seed)
{
    size_t scanned = 0, length = 0, have = 0;

    while (length == 0 && have < text.len) {
        have += next_piece(seed);
        if (have > text.len)
            have = text.len;
        length = protocol_frame((struct span){ text.ptr, have }, &scanned);
        need(length <= have && scanned <= have);
    }
    return length;
}

static void need_well_formed(const struct request *q)
{
    char key[RESEND_KEY_MAX];
    size_t length = 0;
    enum result r = request_resend_key(q, key, &length);

    need(r == OK || r == NOT_FOUND || r == LIMIT);
    need(length <= RESEND_KEY_MAX && (r == NOT_FOUND) == (q->attr[ATTR_INSTANCE].len == 0));
    need(memchr(q->helo, '\0', sizeof q->helo) != NULL);
    need(strlen(q->sender.text) == q->sender.len && strlen(q->recipient.text) == q->recipient.len);
    need(q->authenticated == (q->attr[ATTR_SASL_USERNAME].len > 0));
    need(!q->has_client || q->client.bits == (q->client.v6 ? 128 : 32));
}

static void take_frame(struct span frame)
{
    static struct request q;
    struct error e = { "" };
    enum result r = protocol_parse(frame, ATTRIBUTES, &q, &e);

    need(r == OK || r == BAD || r == LIMIT);
    need((r == OK) == (e.text[0] == '\0'));
    if (r != OK)
        return;
    for (size_t i = 0; i < ATTR_COUNT; i++) {
        struct span value = q.attr[i];
        need(value.len == 0 || (value.ptr >= frame.ptr && value.ptr + value.len < frame.ptr + frame.len));
        need(value.len == 0 || (!memchr(value.ptr, '\n', value.len) && !memchr(value.ptr, '\0', value.len)));
    }
    request_prepare(&q, &config);
    need_well_formed(&q);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned seed = size > 0 ? data[0] : 0;
    struct span text = { (const char *)data + (size > 0), size - (size > 0) };

    if (size > FRAME_MAX)
        return 0;
    config.default_domain = config.hostname = (char *)"";
    config.recipient_delimiter = (char *)"+";
    while (text.len > 0) {
        size_t scanned = 0, length = protocol_frame(text, &scanned);
        need(frame_in_pieces(text, &seed) == length);
        if (length == 0)
            break;
        take_frame((struct span){ text.ptr, length });
        text.ptr += length;
        text.len -= length;
    }
    return 0;
}
