/* SPDX-License-Identifier: MIT */
/*
 * How each account sends (behaviour.h), for as many accounts as sent last, in memory
 * (habit_table.h, a hundred megabytes at most); read from state.db when one is asked for, and
 * written with the commit of the turn in which it changed, but no reply waits for that: a
 * crash loses what is under way.  Of more than 250 changes a second the others wait, and
 * several of one account are written together.  Layer 7.
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

/* Hands what has changed to the writer, and frees. */
void habits_close(struct habits **);

struct behaviour_source *habits_source(struct habits *);

/* To be changed, and written afterwards. NULL: it could not be read, or no memory. */
struct behaviour *habits_change(struct habits *, const char *account);

/* Lets go what is in memory of an account. */
void habits_forget(struct habits *, const char *account);

/* At the end of each turn of the loop, before writer_commit: hands what has changed to the
 * writer. */
void habits_turn(struct habits *);

/* Whether an alarm about the account is due: one an hour. */
bool habits_alarm(struct habits *, const char *account, int64_t now);

#endif
