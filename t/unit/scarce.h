/* SPDX-License-Identifier: MIT */
/*
 * Memory that runs out: malloc and its kin of the code under test (by the linker's --wrap)
 * and SQLite's (by sqlite3_config) fail from a chosen allocation on, once or for good.
 */
#ifndef POSTERN_T_SCARCE_H
#define POSTERN_T_SCARCE_H

#include <stdbool.h>

/* Before SQLite is used first. */
void scarce_sqlite(void);

/* The number-th allocation from now on fails; with `all`, those after it too. 0: none. */
void scarce_begin(unsigned number, bool all);

/* Between the two none fails: for what the test itself needs (libcheck, too, is linked so). */
void scarce_pause(void);
void scarce_go_on(void);

/* Whether the next one is to fail: for what stands in the place of an allocation. */
bool scarce_fails(void);

/* All succeed again. Returns whether one failed since scarce_begin. */
bool scarce_end(void);

#endif
