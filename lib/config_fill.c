/* SPDX-License-Identifier: MIT */
/*
 * Checked values into the fields of a struct config, each by its row.  Layer 2.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "address.h"
#include "config_option.h"

static enum result out_of_memory(struct error *e)
{
    error_set(e, TRY_AGAIN, "out of memory");
    return TRY_AGAIN;
}

/* Values come checked: what fails here is memory. */
static unsigned to_number(const char *text)
{
    uint64_t number = 0;

    return str_number(span_of(text), 0, UINT32_MAX, &number) == OK ? (unsigned)number : 0;
}

static bool set_string(char **slot, const char *text)
{
    char *copy = strdup(text);

    *slot = copy;
    return copy != NULL;
}

static bool set_strings(struct string_list *list, const struct config_values *values,
                        const struct config_row *row, size_t count)
{
    list->item = calloc(count, sizeof *list->item);
    for (; list->item && list->count < count; list->count++)
        if (!set_string(&list->item[list->count], config_values_get(values, row, list->count)))
            return false;
    return list->item != NULL;
}

static bool set_ports(struct port_list *list, const struct config_values *values,
                      const struct config_row *row, size_t count)
{
    list->item = calloc(count, sizeof *list->item);
    for (; list->item && list->count < count; list->count++)
        list->item[list->count] = (unsigned short)to_number(config_values_get(values, row, list->count));
    return list->item != NULL;
}

static bool set_networks(struct network_list *list, const struct config_values *values,
                         const struct config_row *row, size_t count)
{
    list->item = calloc(count, sizeof *list->item);
    for (; list->item && list->count < count; list->count++) {
        struct span text = span_of(config_values_get(values, row, list->count));
        if (network_parse(text, &list->item[list->count], NULL) != OK)
            return false;
    }
    return list->item != NULL;
}

static bool set_zones(struct zone_list *list, const struct config_values *values, const struct config_row *row,
                      size_t count)
{
    list->item = calloc(count, sizeof *list->item);
    for (; list->item && list->count < count; list->count++)
        if (dnsbl_zone_parse(span_of(config_values_get(values, row, list->count)), &list->item[list->count], NULL) !=
            OK)
            return false;
    return list->item != NULL;
}

static bool set_field(struct config *config, const struct config_row *row, const struct config_values *values)
{
    size_t count = config_values_count(values, row);
    const char *text = config_values_get(values, row, 0);
    void *slot = config_slot(config, row);

    if (count == 0)
        return config_row_is_list(row);
    switch (config_row_kind(row)) {
    case KIND_NUMBER:
        *(unsigned *)slot = to_number(text);
        return true;
    case KIND_BOOL:
        *(bool *)slot = config_word_value(row->type, text);
        return true;
    case KIND_STRING:
        return set_string(slot, text);
    case KIND_STRINGS:
        return set_strings(slot, values, row, count);
    case KIND_PORTS:
        return set_ports(slot, values, row, count);
    case KIND_NETWORKS:
        return set_networks(slot, values, row, count);
    case KIND_ZONES:
        return set_zones(slot, values, row, count);
    }
    return false;
}

static enum result set_fields(struct config *config, const char *path, const struct config_values *values,
                              struct error *e)
{
    struct config_row row;

    if (!set_string(&config->path, path))
        return out_of_memory(e);
    for (size_t i = 0; config_row(i, &row); i++)
        if (!set_field(config, &row, values))
            return out_of_memory(e);
    return OK;
}

static enum result set_hostname(struct config *config, struct error *e)
{
    char name[DOMAIN_MAX + 1] = "", canonical[DOMAIN_MAX + 1];

    if (config->hostname[0])
        return OK;
    if (gethostname(name, sizeof name - 1) != 0 || domain_parse(span_of(name), canonical) != OK ||
        !canonical[0])
        return error_set(e, BAD, "%s: this host has no usable name; set hostname", config->path);
    free(config->hostname);
    return set_string(&config->hostname, canonical) ? OK : out_of_memory(e);
}

/* A window can have one limit, and there is room for so many. */
static enum result set_limits(struct config *config, const char *name, const struct string_list *list,
                              struct usage_limits *limits_r, struct error *e)
{
    for (size_t i = 0; i < list->count; i++) {
        struct usage_limit limit;
        if (usage_limit_parse(span_of(list->item[i]), &limit, e) != OK)
            return BAD;
        for (size_t k = 0; k < limits_r->count; k++)
            if (limits_r->limit[k].window_s == limit.window_s)
                return error_set(e, BAD, "%s: send_limit.%s: two limits have the window of %s; write one for both",
                                 config->path, name, list->item[i]);
        if (limits_r->count == USAGE_WINDOWS_MAX)
            return error_set(e, BAD, "%s: send_limit.%s: more than %d limits", config->path, name, USAGE_WINDOWS_MAX);
        limits_r->limit[limits_r->count++] = limit;
    }
    return OK;
}

static enum result set_all_limits(struct config *c, struct error *e)
{
    enum result r = set_limits(c, "user", &c->send_limit.user, &c->send_limit.user_limits, e);

    if (r == OK)
        r = set_limits(c, "relay", &c->send_limit.relay, &c->send_limit.relay_limits, e);
    return r == OK ? set_limits(c, "client", &c->send_limit.client, &c->send_limit.client_limits, e) : r;
}

enum result config_fill(struct config *config, const char *path, const struct config_values *values,
                        struct error *e)
{
    enum result r = set_fields(config, path, values, e);

    if (r == OK)
        r = set_all_limits(config, e);
    if (r == OK && config->dnsbl.zones.count > CONFIG_DNSBL_ZONES_MAX)
        r = error_set(e, BAD, "%s: dnsbl.zones has %zu zones: at most %d are asked", path, config->dnsbl.zones.count,
                      CONFIG_DNSBL_ZONES_MAX);
    return r == OK ? set_hostname(config, e) : r;
}

static void free_field(struct config *config, const struct config_row *row)
{
    void *slot = config_slot(config, row);
    struct string_list *strings = slot;

    switch (config_row_kind(row)) {
    case KIND_STRING:
        free(*(char **)slot);
        break;
    case KIND_STRINGS:
        for (size_t i = 0; i < strings->count; i++)
            free(strings->item[i]);
        free(strings->item);
        break;
    case KIND_PORTS:
        free(((struct port_list *)slot)->item);
        break;
    case KIND_NETWORKS:
        free(((struct network_list *)slot)->item);
        break;
    case KIND_ZONES:
        free(((struct zone_list *)slot)->item);
        break;
    default:
        break;
    }
}

void config_clear(struct config *config)
{
    struct config_row row;

    for (size_t i = 0; config_row(i, &row); i++)
        free_field(config, &row);
    free(config->path);
}
