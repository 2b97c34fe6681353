/* SPDX-License-Identifier: MIT */
/*
 * A whole copy of a SQLite database, of one moment, while others write (sqlite.org/lang_vacuum.html:
 * VACUUM INTO), and read back before it is believed.  Layer 2.
 */
#include <stdio.h>
#include <string.h>

#include "store_sqlite.h"

static enum result not_made(struct sqlite_store *s, const char *file, int code, const char *why, struct error *e)
{
    if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
        return error_set(e, BAD, "%s: damaged: not copied: keep the backups that there are",
                         s->path ? s->path : "memory");
    return error_set(e, code == SQLITE_BUSY ? TRY_AGAIN : BAD, "%s: not made: %s", file, why);
}

static int vacuum_into(sqlite3 *db, const char *file)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(db, "VACUUM INTO ?1", -1, &stmt, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_bind_text(stmt, 1, file, -1, SQLITE_STATIC);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(stmt);
    sqlite3_finalize(stmt);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* Every page, every index against its table. */
static enum result check_integrity(sqlite3 *db, const char *file, struct error *e)
{
    sqlite3_stmt *stmt = NULL;
    const char *found = NULL;
    enum result r;

    if (sqlite3_prepare_v2(db, "PRAGMA integrity_check(1)", -1, &stmt, NULL) == SQLITE_OK &&
        sqlite3_step(stmt) == SQLITE_ROW)
        found = (const char *)sqlite3_column_text(stmt, 0);
    if (found && strcmp(found, "ok") == 0)
        r = OK;
    else
        r = error_set(e, BAD, "%s: not kept: read back, it was found damaged: %s", file,
                      found ? found : sqlite3_errmsg(db));
    sqlite3_finalize(stmt);
    return r;
}

enum result sqlite_store_copy(struct store *base, const char *file, struct error *e)
{
    struct sqlite_store *s = (struct sqlite_store *)base;
    sqlite3 *copy = NULL;
    int rc = vacuum_into(s->db, file), version;
    enum result r;

    if (rc != SQLITE_OK)
        return not_made(s, file, rc, sqlite3_errmsg(s->db), e);
    if (sqlite3_open_v2(file, &copy, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        r = error_set(e, BAD, "%s: not kept: %s", file, copy ? sqlite3_errmsg(copy) : "out of memory");
    else {
        r = sqlite_check_schema(copy, file, s->database, true, &version, e);
        if (r == OK)
            r = check_integrity(copy, file, e);
    }
    sqlite3_close(copy);
    return r;
}
