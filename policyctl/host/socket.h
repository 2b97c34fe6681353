/* SPDX-License-Identifier: MIT */
/* One question to a socket of policyd's, and what comes back first.  Layer 9. */
#ifndef POSTERN_HOST_SOCKET_H
#define POSTERN_HOST_SOCKET_H

#include "lib/str.h"

enum { SOCKET_ANSWER_MAX = 256 };

/* address: unix:PATH, inet:ADDRESS:PORT or inet:[ADDRESS]:PORT. TRY_AGAIN, with the reason: nobody
 * listens there, or answers within wait_ms. */
enum result socket_ask(const char *address, struct span question, unsigned wait_ms,
                       char answer_r[static SOCKET_ANSWER_MAX], struct error *) MUST_CHECK;

#endif
