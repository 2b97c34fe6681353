/* SPDX-License-Identifier: MIT */
/* policyctl shed: costly checks, by hand. */
#include "policyctl/ask.h"

static enum status ask_mode(const struct ctl *ctl, const char *mode)
{
    static char reply[CONTROL_REPLY_MAX];
    char request[512], who[ASK_WHO_MAX];
    struct strbuf b;
    struct error e;

    strbuf_init(&b, request, sizeof request);
    strbuf_addf(&b, "command=shed\nmode=%s\nby=%s\n\n", mode, ask_who(who));
    switch (ask_policyd(ctl, (struct span){ request, b.len }, reply, &e)) {
    case OK:
        return STATUS_DONE;
    case TRY_AGAIN:
        return fail_error(STATUS_UNREACHABLE, &e);
    default:
        return fail_error(STATUS_FAILED, &e);
    }
}

static enum status run_auto(struct ctl *ctl, const struct args *a)
{
    (void)a;
    return ask_mode(ctl, "auto");
}

static enum status run_off(struct ctl *ctl, const struct args *a)
{
    (void)a;
    return ask_mode(ctl, "off");
}

static enum status run_on(struct ctl *ctl, const struct args *a)
{
    (void)a;
    return ask_mode(ctl, "on");
}

const struct command shed_commands[] = {
    { .name = "shed",
      .verb = "auto",
      .operands = "",
      .run = run_auto,
      .help = "Leaves it to the load which costly checks are run",
      .example = "policyctl shed auto" },
    { .name = "shed",
      .verb = "off",
      .operands = "",
      .run = run_off,
      .help = "Has all checks run, whatever the load",
      .example = "policyctl shed off" },
    { .name = "shed",
      .verb = "on",
      .operands = "",
      .run = run_on,
      .help = "Has no costly check run from now on",
      .example = "policyctl shed on" },
    { 0 },
};
