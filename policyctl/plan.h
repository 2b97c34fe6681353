/* SPDX-License-Identifier: MIT */
/*
 * A plan: from when on which check has which mode.  A line a step:
 *
 *     2027-01-15        starttls  enforce  example.com
 *     2027-02-01T08:00  starttls  enforce  host  until 2027-03-01
 *
 * Empty lines, and what stands behind '#', are passed over.  Layer 9.
 */
#ifndef POSTERN_PLAN_H
#define POSTERN_PLAN_H

#include <stdint.h>

#include "lib/address.h"
#include "lib/check_info.h"

enum { PLAN_STEPS_MAX = 256, PLAN_LINE_MAX = 1024 };

struct step {
    enum check_id id;
    enum mode mode;
    char scope[ADDRESS_MAX + 1]; /* "" the host */
    int64_t starts, expires;     /* seconds since 1970; expires 0: without end */
    unsigned line;
};

struct plan {
    struct step step[PLAN_STEPS_MAX];
    size_t count;
    unsigned line; /* the one that is read */
};

/* Reads one line, "all" as a step for each check that the scope can have. BAD, LIMIT: with
 * a line. */
enum result plan_line(struct plan *, const char *text, struct error *) MUST_CHECK;

/* Reads a file. BAD, LIMIT: with "FILE:LINE: what and the remedy". */
enum result plan_read(const char *path, struct plan *plan_r, struct error *) MUST_CHECK;

#endif
