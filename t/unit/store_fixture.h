/* SPDX-License-Identifier: MIT */
/* Stores for libcheck, in a directory of their own that goes with the test. */
#ifndef POSTERN_T_STORE_FIXTURE_H
#define POSTERN_T_STORE_FIXTURE_H

#include "lib/store.h"

enum { NOW = 1800000000 };

void store_fixture_open(void); /* for tcase_add_checked_fixture */
void store_fixture_close(void);

/* DIR/name: stays valid; a test may use up to 16 names. */
const char *store_path(const char *name);

/* Opens the file, "accounts.db" or "state.db"; the test fails where that does not work. */
struct store *store_opened(const char *backend, enum database, enum store_access);

enum result store_try(const char *path, enum database, enum store_access, struct store **store_r,
                      struct error *);

/* Applies a line as change_line.h has it; the test fails where it is not done. */
void store_done(struct store *, const char *line);

/* The rows of a query as text: columns apart by '|', rows by a line feed, NULL as "-".
 * Also where the query answers NOT_FOUND: "". */
const char *store_rows(struct store *, enum query, const char *const *params, size_t count);

void run_sql(const char *path, const char *sql);

#endif
