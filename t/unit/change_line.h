/* SPDX-License-Identifier: MIT */
/*
 * A change of the account table as a line of text, for tests:
 *
 *     account-add address=john@example.com kind=user password={X}x
 *     account-suspend address=john@example.com reason="stolen password"
 */
#ifndef POSTERN_T_CHANGE_LINE_H
#define POSTERN_T_CHANGE_LINE_H

#include "lib/store.h"

struct change_line {
    char text[8192]; /* what the change's fields point into */
    struct change change;
};

/* BAD: no such change, or one that takes no such field. */
enum result change_line_parse(struct span text, struct change_line *line_r, struct error *) MUST_CHECK;

/* Applies one line alone, and says how it ended. */
enum result change_line_apply(struct store *, struct span text, int64_t now, struct error *) MUST_CHECK;

#endif
