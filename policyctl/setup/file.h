/* SPDX-License-Identifier: MIT */
/*
 * Whole files, as they are and as they are to be: several are replaced together or not
 * at all, each by a rename, so that whoever reads one sees all of the old or all of the
 * new.  Layer 9.
 */
#ifndef POSTERN_SETUP_FILE_H
#define POSTERN_SETUP_FILE_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "lib/str.h"

enum { CONTENT_MAX = 4 << 20 };

struct content {
    char *bytes; /* NUL-terminated besides; NULL where there is no such file */
    size_t length;
    mode_t mode;
    uid_t uid;
    gid_t gid;
};

/* A file that is not there is OK, with bytes NULL. BAD: no plain file, too large, not readable; free it
 * in either case. */
enum result content_read(const char *path, struct content *content_r, struct error *) MUST_CHECK;
enum result content_copy(const struct content *, struct content *copy_r, struct error *) MUST_CHECK;
bool content_equal(const struct content *, const struct content *); /* octets alone; both away: equal */
void content_free(struct content *);

/* Takes other octets, copied; mode and owner stay, or become 0644 and this user's where it was away. */
enum result content_set(struct content *, struct span bytes, struct error *) MUST_CHECK;

/* Makes the file so, or removes it: written beside under another name, synced, renamed. */
enum result content_write(const char *path, const struct content *, struct error *) MUST_CHECK;

/* Removes what a write that was killed left beside. */
void content_sweep(const char *path);

struct edit {
    char path[PATH_MAX];
    struct content old, new;
    bool done;
};

/* All of them or none. BAD: one is no longer as `old` says, or cannot be written; what was written
 * before it is as it was. */
enum result edits_make(struct edit *, size_t count, struct error *) MUST_CHECK;

/* Those that are done are made undone, last first. */
enum result edits_revert(struct edit *, size_t count, struct error *) MUST_CHECK;

void edit_free(struct edit *);

#endif
