/* SPDX-License-Identifier: MIT */
/* Rows of another program's tables, from a dump or a SQLite file.  Layer 9. */
#ifndef POSTERN_IMPORT_ROWS_H
#define POSTERN_IMPORT_ROWS_H

#include "policyctl/import/import.h"

enum { TABLE_COLUMNS_LIMIT = 96, TABLE_NAME_MAX = 64 };

/* Texts last until the reader goes on. A value is NULL where the table has none. */
struct table_row {
    const char *table;
    size_t columns;
    const char *name[TABLE_COLUMNS_LIMIT], *value[TABLE_COLUMNS_LIMIT];
};

typedef enum result table_fn(struct import *, const struct table_row *);

struct table_handler {
    const char *table;
    table_fn *take;
};

/* The value of a column; "" where it is NULL, or there is no such column. */
const char *row_value(const struct table_row *, const char *column);

/* INSERT and COPY statements of these tables (which end in a row without a name), as
 * mysqldump(1) and pg_dump(1) write them. */
enum result dump_read(struct import *, FILE *, const struct table_handler *) MUST_CHECK;

/* The same of a SQLite file: tables in the order of the handlers. */
enum result sqlite_read(struct import *, const struct table_handler *) MUST_CHECK;

#endif
