/* SPDX-License-Identifier: MIT */
/*
 * The client's side of policyd's control socket.  Layer 2.
 *
 * A request is lines of name=value that end in a blank line, the first of them
 * command=status|reload|top|shed|settle|change; a reply likewise, the first of them result=OK (or
 * NOT_FOUND, LIMIT, TRY_AGAIN, BAD) and then any number of others, text=... among
 * them.  A change is told as change=NAME and then its fields; all of one request are
 * done as a whole or not at all.  Values hold no line break.  Where a descriptor comes
 * with command=change (SCM_RIGHTS), it is of a sealed memory file that holds the changes
 * (change_text.h), and the reply comes when they are done, however long that takes.  The
 * reply to command=settle comes when state.db has all that was counted before.
 */
#ifndef POSTERN_CONTROL_H
#define POSTERN_CONTROL_H

#include "result.h"
#include "str.h"

enum { CONTROL_REPLY_MAX = 65536, CONTROL_TIMEOUT_S = 10, CONTROL_FILE_MAX = 256 << 20 };

/* NOT_FOUND: nobody listens there (no such socket, or nobody behind it); BAD: not
 * allowed. The caller closes *fd_r. */
enum result control_connect(const char *path, int *fd_r, struct error *) MUST_CHECK;

/* Sends a request (with its blank line) and waits for the reply, which is put into
 * the caller's array of CONTROL_REPLY_MAX with its first line taken off. Returns the
 * reply's result, with its text as the error where that is not OK; TRY_AGAIN also
 * where no reply came: then it is not known whether the change was made. */
enum result control_ask(int fd, struct span request, char *reply_r, struct error *) MUST_CHECK;

/* Likewise command=change with the file, which is sealed here; waits without a limit. */
enum result control_change_file(int fd, int file, char *reply_r, struct error *) MUST_CHECK;

#endif
