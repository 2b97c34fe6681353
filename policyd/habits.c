/* SPDX-License-Identifier: MIT */
#include "policyd/habits.h"

#include <stdlib.h>
#include <string.h>

#include "policyd/habit_table.h"
#include "policyd/log.h"

enum {
    AT_HAND = 512,
    PACKED_MOST = 64 << 20,
    TICK_MS = 40,
    PER_TICK = 10, /* a handful: the writer is not to take the processor from replies for long */
    AT_ONCE = 100, /* where there is no room for more that is not written */
    ALARM_S = 3600,
    PAUSE_S = 1, /* after state.db could not be written */
    BUSY_MS = 200,
    CACHE_KIB = 512
};

struct habits {
    struct behaviour_source source;
    struct writer *writer;
    struct store *store; /* to read; NULL: could not be opened yet */
    char *state_db;
    struct event *timer;
    struct habit_table *table;
    size_t writable; /* so many more in this tick */
    bool failing; /* the last row could not be written */
    bool stopped;
};

/* One account's row on its way to the writer. */
struct habit_job {
    struct job job;
    struct habits *all;
    struct habit_wait *wait; /* NULL: nobody waits */
    uint64_t sent;           /* of the habit's, as the row has it */
    struct change_set set;
    struct change change;
    char account[ADDRESS_MAX + 1], record[BEHAVIOUR_TEXT_MAX];
};

/* ---- writing ---- */

static void set_timer(struct habits *all, const struct timeval *tv)
{
    if (event_add(all->timer, tv) != 0)
        all->writable = PER_TICK; /* no memory for a timer */
}

/* It is tried again, after a pause. */
static void not_written(struct habits *all, struct habit *h, const struct habit_job *j)
{
    static const struct timeval pause = { PAUSE_S, 0 };

    if (!all->failing || all->stopped)
        log_format(LOG_LEVEL_ALARM, "behaviour of %s not written: %s", j->account, j->set.error.text);
    all->failing = true;
    if (all->stopped)
        return;
    if (h)
        habit_table_change(all->table, h);
    all->writable = 0;
    set_timer(all, &pause);
}

static void written(struct habits *all, struct habit *h, const struct habit_job *j)
{
    if (all->failing)
        log_format(LOG_LEVEL_WARNING, "behaviours are written again");
    all->failing = false;
    if (h && h->kept < j->sent)
        h->kept = j->sent;
}

static void on_done(struct job *job)
{
    struct habit_job *j = (struct habit_job *)job;
    struct habit *h = habit_table_peek(j->all->table, j->account); /* NULL: it was forgotten meanwhile */

    if (h)
        h->writing -= h->writing > 0;
    (j->set.result == OK ? written : not_written)(j->all, h, j);
    if (j->wait)
        j->wait->done(j->wait);
    free(j);
}

KEPT_BEGIN /* the job, by the writer; on_done() */
static bool submit(struct habits *all, struct habit *h, struct habit_wait *wait)
{
    struct habit_job *j = calloc(1, sizeof *j);
    struct strbuf b;

    if (!j)
        return false;
    strbuf_init(&b, j->record, sizeof j->record);
    habit_format(h, &b);
    if (str_copy(span_of(h->account), j->account, sizeof j->account) != OK) {
        free(j);
        return false;
    }
    j->change.kind = CHANGE_BEHAVIOUR;
    j->change.field[FIELD_ADDRESS] = j->account;
    j->change.field[FIELD_RECORD] = j->record;
    j->set = (struct change_set){ .change = &j->change, .count = 1 };
    j->job = (struct job){ .database = DATABASE_STATE, .set = &j->set, .sets = 1, .done = on_done };
    j->all = all;
    j->wait = wait;
    j->sent = h->sent;
    h->writing++;
    h->written = true;
    writer_submit(all->writer, &j->job);
    return true;
}
KEPT_END

/* Writes the first `most` of those that changed, and returns how many. */
static size_t write_changed(struct habits *all, size_t most)
{
    size_t count = 0;

    for (struct habit *h; (h = habit_table_changed(all->table)) != NULL && count < most;) {
        bool due = !h->written;
        if (due && !submit(all, h, NULL))
            break; /* no memory: with the next turn */
        count += due;
        habit_table_written(all->table);
    }
    return count;
}

