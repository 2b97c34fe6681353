/* SPDX-License-Identifier: MIT */
/*
 * A check: a pure function of request, configuration, facts and time.  It never
 * logs, writes, reads a clock or touches a socket.  To add one: a row in
 * lib/check_info.c, a file in checks/, a line in check.c, cases in t/cases/.
 * Layer 5.
 */
#ifndef POSTERN_CHECK_H
#define POSTERN_CHECK_H

#include "policyd/decision.h"
#include "policyd/facts.h"
#include "policyd/request.h"

struct check_ctx {
    enum check_id id;
    const struct request *request;
    const struct config *config;
    struct facts *facts;
    const struct listed_row *listed; /* the list entry that matches, or NULL */
    struct proposals *proposed;      /* what is to be written before the reply (proposal.h) */
};

/* Only VERDICT_REFUSE fills in the finding (check_refuse). A check may lower
 * f->mode, never raise it. */
typedef enum verdict check_fn(const struct check_ctx *, struct finding *);

/* What became of the changes that the check proposed, which were done as a whole or not at
 * all: set->result, with the store's line; OK, or LIMIT where one of them would go over its
 * own limit; TRY_AGAIN: not written now. Returns the check's verdict, PASS or REFUSE, or
 * TRY_AGAIN. No fact is asked for here. */
typedef enum verdict check_committed_fn(const struct check_ctx *, const struct change_set *,
                                        struct finding *);

struct check {
    check_fn *run;
    unsigned states;   /* bits of enum protocol_state in which it can decide */
    unsigned contexts; /* bits of enum policy_context in which it does */
    unsigned flags;
    unsigned shed_at; /* what it costs: the level of load (load.h) from which on it is not run; 0: always run */
    check_committed_fn *committed; /* NULL: the verdict stays, whatever became of them */
};

enum {
    CHECK_SKIPPED_BY_ALLOW = 1, /* an allow entry spares the client this one */
    CHECK_STRANGERS_ONLY = 2,   /* never for authenticated or trusted clients */
    CHECK_CLIENTS_TOO = 8,      /* by login, or by client where nobody logged in */
    CHECK_COUNTS = 16,          /* what it proposes is counted in memory while it cannot be written */
    CHECK_AFTER_COMMIT = 32,    /* run once more then: others of the account's were decided meanwhile */
    CHECK_NEEDS_ACCOUNTS = 4    /* where accounts cannot be read, mail waits (451 4.3.0) */
};

extern const struct check checks[CHECK_COUNT];

bool check_is_shed(enum check_id, unsigned load_level);

/* Fills in the reply from the check's text, with values for its {placeholders}:
 * request's own ones, and `detail` for {suffix} and {reason}. Returns VERDICT_REFUSE. */
enum verdict check_refuse(const struct check_ctx *, struct finding *, const char *cause, const char *subject,
                          const char *detail);

check_fn access_run, account_status_run, starttls_run, implicit_tls_run, sender_login_run, sender_auth_run,
    helo_local_run, helo_fqdn_run, helo_self_run, helo_resolve_run, dnsbl_run, greylist_run, send_limit_run,
    compromise_run;
check_committed_fn greylist_committed, send_limit_committed;

#endif
