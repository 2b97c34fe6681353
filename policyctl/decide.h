/* SPDX-License-Identifier: MIT */
/*
 * One decision as policyd would make it, from the table as it is and with DNS, but
 * without policyd and without a trace: nothing is written.  Layer 9.
 */
#ifndef POSTERN_DECIDE_H
#define POSTERN_DECIDE_H

#include "policyctl/command.h"
#include "policyd/decision.h"
#include "policyd/request.h"

/* Decides a prepared request, waiting for DNS up to limits.deadline_ms; fills in why
 * each check decided as it did. */
enum status decide(const struct ctl *, const struct request *, struct decision *decision_r);

/* The same up to the commit: what the checks propose still stands in decision_r. */
enum status decide_proposals(const struct ctl *, const struct request *, struct decision *decision_r);

#endif
