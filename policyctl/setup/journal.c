/* SPDX-License-Identifier: MIT */
/* The journal's folder, and writing into it; journal_read.c reads. */
#include "policyctl/setup/journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policyctl/json.h"

/* A record becomes one by its last name: until then it is "new", and before it goes, "old". */
enum { NAME_ROOM = 64 };

/* ---- the folder ---- */

/* Beside the databases' folder, not in it: policyd's user, to whom that belongs, must have no say in
 * what root puts back. */
enum result journal_path(const struct config *config, char path_r[static PATH_MAX], struct error *e)
{
    char file[PATH_MAX], folder[PATH_MAX];

    if (str_copy(span_of(config->accounts_db), file, sizeof file) != OK || !realpath(dirname(file), folder) ||
        snprintf(path_r, PATH_MAX, "%s-setup", folder) >= PATH_MAX)
        return error_set(e, BAD, "the folder of %s: %s: policyctl init makes it", config->accounts_db,
                         strerror(errno));
    return OK;
}

static enum result take_lock(struct journal *j, struct error *e)
{
    char path[PATH_MAX + NAME_ROOM];

    snprintf(path, sizeof path, "%s/lock", j->directory);
    j->lock = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (j->lock < 0)
        return error_set(e, BAD, "%s: %s", path, strerror(errno));
    if (flock(j->lock, LOCK_EX | LOCK_NB) != 0)
        return error_set(e, TRY_AGAIN, "another policyctl setup is at work: try again");
    return OK;
}

enum result journal_open(const struct config *config, struct journal *j, struct error *e)
{
    struct stat st;

    j->lock = -1;
    if (journal_path(config, j->directory, e) != OK)
        return BAD;
    if (mkdir(j->directory, 0700) != 0 && errno != EEXIST)
        return error_set(e, BAD, "%s: %s", j->directory, strerror(errno));
    if (lstat(j->directory, &st) != 0 || !S_ISDIR(st.st_mode) || st.st_uid != geteuid() ||
        (st.st_mode & 0022) != 0)
        return error_set(e, BAD, "%s: no folder that only root can write to", j->directory);
    return take_lock(j, e);
}

void journal_close(struct journal *j)
{
    if (j->lock >= 0)
        close(j->lock);
    j->lock = -1;
}

unsigned journal_last(const struct journal *j)
{
    DIR *d = opendir(j->directory);
    struct dirent *entry;
    unsigned last = 0;

    while (d && (entry = readdir(d)) != NULL) {
        uint64_t number;
        if (str_number(span_of(entry->d_name), 1, 1000000, &number) == OK && number > last)
            last = (unsigned)number;
    }
    if (d)
        closedir(d);
    return last;
}

static bool sync_path(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool done = fd >= 0 && fsync(fd) == 0;

    if (fd >= 0)
        close(fd);
    return done;
}

static void remove_folder(const char *path)
{
    char file[PATH_MAX + NAME_ROOM + 260];
    DIR *d = opendir(path);
    struct dirent *entry;

    while (d && (entry = readdir(d)) != NULL) {
        snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            unlink(file);
    }
    if (d)
        closedir(d);
    rmdir(path);
}

/* ---- a record ---- */

static enum result write_copy(const char *folder, size_t number, const char *suffix, const struct content *c,
                              struct error *e)
{
    char path[PATH_MAX + 2 * NAME_ROOM];
    struct content copy = *c;

    if (!c->bytes)
        return OK;
    copy.mode = 0600;
    copy.uid = geteuid();
    copy.gid = getegid();
    snprintf(path, sizeof path, "%s/%zu.%s", folder, number, suffix);
    return content_write(path, &copy, e);
}

static void write_file(struct json *j, const struct edit *edit)
{
    const struct content *like = edit->old.bytes ? &edit->old : &edit->new;

    json_open(j, NULL, '{');
    json_text(j, "path", edit->path);
    json_flag(j, "was", edit->old.bytes != NULL);
    json_flag(j, "is", edit->new.bytes != NULL);
    json_number(j, "mode", like->mode);
    json_number(j, "uid", like->uid);
    json_number(j, "gid", like->gid);
    json_close(j, '}');
}

