/* SPDX-License-Identifier: MIT */
/*
 * Schema versions: the numbered files of sql/, each applied in one transaction
 * with its new version (PRAGMA user_version).  Layer 2.
 */
#include "store_sqlite.h"

#include <stdio.h>

/* PRAGMA application_id: tells our files from others, and the two from each other. */
static const int application_ids[] = { [DATABASE_ACCOUNTS] = 0x50736172, [DATABASE_STATE] = 0x50737461 };

int schema_version(enum database database)
{
    int version = 0;

    for (const struct migration *m = migrations; m->sql; m++)
        if (m->database == database && m->version > version)
            version = m->version;
    return version;
}

static int pragma_get(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    int value = -1;

    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW)
        value = sqlite3_column_int(stmt, 0);
    sqlite3_finalize(stmt);
    return value;
}

static enum result unreadable(sqlite3 *db, const char *path, struct error *e)
{
    int code = sqlite3_errcode(db);

    if (code == SQLITE_NOTADB || code == SQLITE_CORRUPT)
        return error_set(e, BAD, "%s: damaged or no SQLite database: restore it from a backup", path);
    return error_set(e, code == SQLITE_BUSY ? TRY_AGAIN : BAD, "%s: %s", path, sqlite3_errmsg(db));
}

static enum result migrate_one(sqlite3 *db, const char *path, const struct migration *m, struct error *e)
{
    char set[96];
    enum result r;

    snprintf(set, sizeof set, "PRAGMA user_version = %d; PRAGMA application_id = %d; COMMIT", m->version,
             application_ids[m->database]);
    if (sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK &&
        sqlite3_exec(db, m->sql, NULL, NULL, NULL) == SQLITE_OK &&
        sqlite3_exec(db, set, NULL, NULL, NULL) == SQLITE_OK)
        return OK;
    r = unreadable(db, path, e); /* before the rollback puts another error in its place */
    if (!sqlite3_get_autocommit(db))
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return r;
}

enum result sqlite_check_schema(sqlite3 *db, const char *path, enum database database, bool migrate,
                                int *version_r, struct error *e)
{
    int version = pragma_get(db, "PRAGMA user_version"), newest = schema_version(database);
    int id = version < 0 ? -1 : pragma_get(db, "PRAGMA application_id");
    int tables = id < 0 ? -1 : pragma_get(db, "SELECT count(*) FROM sqlite_schema");

    if (tables < 0)
        return unreadable(db, path, e);
    if (id != application_ids[database] && (id != 0 || version != 0 || tables > 0))
        return error_set(e, BAD, "%s: not Postern's %s database: name the right file in policyd.conf", path,
                         database == DATABASE_ACCOUNTS ? "accounts" : "state");
    if (version > newest)
        return error_set(e, BAD, "%s: schema version %d is newer than this program's %d: upgrade Postern",
                         path, version, newest);
    if (version < newest && !migrate)
        return error_set(e, BAD,
                         "%s: schema version %d is older than this program's %d: policyctl init "
                         "brings it up to date",
                         path, version, newest);
    *version_r = version;
    return OK;
}

enum result sqlite_migrate(sqlite3 *db, const char *path, enum database database, int version,
                           struct error *e)
{
    for (const struct migration *m = migrations; m->sql; m++)
        if (m->database == database && m->version > version) {
            enum result r = migrate_one(db, path, m, e);
            if (r != OK)
                return r;
        }
    return OK;
}
