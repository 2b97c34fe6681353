/* SPDX-License-Identifier: MIT */
#include "t/unit/store_fixture.h"

#include <check.h>
#include <dirent.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "t/unit/change_line.h"

enum { PATHS_MAX = 16 };

static char directory[64], paths[PATHS_MAX][sizeof directory + 256];

void store_fixture_open(void)
{
    ck_assert_int_eq(str_copy(SPAN("/tmp/postern-store.XXXXXX"), directory, sizeof directory), OK);
    ck_assert_ptr_nonnull(mkdtemp(directory));
    memset(paths, 0, sizeof paths);
    ck_assert_int_eq(chmod(directory, 0755), 0); /* some tests are another user */
}

void store_fixture_close(void)
{
    DIR *dir = opendir(directory);

    ck_assert_ptr_nonnull(dir);
    for (struct dirent *d; (d = readdir(dir)) != NULL;)
        if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
            ck_assert_int_eq(remove(store_path(d->d_name)), 0);
    closedir(dir);
    ck_assert_int_eq(rmdir(directory), 0);
}

const char *store_path(const char *name)
{
    char path[sizeof paths[0]];

    snprintf(path, sizeof path, "%s/%s", directory, name);
    for (size_t i = 0; i < PATHS_MAX; i++) {
        if (!*paths[i])
            memcpy(paths[i], path, sizeof path);
        if (strcmp(paths[i], path) == 0)
            return paths[i];
    }
    ck_abort_msg("too many names in one test");
    return NULL;
}

enum result store_try(const char *path, enum database database, enum store_access access,
                      struct store **store_r, struct error *e)
{
    struct store_params p = { .path = path, .database = database, .access = access };

    return store_open(&p, store_r, e);
}

struct store *store_opened(const char *backend, enum database database, enum store_access access)
{
    struct store_params p = { .backend = backend,
                              .path = store_path(database == DATABASE_ACCOUNTS ? "accounts.db" : "state.db"),
                              .database = database,
                              .access = access };
    struct store *store = NULL;
    struct error e = { "" };

    ck_assert_msg(store_open(&p, &store, &e) == OK, "%s", e.text);
    return store;
}

void store_done(struct store *store, const char *line)
{
    struct error e = { "" };

    ck_assert_msg(change_line_apply(store, span_of(line), NOW, &e) == OK, "%s: %s", line, e.text);
}

static bool add_row(const struct row *row, void *context)
{
    struct strbuf *b = context;

    if (b->len > 0)
        strbuf_addc(b, '\n');
    for (size_t i = 0; i < row->count; i++)
        strbuf_addf(b, "%s%s", i > 0 ? "|" : "", row->column[i] ? row->column[i] : "-");
    return true;
}

const char *store_rows(struct store *store, enum query q, const char *const *params, size_t count)
{
    static char text[65536];
    struct strbuf b;

    strbuf_init(&b, text, sizeof text);
    enum result r = store_query(store, q, params, count, add_row, &b);
    ck_assert_msg(r == (b.len > 0 ? OK : NOT_FOUND), "query %u: %s, '%s'", q, result_name(r), text);
    return text;
}

void run_sql(const char *path, const char *sql)
{
    sqlite3 *db;
    char *why = NULL;

    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, &why) == SQLITE_OK, "%s: %s", sql, why);
    sqlite3_close(db);
}
