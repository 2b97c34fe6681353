/* SPDX-License-Identifier: MIT */
/* policyctl setup --apply: noted, made, looked at, and taken back at once where anything is wrong with it. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "policyctl/host/socket.h"
#include "policyctl/setup/journal.h"

/* Hooks that nobody answers would have all mail wait at its senders. */
static enum status need_policyd(const struct setup *s)
{
    const struct string_list *listen = &s->ctl->config->listen;
    char answer[SOCKET_ANSWER_MAX];
    struct error e;

    for (size_t i = 0; i < listen->count; i++) {
        enum result r =
            socket_ask(listen->item[i], SPAN("request=smtpd_access_policy\nprotocol_state=CONNECT\n\n"),
                       s->ctl->config->limits.deadline_ms + 1000, answer, &e);
        if (r != OK || !strstr(answer, "action="))
            return fail(STATUS_UNREACHABLE,
                        "policyd does not answer at %s (%s), and mail would wait: start it first",
                        listen->item[i], r != OK ? e.text : "another program does");
    }
    return STATUS_DONE;
}

static bool changes_instance(const struct setup *s, const struct setup_instance *instance)
{
    for (size_t i = 0; i < s->changes; i++)
        if (s->change[i].directory == instance->directory)
            return true;
    return false;
}

static bool changes_dovecot(const struct setup *s)
{
    for (size_t i = 0; i < s->changes; i++)
        if (s->change[i].kind == SETUP_FILE)
            return true;
    return false;
}

/* What is broken already cannot show whether a change breaks it. */
static enum result check_before(const struct setup *s, struct error *e)
{
    for (size_t i = 0; i < s->instances; i++) {
        struct error why;
        if (changes_instance(s, &s->instance[i]) && check_postfix(&s->instance[i], &why) != OK)
            return error_set(e, BAD, "postfix check, before anything was changed: %.300s", why.text);
    }
    return OK;
}

/* The passdbs that were there, in their order, and behind them ours; nothing else is any different. */
static enum result check_dovecot(const struct setup *s, struct error *e)
{
    static struct dovecot now;
    const struct dovecot *before = &s->dovecot;
    enum result r = dovecot_read(s->dovecot_config, &now, e);
    bool same = r == OK && now.passdbs == before->passdbs + 1 && now.cleartext == before->cleartext &&
                strcmp(now.passdb[before->passdbs].driver, "postern") == 0;

    for (size_t i = 0; same && i < before->passdbs; i++)
        same = strcmp(now.passdb[i].driver, before->passdb[i].driver) == 0;
    return r != OK ? r : same ? OK : error_set(e, BAD, "Dovecot does not take the file as it is meant");
}

static bool is_in_order(struct setup *s, const struct args *a, struct error *e)
{
    struct setup *again = setup_open(s->ctl, a);
    bool in_order = again && setup_plan(again, e) == OK;

    if (!again)
        error_set(e, TRY_AGAIN, "out of memory");
    if (in_order && again->changes > 0) {
        error_set(e, BAD, "%s is still missing", again->change[0].name);
        in_order = false;
    }
    setup_close(&again);
    return in_order;
}

static enum result check_after(struct setup *s, const struct args *a, struct error *e)
{
    enum result r = OK;

    for (size_t i = 0; r == OK && i < s->instances; i++)
        if (changes_instance(s, &s->instance[i]))
            r = check_postfix(&s->instance[i], e);
    if (r == OK && changes_dovecot(s))
        r = check_dovecot(s, e);
    return r == OK && !is_in_order(s, a, e) ? BAD : r;
}

static enum status take_back(struct setup *s, const struct journal *j, unsigned number,
                             const struct error *why)
{
    struct error e;

    if (edits_revert(s->edit, s->edits, &e) != OK)
        return fail(STATUS_FAILED,
                    "%.180s; and not all of it could be taken back: %.180s: policyctl setup --undo",
                    why->text, e.text);
    (void)!journal_remove(j, number, &e);
    return fail(STATUS_FAILED, "%.400s: all is as it was", why->text);
}

static enum status make(struct setup *s, const struct args *a, const struct journal *j)
{
    struct error e;
    unsigned number;

    if (journal_begin(j, s, &number, &e) != OK)
        return fail_error(STATUS_FAILED, &e);
    if (edits_make(s->edit, s->edits, &e) != OK || check_after(s, a, &e) != OK ||
        journal_finish(j, number, &e) != OK)
        return take_back(s, j, number, &e);
    return STATUS_DONE;
}

static bool was_interrupted(const struct journal *j)
{
    struct record record;
    struct error e;
    unsigned last = journal_last(j);
    bool interrupted = last > 0 && journal_read(j, last, &record, &e) == OK && !record.finished;

    if (last > 0)
        record_free(&record);
    return interrupted;
}

bool setup_was_interrupted(const struct config *config)
{
    struct journal j = { .lock = -1 };
    struct error e;

    return journal_path(config, j.directory, &e) == OK && was_interrupted(&j);
}

static enum status apply_locked(struct setup *s, const struct args *a, const struct journal *j)
{
    struct error e;
    enum status status;

    if (was_interrupted(j))
        return fail(STATUS_FAILED,
                    "another --apply was interrupted just now: policyctl setup --undo takes it back");
    status = need_policyd(s);
    if (status == STATUS_DONE && check_before(s, &e) != OK)
        status = fail_error(STATUS_FAILED, &e);
    return status == STATUS_DONE ? make(s, a, j) : status;
}

enum status setup_apply(struct setup *s, const struct args *a)
{
    struct journal journal;
    struct error e;
    enum status status;

    if (geteuid() != 0)
        return fail(STATUS_FAILED, "Postfix's and Dovecot's configuration is root's: be root");
    enum result r = journal_open(s->ctl->config, &journal, &e);
    if (r == OK)
        status = apply_locked(s, a, &journal);
    else
        status = fail_error(r == TRY_AGAIN ? STATUS_UNREACHABLE : STATUS_FAILED, &e);
    journal_close(&journal);
    return status;
}

bool setup_reload(const struct setup *s, bool quiet)
{
    bool done = true;

    for (size_t i = 0; i < s->instances; i++)
        if (changes_instance(s, &s->instance[i]))
            done = reload_postfix(&s->instance[i], quiet) && done;
    return changes_dovecot(s) ? reload_dovecot(&s->dovecot, quiet) && done : done;
}
