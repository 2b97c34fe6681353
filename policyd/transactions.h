/* SPDX-License-Identifier: MIT */
/*
 * What the checks found in each mail transaction that is under way, so that a finding
 * counts once however many recipients the message has, and a message that arrived is
 * told from an attempt.  A transaction is known by the `instance` of Postfix's requests
 * (SMTPD_POLICY_README).  Bounded; in memory only.  Layer 6.
 */
#ifndef POSTERN_TRANSACTIONS_H
#define POSTERN_TRANSACTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "policyd/decision.h"

/* Under way at a time (a newer one takes the place of another); findings of one; seconds
 * after which one counts as given up. */
enum { TRANSACTIONS_MAX = 8192, TRANSACTION_FINDINGS_MAX = 16, TRANSACTION_KEEP_S = 3600 };

/* What a check found, with whom it concerns; texts are the caller's. */
struct sighting {
    enum check_id check;
    bool refused;        /* enforced; else only observed */
    const char *subject; /* who would have to mend it: account, sender or remote host */
    const char *cause;
    const char *envelope_sender; /* as whom an account sent; else "" */
    const char *network; /* of the client: network_text of its /24 or /64, or "" */
    const char *sample;  /* the reply */
};

struct transactions;

enum result transactions_open(struct transactions **transactions_r) MUST_CHECK;
void transactions_close(struct transactions **);

/* Whether the transaction meets this finding for the first time. Past
 * TRANSACTION_FINDINGS_MAX, and where there is no memory, false: it is not counted. An
 * empty instance names no transaction: always true. now: seconds. */
bool transactions_note(struct transactions *, struct span instance, const struct sighting *, int64_t now);

/* The message has arrived or was refused as a whole: hands out what was noted, where fn
 * is not NULL, and forgets the transaction. */
typedef void transactions_fn(const struct sighting *, void *context);
void transactions_end(struct transactions *, struct span instance, int64_t now, transactions_fn *fn, void *context);

#endif
