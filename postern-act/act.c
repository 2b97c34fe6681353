/* SPDX-License-Identifier: MIT */
#include "postern-act/act.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "postern-act/step.h"

enum { PAUSE_MS = 1000, PAUSE_MAX_MS = 300000 };

void act_log(const char *format, ...)
{
    char text[1024], line[1100];
    struct strbuf b;
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    strbuf_init(&b, line, sizeof line);
    strbuf_add_clean(&b, span_of(text));
    fprintf(stderr, "postern-act: %s\n", line);
}

int64_t act_now(void)
{
    return (int64_t)time(NULL);
}

static int64_t monotonic_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- the journal ---- */

static bool note_steps(struct journal *j, const struct task *t)
{
    for (unsigned i = 0; i < STEPS; i++) {
        const struct step *s = &t->step[i];
        struct journal_step line = { .event = t->id, .started = s->marked, .tries = s->tries };
        if (s->state == STEP_FINISHED)
            continue;
        (void)step_name((enum step_id)i, line.name);
        if (journal_add_step(j, &line) != OK)
            return false;
    }
    return true;
}

/* What an earlier run left of events that were not read again yet. */
static bool note_left(struct act *a)
{
    for (size_t i = 0; i < a->left_count; i++)
        if (a->left[i].event > a->follow.id && journal_add_step(&a->journal, &a->left[i]) != OK)
            return false;
    return true;
}

/* Room for every step of TASKS_MAX events there is. */
static enum result write_journal(struct act *a, struct error *e)
{
    a->journal.steps = 0;
    a->journal.id = a->id;
    a->journal.time = a->time;
    for (const struct task *t = a->first; t; t = t->next)
        if (!note_steps(&a->journal, t))
            return error_set(e, TRY_AGAIN, "the journal is full");
    if (!note_left(a))
        return error_set(e, TRY_AGAIN, "the journal is full");
    if (journal_write(&a->journal, e) != OK)
        return TRY_AGAIN;
    a->changed = false;
    return OK;
}

enum result act_mark(struct step *s, struct error *e)
{
    s->marked = true;
    if (write_journal(s->act, e) == OK)
        return OK;
    s->marked = false;
    return TRY_AGAIN;
}

/* ---- taking on ---- */

static const struct journal_step *find_left(const struct act *a, int64_t event, const char *name)
{
    for (size_t i = 0; i < a->left_count; i++)
        if (a->left[i].event == event && (!name || strcmp(a->left[i].name, name) == 0))
            return &a->left[i];
    return NULL;
}

/* As an earlier run left it; one that it may have done is not done again. */
static void resume_step(struct step *s, const struct journal_step *left)
{
    char name[STEP_TEXT_MAX];

    if (!left) {
        s->state = STEP_FINISHED;
        return;
    }
    s->tries = left->tries;
    if (!left->started || !step_is_once(s->id))
        return;
    s->state = STEP_FINISHED;
    act_log(
        "event=%lld step=%s: it was started when postern-act ended: not done again, it may have been done",
        (long long)s->task->id, step_name(s->id, name));
}

static void init_step(struct act *a, struct task *t, enum step_id id, bool resumed)
{
    struct step *s = &t->step[id];
    char name[STEP_TEXT_MAX];

    *s = (struct step){ .act = a, .task = t, .id = id };
    if (!step_applies(a, t, id))
        s->state = STEP_FINISHED;
    else if (resumed)
        resume_step(s, find_left(a, t->id, step_name(id, name)));
}

static void add_task(struct act *a, struct task *t)
{
    *a->last = t;
    a->last = &t->next;
    a->tasks++;
}

/* Of those up to the journal's place only what is left is taken on again. */
static bool take_event(const char *const column[static EVENT_COLUMNS], void *context)
{
    struct act *a = context;
    struct task *t;
    bool resumed = a->follow.id <= a->journal.id && a->left_count > 0;

    if (resumed && !find_left(a, a->follow.id, NULL))
        return true;
    t = task_make(column);
    if (!t) {
        act_log("event=%s kind=%s: not known to this version, or no memory: passed over", column[EVENT_ID],
                column[EVENT_KIND]);
    } else {
        for (unsigned i = 0; i < STEPS; i++)
            init_step(a, t, (enum step_id)i, resumed);
        add_task(a, t);
    }
    if (!resumed) {
        a->left_count = 0; /* what was left and is not there any more was trimmed */
        a->id = a->follow.id;
        a->time = a->follow.time;
        a->changed = true;
    }
    return a->tasks < TASKS_MAX;
}

static void take_events(struct act *a)
{
    struct error e;
    enum result r;

    if (a->stopping || a->tasks >= TASKS_MAX)
        return;
    r = event_follow_poll(&a->follow, take_event, a, &e);
    if (r == TRY_AGAIN && !a->away)
        act_log("%s: waiting for it", e.text);
    a->away = r == TRY_AGAIN;
}

/* ---- running ---- */

/* The same step of an earlier event of the account goes first: a release is never overtaken by
 * the suspension that it ended. */
static bool is_behind(const struct act *a, const struct step *s)
{
    for (const struct task *t = a->first; *s->task->column[EVENT_ACCOUNT] && t && t != s->task; t = t->next)
        if (t->step[s->id].state != STEP_FINISHED &&
            strcmp(t->column[EVENT_ACCOUNT], s->task->column[EVENT_ACCOUNT]) == 0)
            return true;
    return false;
}

static bool has_room(const struct act *a, const struct step *s)
{
    return children_running(a->children) < RUNNING_MAX &&
           (s->id < STEP_COMMAND || a->commands < COMMANDS_RUNNING_MAX);
}

