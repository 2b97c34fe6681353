/* SPDX-License-Identifier: MIT */
/*
 * A JSON writer (RFC 8259).  Malformed UTF-8 becomes U+FFFD, control characters are
 * escaped.  Layer 9.
 */
#ifndef POSTERN_JSON_H
#define POSTERN_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* To begin with: { .out = stdout }. A key is NULL inside an array and at the top. */
struct json {
    FILE *out;
    unsigned depth;
    bool follows; /* something stands before in this object or array */
};

void json_open(struct json *, const char *key, char bracket); /* '{' or '[' */
void json_close(struct json *, char bracket);                 /* '}' or ']'; at the top a line's end too */
void json_text(struct json *, const char *key, const char *value); /* NULL: null */
void json_number(struct json *, const char *key, int64_t value);
void json_real(struct json *, const char *key, double value); /* to two places */
void json_flag(struct json *, const char *key, bool value);

/* A number in decimal text, as a store's row has it; NULL or anything else: null. */
void json_number_text(struct json *, const char *key, const char *value);

#endif
