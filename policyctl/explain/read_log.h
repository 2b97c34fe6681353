/* SPDX-License-Identifier: MIT */
/* A log read line by line: its last refusal, or all that it tells of a message.  Layer 9. */
#ifndef POSTERN_READ_LOG_H
#define POSTERN_READ_LOG_H

#include "policyctl/command.h"
#include "policyctl/explain/log_line.h"

struct log_file {
    FILE *in, *opened; /* opened: NULL where it is standard input */
    const char *name; /* for complaints */
};

/* A line and what it says; the text is the line's own. */
struct log_entry {
    struct log_line line;
    size_t len;
    char text[LOG_TEXT_MAX + 1];
};

/* path: "-" is standard input. Says why where it cannot. */
enum status log_file_open(const char *path, struct log_file *file_r);
enum status log_file_close(struct log_file *, enum status); /* the status, or that it could not be read */

/* The next line as it stands, without its line feed: NULs as '?', cut at LOG_TEXT_MAX.
 * false: the end. */
bool log_file_next(struct log_file *, char text_r[static LOG_TEXT_MAX + 1], size_t *len_r);

/* Copies and parses. */
void log_entry_set(struct log_entry *, const char *text, size_t len);

/* --log-line, or --log without --queue-id: explains the last refusal in it. */
enum status explain_last(struct ctl *, const struct args *);

/* --queue-id with --log. */
enum status explain_queue(struct ctl *, const struct args *);

#endif
