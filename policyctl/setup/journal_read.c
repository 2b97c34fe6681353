/* SPDX-License-Identifier: MIT */
/* A record of the journal, as journal.c wrote it. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "policyctl/setup/journal.h"

static enum result damaged(const char *folder, struct error *e)
{
    return error_set(e, BAD, "%s: damaged: nothing is taken back by it", folder);
}

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static enum result read_copy(const char *folder, size_t number, const char *suffix, const json_t *object,
                             const char *flag, struct content *c, struct error *e)
{
    char path[PATH_MAX + 96];

    if (!json_is_true(json_object_get(object, flag)))
        return OK;
    snprintf(path, sizeof path, "%s/%zu.%s", folder, number, suffix);
    enum result r = content_read(path, c, e);
    if (r != OK || !c->bytes)
        return r != OK ? r : damaged(folder, e);
    c->mode = (mode_t)json_integer_value(json_object_get(object, "mode")) & 07777;
    c->uid = (uid_t)json_integer_value(json_object_get(object, "uid"));
    c->gid = (gid_t)json_integer_value(json_object_get(object, "gid"));
    return OK;
}

static enum result read_files(const char *folder, const json_t *list, struct record *record, struct error *e)
{
    size_t i;
    json_t *object;

    record->file = calloc(json_array_size(list) + 1, sizeof *record->file);
    if (!record->file)
        return error_set(e, TRY_AGAIN, "out of memory");
    json_array_foreach(list, i, object)
    {
        struct edit *edit = &record->file[record->files++];
        const char *path = text_of(object, "path");
        if (!path || *path != '/' || str_copy(span_of(path), edit->path, sizeof edit->path) != OK)
            return damaged(folder, e);
        enum result r = read_copy(folder, i, "old", object, "was", &edit->old, e);
        r = r == OK ? read_copy(folder, i, "new", object, "is", &edit->new, e) : r;
        if (r != OK)
            return r;
    }
    return OK;
}

static enum result read_changes(const char *folder, const json_t *list, struct record *record,
                                struct error *e)
{
    size_t i;
    json_t *object;

    record->change = calloc(json_array_size(list) + 1, sizeof *record->change);
    if (!record->change)
        return error_set(e, TRY_AGAIN, "out of memory");
    json_array_foreach(list, i, object)
    {
        const char *kind = text_of(object, "kind"), *old = text_of(object, "old");
        struct setup_change *c = &record->change[record->changes++];
        if (!kind || !text_of(object, "path") || !text_of(object, "directory") || !text_of(object, "name") ||
            !text_of(object, "new"))
            return damaged(folder, e);
        *c = (struct setup_change){ .kind = strcmp(kind, "main.cf") == 0 ? SETUP_MAIN : SETUP_SERVICE,
                                    .path = arena_text(record->arena, text_of(object, "path")),
                                    .directory = arena_text(record->arena, text_of(object, "directory")),
                                    .name = arena_text(record->arena, text_of(object, "name")),
                                    .old = old ? arena_text(record->arena, old) : NULL,
                                    .value = arena_text(record->arena, text_of(object, "new")) };
        if (!c->path || !c->directory || !c->name || (old && !c->old) || !c->value)
            return error_set(e, TRY_AGAIN, "out of memory");
    }
    return OK;
}

enum result journal_read(const struct journal *j, unsigned number, struct record *record, struct error *e)
{
    char folder[PATH_MAX + 32], path[PATH_MAX + 64];
    json_error_t why;

    *record = (struct record){ .number = number, .arena = arena_open() };
    if (!record->arena)
        return error_set(e, TRY_AGAIN, "out of memory");
    snprintf(folder, sizeof folder, "%s/%u", j->directory, number);
    snprintf(path, sizeof path, "%s/finished", folder);
    record->finished = access(path, F_OK) == 0;
    snprintf(path, sizeof path, "%s/journal", folder);
    json_t *list = json_load_file(path, 0, &why);
    if (!list || json_integer_value(json_object_get(list, "version")) != 1) {
        json_decref(list);
        return damaged(folder, e);
    }
    enum result r = read_files(folder, json_object_get(list, "files"), record, e);
    r = r == OK ? read_changes(folder, json_object_get(list, "parameters"), record, e) : r;
    json_decref(list);
    return r;
}

void record_free(struct record *record)
{
    for (size_t i = 0; i < record->files; i++)
        edit_free(&record->file[i]);
    free(record->file);
    free(record->change);
    arena_close(&record->arena);
}
