/* SPDX-License-Identifier: MIT */
/*
 * Any octets as an address or network, and as a HELO name.  What is checked: the canonical
 * text is read as the same network, which contains itself and its first address; a HELO
 * name that is taken is canonical, and taken as itself.
 */
#include <string.h>

#include "lib/address.h"
#include "lib/network.h"
#include "policyd/request.h"
#include "t/fuzz/fuzz.h"

static struct config config;

static void need_same_network(const struct network *a, struct span text)
{
    struct network b, first = *a;
    struct error e;
    char canonical[NETWORK_TEXT_MAX], again[NETWORK_TEXT_MAX];

    network_text(a, canonical);
    need(network_parse(span_of(canonical), &b, &e) == OK);
    need(memcmp(a->bytes, b.bytes, sizeof a->bytes) == 0 && a->bits == b.bits && a->v6 == b.v6);
    network_text(&b, again);
    need(strcmp(canonical, again) == 0 && strlen(canonical) <= text.len + NETWORK_TEXT_MAX);
    first.bits = a->v6 ? 128 : 32;
    need(network_contains(a, &first) && networks_contain(a, 1, &first));
    for (unsigned bits = 0; bits <= a->bits; bits += 7) {
        struct network wider = network_of(&first, bits);
        need(wider.bits == bits && network_contains(&wider, &first));
    }
}

static void take_helo(struct span text)
{
    static struct request q, again;

    memset(&q, 0, sizeof q);
    q.attr[ATTR_HELO_NAME] = text;
    request_prepare(&q, &config);
    if (q.helo[0] == '\0')
        return;
    need(utf8_valid(span_of(q.helo)) && strlen(q.helo) <= DOMAIN_MAX);
    for (const char *p = q.helo; *p; p++)
        need((unsigned char)*p >= ' ' && *p != 0x7f && *p == ascii_lower(*p));
    memset(&again, 0, sizeof again);
    again.attr[ATTR_HELO_NAME] = span_of(q.helo);
    request_prepare(&again, &config);
    need(strcmp(q.helo, again.helo) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = { (const char *)data, size };
    struct network network;
    struct error e = { "" };

    config.default_domain = config.hostname = (char *)"";
    config.recipient_delimiter = (char *)"+";
    if (network_parse(text, &network, &e) == OK)
        need_same_network(&network, text);
    else
        need(e.text[0] != '\0');
    if (network_parse_ip(text, &network) == OK)
        need(network.bits == (network.v6 ? 128 : 32));
    take_helo(text);
    return 0;
}
