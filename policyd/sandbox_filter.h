/* SPDX-License-Identifier: MIT */
/* The list of system calls of a running policyd, loaded by libseccomp.  Layer 7, private to sandbox. */
#ifndef POSTERN_SANDBOX_FILTER_H
#define POSTERN_SANDBOX_FILTER_H

#include "lib/result.h"

/* say_r: what holds now, or why nothing does, in words for the log. */
enum result sandbox_filter_load(const char **say_r, struct error *) MUST_CHECK;

#endif
