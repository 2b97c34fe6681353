/* SPDX-License-Identifier: MIT */
/*
 * A backup of a database: a whole copy of one moment, made while others write, in a file that is
 * replaced in one step or not at all.  Layer 2.
 */
#ifndef POSTERN_STORE_BACKUP_H
#define POSTERN_STORE_BACKUP_H

#include "store.h"

/* Copies the database to `file`, which is absent or an earlier backup. The copy is made under the
 * name FILE.new, readable by its maker alone, checked, and on the disk before it takes its place.
 * What a backup that was killed left under that name goes first. TRY_AGAIN, with a line: the
 * database is locked, or another backup is made in that directory; BAD: no database, no room, no
 * permission, no regular file. Where it fails, `file` is what it was. */
enum result store_backup(const struct store_params *, const char *file, struct error *) MUST_CHECK;

#endif
