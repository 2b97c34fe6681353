/* SPDX-License-Identifier: MIT */
/*
 * The engine: takes events on in their order, runs their steps, keeps the journal.
 *
 * A step that must not be done twice (a notice, a command of one's own) is noted in the journal
 * before its program starts; found there after a crash, it is not started again, since nobody
 * knows whether it was done: at most once.  The others are begun again, which harms nothing:
 * at least once.  Layer 9.
 */
#ifndef POSTERN_ACT_ACT_H
#define POSTERN_ACT_ACT_H

#include "lib/config.h"
#include "lib/event_follow.h"
#include "postern-act/child.h"
#include "postern-act/journal.h"
#include "postern-act/task.h"
#include "postern-act/template.h"

/* At the same time: events that are not done, programs, and of these commands of one's own,
 * so that those that hang leave room for what must be quick. */
enum { TASKS_MAX = 256, RUNNING_MAX = 8, COMMANDS_RUNNING_MAX = 4, TRIES_MAX = 10 };

struct act {
    struct event_base *base;
    const struct config *config;
    struct template *template;
    struct children *children;
    struct journal journal;
    struct event_follow follow;
    struct event *timer;
    struct task *first, **last; /* by id */
    size_t tasks;
    unsigned commands;         /* of one's own that run */
    struct journal_step *left; /* what an earlier run did not do */
    size_t left_count;
    int64_t id, time; /* the last event that was taken on; the journal says it later */
    bool changed;     /* since the journal was written */
    bool away;        /* state.db cannot be read: it was said */
    bool stopping;
};

enum outcome {
    OUTCOME_DONE,
    OUTCOME_AGAIN,  /* after a pause */
    OUTCOME_GIVE_UP /* it would end no other way */
};

/* Also after a failure act_close. */
enum result act_open(struct act *, struct event_base *, const struct config *, struct error *) MUST_CHECK;

/* Starts nothing any more; the loop ends when what runs has ended. */
void act_stop(struct act *);
void act_close(struct act *);

/* A step's program has ended, or it cannot be done. why: one line where not done. */
void act_step_ended(struct step *, enum outcome, const char *why);

/* Notes in the journal that the step's program is about to start. */
enum result act_mark(struct step *, struct error *) MUST_CHECK;

/* "postern-act: ..." on standard error, without control characters. */
void act_log(const char *format, ...) PRINTF(1, 2);

/* Seconds since 1970. */
int64_t act_now(void);

#endif
