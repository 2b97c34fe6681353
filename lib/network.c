/* SPDX-License-Identifier: MIT */
#include "network.h"

#include <arpa/inet.h>
#include <string.h>

/* A client that Postfix names ::ffff:192.0.2.1 is 192.0.2.1 (RFC 4291, 2.5.5.2):
 * one form only, so that an IPv4 network contains it. */
static const unsigned char mapped_prefix[12] = { [10] = 0xff, [11] = 0xff };

/* How much of a wrong text a message shows, so that the remedy still fits. */
static int shown(struct span text)
{
    return text.len < 64 ? (int)text.len : 64;
}

static unsigned bits_max(bool v6)
{
    return v6 ? 128 : 32;
}

static void unmap(struct network *n)
{
    if (!n->v6 || n->bits < 96 || memcmp(n->bytes, mapped_prefix, sizeof mapped_prefix) != 0)
        return;
    memmove(n->bytes, n->bytes + 12, 4);
    memset(n->bytes + 4, 0, 12);
    n->bits -= 96;
    n->v6 = false;
}

/* The address as it was written: not unmapped yet, since /BITS may follow. */
static enum result parse_address(struct span text, struct network *n)
{
    char copy[INET6_ADDRSTRLEN];

    *n = (struct network){ 0 };
    if (text.len == 0 || memchr(text.ptr, '\0', text.len) || str_copy(text, copy, sizeof copy) != OK)
        return BAD;
    n->v6 = strchr(copy, ':') != NULL;
    n->bits = (unsigned char)bits_max(n->v6);
    return inet_pton(n->v6 ? AF_INET6 : AF_INET, copy, n->bytes) == 1 ? OK : BAD;
}

enum result network_parse_ip(struct span text, struct network *network_r)
{
    if (parse_address(text, network_r) != OK)
        return BAD;
    unmap(network_r);
    return OK;
}

enum result network_parse(struct span text, struct network *network_r, struct error *e)
{
    const char *slash = text.len > 0 ? memchr(text.ptr, '/', text.len) : NULL;
    struct span address = { text.ptr, slash ? (size_t)(slash - text.ptr) : text.len };
    uint64_t bits;

    if (parse_address(address, network_r) != OK)
        return error_set(e, BAD, "'%.*s' is no IP address or network; write 192.0.2.0/24 or 2001:db8::/32",
                         shown(text), text.ptr ? text.ptr : "");
    if (slash) {
        struct span tail = { slash + 1, text.len - address.len - 1 };
        if (str_number(tail, 0, network_r->bits, &bits) != OK)
            return error_set(e, BAD, "'%.*s': the prefix length is a number from 0 to %u", shown(text),
                             text.ptr, bits_max(network_r->v6));
        struct network whole = network_of(network_r, (unsigned)bits);
        if (memcmp(whole.bytes, network_r->bytes, sizeof whole.bytes) != 0) {
            char canonical[NETWORK_TEXT_MAX];
            network_text(&whole, canonical);
            return error_set(e, BAD, "'%.*s' has bits set behind its prefix; the network is %s", shown(text),
                             text.ptr, canonical);
        }
        *network_r = whole;
    }
    unmap(network_r);
    return OK;
}

bool network_contains(const struct network *n, const struct network *ip)
{
    size_t octets = n->bits / 8;
    unsigned rest = n->bits % 8;

    if (n->v6 != ip->v6 || ip->bits < n->bits || memcmp(n->bytes, ip->bytes, octets) != 0)
        return false;
    return rest == 0 || (n->bytes[octets] ^ ip->bytes[octets]) >> (8 - rest) == 0;
}

bool networks_contain(const struct network *list, size_t count, const struct network *ip)
{
    for (size_t i = 0; i < count; i++)
        if (network_contains(&list[i], ip))
            return true;
    return false;
}

struct network network_of(const struct network *ip, unsigned bits)
{
    struct network n = { .v6 = ip->v6 };

    if (bits > bits_max(n.v6))
        bits = bits_max(n.v6);
    n.bits = (unsigned char)bits;
    memcpy(n.bytes, ip->bytes, bits / 8);
    if (bits % 8)
        n.bytes[bits / 8] = (unsigned char)(ip->bytes[bits / 8] & 0xff << (8 - bits % 8));
    return n;
}

void network_text(const struct network *n, char text_r[static NETWORK_TEXT_MAX])
{
    struct strbuf b;

    strbuf_init(&b, text_r, NETWORK_TEXT_MAX);
    if (!n->v6)
        for (int i = 0; i < 4; i++) { /* inet_ntop goes through snprintf: too slow for every request */
            if (i > 0)
                strbuf_addc(&b, '.');
            strbuf_addu(&b, n->bytes[i]);
        }
    else if (inet_ntop(AF_INET6, n->bytes, text_r, NETWORK_TEXT_MAX))
        b.len = strlen(text_r);
    if (n->bits < bits_max(n->v6)) {
        strbuf_addc(&b, '/');
        strbuf_addu(&b, n->bits);
    }
}
