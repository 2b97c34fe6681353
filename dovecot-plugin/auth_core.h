/* SPDX-License-Identifier: MIT */
/*
 * What the Dovecot plugin decides, without a word of Dovecot's: who a login is,
 * whether it may pass and what it is told.  Rows are read afresh for every question
 * and none is kept.  Layer 9, lib/ only.
 */
#ifndef POSTERN_AUTH_CORE_H
#define POSTERN_AUTH_CORE_H

#include "dovecot-plugin/auth_store.h"
#include "lib/address.h"
#include "lib/config.h"

enum auth_secured {
    AUTH_SECURED_NONE,
    AUTH_SECURED_TRUSTED, /* the same host or a trusted network, as the server says */
    AUTH_SECURED_TLS
};

enum auth_result {
    AUTH_OK,
    AUTH_UNKNOWN,    /* no such account */
    AUTH_MISMATCH,   /* wrong password */
    AUTH_REFUSED,    /* disabled, suspended, or a password that must not come this way */
    AUTH_UNAVAILABLE /* the store could not be read: neither a grant nor a refusal */
};

/* Texts are never NULL; empty where the server does not say. */
struct auth_login {
    const char *user;        /* as the client wrote it */
    const char *service;     /* as Dovecot calls it: imap, pop3, smtp, sieve, ... */
    const char *mechanism;   /* PLAIN, SCRAM-SHA-256, ... */
    const char *server_name; /* the TLS server name that the client asked for (RFC 6066, 3) */
    const char *client;      /* its address */
    enum auth_secured secured;
    unsigned local_port; /* 0: unknown */
    int64_t now;         /* seconds since 1970 */
};

enum { AUTH_PASSWORD_MAX = 1024, AUTH_REASON_MAX = 512, ACCOUNT_FIELDS_MAX = 32 };

/* Fields as Dovecot names them, each once; their texts lie in the structure. (Dovecot has
 * structures of its own by the names auth_field and auth_fields.) */
struct account_fields {
    struct account_field {
        const char *name, *value;
    } field[ACCOUNT_FIELDS_MAX];
    size_t count;
    char text[6144];
    size_t used;
};

struct auth_answer {
    char user[ADDRESS_MAX + 1];   /* canonical, completed with default_domain */
    char reason[AUTH_REASON_MAX]; /* AUTH_REFUSED: for the user, after his password matched */
    const char *cause;            /* "", "disabled", "suspended", "new_password", or the check that refuses */
    const char *observed;         /* "", or a check that would refuse if it were enforced */
    struct account_fields fields;    /* AUTH_OK: extra fields of the passdb */
    struct error error;           /* AUTH_UNAVAILABLE: for the log */
};

/* Whether the password that the client sent matches `stored`, {SCHEME}hash; takes as long
 * where it does not. `quiet`: no mismatch is worth a line in the log, since the account
 * does not exist, or since another hash has matched before. */
typedef bool auth_verify_fn(const char *stored, bool quiet, void *context);

struct auth_core;

/* Reads the configuration (policyd.conf(5)). NULL, with a line that names the file and
 * the line in it. */
struct auth_core *auth_core_new(const char *config_path, struct error *);
void auth_core_free(struct auth_core **);

/* A plaintext password. The reason of a refusal is given only where it matched. */
enum auth_result auth_core_login(struct auth_core *, const struct auth_login *, auth_verify_fn *verify,
                                 void *context, struct auth_answer *answer_r) MUST_CHECK;

/* The stored password, for mechanisms that prove it without sending it: TLS does not
 * matter to them, and a refusal has no reason since nothing is proven yet. The
 * caller wipes it. */
enum auth_result auth_core_credentials(struct auth_core *, const struct auth_login *,
                                       char password_r[static AUTH_PASSWORD_MAX],
                                       struct auth_answer *answer_r) MUST_CHECK;

/* Where an account's mail lies and what goes with it, as far as account, domain or
 * configuration say: home, mail (a mail_location), uid, gid, quota (a size such as 2G, or 0
 * for unlimited), and the userdb's extra fields without their prefix. */
struct auth_user {
    char name[ADDRESS_MAX + 1]; /* canonical */
    struct account_fields fields;
};

/* For delivery too: status and suspension do not matter. AUTH_OK, AUTH_UNKNOWN, or
 * AUTH_UNAVAILABLE with a line. */
enum auth_result auth_core_user(struct auth_core *, const char *name, struct auth_user *user_r,
                                struct error *) MUST_CHECK;

/* Up to AUTH_PAGE names behind `after` ("" at first), ordered. */
enum { AUTH_PAGE = 256 };
struct auth_page {
    char name[AUTH_PAGE][ADDRESS_MAX + 1];
    size_t count;
};
enum auth_result auth_core_users(struct auth_core *, const char *after, struct auth_page *page_r,
                                 struct error *) MUST_CHECK;

#endif
