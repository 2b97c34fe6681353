/* SPDX-License-Identifier: MIT */
/*
 * What a check may ask: domains, accounts, aliases, grants, modes, list entries and
 * DNS.  Each says OK, NOT_FOUND or TRY_AGAIN, and of DNS alone that it is pending.  Layer 5.
 */
#ifndef POSTERN_FACTS_H
#define POSTERN_FACTS_H

#include "lib/address.h"
#include "lib/usage.h"
#include "policyd/behaviour.h"
#include "policyd/dns.h"
#include "policyd/recipients.h"
#include "policyd/request.h"
#include "policyd/rows.h"
#include "policyd/zones.h"

enum {
    REASON_MAX = 400,
    LISTED_TEXT_MAX = 200,
    FACTS_KEPT_S = 60 /* what each request asks for is read anew so often, though nothing has changed */
};

/* How often each kind of fact was asked for, by its answer, since the start. */
enum fact_kind { FACT_DOMAIN, FACT_ACCOUNT, FACT_ALIAS, FACT_GRANT, FACT_POLICY, FACT_LIST, FACT_KINDS };
extern const char *const fact_kind_names[FACT_KINDS];

struct facts_counts {
    uint64_t row[FACT_KINDS][RESULT_COUNT];
    uint64_t dns[DNS_STATUS_COUNT];
};

/* The policy rows of one scope, as long as they stay the same. */
struct scope_modes {
    char scope[ADDRESS_MAX + 1];
    bool known;
    uint64_t generation;           /* rows_generation() when they were read */
    int64_t expires;               /* seconds since 1970: when the first of them begins or stops to count */
    signed char mode[CHECK_COUNT]; /* -1: no row that counts */
};

/* Where it is known how an account sends. Valid until the next question; NULL: it could not
 * be read. */
struct behaviour_source {
    const struct behaviour *(*get)(struct behaviour_source *, const char *account, int64_t now);
};

struct account_row {
    bool relay, disabled;
    bool has_policy;    /* policy rows of its own */
    bool new_password;  /* demanded, and not set yet */
    bool has_limit;     /* limits of its own */
    char suspended[32]; /* "", "all", or services */
    char reason[REASON_MAX + 1];
    int64_t suspended_until; /* 0: until released */
};

struct account_memo {
    char address[ADDRESS_MAX + 1]; /* "": none */
    uint64_t generation;           /* rows_generation() when it was read */
    struct account_row row;
};

/* The host's limits that count by one thing, as long as they stay the same. */
struct limits_memo {
    const char *counted_by; /* NULL: none */
    uint64_t generation;    /* rows_generation() when they were read */
    int64_t expires;        /* seconds since 1970; 0: they are to be read */
    enum result result;
    struct usage_limits limits;
};
enum { LIMITS_MEMOS = 5 };

/* One request's view at a time; the owner keeps what it points to. */
struct facts {
    const struct config *config;
    struct rows *rows;
    struct dns_source *dns;    /* NULL: DNS cannot be asked */
    struct dns_waiter *waiter; /* told when an answer that was pending is there */
    int64_t now;               /* seconds since 1970 */
    bool expired;              /* the deadline has passed: nothing is waited for */
    unsigned lookups;          /* DNS questions of this request so far */
    unsigned load_level;       /* 0: no check is shed (load.h) */
    uint64_t (*clock_ns)(void); /* NULL: checks are not timed */
    struct facts_counts *counts; /* NULL: not counted */
    struct zones *zones;         /* NULL: all are asked */
    const struct list_filter *list_filter; /* NULL: the table is asked for every key */
    struct behaviour_source *behaviours; /* NULL: cannot be asked */
    const struct recipients *recipients; /* NULL: which ones a message has is not known */
    struct account_memo account; /* last asked for, by this request */
    /* Last asked for: an account's, the host's, and a domain's for each enum check_subject. */
    struct scope_modes memo[2 + SUBJECT_COUNT];
    struct limits_memo host_limits[LIMITS_MEMOS];
};

void facts_init(struct facts *, const struct config *, struct rows *, struct dns_source *);