static void run_step(struct step *s)
{
    struct error e = { "" };

    s->state = STEP_RUNS;
    s->tries++;
    s->act->changed = true;
    switch (step_start(s, &e)) {
    case OK:
        break; /* it ends later */
    case NOT_FOUND:
        act_step_ended(s, OUTCOME_DONE, e.text);
        break;
    case TRY_AGAIN:
        act_step_ended(s, OUTCOME_AGAIN, e.text);
        break;
    default:
        act_step_ended(s, OUTCOME_GIVE_UP, e.text);
    }
}

static void run_due(struct act *a)
{
    int64_t now = monotonic_ms();

    for (struct task *t = a->first; t && !a->stopping; t = t->next)
        for (unsigned i = 0; i < STEPS; i++) {
            struct step *s = &t->step[i];
            if (s->state == STEP_WAITS && s->due_ms <= now && has_room(a, s) && step_is_ready(s) &&
                !is_behind(a, s))
                run_step(s);
        }
}

static void drop_done(struct act *a)
{
    struct task **p = &a->first;

    while (*p) {
        struct task *t = *p;
        if (!task_is_done(t)) {
            p = &t->next;
            continue;
        }
        *p = t->next;
        task_free(t);
        a->tasks--;
        a->changed = true;
    }
    a->last = p;
}

/* What there is to do now. */
static void turn(struct act *a)
{
    struct error e;

    take_events(a);
    run_due(a);
    drop_done(a);
    if (a->changed && write_journal(a, &e) != OK)
        act_log("%s", e.text); /* the next turn tries again; nothing that must be noted starts before */
    if (a->stopping && children_running(a->children) == 0)
        event_base_loopbreak(a->base);
}

void act_step_ended(struct step *s, enum outcome outcome, const char *why)
{
    char name[STEP_TEXT_MAX];
    int64_t pause = PAUSE_MS;

    s->marked = false;
    s->act->changed = true;
    if (outcome == OUTCOME_AGAIN && s->tries >= TRIES_MAX)
        outcome = OUTCOME_GIVE_UP;
    for (unsigned i = 1; i < s->tries && pause < PAUSE_MAX_MS; i++)
        pause *= 2;
    s->due_ms = monotonic_ms() + pause;
    s->state = outcome == OUTCOME_AGAIN ? STEP_WAITS : STEP_FINISHED;
    act_log("event=%lld kind=%s account=%s step=%s try=%u: %s%s%s", (long long)s->task->id,
            s->task->column[EVENT_KIND], s->task->column[EVENT_ACCOUNT], step_name(s->id, name), s->tries,
            outcome == OUTCOME_DONE    ? "done"
            : outcome == OUTCOME_AGAIN ? "failed, is tried again"
                                       : "given up",
            *why ? ": " : "", why);
    if (s->act->stopping)
        event_active(s->act->timer, EV_TIMEOUT, 0);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    turn(arg);
}

/* ---- opening and closing ---- */

/* To the oldest event that is not done. In a database that begins again there is none. */
static enum result go_back(struct act *a, struct error *e)
{
    struct event_follow newest = a->follow;

    newest.store = NULL; /* one of its own */
    if (a->left_count > 0 && event_follow_skip(&newest, e) != OK)
        return TRY_AGAIN;
    event_follow_close(&newest);
    if (newest.again)
        a->left_count = 0;
    for (size_t i = 0; i < a->left_count; i++)
        if (a->left[i].event <= a->follow.id)
            a->follow.id = a->left[i].event - 1;
    return OK;
}

/* Reading begins at the oldest event that is not done; without a journal, with what happens
 * from now on. */
static enum result set_place(struct act *a, struct error *e)
{
    struct journal *j = &a->journal;

    a->follow = (struct event_follow){
        .state_db = a->config->state_db, .account = "", .id = j->id, .time = j->time, .last = j->id
    };
    if (j->is_new) {
        if (event_follow_skip(&a->follow, e) != OK)
            return TRY_AGAIN;
        j->id = a->follow.id;
        j->time = a->follow.time;
    }
    a->id = j->id;
    a->time = j->time;
    a->left = calloc(j->steps + 1, sizeof *a->left);
    if (!a->left)
        return error_set(e, TRY_AGAIN, "out of memory");
    memcpy(a->left, j->step, j->steps * sizeof *a->left);
    a->left_count = j->steps;
    return go_back(a, e);
}

enum result act_open(struct act *a, struct event_base *base, const struct config *config, struct error *e)
{
    struct timeval tv = { 0, EVENT_POLL_MS * 1000 };
    enum result r;

    *a = (struct act){ .base = base, .config = config, .journal = { .lock = -1 } };
    a->last = &a->first;
    r = template_load(config->act.template_file, &a->template, e);
    if (r == OK)
        r = journal_open(config->act.cursor, &a->journal, e);
    if (r == OK)
        r = set_place(a, e);
    if (r != OK)
        return r;
    a->timer = event_new(base, -1, EV_PERSIST, on_timer, a);
    if (children_open(base, &a->children) != OK || !a->timer || event_add(a->timer, &tv) != 0)
        return error_set(e, TRY_AGAIN, "out of memory");
    return write_journal(a, e);
}

void act_stop(struct act *a)
{
    a->stopping = true;
    event_active(a->timer, EV_TIMEOUT, 0);
}

void act_close(struct act *a)
{
    struct task *next;

    for (struct task *t = a->first; t; t = next) {
        next = t->next;
        task_free(t);
    }
    event_follow_close(&a->follow);
    children_close(&a->children);
    if (a->timer)
        event_free(a->timer);
    if (a->template)
        template_free(&a->template);
    if (a->journal.path)
        journal_close(&a->journal);
    free(a->left);
}
