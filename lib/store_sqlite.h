/* SPDX-License-Identifier: MIT */
/*
 * Private to the SQLite backend: one connection, its prepared statements, and the
 * identity of its file.  Layer 2.
 */
#ifndef POSTERN_STORE_SQLITE_H
#define POSTERN_STORE_SQLITE_H

#include <sqlite3.h>
#include <sys/types.h>

#include "store_backend.h"
#include "store_schema.h"

enum transaction {
    TX_BEGIN,
    TX_BEGIN_IMMEDIATE,
    TX_COMMIT,
    TX_ROLLBACK,
    TX_SAVEPOINT,
    TX_RELEASE,
    TX_UNDO,
    TX_COUNT
};

enum { CHANGE_PARAMETERS_MAX = 16 };

struct sqlite_store {
    struct store base;
    sqlite3 *db;
    char *path; /* NULL: in memory */
    dev_t device;
    ino_t inode;
    enum database database;
    unsigned log_pages, written_back; /* of the log: all, and as many as were looked at by the last checkpoint */
    sqlite3_stmt *query[QUERY_COUNT]; /* each prepared when it is first needed */
    struct change_statement {
        sqlite3_stmt *stmt;
        size_t parameters;
        signed char number[CHANGE_PARAMETERS_MAX]; /* change_value_number of each */
    } change[CHANGE_COUNT][CHANGE_STATEMENTS_MAX];
    sqlite3_stmt *transaction[TX_COUNT];
    sqlite3_stmt *version;
};

/* Prepares sql into *stmt unless that is done. */
enum result sqlite_prepare(struct sqlite_store *, const char *sql, sqlite3_stmt **stmt) MUST_CHECK;
enum result sqlite_transaction(struct sqlite_store *, enum transaction) MUST_CHECK;
enum result sqlite_store_apply(struct store *, struct change_set *const *sets, size_t count, int64_t now);
enum result sqlite_store_preview(struct store *, struct change_set *, int64_t now);
enum result sqlite_store_copy(struct store *, const char *file, struct error *);

/* Whether a version, as sqlite3_libversion_number has it, has the WAL-reset bug. */
bool sqlite_has_wal_reset(int version);

/* Whether the file is ours and of a version that can be used, or brought up to date where
 * `migrate`. Only reads. *version_r: the one it has. */
enum result sqlite_check_schema(sqlite3 *, const char *path, enum database, bool migrate, int *version_r,
                                struct error *) MUST_CHECK;

/* Brings a database that was checked up to date. */
enum result sqlite_migrate(sqlite3 *, const char *path, enum database, int version,
                           struct error *) MUST_CHECK;

#endif
