/* SPDX-License-Identifier: MIT */
/*
 * What the daemon gives up once it has opened what it needs: new privileges, all
 * files but its own (Landlock), all system calls but those of its work (seccomp).
 * It is a second line: the first is that input is never code.  Layer 7.
 */
#ifndef POSTERN_SANDBOX_H
#define POSTERN_SANDBOX_H

#include "lib/config.h"

/* To be called before the first thread is made, since Landlock holds for the caller and
 * those that come from it.  From here on the databases' directory can be written, log
 * files be made in the log's directory, and the directory of the configuration, and
 * resolv.conf, be read.  Nothing is said where the kernel has no Landlock; sandbox_calls
 * tells it. */
enum result sandbox_files(const struct config *, struct error *) MUST_CHECK;

/* The last step, for all threads: a system call that is not on the list ends the
 * process, after a line in the log that names it.  Logs what holds now. */
enum result sandbox_calls(struct error *) MUST_CHECK;

/* Whether the log of the new configuration can be opened within the files of the old. */
bool sandbox_has_log(const struct config *old, const struct config *new);

#endif
