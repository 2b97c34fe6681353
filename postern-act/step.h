/* SPDX-License-Identifier: MIT */
/* What is done about an event: one row a step (step.c).  Layer 9. */
#ifndef POSTERN_ACT_STEP_H
#define POSTERN_ACT_STEP_H

#include "postern-act/act.h"

/* Whether the configuration asks for the step, for such an event. */
bool step_applies(const struct act *, const struct task *, enum step_id);

/* Whether it must not be done twice. */
bool step_is_once(enum step_id);

/* Whether it need not wait for another step of its event. */
bool step_is_ready(const struct step *);

/* OK: a program runs, act_step_ended is called later; NOT_FOUND: there is nothing to do;
 * TRY_AGAIN, BAD: with a line. */
enum result step_start(struct step *, struct error *) MUST_CHECK;

/* Runs one program for a step that is done with it. A deadline that is up gives a step
 * that must not be done twice up. */
enum result step_run(struct step *, const char *const *argv, struct span input, struct error *) MUST_CHECK;

/* queue_step.c: lists the account's mail in the queue, and holds it where that is wanted. */
enum result queue_step_start(struct step *, struct error *) MUST_CHECK;

#endif
