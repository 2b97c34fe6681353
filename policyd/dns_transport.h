/* SPDX-License-Identifier: MIT */
/*
 * One question's socket to one server: connected UDP, so that the kernel drops
 * what comes from elsewhere and picks a random port, or TCP with its two octets of
 * length (RFC 7766).  Knows nothing of what the packets say, nor of time.  The
 * program ignores SIGPIPE.  Layer 6, part of the resolver.
 */
#ifndef POSTERN_DNS_TRANSPORT_H
#define POSTERN_DNS_TRANSPORT_H

#include "policyd/dns_packet.h"
#include "policyd/dns_servers.h"

enum {
    DNS_REPLY_MAX = 16384 /* octets, by TCP; more is no answer to a question of ours */
};

struct event_base;
struct dns_transport;

/* Called from the event loop only; either may close the transport. */
struct dns_transport_user {
    void (*packet)(struct dns_transport_user *user, const unsigned char *octets, size_t length);
    void (*broken)(struct dns_transport_user *user); /* refused, closed, too long: nothing more will come */
};

enum dns_transport_kind { DNS_TRANSPORT_UDP, DNS_TRANSPORT_TCP };

/* TRY_AGAIN: no descriptor, no memory, no route. */
enum result dns_transport_open(struct event_base *base, enum dns_transport_kind kind,
                               const struct dns_server *server, struct dns_transport_user *user,
                               struct dns_transport **transport_r) MUST_CHECK;

/* May be called again to repeat a question, by UDP.  TRY_AGAIN: it did not leave. */
enum result dns_transport_send(struct dns_transport *transport, const struct dns_packet *packet) MUST_CHECK;

void dns_transport_close(struct dns_transport **transport);

#endif
