/* SPDX-License-Identifier: MIT */
/* Tests the zones of DNS lists that are due, and tells when one is switched off or on.  Layer 7. */
#ifndef POSTERN_ZONE_WATCH_H
#define POSTERN_ZONE_WATCH_H

#include <event2/event.h>

#include "policyd/events.h"
#include "policyd/zones.h"

struct zone_watch;

/* Of the configuration only the zones; it has to outlive the watch, or its reload. now:
 * seconds since 1970. */
enum result zone_watch_open(struct event_base *, struct dns_source *, struct events *, const struct config *,
                            int64_t (*now)(void), struct zone_watch **watch_r) MUST_CHECK;
void zone_watch_close(struct zone_watch **);

/* The configuration was read anew: all are well, and due for a test. */
void zone_watch_reload(struct zone_watch *, const struct config *);

/* For struct facts. */
struct zones *zone_watch_zones(struct zone_watch *);

#endif
