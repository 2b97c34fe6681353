/* SPDX-License-Identifier: MIT */
/* policyctl top on a terminal (ncurses).  Layer 9. */
#ifndef POSTERN_SCREEN_H
#define POSTERN_SCREEN_H

#include "policyctl/top/top.h"

/* Shows the rows anew each second until q; suspends an account, or denies a client, that
 * was chosen. */
enum status screen_run(const struct ctl *, struct top *);

#endif
