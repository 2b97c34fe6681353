/* SPDX-License-Identifier: MIT */
#include "policyctl/change.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/control.h"
#include "lib/lock.h"
#include "policyctl/date.h"
#include "policyctl/owner.h"

/* Another policyctl holds the lock for milliseconds only: worth waiting for. */
enum { LOCK_TRIES = 60, LOCK_WAIT_MS = 50, WRITE_BUSY_MS = 2000 };

enum status change_check_input(const struct change *change, size_t count)
{
    struct error e;

    for (size_t i = 0; i < count; i++) {
        enum result r = change_validate(&change[i], &e);
        if (r != OK)
            return fail_error(r == TRY_AGAIN ? STATUS_UNREACHABLE : STATUS_INPUT, &e);
    }
    return STATUS_DONE;
}

static enum status status_of(enum result r)
{
    return r == OK ? STATUS_DONE : r == TRY_AGAIN || r == PENDING ? STATUS_UNREACHABLE : STATUS_FAILED;
}

/* ---- through policyd ---- */

static void add_change(const struct change *c, struct strbuf *out)
{
    strbuf_addf(out, "change=%s\n", change_name(c->kind));
    for (unsigned f = 0; f < FIELD_COUNT; f++)
        if (c->field[f] && change_takes(c->kind, (enum field)f)) {
            strbuf_addf(out, "%s=", field_name((enum field)f));
            strbuf_adds(out, c->field[f]); /* checked: it holds no line break */
            strbuf_addc(out, '\n');
        }
}

static enum status ask_policyd(const struct ctl *ctl, int fd, const struct change *change, size_t count)
{
    static char reply[CONTROL_REPLY_MAX];
    size_t size = ctl->config->limits.request_bytes;
    char *array = malloc(size);
    struct strbuf b;
    struct error e;
    enum result r;

    if (!array)
        return fail(STATUS_UNREACHABLE, "out of memory");
    strbuf_init(&b, array, size);
    strbuf_adds(&b, "command=change\n");
    for (size_t i = 0; i < count; i++)
        add_change(&change[i], &b);
    strbuf_addc(&b, '\n');
    if (b.cut) {
        explicit_bzero(array, size);
        free(array);
        return fail(STATUS_INPUT, "more than %zu octets at once (limits.request_bytes): do it in parts", size);
    }
    r = control_ask(fd, (struct span){ array, b.len }, reply, &e);
    explicit_bzero(array, size); /* hashes */
    free(array);
    return r == OK ? STATUS_DONE : fail_error(status_of(r), &e);
}

/* ---- without policyd ---- */

static enum result wait_for_lock(const char *accounts_db, int *fd_r, struct error *e)
{
    const struct timespec pause = { 0, LOCK_WAIT_MS * 1000000L };
    enum result r;

    for (unsigned i = 0; (r = lock_take(accounts_db, fd_r, e)) == TRY_AGAIN && i < LOCK_TRIES; i++)
        nanosleep(&pause, NULL);
    return r;
}

static enum result apply(const struct ctl *ctl, struct change_set *set)
{
    struct store_params p = { .path = ctl->config->accounts_db,
                              .database = DATABASE_ACCOUNTS,
                              .access = STORE_WRITE,
                              .busy_timeout_ms = WRITE_BUSY_MS };
    struct store *store = NULL;

    if (store_open(&p, &store, &set->error) != OK)
        return TRY_AGAIN;
    enum result r = store_apply(store, &set, 1, ctl->now);
    store_close(&store);
    return r == OK ? set->result : r;
}

static enum status apply_directly(const struct ctl *ctl, const struct change *change, size_t count)
{
    struct change_set set = { .change = change, .count = count };
    struct owner owner;
    int lock = -1;

    if (access(ctl->config->accounts_db, F_OK) != 0)
        return fail(STATUS_UNREACHABLE, "%s: %s%s", ctl->config->accounts_db, strerror(errno),
                    errno == ENOENT ? ": make it with policyctl init" : "");
    if (owner_find(ctl->config, &owner, &set.error) != OK || owner_become(&owner, &set.error) != OK)
        return fail_error(STATUS_FAILED, &set.error);
    if (wait_for_lock(ctl->config->accounts_db, &lock, &set.error) != OK)
        return fail_error(STATUS_UNREACHABLE, &set.error);
    enum result r = apply(ctl, &set);
    lock_release(&lock); /* after the store was closed: closing writes too */
    return r == OK ? STATUS_DONE : fail_error(status_of(r), &set.error);
}

enum status change_submit(const struct ctl *ctl, const struct change *change, size_t count)
{
    enum status status = change_check_input(change, count);
    struct error e;
    int fd;

    if (status != STATUS_DONE)
        return status;
    switch (control_connect(ctl->config->control_socket, &fd, &e)) {
    case OK:
        status = ask_policyd(ctl, fd, change, count);
        close(fd);
        return status;
    case NOT_FOUND:
        return apply_directly(ctl, change, count);
    default:
        return fail_error(STATUS_UNREACHABLE, &e);
    }
}

enum status change_until(const struct ctl *ctl, const struct args *a, char until_r[static UNTIL_TEXT_MAX])
{
    int64_t seconds;
    struct strbuf b;
    struct error e;

    strbuf_init(&b, until_r, UNTIL_TEXT_MAX);
    if (!a->option[OPT_UNTIL])
        return STATUS_DONE;
    if (date_parse(a->option[OPT_UNTIL], ctl->now, &seconds, &e) != OK)
        return fail_error(STATUS_INPUT, &e);
    strbuf_addu(&b, (uint64_t)seconds);
    return STATUS_DONE;
}
