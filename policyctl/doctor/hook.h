/* SPDX-License-Identifier: MIT */
/*
 * check_policy_service in a restriction list, as postconf(5) and SMTPD_POLICY_README
 * describe it: pure functions over texts.  Layer 9.
 */
#ifndef POSTERN_DOCTOR_HOOK_H
#define POSTERN_DOCTOR_HOOK_H

#include "policyctl/doctor/postfix.h"

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
bool hook_is_ours(const struct doctor *, const struct postfix *, const struct hook *);

/* Seconds for which a client waits where policyd is silent. */
unsigned hook_stall(const struct hook *);

/* What Postfix does where it gets no answer. */
enum away { AWAY_DEFERS, AWAY_PASSES, AWAY_PERMITS, AWAY_REFUSES };
enum away hook_away(const struct hook *);

/* Where mail is not asked about: "permit_mynetworks", "reject". */
bool word_ends_list(struct span word);

/* Writes the hook that a list should have, with $postern_policy and $postern_away of
 * contrib/postfix where main.cf has them as they should be. */
void hook_write(const struct doctor *, const struct postfix *, const struct service *, const char *context,
                struct strbuf *);

enum { STALL_MAX = 60 };

#endif
