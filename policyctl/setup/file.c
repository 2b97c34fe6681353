/* SPDX-License-Identifier: MIT */
#include "policyctl/setup/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* ---- reading ---- */

static enum result read_all(int fd, struct content *c)
{
    while (c->length < CONTENT_MAX) {
        ssize_t n = read(fd, c->bytes + c->length, CONTENT_MAX - c->length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return BAD;
        if (n == 0)
            return OK;
        c->length += (size_t)n;
    }
    errno = EFBIG;
    return BAD;
}

static enum result read_open(int fd, struct content *c)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return BAD;
    if (!S_ISREG(st.st_mode)) {
        errno = EINVAL;
        return BAD;
    }
    c->bytes = calloc(1, CONTENT_MAX + 1);
    if (!c->bytes)
        return TRY_AGAIN;
    c->mode = st.st_mode & 07777;
    c->uid = st.st_uid;
    c->gid = st.st_gid;
    return read_all(fd, c);
}

enum result content_read(const char *path, struct content *c, struct error *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    enum result r;

    *c = (struct content){ 0 };
    if (fd < 0)
        return errno == ENOENT ? OK : error_set(e, BAD, "%s: %s", path, strerror(errno));
    r = read_open(fd, c);
    if (r != OK)
        error_set(e, r, "%s: %s", path, strerror(errno));
    close(fd);
    if (r == OK) { /* not to keep room for the largest */
        char *fitting = realloc(c->bytes, c->length + 1);
        c->bytes = fitting ? fitting : c->bytes;
        /* cppcheck-suppress memleak; it is the caller's, in c->bytes */
    }
    return r;
}

enum result content_copy(const struct content *from, struct content *to, struct error *e)
{
    *to = *from;
    to->bytes = NULL;
    return from->bytes ? content_set(to, (struct span){ from->bytes, from->length }, e) : OK;
}

bool content_equal(const struct content *a, const struct content *b)
{
    if (!a->bytes || !b->bytes)
        return a->bytes == b->bytes;
    return a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0;
}

void content_free(struct content *c)
{
    free(c->bytes);
    *c = (struct content){ 0 };
}

enum result content_set(struct content *c, struct span bytes, struct error *e)
{
    char *copy = malloc(bytes.len + 1);

    if (!copy)
        return error_set(e, TRY_AGAIN, "out of memory");
    if (bytes.len > 0)
        memcpy(copy, bytes.ptr, bytes.len);
    copy[bytes.len] = '\0';
    if (c->mode == 0) {
        c->mode = 0644;
        c->uid = geteuid();
        c->gid = getegid();
    }
    free(c->bytes);
    c->bytes = copy;
    c->length = bytes.len;
    return OK;
}

/* ---- writing ---- */

/* "/etc/postfix/" and "/etc/postfix/.main.cf.postern", which no pattern of an !include fits. */
static enum result names_beside(const char *path, char *folder_r, char *other_r)
{
    const char *slash = strrchr(path, '/');
    struct strbuf folder, other;

    strbuf_init(&folder, folder_r, PATH_MAX);
    strbuf_init(&other, other_r, PATH_MAX);
    strbuf_add(&folder, (struct span){ path, (size_t)(slash - path) + 1 });
    strbuf_addf(&other, "%s.%s.postern", folder_r, slash + 1);
    return folder.cut || other.cut ? LIMIT : OK;
}

/* Postfix's programs wait while a file was changed less than two seconds ago, lest it be half written: a
 * rename leaves none half written. */
static bool make_older(int fd)
{
    struct timespec times[2] = { { .tv_nsec = UTIME_OMIT } };

    clock_gettime(CLOCK_REALTIME, &times[1]);
    times[1].tv_sec -= 3;
    return futimens(fd, times) == 0;
}

static bool write_all(int fd, const struct content *c)
{
    for (size_t done = 0; done < c->length;) {
        ssize_t n = write(fd, c->bytes + done, c->length - done);
        if (n < 0 && errno != EINTR)
            return false;
        done += n > 0 ? (size_t)n : 0;
    }
    return fchown(fd, c->uid, c->gid) == 0 && fchmod(fd, c->mode) == 0 && make_older(fd) && fsync(fd) == 0;
}

static bool write_beside(const char *other, const struct content *c)
{
    unlink(other); /* of one that was killed */
    int fd = open(other, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    bool written = fd >= 0 && write_all(fd, c);
    int why = errno;

    if (fd >= 0 && close(fd) != 0)
        written = false;
    errno = why;
    return written;
}

static void sync_folder(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
}

enum result content_write(const char *path, const struct content *c, struct error *e)
{
    char folder[PATH_MAX], other[PATH_MAX];
    bool done;

    if (names_beside(path, folder, other) != OK)
        return error_set(e, BAD, "%s: the name is too long", path);
    if (c->bytes)
        done = write_beside(other, c) && rename(other, path) == 0;
    else
        done = unlink(path) == 0 || errno == ENOENT;
    int why = errno;
    unlink(other);
    if (!done)
        return error_set(e, BAD, "%s: %s", path, strerror(why));
    sync_folder(folder);
    return OK;
}

void content_sweep(const char *path)
{
    char folder[PATH_MAX], other[PATH_MAX];

    if (names_beside(path, folder, other) == OK)
        unlink(other);
}

/* ---- several ---- */

static enum result edit_make(struct edit *edit, struct error *e)
{
    struct content now;
    enum result r = content_read(edit->path, &now, e);

    if (r == OK && !content_equal(&now, &edit->old))
        r = error_set(e, BAD, "%s: somebody else changes it", edit->path);
    content_free(&now);
    if (r == OK)
        r = content_write(edit->path, &edit->new, e);
    edit->done = r == OK;
    return r;
}

enum result edits_revert(struct edit *edits, size_t count, struct error *e)
{
    enum result r = OK;

    for (size_t i = count; i-- > 0;) {
        if (!edits[i].done)
            continue;
        if (content_write(edits[i].path, &edits[i].old, e) == OK)
            edits[i].done = false;
        else
            r = BAD;
    }
    return r;
}

enum result edits_make(struct edit *edits, size_t count, struct error *e)
{
    struct error second;

    for (size_t i = 0; i < count; i++) {
        if (edit_make(&edits[i], e) == OK)
            continue;
        if (edits_revert(edits, count, &second) != OK)
            error_set(e, BAD, "%.200s, and what was changed before stays: %.200s: policyctl setup --undo",
                      e->text, second.text);
        return BAD;
    }
    return OK;
}

void edit_free(struct edit *edit)
{
    content_free(&edit->old);
    content_free(&edit->new);
}
