/* SPDX-License-Identifier: MIT */
/*
 * A disk that fails: SQLite's own files (by a VFS in front of the system's), of which a
 * chosen read, write or sync fails, once or for good.
 */
#ifndef POSTERN_T_FAULTY_VFS_H
#define POSTERN_T_FAULTY_VFS_H

#include <stdbool.h>

enum faulty_call { FAULTY_READ, FAULTY_WRITE, FAULTY_SYNC, FAULTY_FULL, FAULTY_CALLS };

/* Puts it in the place of the system's; before the first file is opened. */
void faulty_vfs_install(void);

/* The number-th such call from now on fails; with `all`, those after it too. FAULTY_FULL: a
 * write to a full disk. */
void faulty_vfs_begin(enum faulty_call, unsigned number, bool all);

/* All succeed again. Returns whether one failed. */
bool faulty_vfs_end(void);

#endif
