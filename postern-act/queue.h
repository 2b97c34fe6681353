/* SPDX-License-Identifier: MIT */
/*
 * Postfix's queue as postqueue(1) and postcat(1) tell it: which messages an account put
 * there.  The queue's list does not say who logged in; each message's own file does.
 * Layer 9.
 */
#ifndef POSTERN_ACT_QUEUE_H
#define POSTERN_ACT_QUEUE_H

#include "lib/str.h"

enum { QUEUE_ID_SIZE = 32, QUEUE_MESSAGES_MAX = 50000 };

struct queue_ids {
    char (*id)[QUEUE_ID_SIZE];
    size_t count;
    bool cut; /* there were more than QUEUE_MESSAGES_MAX */
};

/* Adds the messages that `postqueue -j` lists and that are not on hold. BAD, with a line:
 * it is no such list. */
enum result queue_list(struct span json_lines, struct queue_ids *, struct error *) MUST_CHECK;

/* Adds to `own` those of which `postcat -eq` says that the account sent them by SASL. Returns
 * how many messages it told of to their end. */
size_t queue_take_own(struct span envelopes, const char *account, struct queue_ids *own);

void queue_ids_free(struct queue_ids *);

#endif
