/* SPDX-License-Identifier: MIT */
#include "policyctl/owner.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

enum result owner_find(const struct config *config, struct owner *owner_r, struct error *e)
{
    const char *user = config->user;
    const struct passwd *pw;

    *owner_r = (struct owner){ .uid = geteuid(), .gid = getegid(), .name = user };
    if (geteuid() != 0 || *user == '\0')
        return OK;
    pw = getpwnam(user);
    if (!pw)
        return error_set(e, BAD, "user: there is no '%s': adduser --system --group %s, or name another in %s",
                         user, user, config->path);
    *owner_r = (struct owner){ .change = pw->pw_uid != 0, .uid = pw->pw_uid, .gid = pw->pw_gid, .name = user };
    return OK;
}

enum result owner_become(const struct owner *o, struct error *e)
{
    if (!o->change)
        return OK;
    if (initgroups(o->name, o->gid) != 0 || setgid(o->gid) != 0 || setuid(o->uid) != 0)
        return error_set(e, BAD, "user %s: %s", o->name, strerror(errno));
    if (setuid(0) == 0)
        return error_set(e, BAD, "user %s: root's rights could not be given up", o->name);
    return OK;
}
