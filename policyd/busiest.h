/* SPDX-License-Identifier: MIT */
/*
 * Who sends most and who is refused most just now, by account, domain, client, HELO name
 * and check.  Of each the BUSIEST_MAX that did most; a newcomer takes the place of one
 * who did little lately, and no more than that is remembered of anybody, so a flood of names
 * stays within its bounds.  In memory only.  Layer 6.
 */
#ifndef POSTERN_BUSIEST_H
#define POSTERN_BUSIEST_H

#include <stddef.h>
#include <stdint.h>

#include "lib/result.h"
#include "lib/str.h"

enum busiest_by { BY_ACCOUNT, BY_DOMAIN, BY_CLIENT, BY_HELO, BY_CHECK, BUSIEST_KINDS };
enum { BUSIEST_MAX = 512, BUSIEST_KEY_MAX = 321 };

extern const char *const busiest_names[BUSIEST_KINDS];

/* Over a minute and over an hour: exponentially weighted, as a load average is. What came
 * at a steady rate shows as what came in that time. */
enum busiest_span { SPAN_MINUTE, SPAN_HOUR, BUSIEST_SPANS };

struct busy {
    double sent, recipients, refused; /* messages that were taken; their recipients; replies that refused */
};

struct busiest_row {
    char key[BUSIEST_KEY_MAX];
    struct busy busy[BUSIEST_SPANS];
};

enum busiest_order { ORDER_SENT, ORDER_REFUSED };

struct busiest;

enum result busiest_open(struct busiest **busiest_r) MUST_CHECK;
void busiest_close(struct busiest **);

/* now: milliseconds of a clock that does not jump. An empty key is nobody. */
void busiest_add(struct busiest *, enum busiest_by, struct span key, const struct busy *, uint64_t now_ms);

/* Those that did most in the last minute, then in the last hour, first; who did nothing of
 * it is left out. Returns how many. */
size_t busiest_list(const struct busiest *, enum busiest_by, enum busiest_order, uint64_t now_ms,
                    struct busiest_row *rows_r, size_t max);

#endif
