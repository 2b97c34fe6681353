/* SPDX-License-Identifier: MIT */
/* policyctl status, policyctl reload: the daemon itself. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policyctl/ask.h"
#include "policyctl/date.h"
#include "policyctl/json.h"
#include "policyctl/table.h"

/* What QUERY_ACCOUNT_COUNTS counts. */
static const char *const counted[] = { "accounts", "suspended", "domains", "aliases", "grants", "policy_rows",
                                       "list_entries" };
enum { COUNTED = sizeof counted / sizeof *counted, LABEL_WIDTH = 20, LINE_MAX = 1024, LINES_MAX = 256 };

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

/* ---- what may come several times ---- */

/* "NAME VALUE LIMIT", the value "-" where it is not known */
struct reading {
    char name[32], value[32];
    double limit;
};

static bool read_reading(const char *line, struct reading *r)
{
    /* NOLINTNEXTLINE(cert-err34-c): policyd printed it */
    return sscanf(line, "%31s %31s %lf", r->name, r->value, &r->limit) == 3;
}

static void reading_json(struct json *j, const char *line)
{
    struct reading r;

    if (!read_reading(line, &r))
        return;
    json_open(j, NULL, '{');
    json_text(j, "reading", r.name);
    if (*r.value == '-')
        json_text(j, "value", NULL);
    else
        json_real(j, "value", strtod(r.value, NULL));
    json_real(j, "limit", r.limit);
    json_close(j, '}');
}

static void reading_text(const char *line, struct strbuf *out)
{
    struct reading r;

    if (!read_reading(line, &r))
        return;
    if (*r.value == '-')
        strbuf_addf(out, "%s is not told by this kernel", r.name);
    else if (r.limit > 0)
        strbuf_addf(out, "%s %s of %g", r.name, r.value, r.limit);
    else
        strbuf_addf(out, "%s %s, does not count", r.name, r.value);
}

/* "SECONDS FROM TO CAUSE" */
struct change_line {
    long long seconds;
    unsigned from, to;
    char cause[128];
};

static bool read_change(const char *line, struct change_line *c)
{
    /* NOLINTNEXTLINE(cert-err34-c): policyd printed them */
    return sscanf(line, "%lld %u %u %127[^\n]", &c->seconds, &c->from, &c->to, c->cause) == 4;
}

static void change_json(struct json *j, const char *line)
{
    struct change_line c;

    if (!read_change(line, &c))
        return;
    json_open(j, NULL, '{');
    json_number(j, "time", c.seconds);
    json_number(j, "from", c.from);
    json_number(j, "to", c.to);
    json_text(j, "cause", c.cause);
    json_close(j, '}');
}

static void change_text(const char *line, struct strbuf *out)
{
    char date[DATE_TEXT_MAX];
    struct change_line c;

    if (!read_change(line, &c))
        return;
    date_text(c.seconds, date);
    strbuf_addf(out, "%s  level %u to %u: %s", date, c.from, c.to, c.cause);
}

static void word_json(struct json *j, const char *line)
{
    json_text(j, NULL, line);
}

static void word_text(const char *line, struct strbuf *out)
{
    strbuf_adds(out, line);
}

static const struct list {
    const char *name;
    void (*json)(struct json *, const char *line);
    void (*text)(const char *line, struct strbuf *out);
} lists[] = {
    { "dnsbl_zone", word_json, word_text },
    { "load_reading", reading_json, reading_text },
    { "load_shed", word_json, word_text },
    { "load_change", change_json, change_text },
};
enum { LISTS = sizeof lists / sizeof *lists };

static const struct list *list_of(const char *name)
{
    for (size_t i = 0; i < LISTS; i++)
        if (strcmp(lists[i].name, name) == 0)
            return &lists[i];
    return NULL;
}

/* ---- the reply ---- */

/* Takes the next "name=value" line apart, in place; false at the end. */
static bool next_line(char **rest, const char **name_r, const char **value_r)
{
    for (char *line = *rest, *end; (end = strchr(line, '\n')) != NULL && end > line; line = end + 1) {
        char *value = memchr(line, '=', (size_t)(end - line));
        if (!value)
            continue;
        *value = *end = '\0';
        *name_r = line;
        *value_r = value + 1;
        *rest = end + 1;
        return true;
    }
    return false;
}

struct line {
    const char *name, *value;
};

static void print_lists(struct json *j, const struct line *line, size_t count)
{
    for (size_t i = 0; i < LISTS; i++) {
        json_open(j, lists[i].name, '[');
        for (size_t k = 0; k < count; k++)
            if (strcmp(line[k].name, lists[i].name) == 0)
                lists[i].json(j, line[k].value);
        json_close(j, ']');
    }
}

static void print_text(const struct line *line)
{
    const struct list *list = list_of(line->name);
    char text[LINE_MAX];
    struct strbuf b;

    strbuf_init(&b, text, sizeof text);
    if (strcmp(line->name, "load_since") == 0)
        date_text(strtoll(line->value, NULL, 10), text);
    else if (list)
        list->text(line->value, &b);
    else
        strbuf_adds(&b, line->value);
    table_line(line->name, LABEL_WIDTH, text);
}

/* j NULL: for people. */
static void print_reply(struct json *j, char *reply)
{
    struct line line[LINES_MAX];
    size_t count = 0;

    while (count < LINES_MAX && next_line(&reply, &line[count].name, &line[count].value))
        count++;
    for (size_t i = 0; i < count; i++)
        if (!j)
            print_text(&line[i]);
        else if (!list_of(line[i].name))
            print_value(j, line[i].name, line[i].value);
    if (j)
        print_lists(j, line, count);
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
