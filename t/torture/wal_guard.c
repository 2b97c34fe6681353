/* SPDX-License-Identifier: MIT */
/*
 * Whether the way that the databases are used lets SQLite's WAL-reset bug (sqlite.org/wal.html,
 * 3.7.0 to 3.51.2) do harm: processes at work on one file for some seconds, then
 * integrity_check, and a ledger of what each writer was told against what the file holds.
 *
 *     wal_guard [SECONDS [shipped|two]]
 *
 * shipped: one process writes and checkpoints, as policyd does; others read, over a connection
 * that they keep, as the Dovecot driver does, or open anew each time, as policyctl does.
 * two: two write and checkpoint, for comparison: what nobody may do; it ends with the first
 * damage.  By default both, two seconds each.  Exit status 1 where the shipped way does harm.
 */
#include <sqlite3.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/store.h"

enum { WRITERS_MAX = 2, CHILDREN = 4, SECONDS = 2, BURST_MAX = 400, PAUSE_US_MAX = 3000, REST_US_MAX = 300, READ_REST_US = 20000, RECENT = 20 };

struct ledger {
    atomic_bool stop;
    atomic_uint damage; /* answers that only a damaged file gives */
    atomic_uint_fast64_t read, told[WRITERS_MAX]; /* rows: a writer's are numbered from 1 */
};

static char path[] = "/dev/shm/postern-wal.XXXXXX/state.db";
static struct ledger *ledger;

static struct store *opened(enum store_access access)
{
    struct store_params p = { .path = path, .database = DATABASE_STATE, .access = access, .busy_timeout_ms = 2000 };
    struct store *store = NULL;
    struct error e = { "" };

    if (store_open(&p, &store, &e) == BAD && !ledger->stop) {
        fprintf(stderr, "%s\n", e.text);
        ledger->damage++;
        ledger->stop = true;
    }
    return store;
}

/* A transaction of its own.  Returns false where it was not done. */
static bool add_row(struct store *store, unsigned writer, uint64_t number)
{
    char scope[] = "w0.example", start[24];
    struct change change = { .kind = CHANGE_TALLY };
    struct change_set set = { .change = &change, .count = 1 }, *sets = &set;

    scope[1] += (char)writer;
    snprintf(start, sizeof start, "%llu", (unsigned long long)number);
    change.field[FIELD_START] = start;
    change.field[FIELD_SCOPE] = scope;
    change.field[FIELD_OUTCOME] = "accepted";
    change.field[FIELD_NUMBER] = "1";
    if (store_apply(store, &sets, 1, 1) == OK && set.result == OK)
        return true;
    if (strstr(set.error.text, "malformed") || strstr(set.error.text, "constraint")) {
        ledger->damage++;
        ledger->stop = true;
    }
    return false;
}

static int64_t now_us(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static void add_rows(struct store *store, unsigned writer, int count)
{
    for (; count > 0 && !ledger->stop; count--)
        if (add_row(store, writer, ledger->told[writer] + 1))
            ledger->told[writer]++;
}

static void checkpoint_for(struct store *store, int us)
{
    int64_t end = now_us() + us;

    do
        (void)!store_checkpoint(store);
    while (now_us() < end);
}

/* A long log that is written back at leisure, then a few transactions with rests between: the
 * bug wants a log that begins anew while another process is about to write it back, and is
 * still shorter than the one that this process believes in. */
static void write_rows(unsigned writer)
{
    struct store *store = opened(STORE_WRITE);
    unsigned seed = writer + 1;

    while (store && !ledger->stop) {
        add_rows(store, writer, rand_r(&seed) % BURST_MAX);
        checkpoint_for(store, rand_r(&seed) % PAUSE_US_MAX);
        usleep((useconds_t)(rand_r(&seed) % REST_US_MAX));
        add_rows(store, writer, 1 + rand_r(&seed) % 2);
        usleep((useconds_t)(rand_r(&seed) % REST_US_MAX));
    }
    store_close(&store);
}

static bool count_row(const struct row *row, void *context)
{
    (void)row, (void)context;
    ledger->read++;
    return true;
}

static void read_rows(bool keep)
{
    struct store *store = NULL;

    while (!ledger->stop) {
        char since[24];
        const char *params[] = { since, "w0.example" };
        uint64_t told = ledger->told[0];
        snprintf(since, sizeof since, "%llu", (unsigned long long)(told > RECENT ? told - RECENT : 0));
        if (!store)
            store = opened(STORE_READ);
        if (store)
            (void)!store_query(store, QUERY_TALLIES, params, 2, count_row, NULL);
        if (!keep)
            store_close(&store);
        usleep(READ_REST_US); /* a log that is read all the time never begins anew */
    }
    store_close(&store);
}

static void begin(pid_t *pid, void (*writer)(unsigned), void (*reader)(bool), unsigned argument)
{
    *pid = fork();
    if (*pid == 0) {
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(0, &one);
        sched_setaffinity(0, sizeof one, &one); /* each is interrupted by the others, wherever it is */
        if (writer)
            writer(argument);
        else
            reader(argument != 0);
        _exit(0);
    }
}

/* ---- what is there in the end ---- */

static bool is_whole(sqlite3 *db)
{
    sqlite3_stmt *stmt = NULL;
    bool whole = sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &stmt, NULL) == SQLITE_OK &&
                 sqlite3_step(stmt) == SQLITE_ROW && strcmp((const char *)sqlite3_column_text(stmt, 0), "ok") == 0;

    sqlite3_finalize(stmt);
    return whole;
}

