/* SPDX-License-Identifier: MIT */
/* What another user may do with a file, by owners, groups and modes; access control lists
 * are not looked at.  Layer 9. */
#ifndef POSTERN_DOCTOR_RIGHTS_H
#define POSTERN_DOCTOR_RIGHTS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "lib/result.h"

enum { GROUPS_MAX = 64 };

struct identity {
    uid_t uid;
    gid_t group[GROUPS_MAX];
    int groups;
};

/* A user of this host with all his groups. NOT_FOUND: none of that name. */
enum result identity_of(const char *user, struct identity *identity_r) MUST_CHECK;

/* One group more, where there is one of that name. */
void identity_add_group(struct identity *, const char *group);

/* Whether he reaches an absolute path, and there has the rights of `bits`: 4 read, 2 write,
 * 1 search. Where not, *blocker_r (of size octets) is what stands in his way: the path or a
 * directory above it. */
bool identity_may(const struct identity *, const char *path, unsigned bits, char *blocker_r, size_t size);

#endif
