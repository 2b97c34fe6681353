/* SPDX-License-Identifier: MIT */
#include "policyctl/doctor/rights.h"

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>

#include "lib/str.h"

enum result identity_of(const char *user, struct identity *i)
{
    struct passwd *pw = getpwnam(user);

    if (!pw)
        return NOT_FOUND;
    i->uid = pw->pw_uid;
    i->groups = GROUPS_MAX;
    if (getgrouplist(user, pw->pw_gid, i->group, &i->groups) < 0)
        i->groups = GROUPS_MAX; /* the first of them */
    return OK;
}

void identity_add_group(struct identity *i, const char *group)
{
    struct group *gr = getgrnam(group);

    if (gr && i->groups < GROUPS_MAX)
        i->group[i->groups++] = gr->gr_gid;
}

static bool is_member(const struct identity *i, gid_t group)
{
    for (int k = 0; k < i->groups; k++)
        if (i->group[k] == group)
            return true;
    return false;
}

/* The class that fits first decides, as in the kernel. */
static bool may(const struct identity *i, const char *path, unsigned bits)
{
    struct stat st;
    unsigned shift;

    if (stat(path, &st) != 0)
        return false;
    shift = st.st_uid == i->uid ? 6 : is_member(i, st.st_gid) ? 3 : 0;
    return i->uid == 0 || ((st.st_mode >> shift) & bits) == bits;
}

bool identity_may(const struct identity *i, const char *path, unsigned bits, char *blocker_r, size_t size)
{
    struct strbuf b;

    strbuf_init(&b, blocker_r, size);
    for (const char *p = path; *p;) {
        size_t length = strcspn(p + 1, "/") + 1;
        strbuf_add(&b, (struct span){ p, length });
        p += length;
        if (b.cut || !may(i, blocker_r, *p ? 1 : bits))
            return false;
    }
    return true;
}
