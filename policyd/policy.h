/* SPDX-License-Identifier: MIT */
/*
 * The pipeline: request -> checks -> decision.  Every check is evaluated, for the
 * records; the first refusal in order that is enforced is the reply.  Layer 6.
 */
#ifndef POSTERN_POLICY_H
#define POSTERN_POLICY_H

#include "policyd/decision.h"
#include "policyd/facts.h"
#include "policyd/request.h"

/* Decides a prepared request. PENDING: facts are missing; run it again from the
 * start when facts->waiter was woken (with facts_init, since an account may have
 * changed meanwhile), or with facts->expired set at the deadline. OK: decided.
 * `explain` fills in why each check decided as it did. */
enum result policy_decide(const struct request *, struct facts *, bool explain,
                          struct decision *decision_r) MUST_CHECK;

/* Changes that were proposed, as sets: one of each check, done as a whole or not at all. */
struct commit {
    enum database database;
    bool late; /* a thread still has the sets: what they point to has to stay */
    size_t count;
    enum check_id check[PROPOSALS_MAX];
    struct change_set set[PROPOSALS_MAX];
};

/* What has to be committed before the decision's reply leaves: the changes of
 * all checks where none refuses (of state.db), else those of the one that does (of either). They point into the
 * decision. */
void policy_commit(struct decision *, struct commit *commit_r);

/* Takes the result of each set: the decision may become a refusal, and propose what has to be committed
 * then, unless it is late. */
void policy_committed(const struct request *, struct facts *, const struct commit *, struct decision *);

/* Whether the check's refusal is the reply, in the mode that was found. */
bool policy_takes_effect(enum check_id, const struct finding *);

/* Calls fn for each check that refuses, enforced or only observed. */
typedef void policy_found_fn(enum check_id, const struct finding *, void *context);
void policy_found(const struct decision *d, policy_found_fn *fn, void *context);

/* The one line a decision leaves in the log, without its end. elapsed: microseconds. */
void policy_log_line(const struct request *, const struct decision *, uint64_t elapsed_us,
                     struct strbuf *out);

#endif
