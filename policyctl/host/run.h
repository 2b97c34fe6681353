/* SPDX-License-Identifier: MIT */
/* A program asked for what it knows: no shell, a bound on time and output.  Layer 9. */
#ifndef POSTERN_HOST_RUN_H
#define POSTERN_HOST_RUN_H

#include "lib/result.h"

enum { RUN_SECONDS = 20, RUN_OUTPUT_MAX = 4 << 20 };

/* Runs argv[0], found in the system's own folders, with an environment of nothing but
 * PATH and the C locale, and hands out what it wrote to standard output (the caller frees
 * it).  NOT_FOUND: it cannot be run here; BAD: it failed, with the line of standard error
 * that says why; TRY_AGAIN: it took longer than RUN_SECONDS, wrote more than
 * RUN_OUTPUT_MAX, or memory ran out. */
enum result run_program(const char *const *argv, char **output_r, struct error *) MUST_CHECK;

#endif
