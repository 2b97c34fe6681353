/* SPDX-License-Identifier: MIT */
/*
 * What a decision leaves behind: observations, tallies, what accounts send, and the
 * answer itself for the case that Postfix asks again.  Layer 7.
 */
#ifndef POSTERN_RECORD_H
#define POSTERN_RECORD_H

#include "lib/login_event.h"
#include "policyd/decision.h"
#include "policyd/habits.h"
#include "policyd/job_thread.h"
#include "policyd/request.h"

/* Whether the request was answered already: Postfix sends it again. Then that answer takes
 * the place of the decision's. */
bool record_answered(const struct request *, struct decision *, int64_t now);

/* Records the decision once; where the request was answered before, puts that answer
 * in its place. now: seconds since 1970. */
void record_decision(const struct request *, struct decision *, int64_t now);

/* Counts who sent the message, or was refused (policyd/busiest.h). */
void record_activity(const struct request *, const struct decision *);

/* Tells how the login sends; once for each request (record_behaviour.c). */
void record_behaviour(const struct request *, struct decision *, int64_t now);

/* The same before the reply, where a message passes a check that would hold back an account's mail: what is
 * known of the account has to outlive a crash. Whether `done` will be called once it does. */
bool record_behaviour_first(const struct request *, struct decision *, int64_t now, struct habit_wait *) MUST_CHECK;
void record_behaviour_login(const struct login_event *, const struct network *client, int64_t now);

/* The administrator released the account: what it did lately counts no more. */
void record_release(const char *account);

/* Lets go what is in memory of an address, and hands the job that removes the rest from state.db to
 * the writer, behind all that was on its way there. */
void record_forget(const char *address, struct job *);

/* Records a login that Dovecot told of. */
void record_login(const struct login_event *, int64_t now);

#endif
