/* SPDX-License-Identifier: MIT */
/*
 * CSV (RFC 4180): address,password_hash, or what the first line says: kind, status, and
 * any field of an account by its name.
 */
#include <string.h>

#include "lib/extra_field.h"
#include "policyctl/import/lines.h"

enum { COLUMNS_MAX = 64 };

struct csv {
    char name[COLUMNS_MAX][EXTRA_FIELD_NAME_MAX + 1];
    size_t columns;
    int address, hash, kind, status; /* which column; -1: none */
};

/* Splits in place. BAD: a quote that is not closed, or in the middle of a cell. */
static enum result split(struct import *im, struct span line, char *cell_r[static COLUMNS_MAX], size_t *cells_r)
{
    char *p = (char *)line.ptr, *out;

    for (*cells_r = 0;; p++) {
        bool quoted = *p == '"';
        if (*cells_r == COLUMNS_MAX)
            return import_error(im, "more than %d columns", COLUMNS_MAX);
        cell_r[(*cells_r)++] = out = p + quoted;
        p += quoted;
        for (; quoted ? *p && (*p != '"' || p[1] == '"') : *p && *p != ','; p++) {
            if (*p == '"' && !quoted)
                return import_error(im, "a '\"' within a cell that does not begin with one");
            p += *p == '"'; /* two stand for one */
            *out++ = *p;
        }
        if (quoted && (*p != '"' || (p[1] && p[1] != ',')))
            return import_error(im, "a '\"' that is not closed before the end of its cell and line");
        p += quoted;
        bool is_last = *p == '\0';
        *out = '\0';
        if (is_last)
            return OK;
    }
}

static int find(const struct csv *csv, const char *name)
{
    for (size_t i = 0; i < csv->columns; i++)
        if (strcmp(csv->name[i], name) == 0)
            return (int)i;
    return -1;
}

static enum result take_header(struct import *im, struct csv *csv, char *const *cell, size_t cells)
{
    static const char *const own[] = { "address", "password_hash", "kind", "status" };
    struct error e;

    for (size_t i = 0; i < cells; i++) {
        struct span name = span_trim(span_of(cell[i]));
        bool ours = false;
        if (str_copy(name, csv->name[i], sizeof csv->name[i]) != OK)
            return import_error(im, "column %zu: a name that is too long", i + 1);
        for (size_t k = 0; k < sizeof own / sizeof *own; k++)
            ours = ours || strcmp(csv->name[i], own[k]) == 0;
        if (!ours && extra_field_check_name(csv->name[i], &e) != OK)
            return import_error(im, "column %zu: %s", i + 1, e.text);
        if (find(csv, csv->name[i]) >= 0)
            return import_error(im, "column %zu: '%s' is there twice", i + 1, csv->name[i]);
        csv->columns = i + 1;
    }
    csv->address = find(csv, "address");
    csv->hash = find(csv, "password_hash");
    csv->kind = find(csv, "kind");
    csv->status = find(csv, "status");
    return csv->address >= 0 && csv->hash >= 0 ? OK : import_error(im, "no column address, or none password_hash");
}

static enum result take_fields(struct import *im, const struct csv *csv, const char *address, char *const *cell)
{
    for (size_t i = 0; i < csv->columns; i++) {
        int column = (int)i;
        if (column != csv->address && column != csv->hash && column != csv->kind && column != csv->status &&
            import_field(im, address, csv->name[i], cell[i]) != OK)
            return BAD;
    }
    return OK;
}

static enum result take_row(struct import *im, const struct csv *csv, char *const *cell, size_t cells)
{
    char address[512];
    const char *canonical, *status = csv->status >= 0 ? cell[csv->status] : "";

    if (cells != csv->columns)
        return import_error(im, "%zu cells, where %zu are expected", cells, csv->columns);
    if (*status && strcmp(status, "active") != 0 && strcmp(status, "disabled") != 0)
        return import_error(im, "status '%.40s' is neither active nor disabled", status);
    if (import_address(im, span_trim(span_of(cell[csv->address])), &canonical) != OK)
        return BAD;
    if (str_copy(span_of(canonical), address, sizeof address) != OK)
        return import_error(im, "an address that is too long");
    const char *kind = csv->kind >= 0 && *cell[csv->kind] ? cell[csv->kind] : "user";
    if (import_account(im, address, kind, cell[csv->hash]) != OK)
        return BAD;
    if (*status && import_status(im, address, strcmp(status, "active") == 0) != OK)
        return BAD;
    return take_fields(im, csv, address, cell);
}

/* Without a first line of names: the two that have to be there. */
static enum result begin(struct import *im, struct csv *csv, char *const *cell, size_t cells, bool *is_header_r)
{
    char address[] = "address", hash[] = "password_hash", *const names[] = { address, hash };

    *is_header_r = false;
    for (size_t i = 0; i < cells; i++)
        *is_header_r = *is_header_r || strcmp(cell[i], "address") == 0;
    return *is_header_r ? take_header(im, csv, cell, cells) : take_header(im, csv, names, 2);
}

enum result read_csv(struct import *im, FILE *f)
{
    struct csv csv = { .columns = 0 };
    char *cell[COLUMNS_MAX];
    struct span line;
    size_t cells;
    enum result r;

    while ((r = lines_next(im, f, &line)) == OK) {
        bool is_header = false;
        if (line.len == 0)
            continue;
        r = split(im, line, cell, &cells);
        if (r == OK && csv.columns == 0)
            r = begin(im, &csv, cell, cells, &is_header);
        if (r == OK && !is_header)
            r = take_row(im, &csv, cell, cells);
        if (r != OK)
            return r;
    }
    return r == NOT_FOUND ? OK : r;
}
