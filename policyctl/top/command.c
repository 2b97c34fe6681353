/* SPDX-License-Identifier: MIT */
/* policyctl top: who sends most, and who is refused most, just now. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "policyctl/json.h"
#include "policyctl/table.h"
#include "policyctl/top/screen.h"

enum { NUMBER_TEXT_MAX = 24 };

static void print_table(const struct top *t)
{
    const char *const title[] = {
        top_kinds[t->by].title, "MSGS/MIN", "RCPTS", "REFUSED", "MSGS/H", "RCPTS", "REFUSED"
    };
    struct table table = { .title = title, .columns = 1 + TOP_NUMBERS };

    for (int pass = 0; pass < 2; pass++) {
        if (pass == 1)
            table_print(&table);
        for (size_t i = 0; i < t->count; i++) {
            char text[TOP_NUMBERS][NUMBER_TEXT_MAX];
            const char *cell[1 + TOP_NUMBERS] = { t->row[i].key };
            for (int n = 0; n < TOP_NUMBERS; n++) {
                snprintf(text[n], sizeof text[n], "%.1f", t->row[i].number[n]);
                cell[1 + n] = text[n];
            }
            table_row(&table, cell);
        }
    }
}

/* Whole numbers, rounded: programs have enough of that. */
static void print_span(struct json *j, const char *key, const double *number)
{
    static const char *const names[] = { "messages", "recipients", "refused" };

    json_open(j, key, '{');
    for (int i = 0; i < 3; i++)
        json_number(j, names[i], llround(number[i]));
    json_close(j, '}');
}

static void print_json(const struct top *t)
{
    struct json json = { .out = stdout }, *j = &json;

    json_open(j, NULL, '[');
    for (size_t i = 0; i < t->count; i++) {
        json_open(j, NULL, '{');
        json_text(j, top_kinds[t->by].name, t->row[i].key);
        print_span(j, "minute", t->row[i].number);
        print_span(j, "hour", t->row[i].number + 3);
        json_close(j, '}');
    }
    json_close(j, ']');
}

static enum status read_by(const char *name, enum top_by *by_r)
{
    for (int by = 0; by < TOP_KINDS; by++)
        if (strcmp(name, top_kinds[by].name) == 0) {
            *by_r = (enum top_by)by;
            return STATUS_DONE;
        }
    return fail(STATUS_INPUT, "--by %s: it is account, domain, client, helo or check", name);
}

static enum status run_top(struct ctl *ctl, const struct args *a)
{
    static struct top top;
    const char *by = a->option[OPT_BY];
    enum status status = by ? read_by(by, &top.by) : STATUS_DONE;
    struct error e;

    top.refused = a->option[OPT_REFUSED] != NULL;
    if (status != STATUS_DONE)
        return status;
    if (!a->option[OPT_ONCE] && !a->option[OPT_JSON]) {
        if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
            return fail(STATUS_INPUT, "no terminal to show it on: use --once");
        return screen_run(ctl, &top);
    }
    if (top_read(ctl, &top, &e) != OK)
        return fail_error(STATUS_UNREACHABLE, &e);
    if (a->option[OPT_JSON])
        print_json(&top);
    else
        print_table(&top);
    return STATUS_DONE;
}

const struct command top_commands[] = {
    { .name = "top",
      .operands = "",
      .optional = OPT(BY) | OPT(JSON) | OPT(ONCE) | OPT(REFUSED),
      .run = run_top,
      .help = "Shows who sends most and who is refused most just now",
      .example = "policyctl top" },
    { 0 },
};
