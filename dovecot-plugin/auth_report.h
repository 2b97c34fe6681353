/* SPDX-License-Identifier: MIT */
/*
 * Tells policyd of each login, by datagrams, and never waits: what cannot be sent stays
 * in a small ring and goes with a later one; what falls out of the ring is counted, and
 * policyd told of it.  Layer 9, lib/ only.
 */
#ifndef POSTERN_AUTH_REPORT_H
#define POSTERN_AUTH_REPORT_H

#include "lib/login_event.h"

enum { REPORT_RING = 64 }; /* events that wait */

struct auth_report;

/* Opens nothing yet. `path` (observe_socket) is the caller's and has to stay; "": nothing
 * is told. NULL: out of memory. */
struct auth_report *auth_report_new(const char *path);
void auth_report_free(struct auth_report **);

/* now: seconds; a socket that was not there is tried once a second. */
void auth_report_send(struct auth_report *, const struct login_event *, int64_t now);

#endif
