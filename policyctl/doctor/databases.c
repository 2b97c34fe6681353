/* SPDX-License-Identifier: MIT */
/* The two databases: whether they can be read, whose they are, and the SQLite that reads them. */
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/check_info.h"
#include "lib/store.h"
#include "policyctl/doctor/processes.h"
#include "policyctl/host/shell.h"

static const struct rule unreadable = {
    "database_unreadable", LEVEL_PROBLEM,
    "Without it mail waits (451) and logins fail for now; without state.db nothing is observed."
};
static const struct rule wrong_owner = { "database_owner", LEVEL_PROBLEM,
                                         "policyd runs as another user and cannot write there." };
static const struct rule open_rights = {
    "database_rights", LEVEL_PROBLEM,
    "Password hashes can be read, or accounts changed, by users who have no business with them."
};
static const struct rule tight_rights = {
    "database_rights", LEVEL_WARNING, "Dovecot's auth workers, where they are not root, read the table by its group."
};
static const struct rule wal_reset = {
    "sqlite_wal_reset", LEVEL_NOTE,
    "By its number this version can damage a database when one process writes while another checkpoints "
    "(sqlite.org/wal.html, the WAL-reset bug; a distribution may have mended it). policyd alone does both, so nothing "
    "is wrong as long as no other program opens the databases to write. Upgrade when there is a newer one."
};

/* ---- reading ---- */

static bool exceptions_fn(const struct row *row, void *context)
{
    struct doctor *d = context;
    struct exceptions *e = &d->exceptions;
    const char *scope = row->column[0];
    enum check_id id;
    enum mode mode;

    if (check_parse(span_of(row->column[1]), &id) != OK || mode_parse(span_of(row->column[2]), &mode) != OK)
        return true;
    if (mode == MODE_ENFORCE && id >= CHECK_HELO_LOCAL && id <= CHECK_HELO_RESOLVE)
        e->helo_enforced = true;
    if (id != CHECK_STARTTLS)
        return true;
    if (*scope == '\0')
        e->enforced = mode == MODE_ENFORCE;
    else if (mode != MODE_ENFORCE && e->count++ == 0)
        snprintf(e->first, sizeof e->first, "%s", scope);
    return true;
}

static void read_exceptions(struct doctor *d, struct store *store)
{
    struct exceptions *e = &d->exceptions;
    char now[24];
    const char *param = now;
    struct strbuf b;
    enum result r;

    strbuf_init(&b, now, sizeof now);
    strbuf_addu(&b, (uint64_t)d->ctl->now);
    *e = (struct exceptions){ .enforced = check_infos[CHECK_STARTTLS].mode == MODE_ENFORCE };
    r = store_query(store, QUERY_POLICIES_NOW, &param, 1, exceptions_fn, d);
    e->known = r == OK || r == NOT_FOUND;
}

static void remedy_init(const struct doctor *d, struct strbuf *b)
{
    shell_word(b, SPAN("policyctl"));
    shell_word(b, SPAN("-c"));
    shell_word(b, span_of(d->ctl->config->path));
    shell_word(b, SPAN("init"));
}

static bool examine_reading(struct doctor *d, const char *path, enum database database)
{
    struct store_params p = { .path = path, .database = database, .access = STORE_READ, .busy_timeout_ms = 2000 };
    struct store *store;
    char remedy[PATH_MAX + 64] = "";
    struct strbuf b;
    struct error e;

    if (geteuid() != 0 && access(path, R_OK) != 0 && errno == EACCES) {
        doctor_unknown(d, "", "%s: not as this user: be root", path);
        return false;
    }
    if (store_open(&p, &store, &e) != OK) {
        strbuf_init(&b, remedy, sizeof remedy);
        if (access(path, F_OK) != 0)
            remedy_init(d, &b);
        doctor_say(d, &unreadable, "", remedy, "%s", e.text);
        return false;
    }
    if (database == DATABASE_ACCOUNTS)
        read_exceptions(d, store);
    store_close(&store);
    return true;
}

