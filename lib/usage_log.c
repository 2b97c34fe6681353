/* SPDX-License-Identifier: MIT */
#include "usage_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Both are read by the machine that wrote them. */
struct header {
    char magic[16];
    uint64_t number; /* the file with the higher one is newer */
};

struct record {
    uint64_t hash; /* of the file's number and what follows it here */
    struct lengths {
        uint32_t key, counts;
    } len;
    /* the key, the counts, each with a NUL */
};

static const char magic[16] = "Postern usage 3";

struct file {
    int fd;
    char *path;
    uint64_t number; /* 0: empty, without a header */
    uint64_t size;
    uint64_t octets; /* there are; behind `size` they are of an earlier use */
};

struct usage_log {
    struct file file[USAGE_LOG_FILES];
    unsigned current;
    uint64_t last_number;
    char *batch;
    size_t len, room;
};

/* ---- reading ---- */

static uint64_t record_hash(uint64_t number, const struct record *r, const char *texts)
{
    struct span both = { texts, (size_t)r->len.key + r->len.counts + 2 };

    return str_key_hash(both) ^ r->len.key ^ number * 0x9e3779b97f4a7c15u;
}

/* Returns the octets of the record at p, 0 where there is no whole one. */
static size_t read_record(const char *p, size_t len, uint64_t number, struct span *key_r, struct span *counts_r)
{
    struct record r;
    size_t size;

    if (len < sizeof r)
        return 0;
    memcpy(&r, p, sizeof r);
    size = sizeof r + (size_t)r.len.key + r.len.counts + 2;
    p += sizeof r;
    if (size > len || record_hash(number, &r, p) != r.hash || p[r.len.key] != '\0' || p[r.len.key + r.len.counts + 1] != '\0')
        return 0;
    *key_r = (struct span){ p, r.len.key };
    *counts_r = (struct span){ p + r.len.key + 1, r.len.counts };
    return size;
}

/* Returns how much of the file holds good. */
static uint64_t read_records(const char *text, size_t len, uint64_t number, unsigned file, usage_log_row_fn *fn,
                             void *context)
{
    size_t at = sizeof(struct header), size;
    struct span key, counts;

    while ((size = read_record(text + at, len - at, number, &key, &counts)) > 0) {
        fn(key, counts, file, context);
        at += size;
    }
    return at;
}

static enum result failed(const struct file *f, const char *what, struct error *e)
{
    return error_set(e, BAD, "%s: %s: %s", f->path, what, strerror(errno));
}

static bool read_whole(int fd, char *text, size_t size)
{
    size_t len = 0;
    ssize_t n;

    while (len < size && (n = pread(fd, text + len, size - len, (off_t)len)) > 0)
        len += (size_t)n;
    return len == size;
}

static enum result read_file(struct usage_log *log, unsigned i, usage_log_row_fn *fn, void *context, struct error *e)
{
    struct file *f = &log->file[i];
    enum result r = OK;
    uint64_t good;
    char *text;

    if (f->number == 0 || f->size <= sizeof(struct header))
        return OK;
    text = calloc(1, f->size);
    if (!text || !read_whole(f->fd, text, f->size)) {
        r = failed(f, "cannot be read", e);
        free(text);
        return r;
    }
    good = read_records(text, f->size, f->number, i, fn, context);
    free(text);
    if (good < f->size && ftruncate(f->fd, (off_t)good) != 0)
        return failed(f, "cannot be cut", e);
    f->size = f->octets = good;
    return OK;
}

static char *path_of(const char *state_db, unsigned i)
{
    char *path;

    return asprintf(&path, "%s-usage%u", state_db, i) < 0 ? NULL : path;
}

bool usage_log_is_there(const char *state_db)
{
    bool found = false;

    for (unsigned i = 0; i < USAGE_LOG_FILES; i++) {
        char *path = path_of(state_db, i);
        struct stat st;
        found |= path && stat(path, &st) == 0 && st.st_size > 0;
        free(path);
    }
    return found;
}

static enum result open_file(struct file *f, const char *state_db, unsigned i, struct error *e)
{
    struct header h;
    struct stat st;

    f->path = path_of(state_db, i);
    if (!f->path)
        return error_set(e, TRY_AGAIN, "out of memory");
    f->fd = open(f->path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0640);
    if (f->fd < 0 || fstat(f->fd, &st) != 0)
        return failed(f, "cannot be opened", e);
    f->size = (uint64_t)st.st_size;
    if (pread(f->fd, &h, sizeof h, 0) == (ssize_t)sizeof h && memcmp(h.magic, magic, sizeof magic) == 0)
        f->number = h.number;
    else if (ftruncate(f->fd, 0) == 0) /* its first write was cut short */
        f->size = 0;
    else
        return failed(f, "cannot be emptied", e);
    f->octets = f->size;
    return OK;
}

