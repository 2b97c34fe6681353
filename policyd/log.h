/* SPDX-License-Identifier: MIT */
/*
 * The daemon's log: lines are collected during a turn of the event loop and written
 * at its end, never waiting for whoever reads them.  Layer 7.
 */
#ifndef POSTERN_LOG_H
#define POSTERN_LOG_H

#include <stdint.h>

#include "lib/result.h"
#include "lib/str.h"

enum log_level { LOG_LEVEL_ALARM, LOG_LEVEL_WARNING, LOG_LEVEL_INFO };
enum { LOG_LINE_MAX = 4096 };

/* Where to: "stderr", "syslog" (facility mail, over /dev/log) or a file's path
 * (appended to, 0640). Opening another target closes the one before. */
enum result log_open(const char *target, struct error *) MUST_CHECK;

/* Opens a file anew, after it was rotated. */
void log_reopen(void);

void log_line(enum log_level, struct span line);
void log_format(enum log_level, const char *format, ...) PRINTF(2, 3);

/* Writes what was collected; what is not taken at once is dropped and counted. */
void log_flush(void);
uint64_t log_dropped(void); /* lines since the start */
void log_close(void);

/* From a signal handler: one line, written past all that was collected. */
void log_last_words(const char *line);

#endif
