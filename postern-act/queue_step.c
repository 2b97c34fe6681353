/* SPDX-License-Identifier: MIT */
/*
 * The step that lists, or holds, an account's mail in Postfix's queue: postqueue(1) names all
 * messages, postcat(1) says of each who logged in, postsuper(1) takes those of the account
 * out of the way.  Nothing is lost: postsuper -H gives them back.
 */
#include <stdlib.h>
#include <string.h>

#include "postern-act/account.h"
#include "postern-act/argv.h"
#include "postern-act/queue.h"
#include "postern-act/step.h"

enum { BATCH = 400, GONE_MAX = 16 };

struct queue_work {
    struct queue_ids all, own;
    size_t next;         /* of all: the first that postcat was not asked about */
    size_t asked, batch; /* how many at a time: at most */
    unsigned gone;       /* in a row */
};

static void finish(struct step *s, enum outcome outcome, const char *why)
{
    struct queue_work *w = s->task->queue;

    s->task->queue = NULL;
    queue_ids_free(&w->all);
    queue_ids_free(&w->own);
    free(w);
    act_step_ended(s, outcome, why);
}

/* Goes on, or ends the step where the next program cannot be started. */
static void go_on(struct step *s, enum result r, const struct error *e)
{
    if (r != OK)
        finish(s, r == BAD ? OUTCOME_GIVE_UP : OUTCOME_AGAIN, e->text);
}

static enum result run(struct step *s, const char *const *argv, struct span input, bool wants_output,
                       child_ended_fn *ended, struct error *e)
{
    const struct child_spec spec = { .argv = argv,
                                     .input = input,
                                     .wants_output = wants_output,
                                     .deadline_s = s->act->config->act.deadline_s,
                                     .ended = ended,
                                     .context = s };

    if (s->act->stopping)
        return error_set(e, TRY_AGAIN, "postern-act ends");
    return child_start(s->act->children, &spec, e);
}

/* ---- the account's messages are known ---- */

/* "3 messages held: 3F2A 4B1C 5D0E" */
static void describe(struct step *s, const char *what)
{
    const struct queue_ids *own = &s->task->queue->own;
    struct strbuf b;

    strbuf_init(&b, s->task->queued, sizeof s->task->queued);
    strbuf_addf(&b, "%zu message%s %s%s", own->count, own->count == 1 ? "" : "s", what,
                own->count > 0 ? ":" : "");
    for (size_t i = 0; i < own->count && b.len + QUEUE_ID_SIZE + 4 < b.size; i++)
        strbuf_addf(&b, " %s", own->id[i]);
    if (s->task->queue->all.cut || own->cut)
        strbuf_adds(&b, "...");
}

static void held(const struct child_result *r, void *context)
{
    struct step *s = context;

    if (r->end != CHILD_DONE) {
        finish(s, OUTCOME_AGAIN, r->why);
        return;
    }
    describe(s, "held");
    finish(s, OUTCOME_DONE, s->task->queued);
}

/* The numbers go to standard input: there may be more than a command line holds. */
static enum result hold(struct step *s, struct error *e)
{
    static struct argv argv;
    const struct queue_ids *own = &s->task->queue->own;
    char *ids = NULL;
    size_t size;
    FILE *f = open_memstream(&ids, &size);
    enum result r = argv_words(&argv, s->act->config->act.postsuper, e);

    for (size_t i = 0; f && i < own->count; i++)
        fprintf(f, "%s\n", own->id[i]);
    if (!f || fclose(f) != 0)
        return error_set(e, TRY_AGAIN, "out of memory");
    for (const char *const *word = (const char *const[]){ "-h", "-", NULL }; r == OK && *word; word++)
        r = argv_add(&argv, *word, e);
    if (r == OK)
        r = run(s, argv.word, (struct span){ ids, size }, false, held, e);
    free(ids);
    return r;
}

static void all_are_known(struct step *s)
{
    struct error e;

    if (s->task->queue->own.count > 0 && strcmp(s->act->config->act.queue, "hold") == 0) {
        go_on(s, hold(s, &e), &e);
        return;
    }
    describe(s, "queued");
    finish(s, OUTCOME_DONE, s->task->queued);
}

/* ---- whose are they ---- */

static enum result ask_whose(struct step *s, struct error *e);

/* postcat stops at a message that is gone by now: the one behind those that it told of is
 * asked about alone, and then passed over. False: too many are gone. */
static bool pass_over(struct queue_work *w, size_t told)
{
    w->next += told;
    if (w->asked > 1) {
        w->batch = 1;
        return true;
    }
    w->next++;
    w->batch = BATCH;
    return ++w->gone < GONE_MAX;
}

static void told_whose(const struct child_result *r, void *context)
{
    struct step *s = context;
    struct queue_work *w = s->task->queue;
    size_t told = queue_take_own(r->output, s->task->column[EVENT_ACCOUNT], &w->own);
    struct error e;

    if (r->end == CHILD_DONE) {
        w->next += w->asked;
        w->batch = BATCH;
        w->gone = 0;
    } else if (r->end == CHILD_KILLED || !pass_over(w, told)) {
        finish(s, OUTCOME_AGAIN, r->why);
        return;
    }
    if (w->next < w->all.count)
        go_on(s, ask_whose(s, &e), &e);
    else
        all_are_known(s);
}

static enum result ask_whose(struct step *s, struct error *e)
{
    static struct argv words;
    static const char *argv[ARGV_MAX + BATCH + 2];
    struct queue_work *w = s->task->queue;
    size_t count;
    enum result r = argv_words(&words, s->act->config->act.postcat, e);

    if (r == OK)
        r = argv_add(&words, "-eq", e);
    if (r != OK)
        return BAD;
    for (count = 0; words.word[count]; count++)
        argv[count] = words.word[count];
    w->asked = w->all.count - w->next < w->batch ? w->all.count - w->next : w->batch;
    for (size_t i = 0; i < w->asked; i++)
        argv[count++] = w->all.id[w->next + i];
    argv[count] = NULL;
    return run(s, argv, (struct span){ NULL, 0 }, true, told_whose, e);
}

/* ---- what is there ---- */

static void told_all(const struct child_result *r, void *context)
{
    struct step *s = context;
    struct queue_work *w = s->task->queue;
    struct error e;

    if (r->end != CHILD_DONE)
        finish(s, OUTCOME_AGAIN, r->why);
    else if (queue_list(r->output, &w->all, &e) != OK)
        finish(s, OUTCOME_AGAIN, e.text);
    else if (w->all.count == 0)
        all_are_known(s);
    else
        go_on(s, ask_whose(s, &e), &e);
}

enum result queue_step_start(struct step *s, struct error *e)
{
    static struct argv argv;
    const struct config *c = s->act->config;
    char services[SERVICES_TEXT_MAX];
    enum result r = account_suspended(c, s->task->column[EVENT_ACCOUNT], act_now(), services, e);

    if (r != OK)
        return r;
    if (!account_services_have(services, "smtp"))
        return NOT_FOUND;
    s->task->queue = calloc(1, sizeof *s->task->queue);
    if (!s->task->queue)
        return error_set(e, TRY_AGAIN, "out of memory");
    s->task->queue->batch = BATCH;
    r = argv_words(&argv, c->act.postqueue, e);
    if (r == OK)
        r = argv_add(&argv, "-j", e);
    if (r == OK)
        r = run(s, argv.word, (struct span){ NULL, 0 }, true, told_all, e);
    if (r != OK) {
        free(s->task->queue);
        s->task->queue = NULL;
    }
    return r;
}
