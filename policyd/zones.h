/* SPDX-License-Identifier: MIT */
/*
 * Which zones of DNS lists can be used.  A list that answers for everything, that refuses
 * to answer, or that is silent would refuse or hold up all mail: it is switched off, and
 * tested again later.  No clock and no sockets here.  Layer 4.
 */
#ifndef POSTERN_ZONES_H
#define POSTERN_ZONES_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/config.h"
#include "policyd/dns.h"

/* Failures in a row after which a zone rests until it was tested; seconds between tests of
 * a zone that is well; the longest wait of one that is not. */
enum { ZONE_FAILURES_MAX = 5, ZONE_TEST_S = 600, ZONE_RETRY_MAX_S = 3600 };

enum zone_health { ZONE_WELL, ZONE_SILENT, ZONE_LISTS_ALL, ZONE_REFUSES, ZONE_HEALTHS };
extern const char *const zone_health_texts[ZONE_HEALTHS]; /* "it does not answer" */

struct zone_state {
    enum zone_health health;
    unsigned failures; /* in a row, of what checks asked */
    int64_t test_at, wait_s;
};

struct zones {
    size_t count;
    int64_t retry_s; /* the first wait */
    struct zone_state zone[CONFIG_DNSBL_ZONES_MAX];
};

/* All are taken for well, and due for a test. One that is switched off is tested after
 * retry_s, then after twice as long each time, at most ZONE_RETRY_MAX_S. */
void zones_init(struct zones *, size_t count, unsigned retry_s, int64_t now);

bool zones_usable(const struct zones *, size_t zone);
void zones_answered(struct zones *, size_t zone, enum dns_status);

/* Whether it is to be tested now. */
bool zones_due(const struct zones *, size_t zone, int64_t now);

/* Takes the outcome of a test; whether the zone was switched on or off by it. */
bool zones_tested(struct zones *, size_t zone, enum zone_health, int64_t now);

/* What two answers say of a zone (RFC 5782, section 5): to 127.0.0.1 or INVALID, which no
 * list holds, and to 127.0.0.2 or TEST, which every list should. That it does not is no
 * harm: then it lists less than it could. */
enum zone_health zones_judge(const struct dns_answer *never, const struct dns_answer *always);

#endif
