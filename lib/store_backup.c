/* SPDX-License-Identifier: MIT */
#include "store_backup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "str.h"

struct backup {
    const char *file;
    char directory[PATH_MAX], made[PATH_MAX], journal[PATH_MAX];
    int directory_fd, made_fd;
};

static enum result failed(const char *path, struct error *e)
{
    return error_set(e, BAD, "%s: %s", path, strerror(errno));
}

static enum result name_files(struct backup *b, struct error *e)
{
    const char *slash = strrchr(b->file, '/');
    struct span directory = { b->file, slash ? (size_t)(slash - b->file) : 0 };

    if (slash == b->file)
        directory.len = 1;
    int made = snprintf(b->made, sizeof b->made, "%s.new", b->file);
    int journal = snprintf(b->journal, sizeof b->journal, "%s-journal", b->made);
    if (made < 0 || journal < 0 || (size_t)journal >= sizeof b->journal ||
        str_copy(slash ? directory : SPAN("."), b->directory, sizeof b->directory) != OK)
        return error_set(e, BAD, "%.80s...: the path is too long", b->file);
    return OK;
}

/* One backup at a time in a directory: another would take this one's file for what a killed one
 * left. Where a directory cannot be locked (network file systems), nothing is. */
static enum result enter_directory(struct backup *b, struct error *e)
{
    b->directory_fd = open(b->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (b->directory_fd < 0)
        return failed(b->directory, e);
    if (flock(b->directory_fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        return error_set(e, TRY_AGAIN, "%s: another backup is being made there", b->directory);
    return OK;
}

static enum result check_target(const struct backup *b, struct error *e)
{
    struct stat st;

    if (lstat(b->file, &st) != 0)
        return errno == ENOENT ? OK : failed(b->file, e);
    return S_ISREG(st.st_mode) ? OK : error_set(e, BAD, "%s: not a regular file", b->file);
}

static void remove_made(const struct backup *b)
{
    unlink(b->made);
    unlink(b->journal);
}

/* Made here, not by SQLite: nobody else is to read it, at no time. */
static enum result make(struct backup *b, struct error *e)
{
    remove_made(b);
    b->made_fd = open(b->made, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    return b->made_fd >= 0 ? OK : failed(b->made, e);
}

static enum result put_in_place(const struct backup *b, struct error *e)
{
    if (fsync(b->made_fd) != 0)
        return failed(b->made, e);
    if (rename(b->made, b->file) != 0)
        return failed(b->file, e);
    return fsync(b->directory_fd) == 0 ? OK : failed(b->directory, e);
}

enum result store_backup(const struct store_params *params, const char *file, struct error *e)
{
    struct backup b = { .file = file, .directory_fd = -1, .made_fd = -1 };
    struct store *store = NULL;
    enum result r = store_open(params, &store, e);

    if (r == OK)
        r = name_files(&b, e);
    if (r == OK)
        r = enter_directory(&b, e);
    if (r == OK)
        r = check_target(&b, e);
    if (r == OK)
        r = make(&b, e);
    if (r == OK)
        r = store_copy(store, b.made, e);
    if (r == OK)
        r = put_in_place(&b, e);
    store_close(&store);
    if (r != OK && b.made_fd >= 0)
        remove_made(&b);
    if (b.made_fd >= 0)
        close(b.made_fd);
    if (b.directory_fd >= 0)
        close(b.directory_fd);
    return r;
}
