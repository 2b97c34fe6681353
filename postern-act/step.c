/* SPDX-License-Identifier: MIT */
#include "postern-act/step.h"

#include <stdlib.h>
#include <string.h>

#include "postern-act/account.h"
#include "postern-act/argv.h"
#include "postern-act/notice.h"

enum { FROM_MAX = DOMAIN_MAX + 16, RECIPIENTS_MAX = 32, DOVEADM_NOT_FOUND = 68 };

static bool is_listed(const struct string_list *kinds, enum event_kind kind)
{
    for (size_t i = 0; i < kinds->count; i++)
        if (strcmp(kinds->item[i], event_kind_name(kind)) == 0)
            return true;
    return false;
}

/* To doveadm(1), nobody being logged in is a failure of its own. */
static bool is_done(const struct step *s, const struct child_result *r)
{
    return r->end == CHILD_DONE || (s->id == STEP_KICK && r->status == DOVEADM_NOT_FOUND);
}

static void step_over(const struct child_result *r, void *context)
{
    struct step *s = context;
    enum outcome outcome = OUTCOME_AGAIN;

    if (is_done(s, r))
        outcome = OUTCOME_DONE;
    else if (r->end == CHILD_KILLED && step_is_once(s->id))
        outcome = OUTCOME_GIVE_UP;
    s->act->commands -= s->id >= STEP_COMMAND;
    if (s->id == STEP_NOTICE && outcome == OUTCOME_DONE)
        journal_note_told(&s->act->journal, s->told);
    act_step_ended(s, outcome,
                   outcome != OUTCOME_DONE ? r->why
                   : r->end == CHILD_DONE  ? ""
                                           : "nobody was logged in");
}

enum result step_run(struct step *s, const char *const *argv, struct span input, struct error *e)
{
    const struct child_spec spec = { .argv = argv,
                                     .input = input,
                                     .deadline_s = s->act->config->act.deadline_s,
                                     .ended = step_over,
                                     .context = s };

    return child_start(s->act->children, &spec, e);
}

/* Marked first: a crash behind this line leaves a step that is not begun again. */
static enum result run_once(struct step *s, const char *const *argv, struct span input, struct error *e)
{
    return act_mark(s, e) == OK ? step_run(s, argv, input, e) : TRY_AGAIN;
}

/* ---- kick: open sessions ---- */

static bool kick_applies(const struct act *a, const struct task *t)
{
    return a->config->act.kick && t->kind == EVENT_ACCOUNT_SUSPENDED && *t->column[EVENT_ACCOUNT];
}

/* Who was released meanwhile is left alone. To doveadm a name is a mask: one with * or ?
 * would end others' sessions. */
static enum result kick_start(struct step *s, struct error *e)
{
    static struct argv argv;
    const char *account = s->task->column[EVENT_ACCOUNT];
    char services[SERVICES_TEXT_MAX];
    enum result r = account_suspended(s->act->config, account, act_now(), services, e);

    if (r != OK)
        return r;
    if (!account_services_have(services, "imap,pop3,sieve"))
        return NOT_FOUND;
    if (strpbrk(account, "*?"))
        return error_set(e, BAD,
                         "the name holds * or ?, which doveadm takes for a mask: end its sessions by hand");
    r = argv_words(&argv, s->act->config->act.doveadm, e);
    for (const char *const *word = (const char *const[]){ "kick", "--", account, NULL }; r == OK && *word;
         word++)
        r = argv_add(&argv, *word, e);
    return r == OK ? step_run(s, argv.word, (struct span){ NULL, 0 }, e) : BAD;
}

/* ---- queue ---- */

static bool queue_applies(const struct act *a, const struct task *t)
{
    return strcmp(a->config->act.queue, "none") != 0 && t->kind == EVENT_ACCOUNT_SUSPENDED &&
           *t->column[EVENT_ACCOUNT];
}

/* ---- notice ---- */

static bool notice_applies(const struct act *a, const struct task *t)
{
    return (a->config->act.notice_to.count > 0 || a->config->act.notice_contact) &&
           is_listed(&a->config->act.notice_events, t->kind);
}

/* The administrators, and the contact where there is one. */
static enum result find_recipients(const struct step *s, char contact[static CONTACT_MAX],
                                   const char *to[static RECIPIENTS_MAX], size_t *count_r, struct error *e)
{
    const struct string_list *admins = &s->act->config->act.notice_to;
    enum result r = NOT_FOUND;

    *count_r = 0;
    for (size_t i = 0; i < admins->count && *count_r < RECIPIENTS_MAX - 1; i++)
        to[(*count_r)++] = admins->item[i];
    if (s->act->config->act.notice_contact && *s->task->domain)
        r = account_contact(s->act->config, s->task->column[EVENT_ACCOUNT], s->task->domain, contact, e);
    if (r == OK)
        to[(*count_r)++] = contact;
    return r == TRY_AGAIN ? TRY_AGAIN : *count_r > 0 ? OK : NOT_FOUND;
}

