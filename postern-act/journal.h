/* SPDX-License-Identifier: MIT */
/*
 * What postern-act has to remember, in one small file: its place among the events, the
 * steps that are not done yet, and the notices of the last hour.  Written as a whole to
 * a new file, fsync, rename: after a crash it says what it said before, or what it should
 * say now.  Layer 9.
 */
#ifndef POSTERN_ACT_JOURNAL_H
#define POSTERN_ACT_JOURNAL_H

#include <stdint.h>

#include "lib/address.h"
#include "lib/result.h"

enum { JOURNAL_STEPS_MAX = 4096, SENT_MAX = 1000, STEP_NAME_MAX = 16, HOUR_S = 3600 };

/* A step of an event that is not done. */
struct journal_step {
    int64_t event;
    char name[STEP_NAME_MAX];
    bool started; /* a program was started for it, which must not run twice */
    unsigned tries;
};

/* A notice that went out. */
struct sent {
    int64_t at;
    char account[ADDRESS_MAX + 1]; /* or "" */
};

struct journal {
    char *path;
    int lock;         /* one process at a time */
    bool is_new;      /* there was no file */
    int64_t id, time; /* the last event that was taken on */
    struct journal_step *step;
    size_t steps;
    struct sent *sent; /* oldest first */
    size_t sents;
    uint64_t held_back; /* notices that a limit stopped, and no later one has told of */
};

/* Reads the file; its directory is made where it is absent (0700). BAD, with a line: it
 * cannot be read, is none of ours, or another process has it. */
enum result journal_open(const char *path, struct journal *journal_r, struct error *) MUST_CHECK;
void journal_close(struct journal *);

/* LIMIT: no room for another. */
enum result journal_add_step(struct journal *, const struct journal_step *) MUST_CHECK;

/* TRY_AGAIN, with a line: the file says what it said before. */
enum result journal_write(const struct journal *, struct error *) MUST_CHECK;

/* Whether a notice may go out: fewer than per_hour within the last hour, and fewer than
 * account_per_hour of that account ("": counted in all only). */
bool journal_may_send(const struct journal *, const char *account, int64_t now, unsigned per_hour,
                      unsigned account_per_hour);

/* One went out. Forgets those of more than an hour ago, and of a future that a clock set
 * back has made. */
void journal_note_sent(struct journal *, const char *account, int64_t now);

/* A notice told of so many that were held back; two at a time may tell of the same. */
void journal_note_told(struct journal *, uint64_t held_back);

#endif
