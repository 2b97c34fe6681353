/* SPDX-License-Identifier: MIT */
/*
 * What happened, on its way into state.db (table event), in order and once each.
 *
 * Whoever changes state.db himself puts a CHANGE_EVENT_ADD into his own set, and both are
 * done or neither.  Who does not says events_add: the event is written with this turn's
 * commit, or as soon as state.db can be written; a kill -9 before that loses it.  What
 * becomes of accounts nobody has to tell: a suspension writes its event into accounts.db,
 * in its own transaction, and from there it is taken over here, once, also after a
 * kill -9 and after policyctl wrote while no policyd ran.  Layer 7.
 */
#ifndef POSTERN_EVENTS_H
#define POSTERN_EVENTS_H

#include "lib/event_row.h"
#include "policyd/writer.h"

/* That wait to be written. */
enum { EVENTS_MAX = 1024 };

/* Texts may be NULL; longer ones are cut, control characters become '?'. */
struct event_report {
    enum event_kind kind;
    const char *account; /* its address in canonical form */
    const char *subject; /* what else it concerns: a check, a DNS zone, a network */
    const char *reason;
    const char *by;       /* a check's name, or who */
    const char *evidence; /* what was seen, with its figures */
};

struct events;

enum result events_open(struct event_base *, struct writer *, struct events **events_r) MUST_CHECK;

/* now: seconds since 1970. Without room or memory the event is lost, and counted as that. */
void events_add(struct events *, const struct event_report *, int64_t now);
uint64_t events_lost(const struct events *); /* since the start */

/* accounts.db was changed by whomever; replaced: it is another file now. */
void events_accounts_changed(struct events *, bool replaced);

/* Called for each account that was released, or of which another password is demanded, when
 * that is taken over; perhaps again after a restart. */
void events_on_release(struct events *, void (*released)(const char *account));

/* At the end of each turn of the loop, before writer_commit: takes over from accounts.db
 * (NULL: away) what is new there, and hands what waits to the writer. */
void events_turn(struct events *, struct store *accounts);

/* Hands what waits to the writer; then writer_close, then events_free. */
void events_finish(struct events *);
void events_free(struct events **);

#endif
