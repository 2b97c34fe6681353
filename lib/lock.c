/* SPDX-License-Identifier: MIT */
#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "str.h"

enum { TRY_MS = 50, TRIES = LOCK_WAIT_S * 1000 / TRY_MS };

/* The daemon must be able to lock what root's policyctl made. */
static void give_to_owner_of(const char *accounts_db, int fd)
{
    struct stat st;

    if (geteuid() == 0 && stat(accounts_db, &st) == 0 && fchown(fd, st.st_uid, st.st_gid) != 0)
        return; /* then the daemon says so */
}

static enum result held(const char *path, int fd, struct error *e)
{
    char pid[16] = "";
    ssize_t n = pread(fd, pid, sizeof pid - 1, 0);

    pid[n > 0 ? strcspn(pid, "\n") : 0] = '\0';
    return error_set(e, TRY_AGAIN,
                     "%s: held by process %s: only one policyd, or a policyctl without it, may "
                     "write",
                     path, *pid ? pid : "unknown");
}

enum result lock_take(const char *accounts_db, int *fd_r, struct error *e)
{
    char path[PATH_MAX], pid[16];
    struct strbuf b;
    int fd;

    strbuf_init(&b, path, sizeof path);
    strbuf_addf(&b, "%s.lock", accounts_db);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd < 0)
        return error_set(e, BAD, "%s: %s: check the directory's owner and mode", path, strerror(errno));
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        enum result r =
            errno == EWOULDBLOCK ? held(path, fd, e) : error_set(e, BAD, "%s: %s", path, strerror(errno));
        close(fd);
        return r;
    }
    give_to_owner_of(accounts_db, fd);
    strbuf_init(&b, pid, sizeof pid);
    strbuf_addf(&b, "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, pid, b.len, 0) < 0) {
        close(fd);
        return error_set(e, BAD, "%s: cannot be written: %s", path, strerror(errno));
    }
    *fd_r = fd;
    return OK;
}

enum result lock_wait(const char *accounts_db, int *fd_r, struct error *e)
{
    static const struct timespec pause = { 0, TRY_MS * 1000000L };
    enum result r;

    for (unsigned i = 0; (r = lock_take(accounts_db, fd_r, e)) == TRY_AGAIN && i < TRIES; i++)
        nanosleep(&pause, NULL);
    return r;
}

void lock_release(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}
