/* SPDX-License-Identifier: MIT */
/*
 * A struct config as text that loads again to the same.  Layer 2.
 */
#include "config_option.h"

/* libconfuse would read $ { as a variable. */
static void dump_string(const char *text, FILE *out)
{
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\' || *text == '$')
            fputc('\\', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

static void dump_item(const struct config_row *row, const void *slot, size_t i, FILE *out)
{
    char text[NETWORK_TEXT_MAX];

    if (i > 0)
        fputs(", ", out);
    switch (config_row_kind(row)) {
    case KIND_STRINGS:
        dump_string(((const struct string_list *)slot)->item[i], out);
        break;
    case KIND_PORTS:
        fprintf(out, "%u", (unsigned)((const struct port_list *)slot)->item[i]);
        break;
    case KIND_NETWORKS:
        network_text(&((const struct network_list *)slot)->item[i], text);
        dump_string(text, out);
        break;
    case KIND_ZONES:
        dump_string(((const struct zone_list *)slot)->item[i].text, out);
        break;
    default:
        break;
    }
}

static size_t item_count(const struct config_row *row, const void *slot)
{
    switch (config_row_kind(row)) {
    case KIND_STRINGS:
        return ((const struct string_list *)slot)->count;
    case KIND_PORTS:
        return ((const struct port_list *)slot)->count;
    case KIND_NETWORKS:
        return ((const struct network_list *)slot)->count;
    case KIND_ZONES:
        return ((const struct zone_list *)slot)->count;
    default:
        return 0;
    }
}

static void dump_row(const struct config *config, const struct config_row *row, FILE *out)
{
    const void *slot = config_slot_const(config, row);

    fprintf(out, "%s%s = ", row->option.section[0] ? "    " : "", row->option.name);
    switch (config_row_kind(row)) {
    case KIND_NUMBER:
        fprintf(out, "%u", *(const unsigned *)slot);
        break;
    case KIND_BOOL:
        fputs(config_word(row->type, *(const bool *)slot), out);
        break;
    case KIND_STRING:
        dump_string(*(char *const *)slot, out);
        break;
    default:
        fputc('{', out);
        for (size_t i = 0, n = item_count(row, slot); i < n; i++)
            dump_item(row, slot, i, out);
        fputc('}', out);
    }
    fputc('\n', out);
}

void config_dump(const struct config *config, FILE *out)
{
    struct config_row row;
    const char *section;

    for (size_t s = 0; (section = config_section(s)) != NULL; s++) {
        if (section[0])
            fprintf(out, "%s {\n", section);
        for (size_t i = 0; config_row(i, &row); i++)
            if (span_equal(span_of(row.option.section), span_of(section)))
                dump_row(config, &row, out);
        if (section[0])
            fputs("}\n", out);
    }
}
