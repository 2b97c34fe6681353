/* SPDX-License-Identifier: MIT */
/* Local dates as people write and read them.  Layer 9. */
#ifndef POSTERN_DATE_H
#define POSTERN_DATE_H

#include <stdint.h>

#include "lib/result.h"

enum { DATE_TEXT_MAX = 32 };

/* YYYY-MM-DD (its first moment) or YYYY-MM-DDTHH:MM, local time, after now; to
 * seconds since 1970. BAD, with a line. */
enum result date_parse(const char *text, int64_t now, int64_t *seconds_r, struct error *) MUST_CHECK;

/* When a look back begins: a number of s, m, h, d or w before now ("7d"), or a date as
 * above that is past. BAD, with a line. */
enum result date_since(const char *text, int64_t now, int64_t *seconds_r, struct error *) MUST_CHECK;

/* "2027-01-31 00:00", local time; the number where no calendar has it. */
void date_text(int64_t seconds, char text_r[static DATE_TEXT_MAX]);

#endif
