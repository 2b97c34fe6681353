/* SPDX-License-Identifier: MIT */
/*
 * How each account sends (behaviour.h), for as many accounts as sent last, in memory
 * (habit_table.h, a hundred megabytes at most); read from state.db when one is asked for, and
 * written with the commit of the turn in which it changed.  Of more than 250 changes a
 * second the others wait, and several of one account are written together: for that a reply
 * waits only where a crash would lose what an account sent to more than a few.  Layer 7.
 */
#ifndef POSTERN_HABITS_H
#define POSTERN_HABITS_H

#include "policyd/facts.h"
#include "policyd/signals.h"
#include "policyd/writer.h"

struct habits;

/* state_db: as in policyd.conf. */
enum result habits_open(struct event_base *, struct writer *, const char *state_db,
                        struct habits **habits_r) MUST_CHECK;

/* Hands what has changed to the writer. Call habits_close once the writer is closed. */
void habits_stop(struct habits *);
void habits_close(struct habits **);

struct behaviour_source *habits_source(struct habits *);

/* To be changed, and written afterwards. NULL: it could not be read, or no memory. */
struct behaviour *habits_change(struct habits *, const char *account);

/* Who waits until an account is written; called in the loop's thread, also where it cannot be. */
struct habit_wait {
    void (*done)(struct habit_wait *);
};

/* A message to so many recipients was told of by habits_change. Whether `done` will be called:
 * with it there are more than a few that state.db does not have. */
#define HABIT_UNKEPT_MOST 4
bool habits_sent(struct habits *, const char *account, unsigned recipients, struct habit_wait *) MUST_CHECK;

/* Lets go what is in memory of an account. */
void habits_forget(struct habits *, const char *account);

/* At the end of each turn of the loop, before writer_commit: hands what has changed to the
 * writer. */
void habits_turn(struct habits *);

/* Whether an alarm about the account is due: one an hour. */
bool habits_alarm(struct habits *, const char *account, int64_t now);

#endif
