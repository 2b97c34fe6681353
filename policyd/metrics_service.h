/* SPDX-License-Identifier: MIT */
/*
 * /metrics and /healthz over HTTP, by libevent's server, for clients of this host.
 * Bounded: METRICS_PER_SECOND new connections, each for METRICS_TIMEOUT_S.  Layer 7.
 */
#ifndef POSTERN_METRICS_SERVICE_H
#define POSTERN_METRICS_SERVICE_H

#include "lib/result.h"

enum { METRICS_PER_SECOND = 16, METRICS_TIMEOUT_S = 5, METRICS_REQUEST_MAX = 8192 };

/* Serves on a listening socket, which it owns from now on, in the_daemon's loop; any
 * number of them. */
enum result metrics_listen(int fd, struct error *) MUST_CHECK;
void metrics_close(void);

#endif
