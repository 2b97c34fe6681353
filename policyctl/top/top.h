/* SPDX-License-Identifier: MIT */
/* Who sends most and who is refused most, as policyd says (policyd/busiest.h).  Layer 9. */
#ifndef POSTERN_TOP_H
#define POSTERN_TOP_H

#include "policyctl/command.h"

enum { TOP_ROWS = 100, TOP_KEY_MAX = 384, TOP_NUMBERS = 6 };

enum top_by { TOP_ACCOUNT, TOP_DOMAIN, TOP_CLIENT, TOP_HELO, TOP_CHECK, TOP_KINDS };

struct top_kind {
    const char *name;  /* as policyd and --by name it */
    const char *title; /* of its column */
    char key;          /* on the screen */
};
extern const struct top_kind top_kinds[TOP_KINDS];

struct top_row {
    double number[TOP_NUMBERS]; /* of the minute: messages, recipients, refused; then of the hour */
    char key[TOP_KEY_MAX];
};

struct top {
    enum top_by by;
    bool refused; /* those who are refused most; else those who send most */
    size_t count;
    struct top_row row[TOP_ROWS];
};

/* Asks for the rows of t->by and t->refused. As ask_policyd. */
enum result top_read(const struct ctl *, struct top *t, struct error *) MUST_CHECK;

#endif
