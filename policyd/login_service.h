/* SPDX-License-Identifier: MIT */
/*
 * The observe socket: datagrams in which Dovecot's auth workers tell of logins.  Each
 * sender's user is checked (SCM_CREDENTIALS, unix(7)); a few are taken a turn, so that a
 * flood holds up no request.  Layer 7.
 */
#ifndef POSTERN_LOGIN_SERVICE_H
#define POSTERN_LOGIN_SERVICE_H

#include "lib/config.h"

/* Opens the socket at observe_socket, as long as the process still may give it to
 * observe_user's group. */
enum result login_socket(const struct config *, int *fd_r, struct error *) MUST_CHECK;

/* Looks up who may report besides root and the daemon's own user: the name service is
 * not asked again. */
void login_reporter(const char *name);

/* Reads from the socket, which it owns from now on, in the_daemon's loop. */
enum result login_listen(int fd, struct error *) MUST_CHECK;
void login_close(void);

struct login_stats {
    uint64_t received, forbidden, malformed, lost; /* lost: by the senders, who said so */
};
struct login_stats login_stats(void);

#endif
