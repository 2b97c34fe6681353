/* SPDX-License-Identifier: MIT */
#include "dovecot-plugin/auth_store.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* The upper pages of the tables, of a hundred thousand accounts; the page cache of the kernel has the rest. */
enum { PAUSE_MS = 50, BUSY_TIMEOUT_MS = 100, CACHE_KIB = 640 };

struct auth_store {
    struct store_params params;
    unsigned timeout_ms;
    struct store *store;
    pid_t owner; /* the process that opened it */
};

struct auth_store *auth_store_new(const char *backend, const char *path, unsigned timeout_ms)
{
    struct auth_store *s = calloc(1, sizeof *s);

    if (s) {
        s->params = (struct store_params){ .backend = backend,
                                           .path = path,
                                           .database = DATABASE_ACCOUNTS,
                                           .access = STORE_READ,
                                           .busy_timeout_ms = BUSY_TIMEOUT_MS,
                                           .cache_kib = CACHE_KIB };
        s->timeout_ms = timeout_ms;
    }
    return s;
}

/* A connection of the parent process is left alone: closing it here would release the
 * locks that the parent holds (sqlite.org/howtocorrupt.html, 2.6). */
static void drop(struct auth_store *s)
{
    if (s->owner == getpid())
        store_close(&s->store);
    s->store = NULL;
}

void auth_store_free(struct auth_store **store)
{
    if (*store)
        drop(*store);
    free(*store);
    *store = NULL;
}

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){ .tv_nsec = ms * 1000000 }, NULL);
}

/* A connection whose file is no longer the one at the path is not used. */
static enum result connect_store(struct auth_store *s, struct error *e)
{
    if (s->store && (s->owner != getpid() || store_check_file(s->store) != OK))
        drop(s);
    if (s->store)
        return OK;
    s->owner = getpid();
    return store_open(&s->params, &s->store, e);
}

static enum result read_once(struct auth_store *s, auth_store_fn *fn, void *context, struct error *e)
{
    enum result r = connect_store(s, e);

    if (r != OK)
        return TRY_AGAIN;
    r = store_begin(s->store);
    if (r == OK) {
        r = fn(s->store, context);
        store_end(s->store);
    }
    if (r != TRY_AGAIN)
        return r;
    drop(s);
    return error_set(e, TRY_AGAIN, "%s: could not be read", s->params.path);
}

enum result auth_store_read(struct auth_store *s, auth_store_fn *fn, void *context, struct error *e)
{
    int64_t deadline = now_ms() + s->timeout_ms;

    for (;;) {
        enum result r = read_once(s, fn, context, e);
        if (r != TRY_AGAIN || now_ms() + PAUSE_MS > deadline)
            return r;
        pause_ms(PAUSE_MS);
    }
}
