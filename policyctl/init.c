/* SPDX-License-Identifier: MIT */
/* policyctl init: the databases and their directory; also brings older ones up to date. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/lock.h"
#include "policyctl/command.h"
#include "policyctl/owner.h"

enum { BUSY_MS = 2000 };

static const char *path_of(const struct config *c, enum database d)
{
    return d == DATABASE_ACCOUNTS ? c->accounts_db : c->state_db;
}

static enum result open_database(const struct config *c, enum database d, enum store_access access,
                                 struct error *e)
{
    struct store_params p = { .path = path_of(c, d), .database = d, .access = access, .busy_timeout_ms = BUSY_MS };
    struct store *store = NULL;
    enum result r = store_open(&p, &store, e);

    store_close(&store);
    return r;
}

static bool is_there(const struct config *c, enum database d)
{
    return access(path_of(c, d), F_OK) == 0;
}

static bool is_current(const struct config *c, enum database d)
{
    return is_there(c, d) && open_database(c, d, STORE_READ, NULL) == OK;
}

/* The directory of a database, where it is absent; its parent is the administrator's. */
static enum result make_directory(const char *database, const struct owner *owner, struct error *e)
{
    char path[4096];
    const char *slash = strrchr(database, '/');

    if (!slash || slash == database)
        return OK;
    if (str_copy((struct span){ database, (size_t)(slash - database) }, path, sizeof path) != OK)
        return error_set(e, BAD, "%.80s...: the path is too long", database);
    if (mkdir(path, 02750) != 0)
        return errno == EEXIST ? OK : error_set(e, BAD, "%s: cannot be made: %s", path, strerror(errno));
    if ((owner->change && chown(path, owner->uid, owner->gid) != 0) || chmod(path, 02750) != 0)
        return error_set(e, BAD, "%s: %s", path, strerror(errno));
    printf("%s: made\n", path);
    return OK;
}

static enum result make_databases(const struct config *c, struct error *e)
{
    enum result r = OK;

    for (unsigned d = DATABASE_ACCOUNTS; r == OK && d <= DATABASE_STATE; d++) {
        bool there = is_there(c, (enum database)d), current = is_current(c, (enum database)d);
        r = open_database(c, (enum database)d, STORE_CREATE, e);
        if (r == OK)
            printf("%s: %s\n", path_of(c, (enum database)d),
                   !there ? "made" : current ? "up to date" : "brought up to date");
    }
    return r;
}

static enum status run_init(struct ctl *ctl, const struct args *a)
{
    const struct config *c = ctl->config;
    struct owner owner;
    struct error e;
    int lock = -1;

    (void)a;
    if (is_current(c, DATABASE_ACCOUNTS) && is_current(c, DATABASE_STATE)) {
        printf("%s: up to date\n%s: up to date\n", c->accounts_db, c->state_db);
        return STATUS_DONE;
    }
    if (owner_find(c, &owner, &e) != OK || make_directory(c->accounts_db, &owner, &e) != OK ||
        make_directory(c->state_db, &owner, &e) != OK || owner_become(&owner, &e) != OK)
        return fail_error(STATUS_FAILED, &e);
    enum result r = lock_wait(c->accounts_db, &lock, &e);
    if (r == OK)
        r = make_databases(c, &e);
    lock_release(&lock);
    return r == OK ? STATUS_DONE : fail_error(r == TRY_AGAIN ? STATUS_UNREACHABLE : STATUS_FAILED, &e);
}

const struct command init_commands[] = {
    { .name = "init", .operands = "", .run = run_init,
      .help = "Makes the databases, or brings older ones up to date",
      .example = "policyctl init" },
    { 0 },
};