/* -i: a line with a dot alone ends nothing; --: no address is an option. */
static enum result sendmail_argv(const struct step *s, struct argv *argv, const struct notice *n,
                                 struct error *e)
{
    const char *const words[] = { "-i", "-f", n->from, "--" };
    enum result r = argv_words(argv, s->act->config->act.sendmail, e);

    for (size_t i = 0; r == OK && i < sizeof words / sizeof *words; i++)
        r = argv_add(argv, words[i], e);
    for (size_t i = 0; r == OK && i < n->recipients; i++)
        r = argv_add(argv, n->to[i], e);
    return r == OK ? OK : BAD;
}

static enum result send_notice(struct step *s, const struct notice *n, struct error *e)
{
    static struct argv argv;
    enum result r = sendmail_argv(s, &argv, n, e);
    char *text = r == OK ? notice_text(n, s->task, s->act->template) : NULL;

    if (r != OK)
        return r;
    if (!text)
        return error_set(e, TRY_AGAIN, "out of memory");
    if (s->tries == 1) /* with the mark, in one write */
        journal_note_sent(&s->act->journal, s->task->column[EVENT_ACCOUNT], n->now);
    s->told = n->held_back;
    r = run_once(s, argv.word, span_of(text), e);
    free(text);
    return r;
}

static enum result notice_start(struct step *s, struct error *e)
{
    const struct config *c = s->act->config;
    const char *to[RECIPIENTS_MAX];
    char contact[CONTACT_MAX], postmaster[FROM_MAX];
    struct strbuf b;
    struct notice n = {
        .to = to, .host = c->hostname, .held_back = s->act->journal.held_back, .now = act_now()
    };
    enum result r = find_recipients(s, contact, to, &n.recipients, e);

    if (r != OK)
        return r;
    if (s->tries == 1 && !journal_may_send(&s->act->journal, s->task->column[EVENT_ACCOUNT], n.now,
                                           c->act.notices_per_hour, c->act.account_notices_per_hour)) {
        s->act->journal.held_back++;
        return error_set(e, BAD, "held back: as many notices went out within an hour as may");
    }
    strbuf_init(&b, postmaster, sizeof postmaster);
    strbuf_addf(&b, "postmaster@%s", c->hostname);
    n.from = *c->act.notice_from ? c->act.notice_from : postmaster;
    return send_notice(s, &n, e);
}

/* ---- commands of one's own ---- */

static enum result command_start(struct step *s, struct error *e)
{
    static struct argv argv;
    const char *command = s->act->config->act.command.item[s->id - STEP_COMMAND];

    if (argv_event(&argv, command, s->task, e) != OK)
        return BAD;
    if (run_once(s, argv.word, span_of(s->task->json), e) != OK)
        return TRY_AGAIN;
    s->act->commands++;
    return OK;
}

/* ---- the table ---- */

static const struct {
    bool once;
    bool (*applies)(const struct act *, const struct task *);
    enum result (*start)(struct step *, struct error *);
} steps[STEP_COMMAND] = {
    [STEP_KICK] = { false, kick_applies, kick_start },
    [STEP_QUEUE] = { false, queue_applies, queue_step_start },
    [STEP_NOTICE] = { true, notice_applies, notice_start },
};

bool step_applies(const struct act *a, const struct task *t, enum step_id id)
{
    if (id >= STEP_COMMAND)
        return id - STEP_COMMAND < a->config->act.command.count &&
               is_listed(&a->config->act.command_events, t->kind);
    return steps[id].applies(a, t);
}

bool step_is_once(enum step_id id)
{
    return id >= STEP_COMMAND || steps[id].once;
}

/* The notice tells what is in the queue, where that is asked for: it waits for the first
 * answer, not for a good one. */
bool step_is_ready(const struct step *s)
{
    const struct step *queue = &s->task->step[STEP_QUEUE];

    return s->id != STEP_NOTICE || queue->state == STEP_FINISHED ||
           (queue->tries > 0 && queue->state == STEP_WAITS);
}

enum result step_start(struct step *s, struct error *e)
{
    return s->id >= STEP_COMMAND ? command_start(s, e) : steps[s->id].start(s, e);
}