static void write_change(struct json *j, const struct setup_change *c)
{
    json_open(j, NULL, '{');
    json_text(j, "kind", c->kind == SETUP_MAIN ? "main.cf" : "master.cf");
    json_text(j, "path", c->path);
    json_text(j, "directory", c->directory);
    json_text(j, "name", c->name);
    json_text(j, "old", c->old);
    json_text(j, "new", c->value);
    json_close(j, '}');
}

static enum result write_list(const char *folder, const struct setup *s, struct error *e)
{
    char path[PATH_MAX + 2 * NAME_ROOM];

    snprintf(path, sizeof path, "%s/journal", folder);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (!out)
        return error_set(e, BAD, "%s: %s", path, strerror(errno));
    struct json json = { .out = out };
    json_open(&json, NULL, '{');
    json_number(&json, "version", 1);
    json_number(&json, "time", s->ctl->now);
    json_open(&json, "files", '[');
    for (size_t i = 0; i < s->edits; i++)
        write_file(&json, &s->edit[i]);
    json_close(&json, ']');
    json_open(&json, "parameters", '[');
    for (size_t i = 0; i < s->changes; i++)
        if (s->change[i].kind != SETUP_FILE)
            write_change(&json, &s->change[i]);
    json_close(&json, ']');
    json_close(&json, '}');
    bool done = fflush(out) == 0 && fsync(fd) == 0;
    int why = errno;
    if (fclose(out) != 0 || !done)
        return error_set(e, BAD, "%s: %s", path, strerror(why));
    return OK;
}

static enum result write_record(const char *folder, const struct setup *s, struct error *e)
{
    enum result r = mkdir(folder, 0700) == 0 ? OK : error_set(e, BAD, "%s: %s", folder, strerror(errno));

    for (size_t i = 0; r == OK && i < s->edits; i++) {
        r = write_copy(folder, i, "old", &s->edit[i].old, e);
        r = r == OK ? write_copy(folder, i, "new", &s->edit[i].new, e) : r;
    }
    r = r == OK ? write_list(folder, s, e) : r;
    return r == OK && !sync_path(folder) ? error_set(e, BAD, "%s: %s", folder, strerror(errno)) : r;
}

enum result journal_begin(const struct journal *j, const struct setup *s, unsigned *number_r, struct error *e)
{
    char folder[PATH_MAX + NAME_ROOM], final[PATH_MAX + NAME_ROOM];
    unsigned number = journal_last(j) + 1;
    enum result r;

    snprintf(folder, sizeof folder, "%s/new", j->directory);
    snprintf(final, sizeof final, "%s/%u", j->directory, number);
    remove_folder(folder);
    r = write_record(folder, s, e);
    if (r == OK && (rename(folder, final) != 0 || !sync_path(j->directory)))
        r = error_set(e, BAD, "%s: %s", final, strerror(errno));
    if (r != OK)
        remove_folder(folder);
    *number_r = number;
    return r;
}

enum result journal_finish(const struct journal *j, unsigned number, struct error *e)
{
    char path[PATH_MAX + NAME_ROOM];
    struct content mark = { 0 };
    enum result r = content_set(&mark, SPAN(""), e);

    snprintf(path, sizeof path, "%s/%u/finished", j->directory, number);
    mark.mode = 0600;
    r = r == OK ? content_write(path, &mark, e) : r;
    content_free(&mark);
    return r;
}

enum result journal_remove(const struct journal *j, unsigned number, struct error *e)
{
    char folder[PATH_MAX + NAME_ROOM], gone[PATH_MAX + NAME_ROOM];

    snprintf(folder, sizeof folder, "%s/%u", j->directory, number);
    snprintf(gone, sizeof gone, "%s/old", j->directory);
    remove_folder(gone);
    if (rename(folder, gone) != 0 || !sync_path(j->directory))
        return error_set(e, BAD, "%s: %s", folder, strerror(errno));
    remove_folder(gone);
    return OK;
}
