/* SPDX-License-Identifier: MIT */
#include "usage_rows.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "store_schema.h"
#include "usage_log.h"
#include "usage_table.h"

enum {
    STAGED_MAX = 8,      /* changes of a set */
    CARRIED = 4,         /* for so many that are counted one row moves on to the newer file, */
    CARRIED_MIN = 4,     /* and with each batch so many more */
    LOG_TURN = 32 << 20, /* octets */
    KEY_MAX = 512,
    BUSY_MS = 200,
    CACHE_KIB = 512
};

/* A row as it becomes when all of its set pass. */
struct staged {
    struct usage_entry *entry;
    size_t len;
    unsigned char packed[USAGE_PACKED_MAX];
};

struct usage_rows {
    struct change_source source; /* first: of usage_rows_changed */
    size_t most, taken;
    int64_t until;
    char key[KEY_MAX], text[USAGE_TEXT_MAX], expires[24]; /* of the change that it handed out last */
    struct usage usage;

    /* The counting thread's own. */
    struct store *store; /* to read; NULL: not open */
    char *state_db;
    struct usage_log *log;
    struct staged staged[STAGED_MAX];

    pthread_mutex_t mutex; /* guards what follows, but for the table's keys */
    struct usage_table table;
    uint64_t unlogged, log_octets;
};

static void lock(struct usage_rows *rows)
{
    pthread_mutex_lock(&rows->mutex);
}

static void unlock(struct usage_rows *rows)
{
    pthread_mutex_unlock(&rows->mutex);
}

static struct span counts_of(const struct usage_entry *e)
{
    return (struct span){ (const char *)e->packed, e->packed_len };
}

/* ---- rows that only state.db has ---- */

/* A file that was removed or replaced is let go. */
static enum result open_store(struct usage_rows *rows)
{
    struct store_params p = { .path = rows->state_db,
                              .database = DATABASE_STATE,
                              .access = STORE_READ,
                              .busy_timeout_ms = BUSY_MS,
                              .cache_kib = CACHE_KIB };
    struct error e;

    if (rows->store && store_check_file(rows->store) == OK)
        return OK;
    store_close(&rows->store);
    return store_open(&p, &rows->store, &e);
}

static bool row_fn(const struct row *row, void *context)
{
    (void)!usage_parse(row->column[0], context); /* one that is damaged is begun anew */
    return false;
}

static struct usage_entry *keep(struct usage_rows *rows, struct span key, const struct usage *usage)
{
    unsigned char packed[USAGE_PACKED_MAX];
    struct span counts = { (const char *)packed, usage_pack(usage, packed) };
    struct usage_entry *e = usage_table_add(&rows->table, key, counts);

    lock(rows);
    if (e)
        usage_table_enter(&rows->table, e, USAGE_WRITTEN);
    unlock(rows);
    return e;
}

/* NOT_FOUND: it is new, and there is no room for more of its kind. */
static enum result get(struct usage_rows *rows, const char *key, struct usage_entry **entry_r)
{
    struct usage usage;
    enum result r;

    if ((*entry_r = usage_table_find(&rows->table, span_of(key))) != NULL)
        return OK;
    usage.windows = usage.resends = 0;
    r = open_store(rows) == OK ? store_query(rows->store, QUERY_USAGE, &key, 1, row_fn, &usage) : TRY_AGAIN;
    if (r == NOT_FOUND && usage_is_client(span_of(key)) && rows->table.clients >= USAGE_ROWS_CLIENTS_MAX)
        return NOT_FOUND;
    if (r == OK || r == NOT_FOUND)
        *entry_r = keep(rows, span_of(key), &usage);
    return *entry_r ? OK : TRY_AGAIN;
}

static void drop_oldest(struct usage_rows *rows)
{
    lock(rows);
    while (rows->table.kept_octets > USAGE_ROWS_KEPT)
        usage_table_drop(&rows->table, TAILQ_FIRST(&rows->table.line[USAGE_WRITTEN]));
    unlock(rows);
}

/* ---- counting ---- */

/* OK: staged. NOT_FOUND: it was added before. PENDING: it does not count. */
static enum result stage(struct usage_rows *rows, const struct change *c, int64_t now, struct staged *s,
                         struct error *e)
{
    struct change_values v;
    struct usage usage;
    enum result r;

    if (c->kind != CHANGE_USAGE)
        return error_set(e, BAD, "%s: counts nothing", change_name(c->kind));
    r = change_check(c, now, &v, e);
    if (r != OK)
        return r;
    r = get(rows, v.value[FIELD_KEY], &s->entry);
    if (r != OK)
        return r == NOT_FOUND ? PENDING : error_set(e, r, "%s: cannot be read: try again", rows->state_db);
    (void)!usage_unpack(counts_of(s->entry), &usage); /* it was packed here */
    r = usage_change(&v, &usage, now, e);
    if (r == OK)
        s->len = usage_pack(&usage, s->packed);
    return r;
}