/* The next request, or the same one again. */
void facts_begin(struct facts *, struct dns_waiter *, int64_t now);

enum domain_kind { DOMAIN_MAILBOX, DOMAIN_RELAY, DOMAIN_ALIAS };

struct domain_row {
    enum domain_kind kind;
    char target[DOMAIN_MAX + 1]; /* of an alias */
};

struct alias_row {
    bool members_send;
    unsigned destinations;
    char first[ADDRESS_MAX + 1]; /* of the destinations: mostly the only one */
};

enum result facts_domain(struct facts *, struct span name, struct domain_row *row_r) MUST_CHECK;
enum result facts_account(struct facts *, const char *address, struct account_row *row_r) MUST_CHECK;
enum result facts_alias(struct facts *, const char *address, struct alias_row *row_r) MUST_CHECK;

/* Both at once: whether the address is an account, an alias, or neither (NOT_FOUND). */
struct address_row {
    bool account, alias;
    struct alias_row alias_row;
};
enum result facts_address(struct facts *, const char *address, struct address_row *row_r) MUST_CHECK;
enum result facts_alias_member(struct facts *, const char *alias, const char *destination) MUST_CHECK;

/* Any query on accounts.db, as rows_get answers it, counted. */
enum result facts_query(struct facts *, enum query, const char *const *params, size_t count,
                        struct rowset *rowset_r) MUST_CHECK;

/* Hands out the rows of a one-column query (destinations, grantees): texts as in
 * struct rowset. LIMIT: too many. */
enum result facts_column(struct facts *, enum query, const char *const *params, size_t count,
                         struct rowset *rowset_r) MUST_CHECK;

/* The grant by which login may send as sender, most specific first: its two names. */
struct grant_row {
    char grantee[ADDRESS_MAX + 1], sender[ADDRESS_MAX + 1];
};
enum result facts_grant(struct facts *, const struct address *login, const struct address *sender,
                        struct grant_row *row_r) MUST_CHECK;

/* The check's mode by the narrowest row that counts: account ("" for none), domain,
 * host, else the check's default. *scope_r: the row's scope, NULL for the default.
 * TRY_AGAIN: rows could not be read, *mode_r is the default. */
enum result facts_mode(struct facts *, enum check_id, const struct address *account, struct span domain,
                       enum mode *mode_r, const char **scope_r) MUST_CHECK;

/* The most specific list entry that matches the request (lib/list_entry.h); allow before
 * deny. */
struct listed_row {
    bool allow;
    char id[24];
    char text[LISTED_TEXT_MAX]; /* what it names, as far as it fits */
};
enum result facts_listed(struct facts *, const struct request *, struct listed_row *row_r) MUST_CHECK;

/* The limits of one scope ("" the host, a domain, an account, a network of
 * facts_limit_network) that count by account, relay, domain, client or host, a name that
 * lasts as long as the facts. OK with none:
 * no limit, whatever a wider scope says; NOT_FOUND: it says nothing. */
enum result facts_limits(struct facts *, const char *scope, const char *counted_by,
                         struct usage_limits *limits_r) MUST_CHECK;

/* The narrowest network with limits that the client is in. */
enum result facts_limit_network(struct facts *, const struct network *client,
                                char network_r[static NETWORK_TEXT_MAX]) MUST_CHECK;

/* A copy, empty for an account that nothing is known of. NOT_FOUND: there is no source. */
enum result facts_behaviour(struct facts *, const char *account, struct behaviour *behaviour_r) MUST_CHECK;

/* A zone of the DNS lists, by its number in the configuration. DNS_FAILED, without asking,
 * where it is switched off. Not counted against the limit of lookups. */
enum dns_status facts_zone(struct facts *, size_t zone, struct span question, enum dns_type,
                           struct dns_answer *answer_r);

/* Counts against the request's limit of lookups; past it, and after the deadline,
 * DNS_FAILED. */
enum dns_status facts_dns(struct facts *, struct span name, enum dns_type, struct dns_answer *answer_r);

#endif
