/* SPDX-License-Identifier: MIT */
/*
 * Argument vectors from a command's words, apart by spaces, and from the members of an
 * event.  The words are taken apart before anything is filled in, so that no value becomes
 * two of them.  Layer 9.
 */
#ifndef POSTERN_ACT_ARGV_H
#define POSTERN_ACT_ARGV_H

#include "postern-act/child.h"
#include "postern-act/task.h"

enum { ARGV_TEXT_MAX = 8192 };

struct argv {
    const char *word[ARGV_MAX + 1]; /* ends in NULL */
    size_t count;
    char text[ARGV_TEXT_MAX];
    struct strbuf b;
};

/* LIMIT, with a line: too many words, or too long. */
enum result argv_words(struct argv *, const char *command, struct error *) MUST_CHECK;
enum result argv_add(struct argv *, const char *word, struct error *) MUST_CHECK;

/* The same with {members} of the task's event filled in. BAD, with a line: a word that
 * begins with a value that begins with '-' would be an option. */
enum result argv_event(struct argv *, const char *command, const struct task *, struct error *) MUST_CHECK;

#endif