static bool reserve(struct usage_rows *rows, size_t count)
{
    bool done = true;

    lock(rows);
    for (size_t i = 0; done && i < count; i++)
        done = usage_table_reserve(&rows->table, rows->staged[i].entry, rows->staged[i].len);
    unlock(rows);
    return done;
}

/* Returns how many rows it staged; the set's result is set. */
static size_t stage_set(struct usage_rows *rows, struct change_set *set, int64_t now)
{
    size_t count = 0;

    set->repeated = false;
    set->error.text[0] = '\0';
    set->result = set->source || set->count > STAGED_MAX
                      ? error_set(&set->error, LIMIT, "too many counts in a set")
                      : OK;
    for (size_t i = 0; i < set->count && set->result == OK && !set->repeated; i++) {
        enum result r = stage(rows, &set->change[i], now, &rows->staged[count], &set->error);
        set->repeated = r == NOT_FOUND;
        set->result = set->repeated || r == PENDING ? OK : r;
        count += r == OK;
    }
    if (set->result == OK && !reserve(rows, count))
        set->result = error_set(&set->error, TRY_AGAIN, "out of memory");
    return set->result == OK ? count : 0;
}

/* There is room for it, so that nothing fails from here on. */
static void take_over(struct usage_rows *rows, const struct staged *s, int64_t now)
{
    struct usage_entry *e = s->entry;

    usage_table_leave(&rows->table, e);
    memcpy(e->packed, s->packed, s->len);
    e->packed_len = (uint32_t)s->len;
    e->file = usage_log_current(rows->log);
    e->changed_at = now;
    usage_table_enter(&rows->table, e, USAGE_CHANGED);
}

static enum result log_row(struct usage_rows *rows, const struct usage_entry *e)
{
    return usage_log_add(rows->log, (struct span){ e->key, e->key_len }, counts_of(e));
}

static enum result apply_set(struct usage_rows *rows, struct change_set *set, int64_t now)
{
    size_t count = stage_set(rows, set, now);
    enum result r = OK;

    lock(rows);
    for (size_t i = 0; i < count; i++)
        take_over(rows, &rows->staged[i], now);
    unlock(rows);
    for (size_t i = 0; i < count && r == OK; i++)
        r = log_row(rows, rows->staged[i].entry);
    return r;
}

/* ---- the log ---- */

/* Files of which nothing is needed are emptied; one that is long makes way for the other. */
static void tidy(struct usage_rows *rows)
{
    unsigned current = usage_log_current(rows->log);
    size_t needed[USAGE_LOG_FILES];

    lock(rows);
    memcpy(needed, rows->table.needed, sizeof needed);
    unlock(rows);
    for (unsigned i = 0; i < USAGE_LOG_FILES; i++)
        if (needed[i] == 0 && usage_log_size(rows->log, i) > 0)
            usage_log_empty(rows->log, i);
    if (needed[0] + needed[1] == 0)
        usage_log_cut(rows->log);
    if (usage_log_size(rows->log, current) > LOG_TURN && usage_log_size(rows->log, !current) == 0)
        usage_log_turn(rows->log);
}

/* The rows that changed longest ago stand in the older file, if any do. Few at a time: most
 * of them are counted again meanwhile. */
static enum result carry_over(struct usage_rows *rows, size_t counted)
{
    unsigned current = usage_log_current(rows->log);
    struct usage_entry *e;
    enum result r = OK;

    if (usage_log_size(rows->log, !current) == 0)
        return OK;
    lock(rows);
    for (size_t i = 0; i < CARRIED_MIN + counted / CARRIED && r == OK; i++) {
        e = TAILQ_FIRST(&rows->table.line[USAGE_CHANGED]);
        if (!e || e->file == current || (r = log_row(rows, e)) != OK)
            break;
        usage_table_leave(&rows->table, e);
        e->file = current;
        usage_table_enter(&rows->table, e, USAGE_CHANGED);
    }
    unlock(rows);
    return r;
}

static enum result flush(struct usage_rows *rows, enum result added, size_t sets, struct error *e)
{
    enum result r = usage_log_flush(rows->log, e);

    if (added != OK && r == OK)
        r = error_set(e, TRY_AGAIN, "out of memory");
    lock(rows);
    rows->log_octets = usage_log_size(rows->log, 0) + usage_log_size(rows->log, 1);
    rows->unlogged += r == OK ? 0 : sets;
    unlock(rows);
    return r;
}

enum result usage_rows_apply(struct usage_rows *rows, struct change_set *const *sets, size_t count, int64_t now,
                             struct error *e)
{
    enum result added = OK;

    tidy(rows);
    for (size_t i = 0; i < count; i++)
        if (apply_set(rows, sets[i], now) != OK)
            added = TRY_AGAIN;
    if (carry_over(rows, count) != OK)
        added = TRY_AGAIN;
    drop_oldest(rows);
    return flush(rows, added, count, e);
}

