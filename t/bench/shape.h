/* SPDX-License-Identifier: MIT */
/*
 * Shapes of policy requests, read from a text file, and the requests made of them.
 *
 * A file holds requests as name=value lines, with blank lines between them.  In a
 * value
 *     %SEQ%     is the number of the request, %SEQ:N% that number modulo N;
 *     %USER%    is a number below `users`, scattered evenly, %USER:N% that number
 *               modulo N: all marks of one request speak of the same user.
 * Lines that start with '#' are comments, but
 *     #expect PROFILE=VERB ...
 * before a request names the verbs with which it is to be answered.
 *
 * For the programs of t/bench only: what is wrong ends the program with status 2.
 */
#ifndef POSTERN_BENCH_SHAPE_H
#define POSTERN_BENCH_SHAPE_H

#include <stddef.h>
#include <stdint.h>

enum { SHAPE_SIZE_MAX = 16384, VERB_SIZE = 32 };

struct shape_piece;

struct shape {
    struct shape_piece *pieces;
    size_t count;
    char expect[VERB_SIZE]; /* "": any */
};

struct shape_set {
    struct shape *shapes;
    size_t count; /* at least 1 */
};

/* Expectations are those of profile, which may be NULL. They live until exit. */
void shape_set_load(const char *path, const char *profile, struct shape_set *set_r);

/* Writes request number seq into out, an array of SHAPE_SIZE_MAX octets, and
 * returns its length.  users is at least 1. */
size_t shape_write_request(const struct shape *s, uint64_t seq, uint64_t users, char *out);

#endif
