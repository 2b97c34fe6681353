/* SPDX-License-Identifier: MIT */
/*
 * An event with what is done about it.  Its steps are independent of each other, except
 * where step.c says so; each is tried again with growing pauses, and given up in the end, so
 * that nothing holds up the events that follow.  Layer 9.
 */
#ifndef POSTERN_ACT_TASK_H
#define POSTERN_ACT_TASK_H

#include "lib/address.h"
#include "lib/event_row.h"

enum { COMMANDS_MAX = 8, QUEUED_TEXT_MAX = 400 };

enum step_id { STEP_KICK, STEP_QUEUE, STEP_NOTICE, STEP_COMMAND, STEPS = STEP_COMMAND + COMMANDS_MAX };

enum step_state {
    STEP_WAITS,   /* until `due` */
    STEP_RUNS,    /* a program of it does */
    STEP_FINISHED /* done, not wanted, or given up */
};

/* What a program that ends finds its step by: act and task are its own. */
struct step {
    struct act *act;
    struct task *task;
    enum step_id id;
    enum step_state state;
    unsigned tries;
    int64_t due_ms;
    bool marked;   /* the journal says that it was started */
    uint64_t told; /* of a notice: how many others were held back */
};

struct task {
    struct task *next;
    int64_t id, time;
    enum event_kind kind;
    const char *column[EVENT_COLUMNS];
    char domain[DOMAIN_MAX + 1]; /* the account's, or "" */
    char *json;                  /* the event's line */
    struct step step[STEPS];
    struct queue_work *queue;     /* of STEP_QUEUE while it runs */
    char queued[QUEUED_TEXT_MAX]; /* what it found, for the notice */
    char text[];                  /* what the columns point into */
};

/* A copy of the event; NULL: out of memory, or a kind of a newer version. */
struct task *task_make(const char *const column[static EVENT_COLUMNS]);
void task_free(struct task *);

/* "kick", "queue", "notice", "command0": in the journal and the log. */
enum { STEP_TEXT_MAX = 16 };
const char *step_name(enum step_id, char name_r[static STEP_TEXT_MAX]);

bool task_is_done(const struct task *);

#endif
