/* SPDX-License-Identifier: MIT */
/*
 * The socketmap service: Postfix's own look-ups (socketmap_table(5)), from the same
 * facts and limits as the policy protocol.  Layer 7.
 */
#include "policyd/daemon.h"
#include "policyd/log.h"
#include "policyd/maps.h"
#include "policyd/netstring.h"

enum { VALUE_MAX = ROWS_TEXT_MAX, SOCKETMAP_REPLY_MAX = VALUE_MAX + 64 };

/* Status and text of a reply. TEMP makes Postfix try again later. */
static struct span answer(struct span map, struct span key, struct strbuf *value)
{
    struct facts facts;
    enum map_id id;

    if (map_parse(map, &id) != OK)
        return SPAN("PERM no such map");
    facts_init(&facts, the_daemon.config, the_daemon.rows, NULL);
    facts_begin(&facts, NULL, daemon_now());
    switch (maps_lookup(&facts, id, key, value)) {
    case OK:
        return SPAN("OK ");
    case NOT_FOUND:
        return SPAN("NOTFOUND ");
    case LIMIT:
        log_format(LOG_LEVEL_WARNING, "socketmap %s: '%.*s' has more values than fit into a reply",
                   map_names[id], key.len < 200 ? (int)key.len : 200, key.ptr);
        return SPAN("TEMP too many values");
    default:
        return SPAN("TEMP account table not readable");
    }
}

static enum served handle(struct conn *c, struct span frame)
{
    char text[SOCKETMAP_REPLY_MAX], array[VALUE_MAX], out[SOCKETMAP_REPLY_MAX + 16];
    struct strbuf value, reply, framed;
    struct span map, key, status;

    if (socketmap_parse(netstring_payload(frame), &map, &key) != OK) {
        log_format(LOG_LEVEL_WARNING, "%s: no 'MAP KEY': closed without a reply", conn_name(c));
        return SERVED_CLOSE;
    }
    strbuf_init(&value, array, sizeof array);
    status = answer(map, key, &value);
    strbuf_init(&reply, text, sizeof text);
    strbuf_add(&reply, status);
    if (span_equal(status, SPAN("OK ")))
        strbuf_add(&reply, (struct span){ array, value.len });
    strbuf_init(&framed, out, sizeof out);
    netstring_add(&framed, (struct span){ text, reply.len });
    conn_reply(c, (struct span){ out, framed.len });
    return SERVED;
}

static enum result frame(struct span text, size_t *scanned, size_t *length_r, struct error *e)
{
    (void)scanned;
    return netstring_frame(text, length_r, e);
}

const struct service socketmap_service = { "socketmap", frame, handle, .takes_fd = false };
