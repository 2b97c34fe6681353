/* SPDX-License-Identifier: MIT */
/*
 * policyctl export-maps: Postfix's look-ups as static files (texthash:, hash:), each
 * value as policyd's socketmap service gives it.  All files are written whole before
 * the first of them takes its place.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/address.h"
#include "policyctl/command.h"
#include "policyctl/keys.h"
#include "policyd/maps.h"

enum { ROW_ENTRIES = 4096, VALUE_MAX = ROWS_TEXT_MAX, NAME_ROOM = 64 };

struct export {
    const struct ctl *ctl;
    const char *path;
    int directory;
    struct store *store;
    struct rows *rows;
    struct facts facts;
    struct keys domains, addresses;
};

static bool is_domain_map(enum map_id id)
{
    return id == MAP_VIRTUAL_MAILBOX_DOMAINS || id == MAP_RELAY_DOMAINS;
}

static void new_name(enum map_id id, char name_r[static NAME_ROOM])
{
    snprintf(name_r, NAME_ROOM, ".%s.new", map_names[id]);
}

/* ---- lines ---- */

/* A line of postmap(1): spaces are kept within quotes only, which is where an address
 * has them; "#" begins a comment. */
static bool fits(const char *key, const char *value)
{
    if (key[0] == '#')
        return false;
    for (const char *p = key; *p; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            return false;
    for (const char *p = value; *p; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            return false;
    return true;
}

/* Looks a key up and writes its line, if there is one. */
static enum status export_key(struct export *x, enum map_id id, const char *key, FILE *out)
{
    char value[VALUE_MAX];
    struct strbuf b;

    strbuf_init(&b, value, sizeof value);
    switch (maps_lookup(&x->facts, id, span_of(key), &b)) {
    case OK:
        break;
    case NOT_FOUND:
        return STATUS_DONE;
    case LIMIT:
        return fail(STATUS_FAILED, "%s: %s has more values than policyd's own answers hold: nothing was replaced",
                    map_names[id], key);
    default:
        return fail_read(x->ctl);
    }
    if (!fits(key, value))
        return fail(STATUS_FAILED, "%s: no Postfix text map can hold %s: nothing was replaced", map_names[id], key);
    fprintf(out, "%s\t%s\n", key, value);
    return STATUS_DONE;
}

/* ---- files ---- */

static enum status fail_file(const struct export *x, const char *name)
{
    return fail(STATUS_FAILED, "%s/%s: %s", x->path, name, strerror(errno));
}

static enum status write_map(struct export *x, enum map_id id)
{
    const struct keys *keys = is_domain_map(id) ? &x->domains : &x->addresses;
    char name[NAME_ROOM];
    enum status status = STATUS_DONE;

    new_name(id, name);
    unlinkat(x->directory, name, 0); /* what an earlier one left that was killed */
    int fd = openat(x->directory, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    FILE *out = fd < 0 ? NULL : fdopen(fd, "w");
    if (!out) {
        status = fail_file(x, name);
        if (fd >= 0)
            close(fd);
        return status;
    }
    fprintf(out, "# %s, made by policyctl export-maps: do not edit\n", map_names[id]);
    for (size_t i = 0; i < keys->count && status == STATUS_DONE; i++)
        status = export_key(x, id, keys->item[i], out);
    if (status == STATUS_DONE && (fflush(out) != 0 || fsync(fd) != 0))
        status = fail_file(x, name);
    if (fclose(out) != 0 && status == STATUS_DONE)
        status = fail_file(x, name);
    return status;
}

static enum status replace_maps(struct export *x)
{
    char name[NAME_ROOM];

    for (unsigned id = 0; id < MAP_COUNT; id++) {
        new_name((enum map_id)id, name);
        if (renameat(x->directory, name, x->directory, map_names[id]) != 0)
            return fail_file(x, map_names[id]);
    }
    return fsync(x->directory) == 0 ? STATUS_DONE : fail_file(x, ".");
}

static void remove_new(struct export *x)
{
    char name[NAME_ROOM];

    for (unsigned id = 0; id < MAP_COUNT; id++) {
        new_name((enum map_id)id, name);
        unlinkat(x->directory, name, 0);
    }
}

static enum status export_all(struct export *x)
{
    enum status status = STATUS_DONE;

    for (unsigned id = 0; id < MAP_COUNT && status == STATUS_DONE; id++)
        status = write_map(x, (enum map_id)id);
    if (status == STATUS_DONE)
        status = replace_maps(x);
    if (status != STATUS_DONE)
        remove_new(x);
    return status;
}

/* ---- the command ---- */

/* The first look-up begins the transaction in which all others are read. */
static enum status collect(struct export *x)
{
    struct domain_row row;

    if (rows_open(x->store, ROW_ENTRIES, &x->rows) != OK)
        return fail(STATUS_UNREACHABLE, "out of memory");
    facts_init(&x->facts, x->ctl->config, x->rows, NULL);
    facts_begin(&x->facts, NULL, x->ctl->now);
    enum result r = facts_domain(&x->facts, SPAN("invalid"), &row);
    if ((r != OK && r != NOT_FOUND) || keys_domains(x->store, &x->domains) != OK ||
        keys_addresses(x->store, &x->addresses) != OK)
        return fail_read(x->ctl);
    return STATUS_DONE;
}

static enum status run_export(struct ctl *ctl, const struct args *a)
{
    struct export x = { .ctl = ctl, .path = a->operand[0] };
    enum status status;

    x.directory = open(x.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (x.directory < 0)
        return fail(STATUS_FAILED, "%s: %s", x.path, strerror(errno));
    umask(0022); /* Postfix's own tables are readable by all; the directory may say no */
    status = open_accounts(ctl, &x.store);
    if (status == STATUS_DONE)
        status = collect(&x);
    if (status == STATUS_DONE)
        status = export_all(&x);
    keys_free(&x.domains);
    keys_free(&x.addresses);
    rows_close(&x.rows);
    store_close(&x.store);
    close(x.directory);
    return status;
}

const struct command export_maps_commands[] = {
    { .name = "export-maps", .operands = "DIRECTORY", .min = 1, .max = 1, .run = run_export,
      .help = "Writes Postfix's look-ups as static files",
      .example = "policyctl export-maps /etc/postfix/postern" },
    { 0 },
};
