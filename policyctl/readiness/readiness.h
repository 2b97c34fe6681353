/* SPDX-License-Identifier: MIT */
/*
 * Who would break if a check were enforced now: what was observed (state.db), held
 * against the account table as it is at this moment, so that what was mended since no
 * longer counts.  collect.c reads, judge.c concludes; text, JSON, CSV and HTML print the
 * same struct readiness.  Layer 9.
 */
#ifndef POSTERN_READINESS_H
#define POSTERN_READINESS_H

#include "lib/check_info.h"
#include "policyctl/command.h"

/* ---- who ---- */

enum subject_kind { KIND_ACCOUNT, KIND_SENDER, KIND_HOST };

enum standing {
    STANDING_BREAKS,   /* would be refused from now on */
    STANDING_REFUSED,  /* enforced for it already: is refused when it comes */
    STANDING_EXCEPTED, /* a narrower policy row, or a list entry, lets it pass */
    STANDING_SETTLED,  /* would pass now: the table was changed since */
    STANDING_ATTEMPT,  /* a stranger none of whose mail arrived: most of these are spam */
    STANDINGS
};

/* One way in which a subject meets a check: what has one remedy. Texts are "" where they
 * do not apply or are not known. */
struct evidence {
    const char *cause;           /* as the check names it: "no_tls", "not_owned", ".local" */
    const char *service;         /* imap, pop3, sieve, smtp; "" where a message says it, not a login */
    const char *mechanism;       /* SASL */
    unsigned port;               /* 0: not known */
    const char *server_name;     /* asked for in TLS */
    const char *client;          /* network, /24 or /64 */
    const char *envelope_sender; /* as whom an account sent */
    const char *sample;          /* the reply that was, or was not, sent */
    uint64_t count;              /* logins or mail transactions, since first_seen */
    uint64_t delivered;          /* messages that arrived, and would not have */
    int64_t first_seen, last_seen;
    bool refused;                /* this one was refused: the check was enforced */
};

struct subject {
    const char *name; /* the account, the sender or the remote host's HELO name */
    enum subject_kind kind;
    enum standing standing;
    int64_t until;              /* STANDING_EXCEPTED: when the exception ends; 0: it does not */
    struct evidence *evidence;  /* the most frequent first */
    size_t evidences;
    uint64_t count, delivered; /* of all evidence */
    int64_t last_seen;
};

/* ---- a check ---- */

enum conclusion {
    CONCLUSION_ENFORCED, /* it is already */
    CONCLUSION_SAFE,     /* nobody would break, and everything was seen */
    CONCLUSION_BREAKS,   /* somebody would */
    CONCLUSION_UNKNOWN   /* nobody is known to, but not everything was seen: reasons */
};

enum { REASONS_MAX = 6, REASON_TEXT_MAX = 200 };

struct check_report {
    enum check_id id;
    enum mode mode; /* in the report's scope, before narrower rows */
    enum conclusion conclusion;
    char reason[REASONS_MAX][REASON_TEXT_MAX]; /* what stands in the way of "safe", a sentence each */
    size_t reasons;
    struct subject *subject; /* ranked: those that break first, by what arrived, then by count */
    size_t subjects;
    size_t standing[STANDINGS]; /* how many of each */
    uint64_t delivered;         /* messages that arrived and would have been refused */
    uint64_t refused;           /* mail transactions that were */
    int64_t shed_s;             /* seconds for which it was not run, for the load */
};

/* ---- what old habits there are, whatever the checks say ---- */

enum habit_id {
    HABIT_BARE_NAME, /* logs in without a domain */
    HABIT_OLD_NAME,  /* asks for the server name of --old-name */
    HABIT_EXPOSED,   /* the password crossed the network in clear: it should be replaced */
    HABITS
};

struct habit {
    struct subject *subject; /* accounts, by count */
    size_t subjects;
};

/* ---- a policy row that keeps a check from refusing in a narrower scope ---- */

struct exception {
    enum check_id id;
    const char *scope; /* a domain or an account */
    enum mode mode;
    int64_t until; /* 0: without end */
};

/* ---- over time ---- */

enum { LOGIN_KINDS = 5 }; /* as enum login_security (lib/login_event.h) */

/* An hour of the host, or a day of a domain. */
struct moment {
    int64_t start;
    uint64_t accepted, refused; /* messages */
    uint64_t lost;              /* observations that could not be kept */
    uint64_t logins[LOGIN_KINDS];
    struct {
        uint64_t observed, delivered, refused;
    } check[CHECK_COUNT];
};

/* ---- the whole ---- */

struct readiness {
    const char *scope;    /* "" the host, or a domain */
    const char *old_name; /* "" where none was given */
    const char *host;     /* this host's name */
    int64_t since, until; /* seconds since 1970 */
    uint64_t accounts;    /* in the scope */
    uint64_t connected;   /* of these: logged in or sent since */
    uint64_t accepted;    /* messages since: the host's, or those that the domain's accounts sent */
    uint64_t lost;        /* observations */
    bool smtp_name_unknown; /* some sent over TLS and Postfix does not tell the server name they asked for */
    struct check_report check[CHECK_COUNT];
    struct habit habit[HABITS];
    struct exception *exception;
    size_t exceptions;
    struct moment *moment; /* by start; an hour in which nothing happened is not there */
    size_t moments;
    unsigned step_s; /* 3600 or 86400 */
    struct arena *arena; /* everything above lives there */
};

struct readiness_params {
    const char *scope;    /* canonical domain, "" the host */
    const char *old_name; /* canonical host name, "" none */
    int64_t since;        /* seconds since 1970 */
};

/* Reads both databases and concludes; says why where it cannot. The caller frees it. */
enum status readiness_make(const struct ctl *, const struct readiness_params *, struct readiness **readiness_r);
void readiness_free(struct readiness **);

/* "account", "sender", "host"; "breaks", "refused", ...; "enforced", "safe", "breaks", "unknown" */
const char *subject_kind_name(enum subject_kind);
const char *standing_name(enum standing);
const char *conclusion_name(enum conclusion);
const char *habit_name(enum habit_id); /* "bare_name", "old_server_name", "exposed" */

/* ---- printing; `check` is CHECK_COUNT for all ---- */

void readiness_print(const struct readiness *, unsigned check);

enum { SHARE_TEXT_MAX = 16 };

/* How much of `whole` is left without `lost`, rounded down ("99.98 %"): 100 % is said of
 * nothing less. "" of nothing. */
void readiness_share(uint64_t lost, uint64_t whole, char text_r[static SHARE_TEXT_MAX]);

/* A table of the first `shown` of them, and how many more there are. */
void readiness_subjects(const struct subject *, size_t count, size_t shown);
void readiness_json(const struct readiness *, unsigned check);
void readiness_csv(const struct readiness *, unsigned check);

/* One file for a browser, with the words of policyctl letter. STATUS_INPUT, with a line and
 * nothing printed: the file of the words is wrong. */
enum status readiness_html(const struct ctl *, const struct readiness *, unsigned check);

#endif
