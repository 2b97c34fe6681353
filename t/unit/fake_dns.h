/* SPDX-License-Identifier: MIT */
/*
 * A DNS source over a table, for tests: names that it does not hold do not exist.
 * A slow name is DNS_PENDING until fake_dns_answer.
 */
#ifndef POSTERN_T_FAKE_DNS_H
#define POSTERN_T_FAKE_DNS_H

#include "policyd/dns.h"

enum { FAKE_DNS_NAMES_MAX = 64, FAKE_DNS_WAITERS_MAX = 16 };

struct fake_dns_name {
    char name[DNS_NAME_MAX + 1];
    unsigned found;         /* a bit for each enum dns_type that has records */
    enum dns_status others; /* of the types that have none */
    bool slow, asked, never;
    unsigned char address[4];   /* of A */
    char text[DNS_TEXT_MAX + 1]; /* of TXT */
};

struct fake_dns {
    struct dns_source source;
    struct fake_dns_name name[FAKE_DNS_NAMES_MAX];
    size_t names;
    struct dns_waiter *waiter[FAKE_DNS_WAITERS_MAX];
    size_t waiters;
    unsigned questions;
};

void fake_dns_init(struct fake_dns *);

/* "mail.example.net A MX": words are A, AAAA, MX, NODATA, NXDOMAIN, SERVFAIL, SLOW (at
 * first pending) and NEVER (pending for good), A=ADDRESS, and at the end TXT=TEXT. Takes the place of a line for the same
 * name. BAD: a word that is none of these. */
enum result fake_dns_add(struct fake_dns *, struct span line) MUST_CHECK;

/* The slow names that were asked for have their answers: wakes those who wait.
 * False: there was none. */
bool fake_dns_answer(struct fake_dns *);

#endif
