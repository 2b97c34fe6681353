/* SPDX-License-Identifier: MIT */
/*
 * Any octets as changes on the control socket.  What is checked: each that is read has only
 * fields that it takes; one that can be right is written as text which is read as the
 * same; and a table takes or refuses it with a line.
 */
#include <stdio.h>
#include <string.h>

#include "lib/change_text.h"
#include "t/fuzz/fuzz.h"

enum { TEXT_MAX = 16384, NOW = 1800000000 };

static void need_same_when_written(const struct change *c)
{
    struct change_text read;
    struct change again, none;
    struct error e;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    need(out != NULL);
    change_text_write(c, out);
    need(fclose(out) == 0);
    change_text_open(&read, (struct span){ text, size });
    need(change_text_next(&read, &again, &e) == OK && again.kind == c->kind);
    for (size_t f = 0; f < FIELD_COUNT; f++)
        need(span_equal(span_of(c->field[f]), span_of(again.field[f])));
    need(change_text_next(&read, &none, &e) == NOT_FOUND);
    free(text);
}

static void apply(struct store *store, const struct change *c)
{
    struct change_set set = { .change = c, .count = 1, .result = BAD };
    struct change_set *const sets[] = { &set };

    need(store_apply(store, sets, 1, NOW) == OK);
    need(set.result == OK || set.error.text[0] != '\0');
    need(!strchr(set.error.text, '\n'));
}

static void take(struct store *store, const struct change *c)
{
    struct error e = { "" };

    need(c->kind < CHANGE_COUNT);
    for (size_t f = 0; f < FIELD_COUNT; f++)
        need(!c->field[f] || change_takes(c->kind, (enum field)f));
    if (change_validate(c, &e) != OK) {
        need(e.text[0] != '\0');
        return;
    }
    need_same_when_written(c);
    if (store && change_database(c->kind) == DATABASE_ACCOUNTS)
        apply(store, c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct store_params params = { .backend = "memory", .database = DATABASE_ACCOUNTS };
    struct change_text text;
    struct change c;
    struct store *store = NULL;
    struct error e = { "" };
    enum result r;

    if (size > TEXT_MAX)
        return 0;
    need(store_open(&params, &store, &e) == OK);
    change_text_open(&text, (struct span){ (const char *)data, size });
    while ((r = change_text_next(&text, &c, &e)) == OK)
        take(store, &c);
    need(r == NOT_FOUND || e.text[0] != '\0');
    store_close(&store);
    return 0;
}