/* ---- rights ---- */

/* A database, its log and its index; or a directory. They are mended together: whenever root
 * opens it, SQLite gives the other two the owner and mode of the first. */
struct files {
    const char *path[3];
    struct stat st[3];
    size_t count;
};

static void add_file(struct files *f, const char *path)
{
    if (stat(path, &f->st[f->count]) == 0) /* -wal and -shm need not be there */
        f->path[f->count++] = path;
}

static void remedy_all(const char *program, const char *argument, const struct files *f,
                       char remedy_r[static REMEDY_MAX])
{
    struct strbuf b;

    strbuf_init(&b, remedy_r, REMEDY_MAX);
    shell_word(&b, span_of(program));
    shell_word(&b, span_of(argument));
    for (size_t i = 0; i < f->count; i++)
        shell_word(&b, span_of(f->path[i]));
    if (b.cut)
        remedy_r[0] = '\0';
}

static void examine_owner(struct doctor *d, const struct files *f)
{
    const char *user = d->ctl->config->user;
    struct passwd *pw = *user ? getpwnam(user) : NULL;
    char remedy[REMEDY_MAX];
    size_t first = f->count;

    if (!pw)
        return;
    for (size_t i = f->count; i-- > 0;)
        first = f->st[i].st_uid != pw->pw_uid ? i : first;
    if (first == f->count)
        return;
    remedy_all("chown", user, f, remedy);
    pw = getpwuid(f->st[first].st_uid);
    doctor_say(d, &wrong_owner, f->path[first], remedy, "belongs to %s, not to %s",
               pw ? pw->pw_name : "nobody known", user);
}

/* wanted: 0640 or 02750. */
static void examine_mode(struct doctor *d, const struct files *f, unsigned wanted)
{
    char remedy[REMEDY_MAX], octal[8];
    size_t first = f->count;
    bool open = false;

    for (size_t i = f->count; i-- > 0;) {
        unsigned mode = f->st[i].st_mode & 0777, allowed = wanted & 0777;
        open = open || (mode & ~allowed & 0077) != 0;
        first = mode != allowed ? i : first;
    }
    if (first == f->count)
        return;
    snprintf(octal, sizeof octal, "%04o", wanted);
    remedy_all("chmod", octal, f, remedy);
    doctor_say(d, open ? &open_rights : &tight_rights, f->path[first], remedy, "has mode %04o",
               (unsigned)f->st[first].st_mode & 07777);
}

static void examine_files(struct doctor *d, const char *database)
{
    char wal[PATH_MAX], shm[PATH_MAX], directory[PATH_MAX];
    struct files files = { .count = 0 }, above = { .count = 0 };

    snprintf(wal, sizeof wal, "%s-wal", database);
    snprintf(shm, sizeof shm, "%s-shm", database);
    snprintf(directory, sizeof directory, "%s", database);
    add_file(&above, dirname(directory));
    add_file(&files, database);
    add_file(&files, wal);
    add_file(&files, shm);
    examine_owner(d, &above);
    examine_mode(d, &above, 02750);
    examine_owner(d, &files);
    examine_mode(d, &files, 0640);
}

void examine_databases(struct doctor *d)
{
    const char *accounts = d->ctl->config->accounts_db, *state = d->ctl->config->state_db;

    examine_files(d, accounts); /* before SQLite opens them: as root it puts some of it right */
    examine_files(d, state);
    if (examine_reading(d, accounts, DATABASE_ACCOUNTS))
        doctor_saw(d, strrchr(accounts, '/') ? strrchr(accounts, '/') + 1 : accounts);
    if (examine_reading(d, state, DATABASE_STATE))
        doctor_saw(d, strrchr(state, '/') ? strrchr(state, '/') + 1 : state);
    examine_processes(d);
    if (store_wal_reset())
        doctor_say(d, &wal_reset, "", NULL, "SQLite %s", store_wal_reset());
}
