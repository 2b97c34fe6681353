/* SPDX-License-Identifier: MIT */
/*
 * Whose words a refusal is: a check's text from policyd.conf, read backwards.  Layer 9.
 */
#ifndef POSTERN_REPLY_TEXT_H
#define POSTERN_REPLY_TEXT_H

#include "lib/check_info.h"
#include "lib/config.h"

/* What stood in the text's placeholders; into the text. */
struct reply_values {
    struct span login, sender, recipient, helo, suffix, reason;
};

/* The check whose text these words are, with or without help_url behind them; of several
 * the one with most words of its own. code: of the reply, "553 5.7.1", which has to be the
 * check's; empty where it is not known, as for a login. NOT_FOUND: none of ours. */
enum result reply_text_check(const struct config *, struct span code, struct span text, enum check_id *id_r,
                             struct reply_values *values_r) MUST_CHECK;

#endif
