/* SPDX-License-Identifier: MIT */
/*
 * Another program, run without a shell: an argument vector, its standard input, a
 * deadline after which it is killed with all that it started.  Layer 9.
 */
#ifndef POSTERN_ACT_CHILD_H
#define POSTERN_ACT_CHILD_H

#include <event2/event.h>

#include "lib/str.h"

enum { ARGV_MAX = 64 };

enum child_end {
    CHILD_DONE,   /* status 0 */
    CHILD_FAILED, /* another status, or a signal */
    CHILD_KILLED  /* the deadline was up: what it did is not known */
};

/* What a child left; `output` and `why` last until the callback returns. */
struct child_result {
    enum child_end end;
    int status;         /* its exit status; -1: none, it was ended by a signal */
    struct span output; /* of standard output, where it was wanted and not killed */
    const char *why;    /* one line, where it is not done */
};

typedef void child_ended_fn(const struct child_result *, void *context);

struct child_spec {
    const char *const *argv; /* ends in NULL; argv[0] is an absolute path */
    struct span input;       /* all of it is there before the program starts, and stays when we die */
    bool wants_output;       /* else standard output goes where standard error goes */
    unsigned deadline_s;
    child_ended_fn *ended;
    void *context;
};

struct children;

enum result children_open(struct event_base *, struct children **children_r) MUST_CHECK;

/* OK: `ended` is called later, once. Else, with a line: nothing runs. */
enum result child_start(struct children *, const struct child_spec *, struct error *) MUST_CHECK;

size_t children_running(const struct children *);
void children_close(struct children **); /* none runs any more */

#endif
