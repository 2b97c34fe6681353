/* SPDX-License-Identifier: MIT */
/*
 * What the Dovecot plugin tells policyd of a login: one datagram, lines of name=value
 * (unknown names are passed over, so that plugin and daemon may differ in age).  What is
 * parsed here has been checked: it comes from another process.  Layer 2.
 */
#ifndef POSTERN_LOGIN_EVENT_H
#define POSTERN_LOGIN_EVENT_H

#include <stdint.h>

#include "address.h"
#include "network.h"
#include "result.h"

enum { LOGIN_EVENT_MAX = 1400, LOGIN_WORD_MAX = 32 };

enum login_security {
    LOGIN_NONE,     /* in clear */
    LOGIN_TRUSTED,  /* the same host or a trusted network, as Dovecot says */
    LOGIN_SECURED,  /* encrypted or trusted: Postfix does not say which */
    LOGIN_STARTTLS,
    LOGIN_IMPLICIT, /* TLS from the first octet */
    LOGIN_SECURITIES
};

enum login_outcome {
    LOGIN_OK,
    LOGIN_LOOKUP, /* the stored password was handed to a mechanism that proves it: its outcome is not known */
    LOGIN_MISMATCH,
    LOGIN_UNKNOWN,
    LOGIN_REFUSED,
    LOGIN_UNAVAILABLE,
    LOGIN_OUTCOMES
};

struct login_event {
    char account[ADDRESS_MAX + 1]; /* canonical; "" with LOGIN_UNKNOWN: what strangers try is not kept */
    char service[LOGIN_WORD_MAX];  /* as Dovecot calls it */
    char mechanism[LOGIN_WORD_MAX];
    char server_name[DOMAIN_MAX + 1]; /* of TLS, canonical; "": none was asked for, or not known */
    char client[NETWORK_TEXT_MAX];    /* its address, or "" */
    char cause[LOGIN_WORD_MAX];       /* what refused, or would if it were enforced */
    enum login_security security;
    enum login_outcome outcome;
    unsigned port; /* 0: not known */
    bool bare;     /* the name was written without its domain */
    uint64_t lost; /* events that this worker could not send before */
};

extern const char *const login_security_names[LOGIN_SECURITIES];
extern const char *const login_outcome_names[LOGIN_OUTCOMES];

/* LIMIT: longer than the builder's array. */
enum result login_event_format(const struct login_event *, struct strbuf *out) MUST_CHECK;

/* BAD, with a line: a value that cannot be. */
enum result login_event_parse(struct span text, struct login_event *event_r, struct error *) MUST_CHECK;

#endif
