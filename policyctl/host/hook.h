/* SPDX-License-Identifier: MIT */
/*
 * check_policy_service in a restriction list, as postconf(5) and SMTPD_POLICY_README
 * describe it: pure functions over texts.  Layer 9.
 */
#ifndef POSTERN_HOST_HOOK_H
#define POSTERN_HOST_HOOK_H

#include "policyctl/host/postfix.h"

/* What one says, or the parameters smtpd_policy_service_* where it does not. */
struct hook {
    char endpoint[256]; /* "unix:postern/policy", "inet:127.0.0.1:10040" */
    char context[64];
    char default_action[256];
    unsigned timeout_s, try_limit, retry_delay_s;
};

/* The word behind check_policy_service. BAD: it cannot be read. */
enum result hook_parse(const struct postfix *, const struct service *, struct span word, struct hook *hook_r) MUST_CHECK;

/* Whether it asks policyd: one of policyd.conf's `listen`. */
bool hook_is_ours(const struct postfix *, const struct hook *);

/* Seconds for which a client waits where policyd is silent. */
unsigned hook_stall(const struct hook *);

/* What Postfix does where it gets no answer. */
enum away { AWAY_DEFERS, AWAY_PASSES, AWAY_PERMITS, AWAY_REFUSES };
enum away hook_away(const struct hook *);

/* Where mail is not asked about: "permit_mynetworks", "reject". */
bool word_ends_list(struct span word);

/* Where smtpd finds policyd: a socket of policyd.conf's `listen`, relative to the queue directory where
 * it lies there. NOT_FOUND: none that this service can reach (chrooted, and all lie elsewhere); then the
 * first one is written. */
enum result hook_endpoint(const struct postfix *, const struct service *, struct strbuf *);

/* What $postern_policy and $postern_away of contrib/postfix are to say, for this service. */
void hook_write_policy(const struct postfix *, const struct service *, struct strbuf *);
#define HOOK_AWAY "{ default_action = 451 4.3.0 Policy service unavailable, try again later }"

/* Whether these variables of main.cf are as they should be. */
bool hook_variables_serve(const struct postfix *, const struct service *);

/* Writes the hook that a list should have, with the variables or with their text. */
void hook_write(const struct postfix *, const struct service *, const char *context, bool variables, struct strbuf *);

enum { STALL_MAX = 60 };

#endif
