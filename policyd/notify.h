/* SPDX-License-Identifier: MIT */
/*
 * What systemd is told of the daemon's life (sd_notify(3)), and its watchdog.  Nothing
 * happens where systemd did not start it, or the build is without libsystemd.  Layer 7.
 */
#ifndef POSTERN_NOTIFY_H
#define POSTERN_NOTIFY_H

#include <event2/event.h>
#include <stdbool.h>

#include "lib/result.h"

void notify_ready(void);
void notify_reloading(void); /* notify_ready follows */
void notify_stopping(void);

/* Where the unit has WatchdogSec: from the loop, four times in that span, systemd is told
 * that the daemon lives, as long as alive says so of the rest.  Without the loop or
 * without alive nothing is told, and systemd restarts the daemon. */
enum result notify_watch(struct event_base *, bool (*alive)(void), struct error *) MUST_CHECK;
void notify_close(void);

#endif
