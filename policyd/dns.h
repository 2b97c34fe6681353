/* SPDX-License-Identifier: MIT */
/*
 * A DNS question as a check may ask it: no sockets here.  The resolver answers
 * these in the daemon, a table in the tests.  Layer 4.
 */
#ifndef POSTERN_DNS_H
#define POSTERN_DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/result.h"
#include "lib/str.h"

enum dns_type { DNS_A, DNS_AAAA, DNS_MX, DNS_TXT };

/* NXDOMAIN (RFC 8020: nothing below it either) and NODATA (RFC 2308, 2.2) are
 * answers; FAILED is none: SERVFAIL, REFUSED, time-out, garbage, a limit. */
enum dns_status { DNS_FOUND, DNS_NODATA, DNS_NXDOMAIN, DNS_FAILED, DNS_PENDING };
enum { DNS_STATUS_COUNT = DNS_PENDING + 1 };

enum { DNS_NAME_MAX = 253, DNS_RECORDS_MAX = 16, DNS_TEXT_MAX = 255 };

/* What was found.  Addresses as octets; MX and TXT: only that there are some and,
 * of TXT, the first record's text (cut to DNS_TEXT_MAX). */
struct dns_answer {
    enum dns_status status;
    size_t count;                               /* of addresses; records past the cap are dropped */
    unsigned char address[DNS_RECORDS_MAX][16]; /* A: the first 4 octets; past count: not set */
    char text[DNS_TEXT_MAX + 1];
};

/* Somebody who waits.  The source keeps `waits` (up to the lookups of one
 * request) and calls wake() once from the event loop, never from within ask(),
 * when any question that this waiter got DNS_PENDING for has its answer.  By then
 * it has forgotten the waiter everywhere: whoever still needs an answer asks for it
 * again, and wake() may free the waiter.  To begin with, all is zero but wake. */
enum { DNS_WAITS_MAX = 32 };
struct dns_question; /* a source's own */
struct dns_waiter;
struct dns_wait {
    struct dns_question *question; /* NULL: free */
    struct dns_waiter *waiter;
    struct dns_wait *next, **link; /* the question's list of waits */
};
struct dns_waiter {
    void (*wake)(struct dns_waiter *);
    struct dns_wait waits[DNS_WAITS_MAX];
};

struct dns_source {
    /* Fills *answer_r and returns its status at once; name is an ASCII host name
     * without search list, with or without a final dot; one that no host can have is
     * DNS_NXDOMAIN.  DNS_PENDING: the question is in flight and waiter is told; asking
     * again before that is free.  A null MX (RFC 7505) is DNS_FOUND. */
    enum dns_status (*ask)(struct dns_source *, struct span name, enum dns_type, struct dns_waiter *,
                           struct dns_answer *answer_r);
    /* Forgets the waiter everywhere; its memory may go afterwards. */
    void (*cancel)(struct dns_source *, struct dns_waiter *);
};

#endif
