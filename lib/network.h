/* SPDX-License-Identifier: MIT */
/*
 * IP addresses and networks in CIDR notation (RFC 4632, RFC 4291), any prefix
 * length, both families.  Layer 1.
 */
#ifndef POSTERN_NETWORK_H
#define POSTERN_NETWORK_H

#include <stdbool.h>
#include <stddef.h>

#include "result.h"
#include "str.h"

struct network {
    unsigned char bytes[16]; /* network order; IPv4 uses the first four */
    unsigned char bits;      /* prefix length: 0 to 32 or 0 to 128 */
    bool v6;
};

enum { NETWORK_TEXT_MAX = 49 }; /* an IPv6 address, "/128", NUL included */

/* A single address ("192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1" becomes IPv4);
 * the prefix is the whole address.  BAD: it is none. */
enum result network_parse_ip(struct span text, struct network *network_r) MUST_CHECK;

/* An address or ADDRESS/BITS. BAD, with a line: no network, or bits set behind the
 * prefix ("192.0.2.1/24": say 192.0.2.0/24). */
enum result network_parse(struct span text, struct network *network_r, struct error *) MUST_CHECK;

bool network_contains(const struct network *, const struct network *ip);
bool networks_contain(const struct network *list, size_t count, const struct network *ip);

/* The network of the first `bits` of an address. */
struct network network_of(const struct network *ip, unsigned bits);

/* Canonical text: RFC 5952; "/BITS" only where it is not the whole address. */
void network_text(const struct network *, char text_r[static NETWORK_TEXT_MAX]);

#endif
