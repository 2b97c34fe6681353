/* SPDX-License-Identifier: MIT */
/* A readiness report as one HTML file: its parts.  Layer 9. */
#ifndef POSTERN_READINESS_HTML_H
#define POSTERN_READINESS_HTML_H

#include <stdio.h>

#include "policyctl/letter/points.h"

struct html {
    const struct ctl *ctl;
    const struct readiness *report;
    const struct words *words;
    const struct point *point; /* what there is to change in the accounts of `check` */
    size_t points;
    unsigned check; /* CHECK_COUNT: all */
    FILE *out;
};

/* Whether the report tells of this check, or of habits. */
bool html_shows(const struct html *, unsigned check);

/* ---- the sections in their order ---- */

void html_verdicts(const struct html *);
void html_time(const struct html *);
void html_days(const struct html *); /* the same in figures, by the day */
void html_checks(const struct html *);
void html_habits(const struct html *);
void html_exceptions(const struct html *);
void html_domains(const struct html *);

/* ---- what they share ---- */

/* "safe", "breaks", ...: a sign, a colour and the word. */
void html_badge(FILE *out, const char *word);

/* Before and behind a table that is wider than a phone; the caption names it. */
void html_table_open(FILE *out, const char *caption);
void html_table_close(FILE *out);

/* All evidence of some subjects, a row each. with_standing: not of a habit. */
void html_subjects(const struct html *, const char *caption, const struct subject *, size_t count,
                   bool with_standing);

/* ---- made by the build ---- */

extern const char *const html_style[], *const html_script[]; /* lines up to NULL */
extern const char html_policy[]; /* the Content-Security-Policy that lets these two in */

#endif
