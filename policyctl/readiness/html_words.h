/* SPDX-License-Identifier: MIT */
/* The words of policyctl letter in the HTML report.  Layer 9. */
#ifndef POSTERN_READINESS_HTML_WORDS_H
#define POSTERN_READINESS_HTML_WORDS_H

#include "policyctl/readiness/html.h"

/* A section of the words as paragraphs, settings and what was seen. */
void html_words(const struct html *, enum section, const struct word_values *);

/* The same as text alone: for a heading. */
void html_words_line(const struct html *, enum section, const struct word_values *);

/* What one account is to change, and what was seen of it. */
void html_point(const struct html *, const struct point *, struct advice *);

/* What to tell those concerned, once for each remedy. */
void html_remedies(const struct html *, enum section, const struct subject *, size_t count);

/* The attribute of elements that hold such words: which language a template of the admin's is in
 * is not known. */
const char *html_words_language(const struct html *);

#endif
