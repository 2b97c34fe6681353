/* SPDX-License-Identifier: MIT */
/* Whether a Dovecot that runs has loaded the driver, as /proc tells (proc(5)).  Layer 9. */
#ifndef POSTERN_HOST_LOADED_H
#define POSTERN_HOST_LOADED_H

#include <stdbool.h>

enum loaded {
    LOADED_UNKNOWN, /* Dovecot or its authentication process does not run, or does not show itself */
    LOADED_NO,
    LOADED_YES
};

/* base_dir: Dovecot's setting, where master.pid lies. */
bool dovecot_runs(const char *base_dir);

/* library: its file's name. */
enum loaded dovecot_loaded(const char *base_dir, const char *library);

#endif
