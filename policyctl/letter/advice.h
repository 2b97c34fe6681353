/* SPDX-License-Identifier: MIT */
/*
 * What is to be set instead of what was seen: the section of the words that says it, and
 * the values for its placeholders.  Layer 9.
 */
#ifndef POSTERN_ADVICE_H
#define POSTERN_ADVICE_H

#include "lib/address.h"
#include "policyctl/date.h"
#include "policyctl/letter/words.h"
#include "policyctl/readiness/readiness.h"

/* Holds what the values point to, besides the report and the evidence. */
struct advice {
    const struct config *config;
    struct word_values values;
    char today[DATE_TEXT_MAX], last_seen[DATE_TEXT_MAX];
    char server[DOMAIN_MAX + 1], port[8], count[24];
};

/* {host}, {date} and {url}; the rest comes by the functions below. */
void advice_init(struct advice *, const struct ctl *, const struct readiness *);

/* Of one piece of evidence under this section: server, port and encryption to set, and
 * what was seen. */
void advice_evidence(struct advice *, enum section, const struct evidence *);

/* SECTION_COUNT: nobody can set anything against it (the list of access). */
enum section advice_check(enum check_id);
enum section advice_habit(enum habit_id);

/* Whether both have the same remedy, so that one text stands above both. */
bool advice_same(enum section, const struct evidence *, const struct evidence *);

#endif
