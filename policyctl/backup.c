/* SPDX-License-Identifier: MIT */
/* policyctl backup: copies of the databases, while policyd writes them. */
#include "lib/store_backup.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "policyctl/command.h"
#include "policyctl/sent.h"

enum { BUSY_MS = 2000, DIRECTORY_MAX = 4096 };

static bool directory_of(const char *file, struct stat *st_r)
{
    const char *slash = strrchr(file, '/');
    char path[DIRECTORY_MAX];

    if (!slash)
        return stat(".", st_r) == 0;
    return str_copy((struct span){ file, slash > file ? (size_t)(slash - file) : 1 }, path, sizeof path) == OK &&
           stat(path, st_r) == 0;
}

/* There it could take the place of the database or of its log, and is lost with that disk;
 * and the daemon, which may write there, could have root write elsewhere. */
static enum status check_directory(const char *file, const char *database)
{
    struct stat own, other;

    if (directory_of(file, &own) && directory_of(database, &other) && own.st_dev == other.st_dev &&
        own.st_ino == other.st_ino)
        return fail(STATUS_INPUT, "%s: lies beside %s: name a file in another directory", file, database);
    return STATUS_DONE;
}

static enum status back_up(const char *path, enum database database, const char *file)
{
    struct store_params p = {
        .path = path, .database = database, .access = STORE_READ, .busy_timeout_ms = BUSY_MS, .older = true
    };
    struct stat st = { 0 };
    struct error e;
    enum result r = store_backup(&p, file, &e);

    if (r != OK)
        return fail_error(r == TRY_AGAIN ? STATUS_UNREACHABLE : STATUS_FAILED, &e);
    stat(file, &st);
    printf("%s: holds %s, %lld octets\n", file, path, (long long)st.st_size);
    return STATUS_DONE;
}

static enum status run_backup(struct ctl *ctl, const struct args *a)
{
    const char *const paths[] = { [DATABASE_ACCOUNTS] = ctl->config->accounts_db,
                                  [DATABASE_STATE] = ctl->config->state_db };
    enum status status = STATUS_DONE;

    if (a->count == 2 && strcmp(a->operand[0], a->operand[1]) == 0)
        return fail(STATUS_INPUT, "%s: given twice: each database needs a file of its own", a->operand[0]);
    for (size_t i = 0; i < a->count && status == STATUS_DONE; i++)
        for (size_t d = 0; d < sizeof paths / sizeof *paths && status == STATUS_DONE; d++)
            status = check_directory(a->operand[i], paths[d]);
    if (status == STATUS_DONE && a->count > DATABASE_STATE)
        sent_settle(ctl); /* what was counted until now is in it */
    for (size_t i = 0; i < a->count && status == STATUS_DONE; i++)
        status = back_up(paths[i], (enum database)i, a->operand[i]);
    return status;
}

const struct command backup_commands[] = {
    { .name = "backup", .operands = "FILE [STATE-FILE]", .min = 1, .max = 2, .run = run_backup,
      .help = "Copies the databases, also while policyd runs",
      .example = "policyctl backup /var/backups/postern/accounts.db" },
    { 0 },
};
