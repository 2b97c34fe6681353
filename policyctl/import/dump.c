/* SPDX-License-Identifier: MIT */
/*
 * Dumps in SQL.  Columns are known from the statement itself, else from the CREATE TABLE
 * before it.  All that is of no table asked for is passed over by its tokens.
 */
#include <stdlib.h>
#include <string.h>

#include "policyctl/import/lines.h"
#include "policyctl/import/rows.h"
#include "policyctl/import/sql.h"

enum { TABLES_MAX = 8 };

struct table {
    const struct table_handler *handler;
    char column[TABLE_COLUMNS_LIMIT][TABLE_NAME_MAX];
    size_t columns;
};

struct dump {
    struct sql sql;
    const struct table_handler *handlers;
    struct table table[TABLES_MAX];
    size_t tables;
};

static enum result no_sense(struct dump *d, const char *what)
{
    return import_error(d->sql.im, "%s makes no sense here: is it a dump of mysqldump or pg_dump?", what);
}

/* ---- tables ---- */

/* "public.mailbox", "`mailbox`": by its last part. NULL: none that is asked for. */
static struct table *find_table(struct dump *d, const char *name)
{
    const char *dot = strrchr(name, '.');
    const char *last = dot ? dot + 1 : name;

    for (size_t i = 0; i < d->tables; i++)
        if (strcmp(d->table[i].handler->table, last) == 0)
            return &d->table[i];
    for (const struct table_handler *h = d->handlers; h->table; h++)
        if (strcmp(h->table, last) == 0 && d->tables < TABLES_MAX) {
            d->table[d->tables] = (struct table){ .handler = h };
            return &d->table[d->tables++];
        }
    return NULL;
}

/* A name may stand as "public"."mailbox" or `db`.`mailbox` too: the last part counts. */
static enum result take_name(struct dump *d, struct table **table_r)
{
    const char *text = "";
    int c;

    do {
        d->sql.used = 0;
        if (sql_token(&d->sql, &text) != TOKEN_WORD)
            return no_sense(d, text);
        c = sql_next(&d->sql);
        if (c != '.')
            sql_back(&d->sql, c);
    } while (c == '.');
    *table_r = find_table(d, text);
    return OK;
}

static enum result add_column(struct dump *d, struct table *t, const char *name)
{
    if (t->columns == TABLE_COLUMNS_LIMIT || str_copy(span_of(name), t->column[t->columns], TABLE_NAME_MAX) != OK)
        return import_error(d->sql.im, "table %s has too many columns, or one with too long a name", t->handler->table);
    t->columns++;
    return OK;
}

/* "(a, b, c)", its bracket open already */
static enum result take_columns(struct dump *d, struct table *t)
{
    const char *text;

    for (t->columns = 0;;) {
        d->sql.used = 0;
        if (sql_token(&d->sql, &text) != TOKEN_WORD)
            return no_sense(d, text);
        if (add_column(d, t, text) != OK)
            return BAD;
        if (sql_token(&d->sql, &text) != TOKEN_SIGN || !strchr(",)", *text))
            return no_sense(d, text);
        if (*text == ')')
            return OK;
    }
}

static bool is_column(const char *word)
{
    static const char *const others[] = { "PRIMARY", "KEY", "UNIQUE", "CONSTRAINT", "INDEX", "FULLTEXT", "SPATIAL",
                                          "FOREIGN", "CHECK", "EXCLUDE" };

    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(word, others[i]) == 0)
            return false;
    return true;
}

/* The first word of each part between commas, at the depth of one bracket. */
static enum result take_create(struct dump *d, struct table *t)
{
    const char *text;
    unsigned depth = 1;
    bool begins = true;

    for (t->columns = 0; depth > 0;) {
        d->sql.used = 0;
        enum token kind = sql_token(&d->sql, &text);
        if (kind == TOKEN_END || kind == TOKEN_BAD)
            return no_sense(d, "the end of CREATE TABLE");
        if (kind == TOKEN_WORD && begins && is_column(text) && add_column(d, t, text) != OK)
            return BAD;
        begins = kind == TOKEN_SIGN && *text == ',' && depth == 1;
        if (kind == TOKEN_SIGN)
            depth += *text == '(' ? 1 : *text == ')' ? (unsigned)-1 : 0;
    }
    return sql_skip_statement(&d->sql);
}

