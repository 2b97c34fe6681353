/* SPDX-License-Identifier: MIT */
/*
 * A DNS server that follows a script, for the tests: UDP and TCP on one port of
 * 127.0.0.1, in the test's own event loop.  It misbehaves where a row says so.
 */
#ifndef POSTERN_T_DNS_SERVER_H
#define POSTERN_T_DNS_SERVER_H

#include "t/unit/dns_reply.h"

struct event_base;

enum {
    SCRIPT_SILENT = 1 << 0,         /* no reply */
    SCRIPT_HOLD = 1 << 1,           /* no reply before dns_server_release() */
    SCRIPT_TRUNCATE = 1 << 2,       /* an empty truncated reply by UDP, the whole one by TCP */
    SCRIPT_TRUNCATE_TCP = 1 << 3,   /* truncated by TCP too */
    SCRIPT_GARBAGE = 1 << 4,        /* the question, then octets that are no record */
    SCRIPT_NOISE = 1 << 5,          /* three octets */
    SCRIPT_FORGE_ID = 1 << 6,       /* a forged reply first, with another ID, */
    SCRIPT_FORGE_QUESTION = 1 << 7, /* for another name, */
    SCRIPT_FORGE_SOURCE = 1 << 8,   /* or right but for its port */
    SCRIPT_NO_EDNS = 1 << 9,        /* FORMERR to a question with EDNS */
    SCRIPT_SPLIT = 1 << 10,         /* by TCP, in single octets */
    SCRIPT_CLOSE = 1 << 11,         /* by TCP, closed without a reply */
    SCRIPT_TCP_SILENT = 1 << 12,
    SCRIPT_TCP_LENGTH = 1 << 13 /* by TCP, a length of 65535 */
};

/* The address that every forged reply to a question for A holds. */
#define SCRIPT_FORGED_ADDRESS "192.0.2.66"

struct script_row {
    const char *question; /* "host.example. A"; NULL ends the rows: REFUSED */
    unsigned flags;
    struct reply_text reply; /* its question is that of the row */
};

struct dns_server_counts {
    unsigned udp, tcp;    /* questions */
    unsigned edns, plain; /* of these with and without EDNS */
};

struct scripted_server; /* not struct dns_server, which is the resolver's */

/* rows stay the caller's.  Aborts on a failure. */
struct scripted_server *dns_server_new(struct event_base *base, const struct script_row *rows);
void dns_server_free(struct scripted_server **server);

void dns_server_set_script(struct scripted_server *server, const struct script_row *rows);
const char *dns_server_address(const struct scripted_server *server); /* "127.0.0.1@PORT" */
struct dns_server_counts dns_server_counts(const struct scripted_server *server);
void dns_server_release(struct scripted_server *server); /* sends what SCRIPT_HOLD kept */

#endif
