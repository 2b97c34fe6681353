/* SPDX-License-Identifier: MIT */
/*
 * A zone of a DNS list (RFC 5782) as an option names it, in the way of
 * postscreen_dnsbl_sites (postconf(5)): [KIND:]ZONE[=FILTER][*WEIGHT].  Layer 1.
 */
#ifndef POSTERN_DNSBL_ZONE_H
#define POSTERN_DNSBL_ZONE_H

#include <stdbool.h>
#include <stdint.h>

#include "network.h"
#include "result.h"
#include "str.h"

/* What is looked up in it. */
enum zone_kind { ZONE_CLIENT, ZONE_HELO, ZONE_SENDER, ZONE_NAME, ZONE_KINDS };

enum { ZONE_NAME_MAX = 180, ZONE_TEXT_MAX = 320, ZONE_WEIGHT_MAX = 100, ZONE_QUESTION_MAX = 253 };

struct dnsbl_zone {
    enum zone_kind kind;
    char name[ZONE_NAME_MAX + 1]; /* canonical */
    int weight;                   /* negative: what it lists is let pass rather */
    uint32_t filter[4][8];        /* of each octet of an answer, a bit for each value that counts */
    char text[ZONE_TEXT_MAX];     /* canonical, parses to the same */
};

/* KIND is client (left out), helo, sender (its domain) or name (client_name). FILTER is an
 * address each of whose octets is a number or [a;b..c]; without one every 127.0.0.0/8
 * counts. WEIGHT is -100 to 100, not 0; 1 where it is left out. BAD, with a line. */
enum result dnsbl_zone_parse(struct span text, struct dnsbl_zone *zone_r, struct error *) MUST_CHECK;

/* Whether an answer's address counts: never one outside of 127.0.0.0/8, nor of
 * 127.255.255.0/24, where lists say that they refuse to answer. */
bool dnsbl_zone_lists(const struct dnsbl_zone *, const unsigned char address[static 4]);

/* The name to ask for: an address reversed by octets or nibbles (RFC 5782, 2.1 and 2.4), or
 * a name as it is, and the zone. BAD: too long. */
enum result dnsbl_question(const struct dnsbl_zone *, const struct network *client,
                           char question_r[static ZONE_QUESTION_MAX + 1]) MUST_CHECK;
enum result dnsbl_name_question(const struct dnsbl_zone *, struct span name,
                                char question_r[static ZONE_QUESTION_MAX + 1]) MUST_CHECK;

#endif
