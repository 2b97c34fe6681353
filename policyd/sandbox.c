/* SPDX-License-Identifier: MIT */
#include "policyd/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/landlock.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "policyd/log.h"
#include "policyd/sandbox_filter.h"

/* Rights that came after the first version; Debian 12's header ends before them. */
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif
enum { RIGHTS_FIRST = 13, RIGHTS_REFER = 14, RIGHTS_TRUNCATE = 15, RIGHTS_IOCTL = 16 };

#define READ_FILES   (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define ADD_FILES    (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG)
#define CHANGE_FILES (READ_FILES | ADD_FILES | LANDLOCK_ACCESS_FS_TRUNCATE | LANDLOCK_ACCESS_FS_REMOVE_FILE)
#define FILE_RIGHTS                                                                                          \
    (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE)

static const char *files_say; /* what sandbox_calls logs */

static bool is_path(const char *log)
{
    return log[0] == '/';
}

static enum result directory_of(const char *path, char dir_r[static PATH_MAX])
{
    const char *slash = strrchr(path, '/');
    size_t len = slash ? (size_t)(slash - path) : 0;

    if (!slash)
        return str_copy(SPAN("."), dir_r, PATH_MAX);
    return str_copy((struct span){ path, len > 0 ? len : 1 }, dir_r, PATH_MAX);
}

bool sandbox_has_log(const struct config *old, const struct config *new)
{
    char before[PATH_MAX], after[PATH_MAX];

    if (!is_path(new->log))
        return true;
    return is_path(old->log) && directory_of(old->log, before) == OK && directory_of(new->log, after) == OK &&
           strcmp(before, after) == 0;
}

/* All rights that this kernel knows: what is not handled is allowed. */
static uint64_t rights_of(long abi)
{
    unsigned count = abi < 2   ? RIGHTS_FIRST
                     : abi < 3 ? RIGHTS_REFER
                     : abi < 5 ? RIGHTS_TRUNCATE
                               : RIGHTS_IOCTL;

    return (1ULL << count) - 1;
}

/* What is absent needs no rule; resolv.conf may be. */
static enum result allow(int ruleset, uint64_t handled, const char *path, uint64_t rights, struct error *e)
{
    struct landlock_path_beneath_attr rule = { .parent_fd = open(path, O_PATH | O_CLOEXEC) };
    struct stat st;
    enum result r = OK;

    if (rule.parent_fd < 0)
        return errno == ENOENT ? OK : error_set(e, BAD, "sandbox: %s: %s", path, strerror(errno));
    rule.allowed_access = rights & handled;
    if (fstat(rule.parent_fd, &st) == 0 && !S_ISDIR(st.st_mode))
        rule.allowed_access &= FILE_RIGHTS;
    if (syscall(__NR_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0)
        r = error_set(e, BAD, "sandbox: %s: %s", path, strerror(errno));
    close(rule.parent_fd);
    return r;
}

static enum result allow_directory(int ruleset, uint64_t handled, const char *file, uint64_t rights,
                                   struct error *e)
{
    char dir[PATH_MAX];

    if (directory_of(file, dir) != OK)
        return error_set(e, BAD, "sandbox: %.80s...: the path is too long", file);
    return allow(ruleset, handled, dir, rights, e);
}

static enum result allow_all(const struct config *c, int ruleset, uint64_t handled, struct error *e)
{
    enum result r = allow_directory(ruleset, handled, c->accounts_db, CHANGE_FILES, e);

    if (r == OK)
        r = allow_directory(ruleset, handled, c->state_db, CHANGE_FILES, e);
    if (r == OK && is_path(c->log))
        r = allow_directory(ruleset, handled, c->log, ADD_FILES, e);
    if (r == OK) /* an editor writes a new file in the place of the old */
        r = allow_directory(ruleset, handled, c->path, READ_FILES, e);
    if (r == OK)
        r = allow(ruleset, handled, "/etc/resolv.conf", READ_FILES, e);
    if (r == OK)
        r = allow(ruleset, handled, "/dev/null", READ_FILES | ADD_FILES, e);
    return r == OK ? allow(ruleset, handled, "/dev/urandom", READ_FILES, e) : r;
}

static enum result restrict_files(const struct config *c, long abi, struct error *e)
{
    struct landlock_ruleset_attr attr = { .handled_access_fs = rights_of(abi) };
    int ruleset = (int)syscall(__NR_landlock_create_ruleset, &attr, sizeof attr, 0);
    enum result r;

    if (ruleset < 0)
        return error_set(e, BAD, "sandbox: Landlock: %s", strerror(errno));
    r = allow_all(c, ruleset, attr.handled_access_fs, e);
    if (r == OK && syscall(__NR_landlock_restrict_self, ruleset, 0) != 0)
        r = error_set(e, BAD, "sandbox: Landlock: %s", strerror(errno));
    close(ruleset);
    return r;
}

enum result sandbox_files(const struct config *c, struct error *e)
{
    long abi;

    tzset(); /* reads the time zone's file */
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return error_set(e, BAD, "sandbox: no_new_privs: %s", strerror(errno));
    files_say = "files are not restricted: this kernel has no Landlock";
#ifdef SANITIZED
    files_say = "files are not restricted: built with sanitizers";
    return OK;
#endif
    abi = syscall(__NR_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (abi < 1)
        return OK;
    files_say = "files are restricted by Landlock";
    return restrict_files(c, abi, e);
}

enum result sandbox_calls(struct error *e)
{
    const char *calls_say;
    enum result r = sandbox_filter_load(&calls_say, e);

    if (r == OK)
        log_format(LOG_LEVEL_INFO, "sandbox: %s; %s", files_say, calls_say);
    return r;
}
