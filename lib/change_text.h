/* SPDX-License-Identifier: MIT */
/*
 * Changes as the control socket tells them (control.h): a line change=NAME and then one
 * name=value for each field.  Any number of them may stand in a file, which policyctl
 * hands over as a sealed memory file (memfd_create(2)).  Layer 2.
 */
#ifndef POSTERN_CHANGE_TEXT_H
#define POSTERN_CHANGE_TEXT_H

#include <stdio.h>

#include "store.h"

/* Writes one; its values hold no line break (change_validate). */
void change_text_write(const struct change *, FILE *out);

enum { CHANGE_TEXT_MAX = 8192 };

/* Reads them one after the other. */
struct change_text {
    struct change_source source; /* for a change_set */
    struct span all, rest;
    char line[CHANGE_TEXT_MAX]; /* those of the present change, which points here */
};

/* The text stays the caller's until the last change was read. */
void change_text_open(struct change_text *, struct span text);

/* OK; NOT_FOUND: there are no more; BAD, with a line: it is none. change_r lasts until the
 * next one is read. */
enum result change_text_next(struct change_text *, struct change *change_r, struct error *) MUST_CHECK;

#endif
