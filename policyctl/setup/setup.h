/* SPDX-License-Identifier: MIT */
/*
 * policyctl setup: what Postfix's and Dovecot's configuration lacks for policyd to be
 * asked, as a list of changes that are made, and taken back, together.  What is not
 * understood is named and left.  Nothing of TLS, and no mode of a check, is ever among
 * the changes.  Layer 9.
 */
#ifndef POSTERN_SETUP_SETUP_H
#define POSTERN_SETUP_SETUP_H

#include "policyctl/arena.h"
#include "policyctl/command.h"
#include "policyctl/host/dovecot.h"
#include "policyctl/setup/file.h"

enum setup_kind {
    SETUP_MAIN,    /* a parameter of main.cf */
    SETUP_SERVICE, /* one that a service of master.cf says itself: "submission/inet/NAME" */
    SETUP_FILE     /* a file as a whole */
};

/* Texts lie in the arena. */
struct setup_change {
    enum setup_kind kind;
    const char *directory; /* the instance of Postfix */
    const char *path;      /* the file that changes */
    const char *name;      /* of the parameter */
    const char *old;       /* NULL: it was not set */
    const char *value;     /* for SETUP_FILE, the text that is added */
    const char *why;
};

/* What stays as it is. */
struct setup_left {
    bool gap; /* something is missing because of it */
    const char *file;
    size_t line;      /* 0: none in particular */
    const char *text; /* the lines themselves; NULL: none */
    const char *what;
};

enum {
    SETUP_CHANGES_MAX = 256,
    SETUP_LEFT_MAX = 64,
    SETUP_NOTES_MAX = 32,
    SETUP_EDITS_MAX = 32,
    INSTANCES_MAX = 16
};

struct setup_instance {
    const char *directory;
    bool named;       /* to be said to Postfix's commands: it is not the one they take by themselves */
    const char *seen; /* the services looked at; NULL: not read */
};

struct setup {
    const struct ctl *ctl;
    const char *postfix_config; /* a directory; NULL: postconf(1)'s own */
    const char *dovecot_config; /* a file; NULL: doveconf(1)'s own */
    bool want_postfix, want_dovecot;
    struct arena *arena;

    struct setup_instance instance[INSTANCES_MAX];
    size_t instances;
    struct dovecot dovecot; /* as it is; config "": not read */

    struct setup_change change[SETUP_CHANGES_MAX];
    struct setup_left left[SETUP_LEFT_MAX];
    const char *note[SETUP_NOTES_MAX];
    struct edit edit[SETUP_EDITS_MAX]; /* the files that the changes make */
    size_t changes, lefts, notes, edits;
    bool cut; /* there was more than there is room for, or memory ran out */
};

struct setup *setup_open(const struct ctl *, const struct args *); /* NULL: no memory */
void setup_close(struct setup **);

/* Looks and plans; changes nothing. BAD, NOT_FOUND: what was wanted cannot be read. */
enum result setup_plan(struct setup *, struct error *) MUST_CHECK;
enum result plan_postfix(struct setup *, struct error *) MUST_CHECK;
enum result plan_dovecot(struct setup *, struct error *) MUST_CHECK;

/* Whether something is missing that is not among the changes. */
bool setup_has_gap(const struct setup *);

/* A copy in the arena. */
const char *setup_text(struct setup *, struct span);
const char *setup_format(struct setup *, const char *format, ...) PRINTF(2, 3);

void setup_add_change(struct setup *, const struct setup_change *);
void setup_add_left(struct setup *, bool gap, const char *file, size_t line, struct span text,
                    const char *format, ...) PRINTF(6, 7);
void setup_add_note(struct setup *, const char *format, ...) PRINTF(2, 3); /* one of the same words once */

/* What the file is and is to be; both are the setup's from now on, or freed. */
void setup_add_edit(struct setup *, const char *path, struct content *old, struct content *new);

/* ---- doing it ---- */

/* Makes the changes, or none. These two print what is wrong. */
enum status setup_apply(struct setup *, const struct args *);

/* Whoever runs reads its configuration again; quiet: without a word. false: somebody could not be told. */
bool setup_reload(const struct setup *, bool quiet);

/* Takes back what was ever made, and reloads. */
enum status setup_undo(struct setup *);

/* Whether an --apply was interrupted, as far as this user may know. */
bool setup_was_interrupted(const struct config *);

/* postfix check */
enum result check_postfix(const struct setup_instance *, struct error *) MUST_CHECK;

/* Reloads it where it runs, and says so or that it does not run. false: it could not be reloaded. */
bool reload_postfix(const struct setup_instance *, bool quiet);
bool reload_dovecot(const struct dovecot *, bool quiet);

/* ---- printing ---- */

void setup_print(const struct setup *, bool applied);
void setup_json(const struct setup *, bool applied);

/* A line for the shell that does a change by itself; "" for a file. */
void setup_command(const struct setup *, const struct setup_change *, struct strbuf *);

#endif
