/* SPDX-License-Identifier: MIT */
/*
 * The tokens of a dump in SQL, of MySQL, MariaDB and PostgreSQL.  Which it is shows in the
 * comment at its beginning.  Layer 9.
 */
#ifndef POSTERN_IMPORT_SQL_H
#define POSTERN_IMPORT_SQL_H

#include "policyctl/import/import.h"

enum token { TOKEN_END, TOKEN_WORD, TOKEN_STRING, TOKEN_SIGN, TOKEN_BAD };

struct sql {
    struct import *im;
    FILE *in;
    bool backslashes; /* in '...' they escape: not in PostgreSQL */
    char *text;       /* of the tokens since `used` was 0, one behind the other; the caller frees it */
    size_t size, used;
};

/* A token and where its text begins in s->text: the array may move with the next one.
 * Names in quotes are words. */
enum token sql_token_at(struct sql *, size_t *offset_r);

/* The same where the next token does not matter. */
enum token sql_token(struct sql *, const char **text_r);

/* Past the next ';' outside of strings. */
enum result sql_skip_statement(struct sql *) MUST_CHECK;

int sql_next(struct sql *);          /* the next octet, EOF at the end */
void sql_back(struct sql *, int c);  /* once */
void sql_skip_line(struct sql *);
bool sql_put(struct sql *, int c);   /* appends to the text; false: no memory */
int sql_unescape(int c);             /* what a backslash makes of it */

#endif
