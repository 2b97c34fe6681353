/* SPDX-License-Identifier: MIT */
/*
 * The recursive servers to ask: from the configuration or resolv.conf(5), and
 * which of them were silent lately.  Layer 5, part of the resolver.
 */
#ifndef POSTERN_DNS_SERVERS_H
#define POSTERN_DNS_SERVERS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "lib/result.h"

enum {
    DNS_SERVERS_MAX = 8,
    DNS_SERVERS_RESOLV_CONF = 3, /* resolv.conf(5), MAXNS */
    DNS_SERVER_DEAD_MS = 10000
};

struct dns_server {
    struct sockaddr_storage address;
    socklen_t length;
    uint64_t dead_until; /* ms; 0: not known to be dead */
};

struct dns_servers {
    size_t count;
    struct dns_server list[DNS_SERVERS_MAX];
};

/* "192.0.2.1", "192.0.2.1@5353", "2001:db8::1@53", "fe80::1%eth0": BAD with a text
 * that names the word. */
enum result dns_server_parse(const char *text, struct dns_server *server_r, struct error *error) MUST_CHECK;

/* BAD: one of them is malformed, or there are too many. */
enum result dns_servers_set(const char *const *texts, size_t count, struct dns_servers *servers_r,
                            struct error *error) MUST_CHECK;

/* The first nameserver lines of a resolv.conf(5); without any, or without the file,
 * 127.0.0.1.  Lines that are not understood are passed over, as the C library does.
 * BAD: the file is there and cannot be read. */
enum result dns_servers_read(const char *path, struct dns_servers *servers_r, struct error *error) MUST_CHECK;

/* The order for one lookup, as indices: the living ones first.  A server whose time
 * is over counts as living for this one lookup, which finds out. */
void dns_servers_order(struct dns_servers *servers, uint64_t now, unsigned char order_r[DNS_SERVERS_MAX]);

#endif
