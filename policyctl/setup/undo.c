/* SPDX-License-Identifier: MIT */
/*
 * policyctl setup --undo.  A file that nobody changed since gets back the octets it had;
 * in main.cf and master.cf that somebody did change, each parameter gets back its value,
 * unless that is no longer the one that setup set: then nothing at all is taken back.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policyctl/setup/journal.h"
#include "policyctl/setup/lines.h"
#include "policyctl/setup/scratch.h"

/* The files as they come to be, record by record, the newest first. */
struct undoing {
    struct setup *s;
    struct edit file[SETUP_EDITS_MAX];
    size_t files;
    size_t refusals;
    bool dovecot; /* a file of Dovecot's is among them; those of Postfix's are in s->instance */
};

static void refuse(struct undoing *u, const char *format, ...) PRINTF(2, 3);
static void refuse(struct undoing *u, const char *format, ...)
{
    struct error e;
    va_list args;

    va_start(args, format);
    vsnprintf(e.text, sizeof e.text, format, args);
    va_end(args);
    fail_error(STATUS_FAILED, &e);
    u->refusals++;
}

/* As it is, the first time it is asked for. NULL: e says why. */
static struct edit *file_of(struct undoing *u, const char *path, struct error *e)
{
    struct edit *f = &u->file[u->files];

    for (size_t i = 0; i < u->files; i++)
        if (strcmp(u->file[i].path, path) == 0)
            return &u->file[i];
    if (u->files == SETUP_EDITS_MAX || str_copy(span_of(path), f->path, sizeof f->path) != OK) {
        error_set(e, BAD, "%s: too many files", path);
        return NULL;
    }
    if (content_read(path, &f->old, e) != OK || content_copy(&f->old, &f->new, e) != OK) {
        edit_free(f);
        return NULL;
    }
    u->files++;
    return f;
}

/* ---- a value ---- */

/* What it is now; *set_r: whether it is set at all. */
static enum result value_now(const struct scratch *scratch, const struct setup_change *c, char *value_r,
                             size_t size, bool *set_r, struct error *e)
{
    struct content text = { 0 };
    struct lines l;
    struct strbuf b;
    char *output;
    enum result r;

    strbuf_init(&b, value_r, size);
    if (c->kind == SETUP_MAIN) {
        r = scratch_take(scratch, "main.cf", &text, e);
        main_cf_find(text.bytes ? text.bytes : "", c->name, &l);
        *set_r = l.found > 0;
        if (r == OK && *set_r && !main_cf_value(&l, &b))
            r = error_set(e, BAD, "%s: the value is too long", c->name);
        content_free(&text);
        return r;
    }
    r = scratch_postconf(scratch, "-P", c->name, &output, e);
    if (r != OK)
        return r;
    const char *sign = strchr(output, '=');
    *set_r = sign != NULL;
    if (sign)
        strbuf_add(&b, span_trim((struct span){ sign + 1, strcspn(sign + 1, "\n") }));
    free(output);
    return b.cut ? error_set(e, BAD, "%s: the value is too long", c->name) : OK;
}

static enum result put_back(const struct scratch *scratch, const struct setup_change *c, struct error *e)
{
    char assignment[8192];
    struct strbuf b;

    if (!c->old)
        return scratch_postconf(scratch, c->kind == SETUP_MAIN ? "-X" : "-PX", c->name, NULL, e);
    strbuf_init(&b, assignment, sizeof assignment);
    strbuf_addf(&b, "%s=", c->name);
    strbuf_adds(&b, c->old);
    if (b.cut)
        return error_set(e, BAD, "%s: the value is too long", c->name);
    return scratch_postconf(scratch, c->kind == SETUP_MAIN ? "-e" : "-P", assignment, NULL, e);
}

static enum result undo_value(struct undoing *u, const struct scratch *scratch, const struct setup_change *c,
                              struct error *e)
{
    char now[8192];
    bool is_set;
    enum result r = value_now(scratch, c, now, sizeof now, &is_set, e);

