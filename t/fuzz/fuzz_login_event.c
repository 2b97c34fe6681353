/* SPDX-License-Identifier: MIT */
/*
 * Any octets as a datagram of the Dovecot plugin: a line that says what is wrong, or an
 * event that is written as a datagram which is read as the same.
 */
#include <string.h>

#include "lib/login_event.h"
#include "t/fuzz/fuzz.h"

static void need_clean(const char *text)
{
    for (; *text; text++)
        need((unsigned char)*text >= ' ' && *text != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[LOGIN_EVENT_MAX * 2], second[LOGIN_EVENT_MAX * 2];
    struct login_event event, again;
    struct error e = { "" };
    struct strbuf b, c;

    if (login_event_parse((struct span){ (const char *)data, size }, &event, &e) != OK) {
        need(e.text[0] != '\0' && !strchr(e.text, '\n'));
        return 0;
    }
    need(event.security < LOGIN_SECURITIES && event.outcome < LOGIN_OUTCOMES && event.port <= 65535);
    need(event.outcome != LOGIN_UNKNOWN || event.account[0] == '\0');
    need_clean(event.account);
    need_clean(event.service);
    need_clean(event.mechanism);
    need_clean(event.server_name);
    need_clean(event.cause);
    strbuf_init(&b, text, sizeof text);
    strbuf_init(&c, second, sizeof second);
    need(login_event_format(&event, &b) == OK);
    need(login_event_parse((struct span){ b.ptr, b.len }, &again, &e) == OK);
    need(login_event_format(&again, &c) == OK && strcmp(text, second) == 0);
    return 0;
}
