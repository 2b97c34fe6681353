/* SPDX-License-Identifier: MIT */
/*
 * The way of a command's changes into the databases: through policyd where it runs,
 * else directly, under the lock.  Layer 9.
 */
#ifndef POSTERN_CHANGE_H
#define POSTERN_CHANGE_H

#include "policyctl/command.h"

/* Checks the fields of each change before anything is asked of anybody. */
enum status change_check_input(const struct change *, size_t count);

/* Does all of them or none, and says why where it is none. Root's rights may be gone
 * afterwards. */
enum status change_submit(const struct ctl *, const struct change *, size_t count);

/* The same with the changes of a memory file (memfd_create with MFD_ALLOW_SEALING), as
 * change_text_write wrote them; it cannot be written to any more. */
enum status change_submit_file(const struct ctl *, int file);

/* FIELD_UNTIL from --until: "" where it was not given. */
enum { UNTIL_TEXT_MAX = 24 };
enum status change_until(const struct ctl *, const struct args *, char until_r[static UNTIL_TEXT_MAX]);

#endif
