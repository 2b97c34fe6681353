/* SPDX-License-Identifier: MIT */
#include "t/unit/dns_reply.h"

#include <ldns/ldns.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void need(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "DNS reply of a test: %s\n", what);
    abort();
}

static void push_records(ldns_pkt *packet, ldns_pkt_section section, const char *lines)
{
    char line[1024];

    for (size_t length; lines && *lines; lines += length + (lines[length] == '\n')) {
        ldns_rr *rr;
        length = strcspn(lines, "\n");
        need(length < sizeof line, lines);
        memcpy(line, lines, length);
        line[length] = '\0';
        need(ldns_rr_new_frm_str(&rr, line, 3600, NULL, NULL) == LDNS_STATUS_OK, line);
        need(ldns_pkt_push_rr(packet, section, rr), line);
    }
}

static void push_question(ldns_pkt *packet, const char *question)
{
    ldns_rr *rr;

    if (!question)
        return;
    need(ldns_rr_new_question_frm_str(&rr, question, NULL, NULL) == LDNS_STATUS_OK, question);
    need(ldns_pkt_push_rr(packet, LDNS_SECTION_QUESTION, rr), question);
}

size_t reply_build(const struct reply_text *text, uint16_t id, unsigned char *octets_r)
{
    ldns_pkt *packet = ldns_pkt_new();
    uint8_t *octets;
    size_t length;

    ldns_pkt_set_id(packet, id);
    ldns_pkt_set_qr(packet, true);
    ldns_pkt_set_rd(packet, true);
    ldns_pkt_set_ra(packet, true);
    ldns_pkt_set_tc(packet, text->truncated);
    ldns_pkt_set_rcode(packet, text->rcode & 15);
    if (text->rcode > 15) {
        ldns_pkt_set_edns_udp_size(packet, 1232);
        ldns_pkt_set_edns_extended_rcode(packet, (uint8_t)(text->rcode >> 4));
    }
    push_question(packet, text->question);
    push_records(packet, LDNS_SECTION_ANSWER, text->answer);
    push_records(packet, LDNS_SECTION_AUTHORITY, text->authority);
    need(ldns_pkt2wire(&octets, packet, &length) == LDNS_STATUS_OK && length <= REPLY_OCTETS_MAX, "too long");
    memcpy(octets_r, octets, length);
    LDNS_FREE(octets);
    ldns_pkt_free(packet);
    return length;
}