static uint64_t held_by(sqlite3 *db, unsigned writer)
{
    sqlite3_stmt *stmt = NULL;
    char sql[128];
    uint64_t count = 0;

    snprintf(sql, sizeof sql, "SELECT count(*) FROM tally NOT INDEXED WHERE scope = 'w%u.example'", writer);
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW)
        count = (uint64_t)sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return count;
}

/* Returns whether all is as it was told. */
static bool examine(const char *way, unsigned tenths)
{
    uint64_t told = 0, held = 0;
    sqlite3 *db = NULL;
    bool whole = sqlite3_open(path, &db) == SQLITE_OK && is_whole(db);

    for (unsigned w = 0; w < WRITERS_MAX; w++) {
        told += ledger->told[w];
        held += held_by(db, w);
    }
    sqlite3_close(db);
    printf("%s: SQLite %s, %u.%u s, %llu commits told, %llu held, %llu rows read: %s\n", way, sqlite3_libversion(),
           tenths / 10, tenths % 10, (unsigned long long)told, (unsigned long long)held, (unsigned long long)ledger->read,
           whole && !ledger->damage ? "integrity ok" : "DAMAGED");
    return whole && told == held && ledger->damage == 0 && told > 0;
}

static void remove_files(void)
{
    static const char *const suffix[] = { "", "-wal", "-shm" };
    char name[sizeof path + 8];

    for (unsigned i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "%s%s", path, suffix[i]);
        unlink(name);
    }
    *strrchr(path, '/') = '\0';
    rmdir(path);
    path[strlen(path)] = '/';
}

static bool run(const char *way, unsigned writers, unsigned seconds)
{
    pid_t pid[CHILDREN];
    unsigned count = 0;

    snprintf(path, sizeof path, "/dev/shm/postern-wal.XXXXXX");
    if (!mkdtemp(path))
        return false;
    path[strlen(path)] = '/';
    *ledger = (struct ledger){ 0 };
    struct store *store = opened(STORE_CREATE);
    store_close(&store);
    for (unsigned w = 0; w < writers; w++)
        begin(&pid[count++], write_rows, NULL, w);
    begin(&pid[count++], NULL, read_rows, true);
    begin(&pid[count++], NULL, read_rows, false);
    unsigned tenths = 0;
    for (; tenths < seconds * 10 && !ledger->stop; tenths++)
        usleep(100000);
    ledger->stop = true;
    while (count > 0)
        waitpid(pid[--count], NULL, 0);
    bool good = examine(way, tenths);
    remove_files();
    return good;
}

int main(int argc, char **argv)
{
    unsigned seconds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : SECONDS;
    bool only_two = argc > 2 && strcmp(argv[2], "two") == 0, only_shipped = argc > 2 && !only_two;
    bool good = true;

    ledger = mmap(NULL, sizeof *ledger, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (ledger == MAP_FAILED)
        return 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (!only_two)
        good = run("shipped way", 1, seconds);
    if (!only_shipped)
        printf("two that write and checkpoint: the bug was %s\n",
               run("two that write and checkpoint", 2, seconds) ? "not shown in this time" : "shown");
    return good ? 0 : 1;
}
