/* SPDX-License-Identifier: MIT */
/*
 * What an account's behaviour says of whether somebody else is using it: points for each
 * signal, and their sum.  Layer 5.
 */
#ifndef POSTERN_SIGNALS_H
#define POSTERN_SIGNALS_H

#include "policyd/behaviour.h"
#include "policyd/request.h"

struct signals {
    unsigned score;                 /* the sum of the points */
    unsigned points[SIGNAL_COUNT];  /* 0 to the signal's weight */
    unsigned measure[SIGNAL_COUNT]; /* in the signal's unit */
};

void signals_measure(const struct behaviour *, const struct signal_config[static SIGNAL_COUNT], int64_t now,
                     struct signals *signals_r);

unsigned signals_recipients(const struct request *); /* of the message whose end it is */

/* Tells the behaviour of that message. */
void signals_message(struct behaviour *, const struct request *, int64_t now);

/* Those that gave points, the most first: "rate 50 (recipients: 212), strangers 31 (recipients: 16)". */
void signals_text(const struct signals *, struct strbuf *out);

#endif