    if (r != OK)
        return r;
    if (c->old ? is_set && strcmp(now, c->old) == 0 : !is_set)
        return OK; /* somebody took it back already */
    if (is_set && strcmp(now, c->value) == 0 && c->kind == SETUP_SERVICE && c->old &&
        strpbrk(c->old, " \t")) {
        refuse(u,
               "%s: postconf cannot put a value with spaces back: give %s its old one, \"%.200s\", by hand",
               c->path, c->name, c->old);
        return OK;
    }
    if (is_set && strcmp(now, c->value) == 0)
        return put_back(scratch, c, e);
    refuse(u,
           "%s: %s is no longer what setup set: give it the value \"%.120s\", or the one it had, \"%.120s\"",
           c->path, c->name, c->value, c->old ? c->old : "");
    return OK;
}

/* ---- a record ---- */

static const char *directory_of(const struct record *record, const char *path)
{
    for (size_t i = 0; i < record->changes; i++)
        if (strcmp(record->change[i].path, path) == 0)
            return record->change[i].directory;
    return NULL;
}

/* The instance's other file: postconf wants both. */
static enum result open_scratch(struct undoing *u, const char *directory, const struct edit *f, bool is_main,
                                struct scratch *scratch, struct error *e)
{
    char name[PATH_MAX], path[PATH_MAX];

    snprintf(name, sizeof name, "%.4000s/%s", directory, is_main ? "master.cf" : "main.cf");
    if (!realpath(name, path))
        return error_set(e, BAD, "%s: %s", name, strerror(errno));
    const struct edit *other = file_of(u, path, e);
    if (!other || !other->new.bytes)
        return error_set(e, BAD, "%s: it cannot be read", name);
    return scratch_open(is_main ? &f->new : &other->new, is_main ? &other->new : &f->new, scratch, e);
}

static enum result undo_values(struct undoing *u, const struct record *record, struct edit *f,
                               struct error *e)
{
    const char *directory = directory_of(record, f->path);
    struct scratch scratch = { "" };
    bool is_main = true;
    enum result r;

    if (!directory) {
        refuse(u, "%s: it was changed since: take what setup put there out by hand", f->path);
        return OK;
    }
    for (size_t i = 0; i < record->changes; i++)
        if (strcmp(record->change[i].path, f->path) == 0)
            is_main = record->change[i].kind == SETUP_MAIN;
    r = open_scratch(u, directory, f, is_main, &scratch, e);
    for (size_t i = record->changes; r == OK && i-- > 0;)
        if (strcmp(record->change[i].path, f->path) == 0)
            r = undo_value(u, &scratch, &record->change[i], e);
    r = r == OK ? scratch_take(&scratch, is_main ? "main.cf" : "master.cf", &f->new, e) : r;
    scratch_close(&scratch);
    return r;
}

static enum result undo_record(struct undoing *u, const struct record *record, struct error *e)
{
    for (size_t i = record->files; i-- > 0;) {
        const struct edit *was = &record->file[i];
        struct edit *f = file_of(u, was->path, e);
        enum result r = OK;
        if (!f)
            return BAD;
        if (content_equal(&f->new, &was->old) || !f->new.bytes)
            continue; /* taken back already, or gone along with all the rest */
        if (content_equal(&f->new, &was->new)) {
            content_free(&f->new);
            r = content_copy(&was->old, &f->new, e);
        } else {
            r = undo_values(u, record, f, e);
        }
        if (r != OK)
            return r;
    }
    return OK;
}

static void forget_files(struct undoing *u)
{
    for (size_t i = 0; i < u->files; i++)
        edit_free(&u->file[i]);
    u->files = 0;
}

static void drop_unchanged(struct undoing *u)
{
    size_t kept = 0;

    for (size_t i = 0; i < u->files; i++) {
        if (content_equal(&u->file[i].old, &u->file[i].new))
            edit_free(&u->file[i]);
        else if (kept++ != i) {
            u->file[kept - 1] = u->file[i];
            u->file[i] = (struct edit){ 0 };
        }
    }
    u->files = kept;
}

/* ---- all records ---- */

