/* SPDX-License-Identifier: MIT */
#include "policyd/habits.h"

#include <stdlib.h>
#include <string.h>

#include "policyd/log.h"

enum {
    SLOTS = HABITS_MAX * 2,
    TICK_MS = 100,
    PER_TICK = 100,
    ALARM_S = 3600,
    BUSY_MS = 200,
    CACHE_KIB = 512
};

struct habit {
    struct habit *next;          /* of the same slot */
    struct habit *newer, *older; /* by their last use */
    struct habit *next_changed;
    bool changed;
    int64_t alarmed;
    struct behaviour behaviour;
    char account[]; /* NUL-terminated */
};

struct habits {
    struct behaviour_source source;
    struct writer *writer;
    struct store *store; /* to read; NULL: could not be opened yet */
    char *state_db;
    struct event *timer;
    struct habit *slot[SLOTS], *newest, *oldest;
    struct habit *changed, **changed_end; /* in the order in which they changed */
    size_t count, writable;               /* writable: so many more in this tick */
};

/* One account's row on its way to the writer. */
struct habit_job {
    struct job job;
    struct change_set set;
    struct change change;
    char account[ADDRESS_MAX + 1], record[BEHAVIOUR_TEXT_MAX];
};

/* ---- writing ---- */

static void on_done(struct job *job)
{
    struct habit_job *j = (struct habit_job *)job;

    if (j->set.result != OK)
        log_format(LOG_LEVEL_ALARM, "behaviour of %s not written: %s", j->account, j->set.error.text);
    free(j);
}

static bool submit(struct habits *all, const struct habit *h)
{
    struct habit_job *j = calloc(1, sizeof *j);
    struct strbuf b;

    if (!j)
        return false;
    strbuf_init(&b, j->record, sizeof j->record);
    behaviour_format(&h->behaviour, &b);
    if (str_copy(span_of(h->account), j->account, sizeof j->account) != OK) {
        free(j);
        return false;
    }
    j->change.kind = CHANGE_BEHAVIOUR;
    j->change.field[FIELD_ADDRESS] = j->account;
    j->change.field[FIELD_RECORD] = j->record;
    j->set = (struct change_set){ .change = &j->change, .count = 1 };
    j->job = (struct job){ .database = DATABASE_STATE, .set = &j->set, .sets = 1, .done = on_done };
    writer_submit(all->writer, &j->job);
    return true;
}

/* Writes the first `most` of those that changed, and returns how many. */
static size_t write_changed(struct habits *all, size_t most)
{
    size_t written = 0;

    for (struct habit *h; (h = all->changed) != NULL && written < most; written++) {
        if (!submit(all, h))
            break; /* no memory: with the next turn */
        all->changed = h->next_changed;
        if (!all->changed)
            all->changed_end = &all->changed;
        h->changed = false;
    }
    return written;
}

void habits_turn(struct habits *all)
{
    if (all->changed)
        all->writable -= write_changed(all, all->writable);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    ((struct habits *)arg)->writable = PER_TICK;
}

/* ---- in memory ---- */

static struct habit **slot_of(struct habits *all, const char *account)
{
    uint64_t h = 14695981039346656037u;

    for (const char *p = account; *p; p++)
        h = (h ^ (unsigned char)*p) * 1099511628211u;
    return &all->slot[(h ^ h >> 32) % SLOTS];
}

static void unlink_use(struct habits *all, struct habit *h)
{
    *(h->newer ? &h->newer->older : &all->newest) = h->older;
    *(h->older ? &h->older->newer : &all->oldest) = h->newer;
}

static void link_newest(struct habits *all, struct habit *h)
{
    h->newer = NULL;
    h->older = all->newest;
    *(all->newest ? &all->newest->newer : &all->oldest) = h;
    all->newest = h;
}

/* The one used longest ago of those that have not to be written any more; where all have,
 * there is one too many for a while. */
static void make_room(struct habits *all)
{
    struct habit *h = all->oldest, **link;

    if (h->changed)
        (void)write_changed(all, PER_TICK);
    while (h && h->changed)
        h = h->newer;
    if (!h)
        return;
    for (link = slot_of(all, h->account); *link != h; link = &(*link)->next)
        continue;
    *link = h->next;
    unlink_use(all, h);
    free(h);
    all->count--;
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

static struct habit *load(struct habits *all, const char *account)
{
    size_t size = strlen(account) + 1;
    struct habit *h = calloc(1, sizeof *h + size), **slot = slot_of(all, account);

    if (!h || read_record(all, account, &h->behaviour) != OK) {
        free(h);
        return NULL;
    }
    memcpy(h->account, account, size);
    h->alarmed = INT64_MIN / 2;
    if (all->count >= HABITS_MAX)
        make_room(all);
    h->next = *slot;
    *slot = h;
    link_newest(all, h);
    all->count++;
    return h;
}

static struct habit *find(struct habits *all, const char *account)
{
    struct habit *h = *slot_of(all, account);

    while (h && strcmp(h->account, account) != 0)
        h = h->next;
    if (!h)
        return load(all, account);
    unlink_use(all, h);
    link_newest(all, h);
    return h;
}

static const struct behaviour *get(struct behaviour_source *source, const char *account, int64_t now)
{
    struct habit *h = find((struct habits *)source, account);

    (void)now;
    return h ? &h->behaviour : NULL;
}

struct behaviour *habits_change(struct habits *all, const char *account)
{
    struct habit *h = find(all, account);

    if (!h)
        return NULL;
    if (!h->changed) {
        h->changed = true;
        h->next_changed = NULL;
        *all->changed_end = h;
        all->changed_end = &h->next_changed;
    }
    return &h->behaviour;
}

bool habits_alarm(struct habits *all, const char *account, int64_t now)
{
    struct habit *h = find(all, account);

    if (!h || (now >= h->alarmed && now - h->alarmed < ALARM_S))
        return false;
    h->alarmed = now;
    return true;
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
    struct timeval tv = { 0, TICK_MS * 1000 };

    if (!all)
        return TRY_AGAIN;
    all->source.get = get;
    all->writer = writer;
    all->state_db = strdup(state_db);
    all->changed_end = &all->changed;
    all->writable = PER_TICK;
    all->timer = event_new(base, -1, EV_PERSIST, on_timer, all);
    if (!all->state_db || !all->timer || event_add(all->timer, &tv) != 0) {
        if (all->timer)
            event_free(all->timer);
        free(all->state_db);
        free(all);
        return TRY_AGAIN;
    }
    *habits_r = all;
    return OK;
}

void habits_close(struct habits **habits)
{
    struct habits *all = *habits;

    if (!all)
        return;
    (void)write_changed(all, HABITS_MAX);
    for (struct habit *h = all->newest, *older; h; h = older) {
        older = h->older;
        free(h);
    }
    store_close(&all->store);
    event_free(all->timer);
    free(all->state_db);
    free(all);
    *habits = NULL;
}
