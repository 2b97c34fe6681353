/* SPDX-License-Identifier: MIT */
/* policyctl status, policyctl reload: the daemon itself. */
#include <stdio.h>
#include <string.h>

#include "policyctl/ask.h"
#include "policyctl/json.h"
#include "policyctl/table.h"

/* What QUERY_ACCOUNT_COUNTS counts. */
static const char *const counted[] = { "accounts", "suspended", "domains", "aliases", "grants", "policy_rows",
                                       "list_entries" };
enum { COUNTED = sizeof counted / sizeof *counted, LABEL_WIDTH = 20 };

struct counts {
    char text[COUNTED][24];
};

static bool counts_fn(const struct row *row, void *context)
{
    struct counts *c = context;

    for (size_t i = 0; i < COUNTED && i < row->count; i++)
        if (str_copy(span_of(row->column[i]), c->text[i], sizeof c->text[i]) != OK)
            return false;
    return true;
}

static enum status read_counts(const struct ctl *ctl, struct counts *counts_r)
{
    struct store *store = NULL;
    enum status status = open_accounts(ctl, &store);

    memset(counts_r, 0, sizeof *counts_r);
    if (status != STATUS_DONE)
        return status;
    if (store_query(store, QUERY_ACCOUNT_COUNTS, NULL, 0, counts_fn, counts_r) != OK)
        status = fail_read(ctl);
    store_close(&store);
    return status;
}

static void print_value(struct json *j, const char *name, const char *value)
{
    uint64_t number;

    if (!j)
        table_line(name, LABEL_WIDTH, value);
    else if (str_number(span_of(value), 0, INT64_MAX, &number) == OK)
        json_number(j, name, (int64_t)number);
    else if (strcmp(value, "yes") == 0 || strcmp(value, "no") == 0)
        json_flag(j, name, value[0] == 'y');
    else
        json_text(j, name, value);
}

/* j NULL: for people. */
static void print_reply(struct json *j, char *reply)
{
    for (char *line = reply, *end; (end = strchr(line, '\n')) != NULL && end > line; line = end + 1) {
        char *value = memchr(line, '=', (size_t)(end - line));
        if (!value)
            continue;
        *value = *end = '\0';
        print_value(j, line, value + 1);
    }
}

static void print_status(struct json *j, char *reply, const struct counts *counts)
{
    if (reply)
        print_reply(j, reply);
    for (size_t i = 0; i < COUNTED; i++)
        if (j)
            json_number_text(j, counted[i], counts->text[i]);
        else
            table_line(counted[i], LABEL_WIDTH, counts->text[i]);
}

/* Counts come from the database, so there is something to say without policyd too. */
static enum status run_status(struct ctl *ctl, const struct args *a)
{
    static char reply[CONTROL_REPLY_MAX];
    struct json json = { .out = stdout }, *j = a->option[OPT_JSON] ? &json : NULL;
    struct counts counts;
    struct error e;
    bool runs = ask_policyd(ctl, SPAN("command=status\n\n"), reply, &e) == OK;
    enum status status = read_counts(ctl, &counts);

    if (j)
        json_open(j, NULL, '{');
    print_value(j, "running", runs ? "yes" : "no");
    print_status(j, runs ? reply : NULL, &counts);
    if (j)
        json_close(j, '}');
    return runs || status != STATUS_DONE ? status : fail_error(STATUS_UNREACHABLE, &e);
}

static enum status run_reload(struct ctl *ctl, const struct args *a)
{
    static char reply[CONTROL_REPLY_MAX];
    struct error e;

    (void)a;
    switch (ask_policyd(ctl, SPAN("command=reload\n\n"), reply, &e)) {
    case OK:
        return STATUS_DONE;
    case TRY_AGAIN:
        return fail_error(STATUS_UNREACHABLE, &e);
    default:
        return fail_error(STATUS_FAILED, &e);
    }
}

const struct command status_commands[] = {
    { .name = "status", .operands = "", .optional = OPT(JSON), .run = run_status,
      .help = "Says whether policyd runs, and what it has done",
      .example = "policyctl status" },
    { .name = "reload", .operands = "", .run = run_reload,
      .help = "Has policyd read its configuration again",
      .example = "policyctl reload" },
    { 0 },
};
