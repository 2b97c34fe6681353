/* SPDX-License-Identifier: MIT */
/*
 * A change that meets a row of the greylist: whether its client has to wait depends on the
 * row, which is written either way.  A backend reads and writes in one transaction.  Layer 2.
 */
#include <string.h>

#include "greylist.h"
#include "store_schema.h"

/* "FIRST LAST PASSES/LAST PASSES": the row, and the client's. Damaged ones are begun anew. */
static void read_rows(const char *text, struct greylist_row *row, struct greylist_client *client)
{
    const char *slash = text ? strchr(text, '/') : NULL;
    char head[GREYLIST_TEXT_MAX];
    struct greylist_row pair;
    struct strbuf b;

    *row = (struct greylist_row){ 0 };
    *client = (struct greylist_client){ 0 };
    if (!slash)
        return;
    if (str_copy((struct span){ text, (size_t)(slash - text) }, head, sizeof head) != OK ||
        greylist_row_parse(head, row) != OK)
        *row = (struct greylist_row){ 0 };
    strbuf_init(&b, head, sizeof head);
    strbuf_addf(&b, "0 %s", slash + 1);
    if (greylist_row_parse(head, &pair) == OK)
        *client = (struct greylist_client){ pair.last_seen, pair.passes };
}

static void keep_number(uint64_t number, char *array, size_t size)
{
    struct strbuf b;

    strbuf_init(&b, array, size);
    strbuf_addu(&b, number);
}

enum result greylist_merge(struct change_values *v, const char *rows, int64_t now, struct error *e)
{
    struct greylist_client client;
    struct greylist_rule rule;
    struct greylist_row row;
    struct strbuf b;
    uint64_t wait_s;

    if (greylist_rule_parse(v->value[FIELD_RULE], &rule) != OK)
        return error_set(e, BAD, "greylist rule '%.80s' is none", v->value[FIELD_RULE]);
    read_rows(rows, &row, &client);
    wait_s = greylist_meet(&rule, &row, &client, now);
    strbuf_init(&b, v->merged, sizeof v->merged);
    greylist_row_format(&row, &b);
    keep_number((uint64_t)greylist_expires(&rule, &row), v->expires, sizeof v->expires);
    keep_number(client.passes, v->client_passes, sizeof v->client_passes);
    keep_number((uint64_t)client.last_seen, v->client_seen, sizeof v->client_seen);
    keep_number((uint64_t)client.last_seen + rule.lifetime_s, v->client_expires, sizeof v->client_expires);
    v->is_known = row.passes > 0 ? "1" : "0";
    if (wait_s == 0)
        return OK;
    return error_set(e, PENDING, "%llu", (unsigned long long)wait_s);
}
