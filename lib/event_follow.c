/* SPDX-License-Identifier: MIT */
#include "event_follow.h"

enum { BUSY_MS = 2000, PARAMS = 3 };

/* One call of event_follow_poll. */
struct poll {
    struct event_follow *follow;
    event_follow_fn *fn;
    void *context;
    size_t rows;
    bool stopped;
};

struct place {
    int64_t id, time;
};

static int64_t number(const char *text)
{
    uint64_t value;

    return text && str_number(span_of(text), 0, INT64_MAX, &value) == OK ? (int64_t)value : 0;
}

static const char *text_of(int64_t value, char text_r[static STR_NUMBER_MAX])
{
    return str_number_text(value > 0 ? (uint64_t)value : 0, text_r);
}

static enum result unreadable(struct event_follow *f, struct error *e)
{
    store_close(&f->store);
    f->read = false;
    return error_set(e, TRY_AGAIN, "%s: cannot be read now", f->state_db);
}

static bool last_fn(const struct row *row, void *context)
{
    *(struct place *)context = (struct place){ number(row->column[0]), number(row->column[1]) };
    return true;
}

static bool first_fn(const struct row *row, void *context)
{
    *(struct place *)context = (struct place){ number(row->column[EVENT_ID]), number(row->column[EVENT_TIME]) };
    return false;
}

/* OK: another event has the number of the last one that was handed out. */
static enum result is_another(const struct event_follow *f)
{
    char before[STR_NUMBER_MAX];
    const char *const params[PARAMS] = { text_of(f->last - 1, before), "", "0" };
    struct place found = { 0, 0 };

    if (f->last > 0 && store_query(f->store, QUERY_EVENTS, params, PARAMS, first_fn, &found) == TRY_AGAIN)
        return TRY_AGAIN;
    return found.id > 0 && found.id == f->last && found.time != f->time ? OK : NOT_FOUND;
}

/* Where it is another database than before, its numbers begin anew. */
static enum result open_store(struct event_follow *f, struct place *last_r, struct error *e)
{
    struct store_params p = {
        .path = f->state_db, .database = DATABASE_STATE, .access = STORE_READ, .busy_timeout_ms = BUSY_MS
    };
    struct error why;
    enum result r;

    *last_r = (struct place){ 0, 0 };
    if (store_open(&p, &f->store, &why) != OK)
        return error_set(e, TRY_AGAIN, "%s", why.text);
    r = is_another(f);
    if (r == TRY_AGAIN || store_query(f->store, QUERY_EVENT_LAST, NULL, 0, last_fn, last_r) == TRY_AGAIN)
        return unreadable(f, e);
    if (last_r->id < f->id || r == OK) { /* the former: also where there is no event yet */
        f->id = f->last = 0;
        f->again = true;
        f->since = f->time > f->since ? f->time : f->since;
    }
    return OK;
}

static bool row_fn(const struct row *row, void *context)
{
    struct poll *p = context;

    p->rows++;
    p->follow->id = p->follow->last = number(row->column[EVENT_ID]);
    p->follow->time = number(row->column[EVENT_TIME]);
    p->stopped = !p->fn(row->column, p->context);
    return !p->stopped;
}

/* Page by page, up to the end. */
static enum result read_all(struct event_follow *f, struct poll *p)
{
    char id[STR_NUMBER_MAX], since[STR_NUMBER_MAX];
    enum result r = OK;

    while (r == OK && !p->stopped) {
        const char *const params[PARAMS] = { text_of(f->id, id), f->account, text_of(f->since, since) };
        r = store_query(f->store, QUERY_EVENTS, params, PARAMS, row_fn, p);
    }
    return r;
}

enum result event_follow_poll(struct event_follow *f, event_follow_fn *fn, void *context, struct error *e)
{
    struct poll p = { .follow = f, .fn = fn, .context = context };
    struct place last;
    uint64_t version;

    if (!f->store && open_store(f, &last, e) != OK)
        return TRY_AGAIN;
    if (store_version(f->store, &version) != OK)
        return unreadable(f, e);
    if (f->read && version == f->version)
        return NOT_FOUND;
    if (read_all(f, &p) == TRY_AGAIN)
        return unreadable(f, e);
    f->read = !p.stopped;
    f->version = version;
    return p.rows > 0 ? OK : NOT_FOUND;
}

enum result event_follow_skip(struct event_follow *f, struct error *e)
{
    struct place last;

    event_follow_close(f);
    if (open_store(f, &last, e) != OK)
        return TRY_AGAIN;
    f->id = f->last = last.id;
    f->time = last.time;
    return OK;
}

void event_follow_close(struct event_follow *f)
{
    store_close(&f->store);
    f->read = false;
}