void usage_rows_forget(struct usage_rows *rows, const char *account)
{
    struct usage_entry *entry;
    char key[KEY_MAX];
    struct strbuf b;
    struct error e;

    strbuf_init(&b, key, sizeof key);
    strbuf_addf(&b, "account %s", account);
    if (!(entry = usage_table_find(&rows->table, span_of(key))))
        return;
    lock(rows);
    usage_table_drop(&rows->table, entry);
    unlock(rows);
    (void)!flush(rows, usage_log_add(rows->log, span_of(key), SPAN("")), 0, &e);
    tidy(rows);
    usage_log_cut(rows->log);
}

/* ---- into state.db ---- */

static bool hand_out(struct usage_rows *rows)
{
    struct usage_entry *e = rows->taken < rows->most ? TAILQ_FIRST(&rows->table.line[USAGE_CHANGED]) : NULL;

    if (!e || e->changed_at > rows->until)
        return false;
    rows->taken++;
    memcpy(rows->key, e->key, (size_t)e->key_len + 1);
    (void)!usage_unpack(counts_of(e), &rows->usage); /* it was packed here */
    usage_table_leave(&rows->table, e);
    usage_table_enter(&rows->table, e, USAGE_ON_ITS_WAY);
    return true;
}

static enum result next_changed(struct change_source *source, bool first, struct change *change_r,
                                struct error *error)
{
    struct usage_rows *rows = (struct usage_rows *)source; /* its first member */
    struct strbuf b;
    bool is_one;

    (void)error;
    lock(rows);
    if (first) {
        usage_table_take_back(&rows->table);
        rows->taken = 0;
    }
    is_one = hand_out(rows);
    unlock(rows);
    if (!is_one)
        return NOT_FOUND;
    strbuf_init(&b, rows->text, sizeof rows->text);
    usage_format(&rows->usage, &b);
    strbuf_init(&b, rows->expires, sizeof rows->expires);
    strbuf_addu(&b, (uint64_t)usage_expires(&rows->usage));
    *change_r = (struct change){ .kind = CHANGE_USAGE_ROW };
    change_r->field[FIELD_KEY] = rows->key;
    change_r->field[FIELD_COUNTS] = rows->text;
    change_r->field[FIELD_UNTIL] = rows->expires;
    return OK;
}

struct change_source *usage_rows_changed(struct usage_rows *rows, size_t most, int64_t until)
{
    lock(rows);
    rows->most = most;
    rows->until = until;
    unlock(rows);
    return &rows->source;
}

void usage_rows_written(struct usage_rows *rows, bool written)
{
    struct usage_entry *e;

    lock(rows);
    if (!written)
        usage_table_take_back(&rows->table);
    while ((e = TAILQ_FIRST(&rows->table.line[USAGE_ON_ITS_WAY])) != NULL) {
        usage_table_leave(&rows->table, e);
        usage_table_enter(&rows->table, e, USAGE_WRITTEN);
    }
    unlock(rows);
}

struct usage_rows_stats usage_rows_stats(struct usage_rows *rows)
{
    const struct usage_entry *first;
    struct usage_rows_stats stats;

    lock(rows);
    first = TAILQ_FIRST(&rows->table.line[USAGE_CHANGED]);
    stats = (struct usage_rows_stats){ rows->table.count, rows->table.changed, first ? first->changed_at : 0,
                                       rows->log_octets, rows->unlogged };
    unlock(rows);
    return stats;
}

/* ---- open, close ---- */

static void replay(struct span key, struct span counts, unsigned file, void *context)
{
    struct usage_table *t = &((struct usage_rows *)context)->table;
    struct usage_entry *e = usage_table_find(t, key);
    struct usage usage;

    if (key.len >= KEY_MAX || (counts.len > 0 && usage_unpack(counts, &usage) != OK))
        return;
    if (e)
        usage_table_drop(t, e);
    e = counts.len > 0 ? usage_table_add(t, key, counts) : NULL;
    if (!e)
        return;
    e->file = file;
    usage_table_enter(t, e, USAGE_CHANGED);
}

enum result usage_rows_open(const char *state_db, struct usage_rows **rows_r, struct error *e)
{
    struct usage_rows *rows = calloc(1, sizeof *rows);
    enum result r;

    if (!rows)
        return error_set(e, TRY_AGAIN, "out of memory");
    pthread_mutex_init(&rows->mutex, NULL);
    rows->source.next = next_changed;
    rows->state_db = strdup(state_db);
    r = usage_table_init(&rows->table) == OK && rows->state_db
            ? usage_log_open(state_db, replay, rows, &rows->log, e)
            : error_set(e, TRY_AGAIN, "out of memory");
    if (r == OK)
        *rows_r = rows;
    else
        usage_rows_close(&rows);
    return r;
}

void usage_rows_close(struct usage_rows **all)
{
    struct usage_rows *rows = *all;

    if (!rows)
        return;
    if (rows->log && rows->table.changed == 0)
        usage_log_remove(rows->log);
    usage_log_close(&rows->log);
    usage_table_free(&rows->table);
    free(rows->state_db);
    store_close(&rows->store);
    pthread_mutex_destroy(&rows->mutex);
    free(rows);
    *all = NULL;
}