/* ---- rows ---- */

static enum result hand_over(struct dump *d, const struct table *t, const size_t *offset, size_t count)
{
    struct table_row row = { .table = t->handler->table, .columns = count };

    if (t->columns == 0)
        return import_error(d->sql.im, "the columns of %s are not known: dump its structure too", t->handler->table);
    if (count != t->columns)
        return import_error(d->sql.im, "a row of %s has %zu values, where %zu are expected", t->handler->table, count,
                            t->columns);
    for (size_t i = 0; i < count; i++) {
        row.name[i] = t->column[i];
        row.value[i] = offset[i] == SIZE_MAX ? NULL : d->sql.text + offset[i];
    }
    return t->handler->take(d->sql.im, &row);
}

/* One value, and the sign behind it. */
static enum result take_value(struct dump *d, size_t *offset_r, char *sign_r)
{
    const char *text;
    enum token t = sql_token_at(&d->sql, offset_r);

    if (t == TOKEN_WORD && strcmp(d->sql.text + *offset_r, "_binary") == 0)
        t = sql_token_at(&d->sql, offset_r);
    if (t != TOKEN_WORD && t != TOKEN_STRING)
        return no_sense(d, "a value");
    if (t == TOKEN_WORD && strcasecmp(d->sql.text + *offset_r, "NULL") == 0)
        *offset_r = SIZE_MAX;
    if (sql_token(&d->sql, &text) != TOKEN_SIGN || !strchr(",)", *text))
        return no_sense(d, *text ? text : "the end of a row");
    *sign_r = *text;
    return OK;
}

/* "(1, 'a', NULL), (...);", the first bracket open already */
static enum result take_values(struct dump *d, const struct table *t)
{
    size_t offset[TABLE_COLUMNS_LIMIT];
    const char *text;
    char sign = ',';

    for (;;) {
        size_t count = 0;
        d->sql.used = 0;
        do {
            if (count == TABLE_COLUMNS_LIMIT)
                return import_error(d->sql.im, "a row of more than %d values", TABLE_COLUMNS_LIMIT);
            if (take_value(d, &offset[count++], &sign) != OK)
                return BAD;
        } while (sign == ',');
        if (hand_over(d, t, offset, count) != OK)
            return BAD;
        if (sql_token(&d->sql, &text) != TOKEN_SIGN || !strchr(",;", *text))
            return no_sense(d, *text ? text : "the end of INSERT");
        if (*text == ';')
            return OK;
        if (sql_token(&d->sql, &text) != TOKEN_SIGN || *text != '(')
            return no_sense(d, text);
    }
}

static enum result take_insert(struct dump *d, struct table *t)
{
    const char *text;

    if (sql_token(&d->sql, &text) == TOKEN_SIGN && *text == '(') {
        if (take_columns(d, t) != OK)
            return BAD;
        (void)sql_token(&d->sql, &text);
    }
    if (strcasecmp(text, "VALUES") != 0 || sql_token(&d->sql, &text) != TOKEN_SIGN || *text != '(')
        return no_sense(d, text);
    return take_values(d, t);
}

/* COPY's text format (PostgreSQL, "COPY"): tabs between, \N for NULL, backslash escapes. */
static enum result take_copy_line(struct dump *d, const struct table *t, struct span line)
{
    size_t offset[TABLE_COLUMNS_LIMIT], count = 0;

