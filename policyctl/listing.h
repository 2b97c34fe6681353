/* SPDX-License-Identifier: MIT */
/* A query of accounts.db as a table for people or as JSON.  Layer 9. */
#ifndef POSTERN_LISTING_H
#define POSTERN_LISTING_H

#include "lib/address.h"
#include "policyctl/command.h"
#include "policyctl/json.h"

enum column_kind {
    COLUMN_TEXT,
    COLUMN_NUMBER,
    COLUMN_FLAG,  /* 0 or 1: no or yes */
    COLUMN_TIME,  /* seconds since 1970, or empty */
    COLUMN_EXPIRY /* the same; once it is past, "expired" stands behind it */
};

struct column {
    const char *title; /* of the table; NULL: in JSON only */
    const char *key;   /* in JSON */
    enum column_kind kind;
};

/* One column description for each column of the query, in its order. */
struct listing {
    enum query query;
    const struct column *column;
    size_t columns;
};

/* Prints all rows of one moment; param: the query's parameter, NULL where it takes
 * none. */
enum status listing_print(const struct ctl *, const struct listing *, const char *param, bool json);

/* The same of an open store, as one part of more: a table, or where json is not NULL an
 * array under the key. NOT_FOUND: there are no rows; then no table is printed. */
enum result listing_part(const struct ctl *, struct store *, const struct listing *, const char *param,
                         struct json *json, const char *key) MUST_CHECK;

/* One column's value as text for people, in `buffer` where it needs one. */
enum { LISTING_TEXT_MAX = 64 };
const char *listing_text(const struct column *, const char *value, int64_t now,
                         char buffer[static LISTING_TEXT_MAX]);

/* Writes one row as the members of an open JSON object. */
void listing_members(struct json *, const struct column *, size_t columns, const struct row *);

/* STATUS_FAILED, with a line "no WHAT KEY": the query finds no row. */
enum status listing_exists(const struct ctl *, enum query, const char *what, const char *key);

/* The canonical form of --domain, "" where it was not given; says so where there is no
 * such domain. */
enum status listing_domain(const struct ctl *, const struct args *, char domain_r[static DOMAIN_MAX + 1]);

#endif
