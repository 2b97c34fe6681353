/* SPDX-License-Identifier: MIT */
/*
 * The user whom the databases belong to.  Root gives its rights up before it touches
 * them: files that are made have the right owner, and a link that the daemon's user
 * could plant leads nowhere.  Layer 9.
 */
#ifndef POSTERN_OWNER_H
#define POSTERN_OWNER_H

#include <stdbool.h>
#include <sys/types.h>

#include "lib/config.h"

struct owner {
    bool change; /* this process is root, and the configured user is not */
    uid_t uid;
    gid_t gid;
    const char *name; /* the configuration's */
};

/* BAD, with a line: there is no such user. */
enum result owner_find(const struct config *, struct owner *owner_r, struct error *) MUST_CHECK;

/* For good: there is no way back. */
enum result owner_become(const struct owner *, struct error *) MUST_CHECK;

#endif
