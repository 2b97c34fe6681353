/* SPDX-License-Identifier: MIT */
/*
 * A copy of Postfix's two files in a folder of its own, on which postconf(1) does what it
 * would do to the real ones: what comes of it is known before anything is changed.  Layer 9.
 */
#ifndef POSTERN_SETUP_SCRATCH_H
#define POSTERN_SETUP_SCRATCH_H

#include "policyctl/setup/file.h"

struct scratch {
    char directory[64]; /* "": none is open */
};

enum result scratch_open(const struct content *main_cf, const struct content *master_cf,
                         struct scratch *scratch_r, struct error *) MUST_CHECK;

/* postconf -c DIRECTORY OPTION ARGUMENT; output_r NULL: not wanted, else the caller frees it. As run_program.
 */
enum result scratch_postconf(const struct scratch *, const char *option, const char *argument,
                             char **output_r, struct error *) MUST_CHECK;

/* What the file "main.cf" or "master.cf" holds by now, into one that keeps its mode and owner. */
enum result scratch_take(const struct scratch *, const char *name, struct content *,
                         struct error *) MUST_CHECK;

void scratch_close(struct scratch *);

#endif