/* All are gone through before the first is taken back: one that cannot be keeps all. */
static enum result rehearse(struct undoing *u, const struct journal *j, unsigned last, struct error *e)
{
    enum result r = OK;

    for (unsigned n = last; r == OK && n > 0; n--) {
        struct record record;
        r = journal_read(j, n, &record, e);
        r = r == OK ? undo_record(u, &record, e) : r;
        record_free(&record);
    }
    forget_files(u);
    return r;
}

/* Who is to read its configuration again. */
static void note_server(struct undoing *u, const struct record *record, const char *path)
{
    struct setup *s = u->s;
    const char *directory = directory_of(record, path);

    u->dovecot = u->dovecot || !directory;
    for (size_t i = 0; directory && i < s->instances; i++)
        if (strcmp(s->instance[i].directory, directory) == 0)
            directory = NULL;
    if (directory && s->instances < INSTANCES_MAX)
        s->instance[s->instances++] =
            (struct setup_instance){ setup_text(s, span_of(directory)), true, NULL };
}

static enum result take_back_one(struct undoing *u, const struct journal *j, unsigned number, struct error *e)
{
    struct record record;
    enum result r = journal_read(j, number, &record, e);

    for (size_t i = 0; r == OK && i < record.files; i++)
        content_sweep(record.file[i].path);
    r = r == OK ? undo_record(u, &record, e) : r;
    drop_unchanged(u);
    r = r == OK ? edits_make(u->file, u->files, e) : r;
    for (size_t i = 0; r == OK && i < u->files; i++) {
        printf("%s: %s\n", u->file[i].path, u->file[i].new.bytes ? "taken back" : "removed");
        note_server(u, &record, u->file[i].path);
    }
    r = r == OK ? journal_remove(j, number, e) : r;
    forget_files(u);
    record_free(&record);
    return r;
}

/* It is done already: what is wrong now was so before setup, or came in between. */
static enum status reload_all(struct undoing *u)
{
    struct setup *s = u->s;
    struct error e;
    bool done = true;

    for (size_t i = 0; i < s->instances; i++) {
        if (check_postfix(&s->instance[i], &e) != OK) {
            fail(STATUS_FAILED, "postfix -c %s check: %.300s", s->instance[i].directory, e.text);
            done = false;
        } else {
            done = reload_postfix(&s->instance[i], false) && done;
        }
    }
    if (u->dovecot && dovecot_read(s->dovecot_config, &s->dovecot, &e) != OK)
        return fail_error(STATUS_FAILED, &e);
    if (u->dovecot)
        done = reload_dovecot(&s->dovecot, false) && done;
    return done ? STATUS_DONE : STATUS_FAILED;
}

static enum status undo_all(struct undoing *u, const struct journal *j)
{
    struct error e;
    unsigned last = journal_last(j);

    if (last == 0) {
        puts("There is nothing to take back.");
        return STATUS_DONE;
    }
    enum result r = rehearse(u, j, last, &e);
    if (r != OK)
        return fail_error(STATUS_FAILED, &e);
    if (u->refusals > 0)
        return fail(STATUS_FAILED, "nothing was taken back");
    for (unsigned n = last; r == OK && n > 0; n--)
        r = take_back_one(u, j, n, &e);
    return r == OK ? reload_all(u) : fail_error(STATUS_FAILED, &e);
}

enum status setup_undo(struct setup *s)
{
    struct undoing *u = calloc(1, sizeof *u);
    struct journal journal;
    struct error e;
    enum status status;

    if (!u)
        return fail(STATUS_UNREACHABLE, "out of memory");
    u->s = s;
    enum result r = geteuid() == 0 ? journal_open(s->ctl->config, &journal, &e) : NOT_FOUND;
    if (r == NOT_FOUND) {
        free(u);
        return fail(STATUS_FAILED, "Postfix's and Dovecot's configuration is root's: be root");
    }
    status =
        r == OK ? undo_all(u, &journal) : fail_error(r == TRY_AGAIN ? STATUS_UNREACHABLE : STATUS_FAILED, &e);
    journal_close(&journal);
    free(u);
    return status;
}
