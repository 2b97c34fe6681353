/* SPDX-License-Identifier: MIT */
/* A decision, check by check, for people and for programs.  Layer 9. */
#ifndef POSTERN_ANSWER_H
#define POSTERN_ANSWER_H

#include "policyctl/json.h"
#include "policyd/decision.h"

void answer_print(const struct decision *);
void answer_json(const struct decision *, struct json *, const char *key); /* as an object */

#endif
