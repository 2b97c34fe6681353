/* SPDX-License-Identifier: MIT */
/*
 * What happened: a row of state.db's table `event`, and the line of JSON that tells it.
 * A new kind is a name in the enum and a row in event_row.c.  Layer 1.
 */
#ifndef POSTERN_EVENT_ROW_H
#define POSTERN_EVENT_ROW_H

#include <stdio.h>

#include "result.h"

enum event_kind {
    EVENT_ACCOUNT_SUSPENDED,
    EVENT_ACCOUNT_RELEASED,
    EVENT_PASSWORD_DEMANDED, /* the present one must not be used again; the account was not suspended */
    EVENT_LIMIT_HIT,         /* of send_limit; once for each window that fills */
    EVENT_COMPROMISE,        /* the score is over the threshold */
    EVENT_CHECK_SHED,        /* under load; subject: the check */
    EVENT_CHECK_RESTORED,
    EVENT_ZONE_OFF, /* no longer asked; subject: the DNS zone */
    EVENT_ZONE_ON,
    EVENT_COUNTERS_DEGRADED, /* counted in memory only */
    EVENT_COUNTERS_RECOVERED,
    EVENT_KINDS
};

const char *event_kind_name(enum event_kind); /* "account_suspended" */
enum result event_kind_parse(const char *name, enum event_kind *kind_r) MUST_CHECK;

/* The columns of QUERY_EVENTS, in their order; texts, NULL where there is none. */
enum event_column {
    EVENT_ID,   /* rises from event to event */
    EVENT_TIME, /* seconds since 1970 */
    EVENT_KIND,
    EVENT_ACCOUNT,  /* "": it concerns no account */
    EVENT_SUBJECT,  /* what else it concerns, or "" */
    EVENT_SERVICES, /* of a suspension */
    EVENT_REASON,
    EVENT_UNTIL, /* seconds since 1970 */
    EVENT_BY,    /* a person, or a check's name */
    EVENT_EVIDENCE,
    EVENT_COLUMNS
};

const char *event_column_name(enum event_column); /* "id" */

/* The format's number: a reader passes over members that it does not know, and stops at a
 * number that it does not. */
enum { EVENT_JSON_VERSION = 1 };

/* Writes one object on a line of its own: "version" and each column by its name, null
 * where it is empty. */
void event_json(const char *const column[static EVENT_COLUMNS], FILE *out);

#endif