    d->sql.used = 0;
    for (size_t i = 0;; i++) {
        if (count == TABLE_COLUMNS_LIMIT)
            return import_error(d->sql.im, "a row of more than %d values", TABLE_COLUMNS_LIMIT);
        offset[count++] = d->sql.used;
        if (line.len - i >= 2 && memcmp(line.ptr + i, "\\N", 2) == 0 && (line.len - i == 2 || line.ptr[i + 2] == '\t')) {
            offset[count - 1] = SIZE_MAX;
            i += 2;
        }
        for (; i < line.len && line.ptr[i] != '\t'; i++) {
            bool escaped = line.ptr[i] == '\\' && i + 1 < line.len;
            i += escaped;
            if (!sql_put(&d->sql, escaped ? sql_unescape(line.ptr[i]) : line.ptr[i]))
                return import_error(d->sql.im, "out of memory");
        }
        if (!sql_put(&d->sql, '\0'))
            return import_error(d->sql.im, "out of memory");
        if (i == line.len)
            return hand_over(d, t, offset, count);
    }
}

/* "(columns) FROM stdin;" and lines up to "\." */
static enum result take_copy(struct dump *d, struct table *t)
{
    const char *text;
    struct span line;
    enum result r;

    if (t && (sql_token(&d->sql, &text) != TOKEN_SIGN || *text != '('))
        return no_sense(d, text);
    if ((t && take_columns(d, t) != OK) || sql_skip_statement(&d->sql) != OK)
        return BAD;
    sql_skip_line(&d->sql);
    while ((r = lines_next(d->sql.im, d->sql.in, &line)) == OK) {
        if (span_equal(line, SPAN("\\.")))
            return OK;
        if (t && take_copy_line(d, t, line) != OK)
            return BAD;
    }
    return r == NOT_FOUND ? import_error(d->sql.im, "COPY does not end: is the dump whole?") : r;
}

/* ---- statements ---- */

static enum result create(struct dump *d)
{
    struct table *t = NULL;
    const char *text;

    if (sql_token(&d->sql, &text) != TOKEN_WORD || strcasecmp(text, "TABLE") != 0)
        return *text == ';' ? OK : sql_skip_statement(&d->sql);
    if (take_name(d, &t) != OK)
        return BAD;
    if (!t)
        return sql_skip_statement(&d->sql);
    return sql_token(&d->sql, &text) == TOKEN_SIGN && *text == '(' ? take_create(d, t) : no_sense(d, text);
}

static enum result insert(struct dump *d)
{
    struct table *t = NULL;
    const char *text;

    do
        (void)sql_token(&d->sql, &text);
    while (strcasecmp(text, "IGNORE") == 0);
    if (strcasecmp(text, "INTO") != 0)
        return no_sense(d, text);
    if (take_name(d, &t) != OK)
        return BAD;
    return t ? take_insert(d, t) : sql_skip_statement(&d->sql);
}

static enum result copy(struct dump *d)
{
    struct table *t = NULL;

    return take_name(d, &t) == OK ? take_copy(d, t) : BAD;
}

static enum result statement(struct dump *d, bool *end_r)
{
    const char *text;

    d->sql.used = 0;
    enum token t = sql_token(&d->sql, &text);
    *end_r = t == TOKEN_END;
    if (t == TOKEN_END || (t == TOKEN_SIGN && *text == ';'))
        return OK;
    if (t == TOKEN_SIGN && *text == '\\') { /* of psql(1) */
        sql_skip_line(&d->sql);
        return OK;
    }
    if (t == TOKEN_WORD && strcasecmp(text, "CREATE") == 0)
        return create(d);
    if (t == TOKEN_WORD && strcasecmp(text, "INSERT") == 0)
        return insert(d);
    if (t == TOKEN_WORD && strcasecmp(text, "COPY") == 0)
        return copy(d);
    return sql_skip_statement(&d->sql);
}

enum result dump_read(struct import *im, FILE *f, const struct table_handler *handlers)
{
    static struct dump dump;
    bool end = false;
    enum result r = OK;

    im->line = 1;
    dump = (struct dump){ .sql = { .im = im, .in = f, .backslashes = true }, .handlers = handlers };
    while (r == OK && !end)
        r = statement(&dump, &end);
    if (dump.sql.text)
        explicit_bzero(dump.sql.text, dump.sql.size); /* hashes */
    free(dump.sql.text);
    if (r == OK && dump.tables == 0)
        r = import_error(im, "no table of a mail server in it: is it the right file?");
    return r;
}
