/* SPDX-License-Identifier: MIT */
/*
 * A file into a struct config, and what must hold between options.  Layer 2.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "config_option.h"

/* The path that a value names, as a file or as a socket; NULL: none. */
static const char *value_path(const struct config_row *row, const char *value)
{
    const char *prefix = "unix:";

    switch (row->type) {
    case CONFIG_LISTENERS:
    case CONFIG_LOCAL_LISTENERS:
        return strncmp(value, prefix, strlen(prefix)) == 0 ? value + strlen(prefix) : NULL;
    case CONFIG_PATH:
    case CONFIG_SOCKET:
    case CONFIG_LOG:
        return value[0] == '/' ? value : NULL;
    default:
        return NULL;
    }
}

/* Whether the option, up to its end-th value, names the path. */
static bool names_path(const struct config_values *values, const struct config_row *row, size_t end,
                       const char *path)
{
    for (size_t i = 0; i < end; i++) {
        const char *other = value_path(row, config_values_get(values, row, i));
        if (other && strcmp(other, path) == 0)
            return true;
    }
    return false;
}

/* Two options, or two values of one, that name the same path would take it from each
 * other. */
static enum result check_path(const struct config_values *values, size_t at, size_t item, const char *file,
                              struct error *e)
{
    struct config_row row, other;

    if (!config_row(at, &row))
        return OK;
    const char *path = value_path(&row, config_values_get(values, &row, item));
    for (size_t i = 0; path && i <= at && config_row(i, &other); i++) {
        unsigned line = config_values_line(values, at), other_line = config_values_line(values, i);
        if (names_path(values, &other, i == at ? item : config_values_count(values, &other), path))
            return error_set(e, BAD, "%s:%u: %s: %.128s is that of %s too; each needs one of its own", file,
                             line > other_line ? line : other_line, row.option.name, path, other.option.name);
    }
    return OK;
}

static enum result check_paths(const struct config_values *values, const char *file, struct error *e)
{
    struct config_row row;

    for (size_t i = 0; config_row(i, &row); i++)
        for (size_t item = 0; item < config_values_count(values, &row); item++)
            if (check_path(values, i, item, file, e) != OK)
                return BAD;
    return OK;
}

enum result config_load(const char *path, struct config **config_r, struct error *e)
{
    struct config_values *values;
    enum result r;

    *config_r = NULL;
    r = config_values_read(path, &values, e);
    if (r != OK)
        return r;
    struct config *config = calloc(1, sizeof *config);
    if (config)
        r = check_paths(values, path, e);
    else {
        error_set(e, TRY_AGAIN, "out of memory");
        r = TRY_AGAIN;
    }
    if (r == OK)
        r = config_fill(config, path, values, e);
    config_values_free(&values);
    if (r == OK)
        *config_r = config;
    else
        config_free(&config);
    return r;
}

void config_free(struct config **config)
{
    struct config *c = *config;

    *config = NULL;
    if (!c)
        return;
    config_clear(c);
    free(c);
}

bool port_list_has(const struct port_list *l, unsigned port)
{
    for (size_t i = 0; i < l->count; i++)
        if (l->item[i] == port)
            return true;
    return false;
}