enum result usage_log_open(const char *state_db, usage_log_row_fn *fn, void *context,
                           struct usage_log **log_r, struct error *e)
{
    struct usage_log *log = calloc(1, sizeof *log);
    enum result r = log ? OK : error_set(e, TRY_AGAIN, "out of memory");

    if (!log)
        return r;
    for (unsigned i = 0; i < USAGE_LOG_FILES; i++)
        log->file[i].fd = -1;
    for (unsigned i = 0; i < USAGE_LOG_FILES && r == OK; i++)
        r = open_file(&log->file[i], state_db, i, e);
    log->current = log->file[1].number > log->file[0].number;
    log->last_number = log->file[log->current].number;
    if (r == OK)
        r = read_file(log, !log->current, fn, context, e);
    if (r == OK)
        r = read_file(log, log->current, fn, context, e);
    if (r == OK)
        *log_r = log;
    else
        usage_log_close(&log);
    return r;
}

void usage_log_close(struct usage_log **log)
{
    if (!*log)
        return;
    for (unsigned i = 0; i < USAGE_LOG_FILES; i++) {
        if ((*log)->file[i].fd >= 0)
            close((*log)->file[i].fd);
        free((*log)->file[i].path);
    }
    free((*log)->batch);
    free(*log);
    *log = NULL;
}

/* ---- writing ---- */

static char *room_for(struct usage_log *log, size_t size)
{
    size_t room = log->room > 0 ? log->room : 16384;
    char *batch = log->batch;

    while (room < log->len + size)
        room *= 2;
    if (room > log->room && !(batch = realloc(log->batch, room)))
        return NULL;
    log->batch = batch;
    log->room = room;
    return batch + log->len;
}

/* The first record of a file brings its header. */
static enum result begin_file(struct usage_log *log)
{
    struct file *f = &log->file[log->current];
    struct header h = { .number = log->last_number + 1 };
    char *p;

    if (f->number > 0)
        return OK;
    p = room_for(log, sizeof h);
    if (!p)
        return TRY_AGAIN;
    memcpy(h.magic, magic, sizeof magic);
    memcpy(p, &h, sizeof h);
    log->len += sizeof h;
    f->number = log->last_number = h.number;
    return OK;
}

enum result usage_log_add(struct usage_log *log, struct span key, struct span counts)
{
    struct record r = { .len = { (uint32_t)key.len, (uint32_t)counts.len } };
    size_t size = sizeof r + key.len + counts.len + 2;
    char *p, *texts;

    if (begin_file(log) != OK || !(p = room_for(log, size)))
        return TRY_AGAIN;
    texts = p + sizeof r;
    memcpy(texts, key.ptr, key.len);
    texts[key.len] = '\0';
    memcpy(texts + key.len + 1, counts.ptr, counts.len);
    texts[key.len + 1 + counts.len] = '\0';
    r.hash = record_hash(log->file[log->current].number, &r, texts);
    memcpy(p, &r, sizeof r);
    log->len += size;
    return OK;
}

static void cut(struct file *f)
{
    if (ftruncate(f->fd, (off_t)f->size) == 0)
        f->octets = f->size;
}

enum result usage_log_flush(struct usage_log *log, struct error *e)
{
    struct file *f = &log->file[log->current];
    size_t len = log->len;
    ssize_t n;

    log->len = 0;
    if (len == 0)
        return OK;
    n = pwrite(f->fd, log->batch, len, (off_t)f->size);
    if (n == (ssize_t)len) {
        f->size += len;
        f->octets = f->size > f->octets ? f->size : f->octets;
        return OK;
    }
    (void)error_set(e, TRY_AGAIN, "%s: %s", f->path, strerror(n < 0 ? errno : ENOSPC));
    cut(f); /* else what is left there is written over */
    if (f->size == 0)
        f->number = 0;
    return TRY_AGAIN;
}

unsigned usage_log_current(const struct usage_log *log)
{
    return log->current;
}

uint64_t usage_log_size(const struct usage_log *log, unsigned file)
{
    return log->file[file].size;
}

void usage_log_turn(struct usage_log *log)
{
    log->current = !log->current;
}

void usage_log_empty(struct usage_log *log, unsigned file)
{
    static const struct header none;
    struct file *f = &log->file[file];

    if (pwrite(f->fd, &none, sizeof none, 0) != (ssize_t)sizeof none)
        return; /* it is read once more at most, and newer records stand behind it */
    f->size = 0;
    f->number = 0;
}

void usage_log_cut(struct usage_log *log)
{
    for (unsigned i = 0; i < USAGE_LOG_FILES; i++)
        if (log->file[i].octets > log->file[i].size)
            cut(&log->file[i]);
}

void usage_log_remove(struct usage_log *log)
{
    for (unsigned i = 0; i < USAGE_LOG_FILES; i++) {
        log->file[i].size = 0;
        cut(&log->file[i]); /* where it cannot be removed, it is empty */
        unlink(log->file[i].path);
    }
}
