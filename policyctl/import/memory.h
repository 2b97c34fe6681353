/* SPDX-License-Identifier: MIT */
/* What an input said so far, and where.  Layer 9. */
#ifndef POSTERN_IMPORT_MEMORY_H
#define POSTERN_IMPORT_MEMORY_H

#include "policyctl/import/import.h"

struct memory;

/* Kinds of keys besides enum item. */
enum { ABOUT_COPY = ITEM_COUNT, ABOUT_NEEDED, ABOUT_INACTIVE };

struct said {
    const char *key, *value;
    unsigned long line;
};

struct memory *memory_open(void); /* NULL: no memory */
void memory_close(struct memory **);

/* NULL: nothing was said. `about` tells the kinds of keys apart. */
const struct said *memory_find(struct memory *, unsigned about, const char *key);

/* Copies both. TRY_AGAIN: no memory. */
enum result memory_add(struct memory *, unsigned about, const char *key, const char *value,
                       unsigned long line) MUST_CHECK;

/* Calls fn with each in the order of its key, as long as it answers OK. */
enum result memory_each(struct memory *, unsigned about, enum result (*fn)(const struct said *, void *context),
                        void *context) MUST_CHECK;

#endif
