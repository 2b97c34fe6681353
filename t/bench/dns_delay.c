/* SPDX-License-Identifier: MIT */
/*
 * dns_delay ENDPOINT MILLISECONDS - a slow authoritative DNS server for one zone.
 *
 * Answers each UDP question after the same delay: under helo.example, host0 to
 * host999 have an A record; every other name is NXDOMAIN, every other type NODATA
 * (both with the SOA that RFC 2308 asks for).  On SIGTERM it prints how many
 * questions it had, which shows what a cache kept away.
 *
 * libldns for the packets, libevent for the delay: one timer suffices, since what
 * comes first is due first.
 */
#include <err.h>
#include <event2/event.h>
#include <ldns/ldns.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "endpoint.h"

enum { PENDING_MAX = 65536, PACKET_MAX = 1232, HOSTS = 1000, TTL = 3600 };

struct pending {
    uint8_t *wire; /* ldns's; ours to free */
    size_t size;
    struct timeval due;
    struct sockaddr_storage to;
    socklen_t to_len;
};

struct server {
    int fd;
    struct event_base *base;
    struct event *timer;
    struct timeval delay;
    struct pending pending[PENDING_MAX]; /* a ring */
    size_t first, count;
    unsigned long long questions;
};

/* host0 to host999 of the zone. */
static bool is_known(const char *name)
{
    unsigned host;
    int used = 0;

    return sscanf(name, "host%u.helo.example.%n", &host, &used) == 1 && host < HOSTS && used > 0 &&
           !name[used];
}

static void push_record(ldns_pkt *reply, ldns_pkt_section section, const char *text)
{
    ldns_rr *rr = NULL;

    if (ldns_rr_new_frm_str(&rr, text, TTL, NULL, NULL) != LDNS_STATUS_OK)
        errx(2, "%s: not a record", text);
    ldns_pkt_push_rr(reply, section, rr);
}

static void fill_reply(ldns_pkt *reply, ldns_rr *question)
{
    char *name = ldns_rdf2str(ldns_rr_owner(question)), record[LDNS_MAX_DOMAINLEN + 64];
    bool known = name && is_known(name);

    if (known && ldns_rr_get_type(question) == LDNS_RR_TYPE_A) {
        snprintf(record, sizeof record, "%s %d IN A 192.0.2.1", name, TTL);
        push_record(reply, LDNS_SECTION_ANSWER, record);
    } else {
        if (!known)
            ldns_pkt_set_rcode(reply, LDNS_RCODE_NXDOMAIN);
        push_record(reply, LDNS_SECTION_AUTHORITY,
                    "helo.example. 3600 IN SOA ns.helo.example. root.helo.example. 1 3600 600 86400 3600");
    }
    free(name);
}

/* The reply in wire form, to be freed; NULL where the packet is no question. */
static uint8_t *make_reply(const uint8_t *packet, size_t len, size_t *size_r)
{
    ldns_pkt *query = NULL, *reply = NULL;
    uint8_t *wire = NULL;

    if (ldns_wire2pkt(&query, packet, len) != LDNS_STATUS_OK)
        return NULL;
    if (!ldns_pkt_qr(query) && ldns_pkt_qdcount(query) == 1 && (reply = ldns_pkt_new())) {
        ldns_rr *question = ldns_rr_list_rr(ldns_pkt_question(query), 0);

        ldns_pkt_set_id(reply, ldns_pkt_id(query));
        ldns_pkt_set_flags(reply, LDNS_QR | LDNS_AA | LDNS_RA);
        ldns_pkt_set_rd(reply, ldns_pkt_rd(query));
        ldns_pkt_push_rr(reply, LDNS_SECTION_QUESTION, ldns_rr_clone(question));
        fill_reply(reply, question);
        if (ldns_pkt2wire(&wire, reply, size_r) != LDNS_STATUS_OK)
            wire = NULL;
    }
    ldns_pkt_free(reply);
    ldns_pkt_free(query);
    return wire;
}

static void arm_timer(struct server *s, const struct timeval *at)
{
    struct timeval wait = { 0 };

    if (s->count == 0)
        return;
    if (timercmp(&s->pending[s->first].due, at, >))
        timersub(&s->pending[s->first].due, at, &wait);
    evtimer_add(s->timer, &wait);
}

static void send_due(evutil_socket_t fd, short events, void *arg)
{
    struct server *s = arg;
    struct timeval at;

    (void)events;
    (void)fd;
    evutil_gettimeofday(&at, NULL);
    while (s->count > 0 && !timercmp(&s->pending[s->first].due, &at, >)) {
        struct pending *p = &s->pending[s->first];

        if (sendto(s->fd, p->wire, p->size, 0, (struct sockaddr *)&p->to, p->to_len) < 0)
            warn("sendto"); /* the asker may be gone */
        free(p->wire);
        s->first = (s->first + 1) % PENDING_MAX;
        s->count--;
    }
    arm_timer(s, &at);
}

static void take_questions(evutil_socket_t fd, short events, void *arg)
{
    struct server *s = arg;
    uint8_t packet[PACKET_MAX];
    struct timeval at;

    (void)events;
    evutil_gettimeofday(&at, NULL);
    while (s->count < PENDING_MAX) {
        struct pending *p = &s->pending[(s->first + s->count) % PENDING_MAX];
        ssize_t len;

        p->to_len = sizeof p->to;
        if ((len = recvfrom(fd, packet, sizeof packet, 0, (struct sockaddr *)&p->to, &p->to_len)) < 0)
            break;
        s->questions++;
        if (!(p->wire = make_reply(packet, (size_t)len, &p->size)))
            continue;
        timeradd(&at, &s->delay, &p->due);
        if (s->count++ == 0)
            arm_timer(s, &at);
    }
}

static void stop(evutil_socket_t signal_number, short events, void *arg)
{
    struct server *s = arg;

    (void)signal_number;
    (void)events;
    event_base_loopbreak(s->base);
}

int main(int argc, char **argv)
{
    static struct server s;
    struct endpoint at;
    struct event *input, *end;
    long ms = argc == 3 ? strtol(argv[2], NULL, 10) : -1;

    if (ms < 0)
        errx(2, "usage: dns_delay inet:ADDRESS:PORT MILLISECONDS");
    endpoint_parse(argv[1], SOCK_DGRAM, &at);
    s.fd = endpoint_listen(&at, SOCK_DGRAM);
    s.delay = (struct timeval){ ms / 1000, ms % 1000 * 1000 };
    if (!(s.base = event_base_new()) || !(s.timer = evtimer_new(s.base, send_due, &s)) ||
        !(input = event_new(s.base, s.fd, EV_READ | EV_PERSIST, take_questions, &s)) ||
        !(end = evsignal_new(s.base, SIGTERM, stop, &s)) || event_add(input, NULL) < 0 ||
        event_add(end, NULL) < 0 || event_base_dispatch(s.base) < 0)
        errx(2, "libevent cannot start");
    printf("%llu\n", s.questions);
    event_free(end);
    event_free(input);
    event_free(s.timer);
    event_base_free(s.base);
    close(s.fd);
    return 0;
}
