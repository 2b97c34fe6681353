/* SPDX-License-Identifier: MIT */
/*
 * The tables behind the store: the SQL of each query and of each change, and the
 * migrations.  A backend reads them; nothing else does.  Layer 2.
 */
#ifndef POSTERN_STORE_SCHEMA_H
#define POSTERN_STORE_SCHEMA_H

#include "store.h"
#include "usage.h"

/* What tells the rows of logins apart, and all that one says. */
#define LOGIN_KEY                                                                                            \
    "account, outcome, service, mechanism, security, port, server_name, client, cause, bare"
#define LOGIN_COLUMNS LOGIN_KEY ", count, first_seen, last_seen"

/* Parameters are ?1, ?2, ... */
extern const char *const query_sql[QUERY_COUNT];

enum { CHANGE_STATEMENTS_MAX = 9 };

struct change_type {
    const char *name;
    enum database database;
    enum field field[CHANGE_FIELDS_MAX]; /* what it takes, ends in FIELD_NOW */
    /* Run in this order; parameters are :name of a field or of a derived value
     * (struct change_values). The first has to touch a row. */
    const char *sql[CHANGE_STATEMENTS_MAX];
    /* The line for each way to fail, with a {field} filled in, and the remedy. */
    const char *none;    /* the first statement touched no row: NOT_FOUND */
    const char *exists;  /* UNIQUE: BAD */
    const char *foreign; /* FOREIGN KEY: BAD */
};

extern const struct change_type change_types[CHANGE_COUNT];

/* One migration: brings a database from version - 1 to version. */
struct migration {
    enum database database;
    int version;
    const char *sql;
};

extern const struct migration migrations[]; /* made from sql/ by the build; ends in a NULL sql */
int schema_version(enum database);          /* the newest */

/* The values of a change, checked and in canonical form. */
struct change_values {
    const char *value[FIELD_COUNT];                 /* NULL: the change does not take it, or SQL NULL */
    const char *domain_of;                          /* of address or catchall */
    const char *shape;                              /* of a list entry, as text */
    const char *subject_kind;                       /* of an observation, by its check */
    char now[24], expires[24];
    char client_passes[24], client_seen[24], client_expires[24]; /* of the greylist */
    const char *is_known;
    char text[USAGE_TEXT_MAX + 1024]; /* what the pointers point into */
    size_t used;
    char merged[USAGE_TEXT_MAX];
};

/* Stores the canonical form of text (never empty) at *value_r. BAD or LIMIT, with a line. */
typedef enum result field_check_fn(struct change_values *, const char *text, const char **value_r,
                                   struct error *);

struct field_type {
    const char *name; /* on the control socket, in messages, and as :name in SQL */
    field_check_fn *check;
    bool optional;     /* may be empty */
    const char *empty; /* the value then; NULL: SQL NULL */
};

extern const struct field_type field_types[FIELD_COUNT];

/* Of a change that depends on the row it changes: its first statement reads one column of
 * one row (where the database wants it, FOR UPDATE), and this turns it, NULL where there is
 * none yet, into v->merged and v->expires, which the others write. OK; NOT_FOUND: it is done
 * already; PENDING: written, with a line; LIMIT, BAD. */
typedef enum result change_merge_fn(struct change_values *, const char *column, int64_t now, struct error *);
change_merge_fn usage_merge, greylist_merge;

struct usage;

/* A change of CHANGE_USAGE on a row that is not a text; otherwise as usage_merge. */
enum result usage_change(const struct change_values *, struct usage *, int64_t now, struct error *) MUST_CHECK;

struct change_merge {
    change_merge_fn *merge; /* NULL: it depends on none */
    bool either; /* the second statement writes where there is a row, the third where there is none */
};

extern const struct change_merge change_merges[CHANGE_COUNT];

/* Copies a text into the values. LIMIT, with a line: no room. */
enum result field_keep(struct change_values *, const char *text, const char **value_r, struct error *) MUST_CHECK;

/* Checks and normalises each field. BAD or LIMIT, with a line, where one is wrong. */
enum result change_check(const struct change *, int64_t now, struct change_values *values_r,
                         struct error *) MUST_CHECK;

/* The value that goes with :name in a statement, without the colon; also by the name's
 * number, which stays the same (-1: there is no such name). */
const char *change_value(const struct change_values *, const char *name);
int change_value_number(const char *name);
const char *change_value_at(const struct change_values *, int number);

/* The line of a change_type with its {field}s filled in. */
void change_explain(const char *line, const struct change_values *, struct error *error_r);

#endif
