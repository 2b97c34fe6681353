/* SPDX-License-Identifier: MIT */
/* policyctl greylist: who waits, and who came again. */
#include "lib/greylist.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policyctl/change.h"
#include "policyctl/date.h"
#include "policyctl/json.h"
#include "policyctl/table.h"

struct listing_rows {
    struct table table;
    struct json *json; /* NULL: a table */
};

/* client, sender, recipient, state, known, expires */
static bool greylist_fn(const struct row *row, void *context)
{
    struct listing_rows *l = context;
    char seen[DATE_TEXT_MAX], expires[DATE_TEXT_MAX], passes[24];
    struct greylist_row g = { 0 };
    int64_t until = row->column[5] ? strtoll(row->column[5], NULL, 10) : 0;
    struct strbuf b;

    (void)!greylist_row_parse(row->column[3], &g); /* one that is damaged is begun anew */
    if (l->json) {
        json_open(l->json, NULL, '{');
        json_text(l->json, "client", row->column[0]);
        json_text(l->json, "sender", row->column[1]);
        json_text(l->json, "recipient", row->column[2]);
        json_number(l->json, "first_seen", g.first_seen);
        json_number(l->json, "last_seen", g.last_seen);
        json_number(l->json, "passes", (int64_t)g.passes);
        json_number(l->json, "expires", until);
        json_close(l->json, '}');
        return true;
    }
    date_text(g.last_seen, seen);
    date_text(until, expires);
    strbuf_init(&b, passes, sizeof passes);
    strbuf_addu(&b, g.passes);
    table_row(&l->table, (const char *const[]){ row->column[0], row->column[1], row->column[2],
                                                g.passes > 0 ? passes : "waits", seen, expires });
    return true;
}

static enum result print(struct store *state, const char *client, struct json *json)
{
    static const char *const titles[] = { "CLIENT", "SENDER", "RECIPIENT", "PASSED", "LAST SEEN", "EXPIRES" };
    struct listing_rows l = { .table = { .title = titles, .columns = sizeof titles / sizeof *titles },
                              .json = json };
    enum result r;

    if (json) {
        json_open(json, NULL, '[');
        r = store_query(state, QUERY_GREYLIST, &client, 1, greylist_fn, &l);
        json_close(json, ']');
        return r;
    }
    r = store_query(state, QUERY_GREYLIST, &client, 1, greylist_fn, &l);
    if (r != OK)
        return r;
    table_print(&l.table);
    return store_query(state, QUERY_GREYLIST, &client, 1, greylist_fn, &l);
}

/* The canonical form of a client's network, "" where none is named. */
static enum status read_client(const char *text, char client_r[static NETWORK_TEXT_MAX])
{
    struct network network;
    struct error e;

    client_r[0] = '\0';
    if (text && network_parse(span_of(text), &network, &e) != OK)
        return fail_error(STATUS_INPUT, &e);
    if (text)
        network_text(&network, client_r);
    return STATUS_DONE;
}

static enum status run_show(struct ctl *ctl, const struct args *a)
{
    struct json json = { .out = stdout };
    char client[NETWORK_TEXT_MAX];
    struct store *state = NULL;
    enum status status = read_client(a->count > 0 ? a->operand[0] : NULL, client);

    if (status == STATUS_DONE)
        status = open_state(ctl, &state);
    if (status != STATUS_DONE)
        return status;
    if (print(state, client, a->option[OPT_JSON] ? &json : NULL) == TRY_AGAIN)
        status = fail(STATUS_UNREACHABLE, "%s cannot be read now: try again", ctl->config->state_db);
    store_close(&state);
    return status;
}

static enum status run_forget(struct ctl *ctl, const struct args *a)
{
    struct change c = {
        .kind = CHANGE_GREYLIST_FORGET,
        .field = { [FIELD_CLIENT] = a->operand[0], [FIELD_ENVELOPE_SENDER] = a->option[OPT_SENDER] }
    };

    return change_submit(ctl, &c, 1);
}

const struct command greylist_commands[] = {
    { .name = "greylist",
      .verb = "forget",
      .operands = "NETWORK",
      .min = 1,
      .max = 1,
      .optional = OPT(SENDER),
      .run = run_forget,
      .help = "Forgets a client's network: it has to wait again",
      .example = "policyctl greylist forget 192.0.2.0/24" },
    { .name = "greylist",
      .verb = "show",
      .operands = "[NETWORK]",
      .max = 1,
      .optional = OPT(JSON),
      .run = run_show,
      .help = "Shows who waits on the greylist, and who came again",
      .example = "policyctl greylist show" },
    { 0 },
};
