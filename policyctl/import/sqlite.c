/* SPDX-License-Identifier: MIT */
/* Tables of another program's SQLite file.  Ours are lib/store's alone. */
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "policyctl/import/rows.h"

static enum result take_rows(struct import *im, sqlite3_stmt *stmt, const struct table_handler *h)
{
    struct table_row row = { .table = h->table, .columns = (size_t)sqlite3_column_count(stmt) };
    enum result r = OK;
    int code;

    if (row.columns > TABLE_COLUMNS_LIMIT)
        return import_error(im, "table %s has more than %d columns", h->table, TABLE_COLUMNS_LIMIT);
    for (size_t i = 0; i < row.columns; i++)
        row.name[i] = sqlite3_column_name(stmt, (int)i);
    while (r == OK && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
        for (size_t i = 0; i < row.columns; i++)
            row.value[i] = (const char *)sqlite3_column_text(stmt, (int)i);
        r = h->take(im, &row);
    }
    return r == OK && code != SQLITE_DONE ? import_error(im, "%s", sqlite3_errmsg(sqlite3_db_handle(stmt))) : r;
}

static enum result take_table(struct import *im, sqlite3 *db, const struct table_handler *h)
{
    sqlite3_stmt *stmt = NULL;
    char sql[64];
    enum result r;

    snprintf(sql, sizeof sql, "SELECT * FROM \"%s\"", h->table);
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK)
        r = take_rows(im, stmt, h);
    else
        r = import_error(im, "%s", sqlite3_errmsg(db));
    sqlite3_finalize(stmt);
    return r;
}

enum result sqlite_read(struct import *im, const struct table_handler *handlers)
{
    sqlite3 *db = NULL;
    enum result r = OK;

    im->line = 0;
    if (sqlite3_open_v2(im->path, &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK)
        r = import_error(im, "%s", db ? sqlite3_errmsg(db) : "out of memory");
    for (; r == OK && handlers->table; handlers++)
        r = take_table(im, db, handlers);
    sqlite3_close(db);
    return r;
}
