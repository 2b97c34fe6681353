/* SPDX-License-Identifier: MIT */
/* policyctl forget: what was recorded about an address goes; its account, if any, stays. */
#include "policyctl/change.h"

static enum status run_forget(struct ctl *ctl, const struct args *a)
{
    struct change c = { .kind = CHANGE_FORGET, .field = { [FIELD_ADDRESS] = a->operand[0] } };

    return change_submit(ctl, &c, 1);
}

const struct command forget_commands[] = {
    { .name = "forget",
      .operands = "ADDRESS",
      .min = 1,
      .max = 1,
      .run = run_forget,
      .help = "Removes all that was recorded about an address",
      .example = "policyctl forget user@example.com" },
    { 0 },
};
