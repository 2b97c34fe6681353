/* SPDX-License-Identifier: MIT */
/*
 * The SQLite backend: WAL, one connection that writes, any number that read
 * (sqlite.org/wal.html).  Statements are reset as soon as their rows are read.
 * Layer 2.
 */
#include "store_sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#ifndef SMB2_MAGIC_NUMBER
#define SMB2_MAGIC_NUMBER 0xfe534d42
#endif
#define CIFS_MAGIC 0xff534d42

/* WAL needs shared memory between all who open the file. */
static bool on_network(const char *path)
{
    static const unsigned long magic[] = { NFS_SUPER_MAGIC, SMB_SUPER_MAGIC, SMB2_MAGIC_NUMBER, CIFS_MAGIC,
                                           AFS_SUPER_MAGIC, V9FS_MAGIC,      CEPH_SUPER_MAGIC };
    struct statfs fs;

    if (statfs(path, &fs) != 0)
        return false;
    for (size_t i = 0; i < sizeof magic / sizeof *magic; i++)
        if ((unsigned long)fs.f_type == magic[i])
            return true;
    return false;
}

enum result sqlite_prepare(struct sqlite_store *s, const char *sql, sqlite3_stmt **stmt)
{
    if (*stmt)
        return OK;
    return sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, stmt, NULL) == SQLITE_OK ? OK
                                                                                                  : TRY_AGAIN;
}

enum result sqlite_transaction(struct sqlite_store *s, enum transaction t)
{
    static const char *const sql[TX_COUNT] = {
        [TX_BEGIN] = "BEGIN",
        [TX_BEGIN_IMMEDIATE] = "BEGIN IMMEDIATE",
        [TX_COMMIT] = "COMMIT",
        [TX_ROLLBACK] = "ROLLBACK",
        [TX_SAVEPOINT] = "SAVEPOINT change_set",
        [TX_RELEASE] = "RELEASE change_set",
        [TX_UNDO] = "ROLLBACK TO change_set",
    };

    if (sqlite_prepare(s, sql[t], &s->transaction[t]) != OK)
        return TRY_AGAIN;
    sqlite3_step(s->transaction[t]);
    return sqlite3_reset(s->transaction[t]) == SQLITE_OK ? OK : TRY_AGAIN;
}

static void free_store(struct sqlite_store *s)
{
    sqlite3_stmt *stmt;

    while (s->db && (stmt = sqlite3_next_stmt(s->db, NULL)) != NULL)
        sqlite3_finalize(stmt);
    sqlite3_close(s->db);
    free(s->path);
    free(s);
}

static void close_store(struct store *base)
{
    free_store((struct sqlite_store *)base);
}

/* Made here, not by SQLite: the -wal and -shm files take over its mode. */
static enum result create_file(const char *path, struct error *e)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);

    if (fd >= 0)
        close(fd);
    else if (errno != EEXIST)
        return error_set(e, BAD, "%s: cannot be made: %s", path, strerror(errno));
    return OK;
}

/* SQLite's own words on a file that is absent or unreadable name neither. */
static enum result check_file(struct sqlite_store *s, const struct store_params *p, struct error *e)
{
    struct stat st;

    if (p->access == STORE_CREATE && create_file(p->path, e) != OK)
        return BAD;
    if (stat(p->path, &st) != 0)
        return error_set(e, BAD, "%s: %s%s", p->path, strerror(errno),
                         errno == ENOENT ? ": make it with policyctl init" : "");
    if (!S_ISREG(st.st_mode))
        return error_set(e, BAD, "%s: not a regular file", p->path);
    if (access(p->path, p->access == STORE_READ ? R_OK : R_OK | W_OK) != 0)
        return error_set(e, BAD, "%s: %s: check its owner and mode", p->path, strerror(errno));
    if (on_network(p->path))
        return error_set(e, BAD, "%s: lies on a network file system: put it on a local disk", p->path);
    s->device = st.st_dev;
    s->inode = st.st_ino;
    s->path = strdup(p->path);
    return s->path ? OK : error_set(e, TRY_AGAIN, "out of memory");
}

static enum result failed(struct sqlite_store *s, const char *path, struct error *e)
{
    int code = sqlite3_errcode(s->db);

