/* SPDX-License-Identifier: MIT */
/* policyctl policy plan.  Layer 9. */
#ifndef POSTERN_POLICY_PLAN_H
#define POSTERN_POLICY_PLAN_H

#include "policyctl/command.h"

/* Shows what is planned, or plans what a file says, and nothing else any more. */
enum status policy_plan(struct ctl *, const struct args *);

#endif
