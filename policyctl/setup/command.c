/* SPDX-License-Identifier: MIT */
/* policyctl setup: the plan, and what is done about it. */
#include <stdio.h>
#include <string.h>

#include "lib/check_info.h"
#include "policyctl/setup/setup.h"

struct modes {
    enum mode mode[CHECK_COUNT];
};

static bool mode_fn(const struct row *row, void *context)
{
    struct modes *m = context;
    enum check_id id;
    enum mode mode;

    if (row->column[0][0] == '\0' && check_parse(span_of(row->column[1]), &id) == OK &&
        mode_parse(span_of(row->column[2]), &mode) == OK)
        m->mode[id] = mode;
    return true;
}

static bool read_modes(const struct ctl *ctl, struct modes *m)
{
    struct store_params p = { .path = ctl->config->accounts_db,
                              .database = DATABASE_ACCOUNTS,
                              .access = STORE_READ,
                              .busy_timeout_ms = 2000 };
    struct store *store;
    char now[24];
    const char *param = now;

    for (size_t i = 0; i < CHECK_COUNT; i++)
        m->mode[i] = check_infos[i].mode;
    if (store_open(&p, &store, NULL) != OK)
        return false;
    snprintf(now, sizeof now, "%lld", (long long)ctl->now);
    enum result r = store_query(store, QUERY_POLICIES_NOW, &param, 1, mode_fn, m);
    store_close(&store);
    return r == OK || r == NOT_FOUND;
}

/* Setup changes no mode: what policyd refuses once it is asked was decided before. */
static void note_modes(struct setup *s)
{
    struct modes m;
    char names[400];
    struct strbuf b;

    if (!read_modes(s->ctl, &m))
        return;
    strbuf_init(&b, names, sizeof names);
    for (size_t i = 0; i < CHECK_COUNT; i++)
        if (m.mode[i] >= MODE_HOLD)
            strbuf_addf(&b, "%s%s", b.len ? ", " : "", check_infos[i].name);
    if (b.len > 0)
        setup_add_note(
            s,
            "By their modes these checks refuse from the first message on: %s. The others watch only. To "
            "let one watch first: policyctl policy set CHECK observe.",
            names);
    setup_add_note(s, "No mode of a check and no TLS setting is changed.");
}

static enum status apply(struct setup *s, const struct args *a)
{
    bool json = a->option[OPT_JSON] != NULL;
    enum status status;

    if (setup_was_interrupted(s->ctl->config)) /* perhaps just before it was looked at */
        return fail(STATUS_FAILED,
                    "an earlier --apply was interrupted: policyctl setup --undo takes it back first");
    status = s->changes > 0 ? setup_apply(s, a) : STATUS_DONE;
    if (status != STATUS_DONE)
        return status;
    if (json)
        setup_json(s, true);
    else
        setup_print(s, true);
    if (!setup_reload(s, json))
        return STATUS_FAILED;
    return setup_has_gap(s) ? STATUS_FAILED : STATUS_DONE;
}

static enum status plan(struct setup *s, const struct args *a)
{
    struct error e;
    enum result r = setup_plan(s, &e);

    if (r != OK)
        return fail_error(r == TRY_AGAIN ? STATUS_UNREACHABLE : STATUS_FAILED, &e);
    if (s->changes > 0)
        note_modes(s);
    if (a->option[OPT_APPLY])
        return apply(s, a);
    if (setup_was_interrupted(s->ctl->config))
        setup_add_note(s, "An earlier --apply was interrupted: policyctl setup --undo takes it back.");
    if (a->option[OPT_JSON])
        setup_json(s, false);
    else
        setup_print(s, false);
    return STATUS_DONE;
}

static enum status run_setup(struct ctl *ctl, const struct args *a)
{
    if (a->option[OPT_APPLY] && a->option[OPT_UNDO])
        return fail(STATUS_INPUT, "--apply and --undo exclude each other");
    if (a->option[OPT_POSTFIX_ONLY] && a->option[OPT_DOVECOT_ONLY])
        return fail(STATUS_INPUT, "--postfix-only and --dovecot-only exclude each other");
    struct setup *s = setup_open(ctl, a);
    if (!s)
        return fail(STATUS_UNREACHABLE, "out of memory");
    enum status status = a->option[OPT_UNDO] ? setup_undo(s) : plan(s, a);
    setup_close(&s);
    return status;
}

const struct command setup_commands[] = {
    { .name = "setup",
      .operands = "",
      .optional = OPT(APPLY) | OPT(DOVECOT_CONFIG) | OPT(DOVECOT_ONLY) | OPT(JSON) | OPT(POSTFIX_CONFIG) |
                  OPT(POSTFIX_ONLY) | OPT(UNDO),
      .run = run_setup,
      .help = "Shows what Postfix and Dovecot need to ask policyd",
      .example = "policyctl setup" },
    { 0 },
};
