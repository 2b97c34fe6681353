/* SPDX-License-Identifier: MIT */
/*
 * DNS packets: a question into octets, a reply into a class.  Pure: no sockets,
 * no clock.  libldns builds and parses; what a reply means is decided here.
 * Layer 5, part of the resolver.
 */
#ifndef POSTERN_DNS_PACKET_H
#define POSTERN_DNS_PACKET_H

#include "policyd/dns.h"

enum {
    DNS_NAME_OCTETS = 255,  /* of a name in a packet (RFC 1035, 2.3.4) */
    DNS_QUERY_MAX = 512,    /* octets of a question; the longest takes 282 */
    DNS_EDNS_OCTETS = 1232, /* asked for by UDP: never fragmented (DNS flag day 2020) */
    DNS_ALIASES_MAX = 12    /* CNAMEs from the name asked to the data */
};

/* A name as in a packet (RFC 1035, 3.1), uncompressed, letters in lower case. */
struct dns_name {
    size_t length; /* with the root's octet */
    unsigned char wire[DNS_NAME_OCTETS];
};

struct dns_query {
    struct dns_name name;
    enum dns_type type; /* class is always IN */
};

struct dns_packet {
    size_t length;
    unsigned char octets[DNS_QUERY_MAX];
};

/* BAD: no host name could be like this: empty, an empty label, a label over 63
 * octets, a name over 253, or an octet other than A-Z a-z 0-9 - _ and *.  Postfix
 * finds no such host either, without asking (valid_hostname() in dns_lookup()). */
enum result dns_name_set(struct span text, struct dns_name *name_r) MUST_CHECK;

bool dns_name_equal(const struct dns_name *a, const struct dns_name *b);

/* A recursive question, with EDNS(0) (RFC 6891) or without.  TRY_AGAIN: no memory. */
enum result dns_packet_build(const struct dns_query *query, uint16_t id, bool edns,
                             struct dns_packet *packet_r) MUST_CHECK;

enum dns_reply_kind {
    DNS_REPLY_OTHER,     /* not the reply to this question: ID, name, type or class differ */
    DNS_REPLY_TRUNCATED, /* ask by TCP (RFC 7766) */
    DNS_REPLY_NO_EDNS,   /* FORMERR, NOTIMP, BADVERS: ask without EDNS (RFC 6891, 7) */
    DNS_REPLY_USELESS,   /* SERVFAIL, REFUSED, garbage, a referral: ask another server */
    DNS_REPLY_ALIAS,     /* a CNAME to `alias`, of which the packet says no more: ask for that */
    DNS_REPLY_ANSWER     /* FOUND, NODATA, NXDOMAIN, or FAILED for an endless chain of CNAMEs */
};

struct dns_reply {
    enum dns_reply_kind kind;
    struct dns_answer answer; /* of ANSWER */
    uint32_t ttl;   /* s, of ANSWER and ALIAS: the least on the way; negative: RFC 2308, 5; 0 unknown */
    size_t aliases; /* CNAMEs followed */
    struct dns_name alias; /* where they lead */
};

/* What octets say about a question that was sent with this id. */
void dns_packet_read(const unsigned char *octets, size_t length, const struct dns_query *query, uint16_t id,
                     struct dns_reply *reply_r);

#endif
