/* SPDX-License-Identifier: MIT */
/*
 * Greylisting (RFC 6647): a sender that is not known has to come again after a delay and
 * within a window; then it is known for a lifetime, and a client with several of those
 * passes at once.  Pure: rows and time in, rows and the answer out.  Layer 1.
 */
#ifndef POSTERN_GREYLIST_H
#define POSTERN_GREYLIST_H

#include <stdbool.h>
#include <stdint.h>

#include "result.h"
#include "str.h"

/* Seconds; client_passes: 0: never at once. */
struct greylist_rule {
    uint64_t delay_s, window_s, lifetime_s, client_passes;
};

/* What is known of a client network, sender and recipient together. All zero: nothing. */
struct greylist_row {
    int64_t first_seen, last_seen; /* seconds since 1970 */
    uint64_t passes;               /* messages that were let pass; 0: it still has to wait */
};

/* What is known of the client network: `passes` counts its senders that came again. */
struct greylist_client {
    int64_t last_seen;
    uint64_t passes;
};

/* How many seconds the client has to wait; 0: it passes. Both rows become what is to be
 * kept. A clock that was set back makes nobody wait for longer than the delay. */
uint64_t greylist_meet(const struct greylist_rule *, struct greylist_row *, struct greylist_client *,
                       int64_t now);

/* From when on a row that is not met again says nothing any more. */
int64_t greylist_expires(const struct greylist_rule *, const struct greylist_row *);

/* For a field of a change (store.h), and back: numbers set off by spaces. BAD: none of these. */
enum { GREYLIST_TEXT_MAX = 96 };
void greylist_rule_format(const struct greylist_rule *, struct strbuf *out);
enum result greylist_rule_parse(const char *text, struct greylist_rule *rule_r) MUST_CHECK;
void greylist_row_format(const struct greylist_row *, struct strbuf *out);
enum result greylist_row_parse(const char *text, struct greylist_row *row_r) MUST_CHECK;

#endif
