/* SPDX-License-Identifier: MIT */
/*
 * One question of Postfix (SMTPD_POLICY_README): attributes as they came, and what
 * the checks need of them in canonical form.  Read-only once it is prepared.
 * Layer 3.
 */
#ifndef POSTERN_REQUEST_H
#define POSTERN_REQUEST_H

#include <stdbool.h>

#include "lib/address.h"
#include "lib/config.h"
#include "lib/network.h"
#include "lib/str.h"

/* In the order in which Postfix 3.7 sends them: parsing expects each next. */
enum attribute {
    ATTR_REQUEST,
    ATTR_PROTOCOL_STATE,
    ATTR_PROTOCOL_NAME,
    ATTR_CLIENT_ADDRESS,
    ATTR_CLIENT_NAME,
    ATTR_CLIENT_PORT,
    ATTR_REVERSE_CLIENT_NAME,
    ATTR_SERVER_ADDRESS,
    ATTR_SERVER_PORT,
    ATTR_HELO_NAME,
    ATTR_SENDER,
    ATTR_RECIPIENT,
    ATTR_RECIPIENT_COUNT,
    ATTR_QUEUE_ID,
    ATTR_INSTANCE,
    ATTR_SIZE,
    ATTR_ETRN_DOMAIN,
    ATTR_STRESS,
    ATTR_SASL_METHOD,
    ATTR_SASL_USERNAME,
    ATTR_SASL_SENDER,
    ATTR_CCERT_SUBJECT,
    ATTR_CCERT_ISSUER,
    ATTR_CCERT_FINGERPRINT,
    ATTR_CCERT_PUBKEY_FINGERPRINT,
    ATTR_ENCRYPTION_PROTOCOL,
    ATTR_ENCRYPTION_CIPHER,
    ATTR_ENCRYPTION_KEYSIZE,
    ATTR_POLICY_CONTEXT,
    ATTR_COMPATIBILITY_LEVEL,
    ATTR_MAIL_VERSION,
    ATTR_TLS_SNI,
    ATTR_COUNT /* at most 32: the parser keeps a bit for each */
};

extern const struct span attribute_names[ATTR_COUNT];

/* Bits, so that a check can name those in which it runs. */
enum protocol_state {
    STATE_OTHER = 0, /* CONNECT, VRFY, ETRN, and what is not known */
    STATE_HELO = 1,  /* EHLO too */
    STATE_MAIL = 2,
    STATE_RCPT = 4,
    STATE_DATA = 8, /* BDAT too */
    STATE_END_OF_MESSAGE = 16
};

/* policy_context, set in the hook of each restriction list (Postfix 3.1). */
enum policy_context {
    CONTEXT_HELO = 1,
    CONTEXT_SENDER = 2,
    CONTEXT_RECIPIENT = 4,
    CONTEXT_END_OF_DATA = 8,
    CONTEXT_ALL = 15 /* none named, or one that is not known */
};

struct request {
    struct span attr[ATTR_COUNT]; /* into the caller's buffer; empty where it was not sent */
    enum protocol_state state;
    enum policy_context context;

    bool has_client; /* client_address is an address */
    struct network client;
    bool trusted;       /* client is in trusted_networks */
    bool authenticated; /* sasl_username is not empty */
    bool submission;    /* server_port is one of submission_ports */

    /* Canonical. A sender that cannot be parsed is kept with sender_odd: it is
     * nobody's address, and no reason to skip a check. Likewise the login. */
    struct address sender, recipient, login;
    bool sender_odd, login_odd;
    bool no_memory; /* to make one of them, or a name, canonical: it is not known whose rules count */
    char helo[DOMAIN_MAX + 1]; /* canonical; "" where absent or absurd */
    char client_name[DOMAIN_MAX + 1]; /* the same; "unknown" where DNS does not confirm one */
};

/* Fills in everything but attr. With no_memory the request is not to be decided. */
void request_prepare(struct request *, const struct config *);

/* The key by which a request that Postfix sends again is known: instance, queue_id,
 * policy_context, protocol_state, recipient, recipient_count and size. NOT_FOUND:
 * none, for want of an instance; LIMIT: too long. */
enum { RESEND_KEY_MAX = 1024 };
enum result request_resend_key(const struct request *, char key_r[RESEND_KEY_MAX], size_t *len_r) MUST_CHECK;

/* The same as a number; 0: it has no key. */
uint64_t request_resend_number(const struct request *);

#endif
