/* SPDX-License-Identifier: MIT */
#include "policyctl/change.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/address.h"
#include "lib/change_text.h"
#include "lib/control.h"
#include "lib/lock.h"
#include "lib/usage_rows.h"
#include "policyctl/date.h"
#include "policyctl/owner.h"

enum { WRITE_BUSY_MS = 2000 };

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

static enum status say(enum result r, const struct error *e)
{
    return r == OK ? STATUS_DONE : fail_error(status_of(r), e);
}

/* Those that are more than a request holds go as a file. */
static enum status hand_over(int fd, struct span text)
{
    static char reply[CONTROL_REPLY_MAX];
    int file = memfd_create("changes", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    struct error e;
    enum result r = OK;

    for (size_t written = 0; file >= 0 && r == OK && written < text.len;) {
        ssize_t n = write(file, text.ptr + written, text.len - written);
        if (n < 0)
            r = error_set(&e, TRY_AGAIN, "the file of changes: %s", strerror(errno));
        written += n > 0 ? (size_t)n : 0;
    }
    if (file < 0)
        return fail(STATUS_UNREACHABLE, "the file of changes: %s", strerror(errno));
    if (r == OK)
        r = control_change_file(fd, file, reply, &e);
    close(file);
    return say(r, &e);
}

static enum status ask_policyd(const struct ctl *ctl, int fd, const struct change *change, size_t count)
{
    static const struct span command = SPAN_INIT("command=change\n");
    static char reply[CONTROL_REPLY_MAX];
    char *text = NULL;
    size_t size = 0;
    struct error e;
    FILE *f = open_memstream(&text, &size);

    if (f) {
        fputs(command.ptr, f);
        for (size_t i = 0; i < count; i++)
            change_text_write(&change[i], f);
        fputc('\n', f);
    }
    if (!f || fclose(f) != 0)
        return fail(STATUS_UNREACHABLE, "out of memory");
    enum status status =
        size <= ctl->config->limits.request_bytes
            ? say(control_ask(fd, (struct span){ text, size }, reply, &e), &e)
            : hand_over(fd, (struct span){ text + command.len, size - command.len - 1 });
    explicit_bzero(text, size); /* hashes */
    free(text);
    return status;
}

/* ---- without policyd ---- */

/* What a policyd that was killed left beside state.db says of an account that is to be forgotten. */
static enum result forget_counts(const struct ctl *ctl, struct change_set *set)
{
    struct usage_rows *rows = NULL;
    struct address address;
    enum result r;

    if (set->count != 1 || set->change->kind != CHANGE_FORGET ||
        address_parse(span_of(set->change->field[FIELD_ADDRESS]), &address) != OK)
        return OK;
    r = usage_rows_open(ctl->config->state_db, &rows, &set->error);
    if (r == OK)
        usage_rows_forget(rows, address.text);
    usage_rows_close(&rows);
    return r;
}

static enum result apply(const struct ctl *ctl, struct change_set *set)
{
    enum database database = set->count > 0 ? change_database(set->change[0].kind) : DATABASE_ACCOUNTS;
    struct store_params p = { .path = database == DATABASE_ACCOUNTS ? ctl->config->accounts_db
                                                                    : ctl->config->state_db,
                              .database = database,
                              .access = STORE_WRITE,
                              .busy_timeout_ms = WRITE_BUSY_MS };
    struct store *store = NULL;
    enum result r;

    if (store_open(&p, &store, &set->error) != OK || forget_counts(ctl, set) != OK) {
        store_close(&store);
        return TRY_AGAIN;
    }
    r = store_apply(store, &set, 1, ctl->now);
    store_close(&store);
    return r == OK ? set->result : r;
}

static enum status apply_directly(const struct ctl *ctl, struct change_set *set)
{
    struct owner owner;
    int lock = -1;

    if (access(ctl->config->accounts_db, F_OK) != 0)
        return fail(STATUS_UNREACHABLE, "%s: %s%s", ctl->config->accounts_db, strerror(errno),
                    errno == ENOENT ? ": make it with policyctl init" : "");
    if (owner_find(ctl->config, &owner, &set->error) != OK || owner_become(&owner, &set->error) != OK)
        return fail_error(STATUS_FAILED, &set->error);
    if (lock_wait(ctl->config->accounts_db, &lock, &set->error) != OK)
        return fail_error(STATUS_UNREACHABLE, &set->error);
    enum result r = apply(ctl, set);
    lock_release(&lock); /* after the store was closed: closing writes too */
    return say(r, &set->error);
}

enum status change_submit(const struct ctl *ctl, const struct change *change, size_t count)
{
    struct change_set set = { .change = change, .count = count };
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
        return apply_directly(ctl, &set);
    default:
        return fail_error(STATUS_UNREACHABLE, &e);
    }
}

/* ---- many of them ---- */

static enum status apply_file(const struct ctl *ctl, int file)
{
    static struct change_text text;
    struct change_set set = { .source = &text.source };
    off_t size = lseek(file, 0, SEEK_END);
    void *memory = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, file, 0);

    if (memory == MAP_FAILED)
        return fail(STATUS_UNREACHABLE, "the file of changes: %s", strerror(errno));
    change_text_open(&text, (struct span){ memory, (size_t)size });
    enum status status = apply_directly(ctl, &set);
    munmap(memory, (size_t)size);
    return status;
}

enum status change_submit_file(const struct ctl *ctl, int file)
{
    static char reply[CONTROL_REPLY_MAX];
    struct error e;
    int fd;

    switch (control_connect(ctl->config->control_socket, &fd, &e)) {
    case OK: {
        enum result r = control_change_file(fd, file, reply, &e);
        close(fd);
        return say(r, &e);
    }
    case NOT_FOUND:
        return apply_file(ctl, file);
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