void habits_turn(struct habits *all)
{
    static const struct timeval tick = { 0, TICK_MS * 1000 };

    if (all->writable == 0 || !habit_table_changed(all->table))
        return;
    all->writable -= write_changed(all, all->writable);
    if (!event_pending(all->timer, EV_TIMEOUT, NULL))
        set_timer(all, &tick);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    ((struct habits *)arg)->writable = PER_TICK;
}

/* ---- reading ---- */

static bool record_fn(const struct row *row, void *context)
{
    if (behaviour_parse(span_of(row->column[0]), context) != OK)
        log_format(LOG_LEVEL_WARNING, "a behaviour in state.db is not understood: it begins anew");
    return false;
}

static enum result open_store(struct habits *all)
{
    struct store_params p = { .path = all->state_db,
                              .database = DATABASE_STATE,
                              .access = STORE_READ,
                              .busy_timeout_ms = BUSY_MS,
                              .cache_kib = CACHE_KIB };
    struct error e;

    return store_open(&p, &all->store, &e);
}

/* A file that was replaced is opened anew, once. */
static enum result read_record(struct habits *all, const char *account, struct behaviour *behaviour_r)
{
    enum result r = TRY_AGAIN;

    for (int i = 0; i < 2 && r == TRY_AGAIN; i++) {
        if (!all->store && open_store(all) != OK)
            return TRY_AGAIN;
        r = store_query(all->store, QUERY_BEHAVIOUR, &account, 1, record_fn, behaviour_r);
        if (r == TRY_AGAIN)
            store_close(&all->store);
    }
    return r == NOT_FOUND ? OK : r;
}

static struct habit *find(struct habits *all, const char *account)
{
    struct habit *h = habit_table_find(all->table, account);
    struct behaviour b = { .since = 0 };

    if (h)
        return h;
    if (habit_table_is_full(all->table) && !all->failing)
        (void)write_changed(all, AT_ONCE);
    return read_record(all, account, &b) == OK ? habit_table_add(all->table, account, &b) : NULL;
}

static const struct behaviour *get(struct behaviour_source *source, const char *account, int64_t now)
{
    struct habit *h = find((struct habits *)source, account);

    (void)now;
    return h ? h->behaviour : NULL;
}

struct behaviour *habits_change(struct habits *all, const char *account)
{
    struct habit *h = find(all, account);

    if (!h || !h->behaviour)
        return NULL;
    habit_table_change(all->table, h);
    return h->behaviour;
}

bool habits_sent(struct habits *all, const char *account, unsigned recipients, struct habit_wait *wait)
{
    struct habit *h = habit_table_peek(all->table, account);

    if (!h)
        return false;
    h->sent += recipients;
    return h->sent > h->kept + HABIT_UNKEPT_MOST && submit(all, h, wait);
}

KEPT_BEGIN /* a job that find() submitted, by the writer; on_done() */
bool habits_alarm(struct habits *all, const char *account, int64_t now)
{
    struct habit *h = find(all, account);

    if (!h || (now >= h->alarmed && now - h->alarmed < ALARM_S))
        return false;
    h->alarmed = now;
    return true;
}
KEPT_END

void habits_forget(struct habits *all, const char *account)
{
    struct habit *h = habit_table_find(all->table, account);

    if (h)
        habit_table_drop(all->table, h);
}

/* ---- open, close ---- */

struct behaviour_source *habits_source(struct habits *all)
{
    return &all->source;
}

enum result habits_open(struct event_base *base, struct writer *writer, const char *state_db,
                        struct habits **habits_r)
{
    struct habits *all = calloc(1, sizeof *all);

    if (!all)
        return TRY_AGAIN;
    all->source.get = get;
    all->writer = writer;
    all->state_db = strdup(state_db);
    all->table = habit_table_new(AT_HAND, PACKED_MOST);
    all->writable = PER_TICK;
    all->timer = event_new(base, -1, 0, on_timer, all);
    if (!all->state_db || !all->table || !all->timer) {
        if (all->timer)
            event_free(all->timer);
        habit_table_free(&all->table);
        free(all->state_db);
        free(all);
        return TRY_AGAIN;
    }
    *habits_r = all;
    return OK;
}

void habits_stop(struct habits *all)
{
    if (!all)
        return;
    all->stopped = true;
    (void)write_changed(all, SIZE_MAX);
}

void habits_close(struct habits **habits)
{
    struct habits *all = *habits;

    if (!all)
        return;
    habit_table_free(&all->table);
    store_close(&all->store);
    event_free(all->timer);
    free(all->state_db);
    free(all);
    *habits = NULL;
}
