/* SPDX-License-Identifier: MIT */
/*
 * The words of notices: a file of sections with {placeholders}, one for a kind of event and
 * one for all others (en.txt explains it).  Layer 9.
 */
#ifndef POSTERN_ACT_TEMPLATE_H
#define POSTERN_ACT_TEMPLATE_H

#include "lib/event_row.h"
#include "lib/str.h"

/* The members of an event, and what else can be filled in. */
enum { TEMPLATE_DOMAIN = EVENT_COLUMNS, TEMPLATE_HOST, TEMPLATE_QUEUED, TEMPLATE_HELD_BACK, TEMPLATE_VALUES };

struct template;

/* path "": the English one. BAD, with "FILE:LINE: what and the remedy". The caller frees it. */
enum result template_load(const char *path, struct template **template_r, struct error *) MUST_CHECK;
void template_free(struct template **);

/* Appends the subject (one line) and the text of the event's kind, filled in; NULL values are
 * empty, control characters become '?'. */
void template_fill(const struct template *, enum event_kind, const char *const value[static TEMPLATE_VALUES],
                   struct strbuf *subject, struct strbuf *body);

#endif