    if (code == SQLITE_NOTADB || code == SQLITE_CORRUPT)
        return error_set(e, BAD, "%s: damaged or no SQLite database: restore it from a backup", path);
    return error_set(e, code == SQLITE_BUSY ? TRY_AGAIN : BAD, "%s: %s", path, sqlite3_errmsg(s->db));
}

static bool run(struct sqlite_store *s, const char *sql)
{
    return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

/* Called with each commit: how long the log is now. */
static int on_commit(void *context, sqlite3 *db, const char *name, int pages)
{
    struct sqlite_store *s = context;

    (void)db, (void)name;
    s->log_pages = (unsigned)pages;
    return SQLITE_OK;
}

/* policyd checkpoints by itself (wal_autocheckpoint would stall a reply), and keeps
 * the -wal file so that readers of another user can still open the database. */
static enum result set_up_writer(struct sqlite_store *s, const char *path, struct error *e)
{
    int on = 1;

    /* Of a new file only. Most of what is written are rows of 200 octets, each on a page of its
     * own, which goes through the log and back. */
    if (s->database == DATABASE_STATE && !run(s, "PRAGMA page_size = 2048"))
        return failed(s, path, e);
    if (!run(s, "PRAGMA journal_mode = WAL") || !run(s, "PRAGMA wal_autocheckpoint = 0") ||
        !run(s, "PRAGMA journal_size_limit = 16777216") ||
        !run(s,
             s->database == DATABASE_ACCOUNTS ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL"))
        return failed(s, path, e);
    sqlite3_file_control(s->db, "main", SQLITE_FCNTL_PERSIST_WAL, &on);
    sqlite3_wal_hook(s->db, on_commit, s);
    return OK;
}

static enum result connect_to(struct sqlite_store *s, const struct store_params *p, struct error *e)
{
    const char *path = s->path ? s->path : ":memory:";
    int flags = p->access == STORE_READ ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    char cache[48];
    int version;
    enum result r;

    if (sqlite3_open_v2(path, &s->db, flags | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        return failed(s, path, e);
    sqlite3_extended_result_codes(s->db, 0);
    sqlite3_busy_timeout(s->db, (int)p->busy_timeout_ms);
    snprintf(cache, sizeof cache, "PRAGMA cache_size = -%u", p->cache_kib ? p->cache_kib : 2048);
    if (!run(s, "PRAGMA foreign_keys = ON") || !run(s, "PRAGMA temp_store = MEMORY") || !run(s, cache) || !run(s, "PRAGMA trusted_schema = OFF"))
        return failed(s, path, e);
    r = sqlite_check_schema(s->db, path, p->database, p->access >= STORE_MIGRATE || p->older, &version, e);
    if (r == OK && p->access != STORE_READ && s->path) /* not before it is known to be ours */
        r = set_up_writer(s, path, e);
    return r == OK && p->access != STORE_READ ? sqlite_migrate(s->db, path, p->database, version, e) : r;
}

static enum result open_store(const struct store_params *p, const struct store_ops *ops,
                              struct store **store_r, struct error *e)
{
    struct sqlite_store *s = calloc(1, sizeof *s);
    enum result r = OK;

    if (!s)
        return error_set(e, TRY_AGAIN, "out of memory");
    s->base.ops = ops;
    s->database = p->database;
    if (ops == &store_sqlite_ops)
        r = check_file(s, p, e);
    if (r == OK)
        r = connect_to(s, p, e);
    if (r != OK) {
        free_store(s);
        return r;
    }
    *store_r = &s->base;
    return OK;
}

static enum result open_sqlite(const struct store_params *p, struct store **store_r, struct error *e)
{
    return open_store(p, &store_sqlite_ops, store_r, e);
}

static enum result open_memory(const struct store_params *p, struct store **store_r, struct error *e)
{
    struct store_params params = *p;

    params.access = STORE_CREATE;
    return open_store(&params, &store_memory_ops, store_r, e);
}

static enum result query(struct store *base, enum query q, const char *const *params, size_t count,
                         store_row_fn *fn, void *context)
{
    struct sqlite_store *s = (struct sqlite_store *)base;
    sqlite3_stmt *stmt;
    struct row row;
    size_t rows = 0;
    int rc;

    if (sqlite_prepare(s, query_sql[q], &s->query[q]) != OK)
        return TRY_AGAIN;
    stmt = s->query[q];
    row.count = (size_t)sqlite3_column_count(stmt);
    for (size_t i = 0; i < count; i++)
        if (sqlite3_bind_text(stmt, (int)i + 1, params[i], -1, SQLITE_STATIC) != SQLITE_OK)
            return TRY_AGAIN;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        rows++;
        for (size_t i = 0; i < row.count; i++)
            row.column[i] = (const char *)sqlite3_column_text(stmt, (int)i);
        if (!fn(&row, context)) {
            rc = SQLITE_DONE;
            break;
        }
    }
    sqlite3_reset(stmt);
    if (rc != SQLITE_DONE)
        return TRY_AGAIN;
    return rows > 0 ? OK : NOT_FOUND;
}

static enum result begin(struct store *base)
{
    return sqlite_transaction((struct sqlite_store *)base, TX_BEGIN);
}

static void end(struct store *base)
{
    struct sqlite_store *s = (struct sqlite_store *)base;

    if (!sqlite3_get_autocommit(s->db) && sqlite_transaction(s, TX_COMMIT) != OK)
        (void)!sqlite_transaction(s, TX_ROLLBACK);
}

/* 3.7.0 to 3.51.2 have it, but for two branches it was mended in. */
bool sqlite_has_wal_reset(int version)
{
    if (version >= 3051003 || version < 3007000)
        return false;
    return !(version >= 3044006 && version < 3045000) && !(version >= 3050007 && version < 3051000);
}

const char *store_wal_reset(void)
{
    return sqlite_has_wal_reset(sqlite3_libversion_number()) ? sqlite3_libversion() : NULL;
}

static enum result checkpoint(struct store *base)
{
    struct sqlite_store *s = (struct sqlite_store *)base;
    int log = 0, done = 0;
    int rc = sqlite3_wal_checkpoint_v2(s->db, "main", SQLITE_CHECKPOINT_PASSIVE, &log, &done);

    /* Where readers hold it up, nothing is gained by trying again at once. */
    s->written_back = log > 0 ? (unsigned)log : 0;
    if (rc == SQLITE_OK && log == done)
        s->log_pages = s->written_back = 0;
    return rc != SQLITE_OK ? TRY_AGAIN : log == done ? OK : PENDING;
}

/* The log begins anew once all of it was written back. */
static unsigned behind(const struct store *base)
{
    const struct sqlite_store *s = (const struct sqlite_store *)base;

    return s->log_pages >= s->written_back ? s->log_pages - s->written_back : s->log_pages;
}

static enum result same_file(struct store *base)
{
    struct sqlite_store *s = (struct sqlite_store *)base;
    struct stat st;

    if (s->path && (stat(s->path, &st) != 0 || st.st_dev != s->device || st.st_ino != s->inode))
        return TRY_AGAIN;
    return OK;
}

static enum result version(struct store *base, uint64_t *version_r)
{
    struct sqlite_store *s = (struct sqlite_store *)base;

    if (same_file(base) != OK)
        return TRY_AGAIN;
    if (sqlite_prepare(s, "PRAGMA data_version", &s->version) != OK)
        return TRY_AGAIN;
    int rc = sqlite3_step(s->version);
    if (rc == SQLITE_ROW)
        *version_r = (uint64_t)sqlite3_column_int64(s->version, 0);
    sqlite3_reset(s->version);
    return rc == SQLITE_ROW ? OK : TRY_AGAIN;
}

#define SQLITE_OPS(backend_name, backend_open)                                                               \
    {                                                                                                        \
        .name = (backend_name), .open = (backend_open), .close = close_store, .query = query, .begin = begin,    \
        .end = end, .apply = sqlite_store_apply, .preview = sqlite_store_preview, .behind = behind, .checkpoint = checkpoint,           \
        .copy = sqlite_store_copy, .check_file = same_file, .version = version,                              \
    }

const struct store_ops store_sqlite_ops = SQLITE_OPS("sqlite", open_sqlite);
const struct store_ops store_memory_ops = SQLITE_OPS("memory", open_memory);
