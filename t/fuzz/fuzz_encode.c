/* SPDX-License-Identifier: MIT */
/*
 * Any octets as what a stranger put into a reply and into the log, read back as Postfix and
 * as whoever reads logs would.  A reply is one attribute line and a blank one, of printable
 * well-formed text; a value in the log is one word or one quoted string, which says what it
 * was made from.
 */
#include <string.h>

#include "policyd/protocol.h"
#include "t/fuzz/fuzz.h"

enum { TEXT_MAX = 2048, QUOTED_MAX = 4 * TEXT_MAX + 3 };

static bool is_control(char c)
{
    return (unsigned char)c < ' ' || c == 0x7f;
}

/* attr_scan0 of Postfix: lines up to an empty one, name and value apart at the first '='. */
static void need_one_action(struct span reply, const char *action)
{
    struct span lines = reply, name, value;

    need(protocol_line(&lines, &name, &value) == OK);
    need(span_equal(name, SPAN("action")) && span_equal(value, span_of(action)));
    need(protocol_line(&lines, &name, &value) == NOT_FOUND && lines.len <= 1);
}

static void take_reply(struct span text)
{
    static char action[TEXT_MAX + 16], reply[TEXT_MAX + 64];
    struct strbuf b, out;

    strbuf_init(&b, action, sizeof action);
    strbuf_adds(&b, "554 5.7.1 ");
    strbuf_add_clean(&b, text);
    need(!b.cut && utf8_valid((struct span){ b.ptr, b.len }));
    for (size_t i = 0; i < b.len; i++)
        need(!is_control(b.ptr[i]));
    strbuf_init(&out, reply, sizeof reply);
    protocol_format(action, &out);
    need(!out.cut);
    need_one_action((struct span){ out.ptr, out.len }, action);
}

static int hex(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What the quoted string stands for; returns its length, and where the string ends. */
static size_t unquote(const char *p, const char *end, char *out, const char **end_r)
{
    size_t n = 0;

    for (p++; p < end && *p != '"'; p++) {
        need(!is_control(*p));
        if (*p == '\\' && p[1] == 'x') {
            need(end - p > 3 && hex(p[2]) >= 0 && hex(p[3]) >= 0);
            out[n++] = (char)(hex(p[2]) * 16 + hex(p[3]));
            p += 3;
        } else if (*p == '\\') {
            need(p[1] == '\\' || p[1] == '"');
            out[n++] = *++p;
        } else
            out[n++] = *p;
    }
    need(p < end);
    *end_r = p + 1;
    return n;
}

static void take_log_value(struct span text)
{
    static char quoted[QUOTED_MAX], plain[QUOTED_MAX];
    const char *end;
    struct strbuf b;

    strbuf_init(&b, quoted, sizeof quoted);
    strbuf_add_quoted(&b, text);
    need(!b.cut);
    if (quoted[0] != '"') {
        need(b.len > 0 && span_equal((struct span){ b.ptr, b.len }, text));
        for (size_t i = 0; i < b.len; i++)
            need(b.ptr[i] > ' ' && b.ptr[i] < 0x7f && b.ptr[i] != '"');
        return;
    }
    size_t n = unquote(b.ptr, b.ptr + b.len, plain, &end);
    need(end == b.ptr + b.len && span_equal((struct span){ plain, n }, text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = { (const char *)data, size };

    if (size > TEXT_MAX)
        return 0;
    take_reply(text);
    take_log_value(text);
    return 0;
}
