/* SPDX-License-Identifier: MIT */
/*
 * policyctl evidence: what was seen of an account, in the order of time and on one screen,
 * for whoever has to decide whether its suspension was right.
 */
#include <stdio.h>
#include <string.h>

#include "policyctl/command.h"
#include "policyctl/date.h"
#include "policyctl/json.h"
#include "policyctl/listing.h"
#include "policyctl/table.h"

enum { SCREEN_ROWS = 14, ROW_TEXT_MAX = 512, LABEL_WIDTH = 16, DAY_S = 86400, SINCE_DAYS = 7 };

/* The columns of QUERY_EVIDENCE; the last six mean what the source says. */
enum { LAST, FIRST, SOURCE, COUNT, WHAT, OF, FROM, TEXT, NUMBER, BY, DETAIL, EVIDENCE_COLUMNS };

/* Newest first, as the query hands them out. */
struct screen {
    struct {
        char date[DATE_TEXT_MAX], text[ROW_TEXT_MAX];
    } row[SCREEN_ROWS];
    size_t rows, all;
};

static const char *seconds_text(const char *seconds, char text_r[static DATE_TEXT_MAX])
{
    uint64_t number = 0;

    (void)!str_number(span_of(seconds), 0, INT64_MAX, &number);
    date_text((int64_t)number, text_r);
    return text_r;
}

/* ---- a row as text ---- */

/* " (3 times since 2027-01-31 08:00)" */
static void add_times(struct strbuf *b, const struct row *row)
{
    char date[DATE_TEXT_MAX];

    if (strcmp(row->column[COUNT], "1") != 0)
        strbuf_addf(b, " (%s times since %s)", row->column[COUNT], seconds_text(row->column[FIRST], date));
}

/* label and value, where there is a value */
static void add_part(struct strbuf *b, const char *label, const char *value)
{
    if (value && *value)
        strbuf_addf(b, "%s%s", label, value);
}

static void event_text(const struct row *row, struct strbuf *b)
{
    strbuf_adds(b, row->column[WHAT]);
    add_part(b, " ", row->column[OF]);
    add_part(b, " ", row->column[FROM]);
    add_part(b, ": ", row->column[TEXT]);
    add_part(b, "; ", row->column[DETAIL]);
    add_part(b, " by ", row->column[BY]);
}

static void login_text(const struct row *row, struct strbuf *b)
{
    strbuf_addf(b, "login %s %s", row->column[OF], row->column[WHAT]);
    add_part(b, " from ", row->column[FROM]);
    add_times(b, row);
}

static void sending_text(const struct row *row, struct strbuf *b)
{
    strbuf_addf(b, "sent as <%s> to %s recipients", row->column[WHAT], row->column[NUMBER]);
    add_times(b, row);
}

static void observation_text(const struct row *row, struct strbuf *b)
{
    strbuf_addf(b, "%s %s", strcmp(row->column[BY], "enforce") == 0 ? "refused" : "observed",
                row->column[WHAT]);
    add_part(b, ": ", row->column[OF]);
    add_part(b, " as ", row->column[TEXT]);
    add_part(b, " from ", row->column[FROM]);
    add_times(b, row);
}

/* ---- a row as JSON: a source's names of the columns, NULL where it has none ---- */

static const struct source {
    const char *name;
    void (*text)(const struct row *, struct strbuf *);
    struct column column[EVIDENCE_COLUMNS];
} sources[] = {
    { "event",
      event_text,
      { [LAST] = { NULL, "time", COLUMN_TIME },
        [WHAT] = { NULL, "kind", COLUMN_TEXT },
        [OF] = { NULL, "subject", COLUMN_TEXT },
        [FROM] = { NULL, "services", COLUMN_TEXT },
        [TEXT] = { NULL, "reason", COLUMN_TEXT },
        [NUMBER] = { NULL, "until", COLUMN_TIME },
        [BY] = { NULL, "by", COLUMN_TEXT },
        [DETAIL] = { NULL, "evidence", COLUMN_TEXT } } },
    { "login",
      login_text,
      { [LAST] = { NULL, "last_seen", COLUMN_TIME },
        [FIRST] = { NULL, "first_seen", COLUMN_TIME },
        [COUNT] = { NULL, "count", COLUMN_NUMBER },
        [WHAT] = { NULL, "outcome", COLUMN_TEXT },
        [OF] = { NULL, "service", COLUMN_TEXT },
        [FROM] = { NULL, "client", COLUMN_TEXT } } },
    { "sending",
      sending_text,
      { [LAST] = { NULL, "last_seen", COLUMN_TIME },
        [FIRST] = { NULL, "first_seen", COLUMN_TIME },
        [COUNT] = { NULL, "messages", COLUMN_NUMBER },
        [WHAT] = { NULL, "envelope_sender", COLUMN_TEXT },
        [NUMBER] = { NULL, "recipients", COLUMN_NUMBER } } },
    { "observation",
      observation_text,
      { [LAST] = { NULL, "last_seen", COLUMN_TIME },
        [FIRST] = { NULL, "first_seen", COLUMN_TIME },
        [COUNT] = { NULL, "count", COLUMN_NUMBER },
        [WHAT] = { NULL, "check", COLUMN_TEXT },
        [OF] = { NULL, "cause", COLUMN_TEXT },
        [FROM] = { NULL, "client", COLUMN_TEXT },
        [TEXT] = { NULL, "envelope_sender", COLUMN_TEXT },
        [NUMBER] = { NULL, "delivered", COLUMN_NUMBER },
        [BY] = { NULL, "mode", COLUMN_TEXT },
        [DETAIL] = { NULL, "sample", COLUMN_TEXT } } },
};

static const struct source *source_of(const struct row *row)
{
    const struct source *s = sources;

    while (strcmp(s->name, row->column[SOURCE]) != 0) /* the query names no other */
        s++;
    return s;
}

static bool json_fn(const struct row *row, void *context)
{
    struct json *j = context;
    const struct source *s = source_of(row);

    json_open(j, NULL, '{');
    json_text(j, "source", s->name);
    for (size_t i = 0; i < EVIDENCE_COLUMNS; i++)
        if (s->column[i].key) {
            const struct row one = { .column = { row->column[i] }, .count = 1 };
            listing_members(j, &s->column[i], 1, &one);
        }
    json_close(j, '}');
    return true;
}

static bool screen_fn(const struct row *row, void *context)
{
    struct screen *screen = context;
    struct strbuf b;

    screen->all++;
    if (screen->rows == SCREEN_ROWS)
        return true;
    seconds_text(row->column[LAST], screen->row[screen->rows].date);
    strbuf_init(&b, screen->row[screen->rows].text, ROW_TEXT_MAX);
    source_of(row)->text(row, &b);
    screen->rows++;
    return true;
}

/* ---- the account ---- */

/* QUERY_ACCOUNT_ALL: what stands above the list. */
static const struct column account_columns[] = {
    { NULL, "account", COLUMN_TEXT }, { NULL, NULL, COLUMN_TEXT },
    { NULL, NULL, COLUMN_TEXT },      { NULL, "suspended", COLUMN_TEXT },
    { NULL, "reason", COLUMN_TEXT },  { NULL, "since", COLUMN_TIME },
    { NULL, "until", COLUMN_EXPIRY }, { NULL, "password_changed", COLUMN_TIME },
    { NULL, "created", COLUMN_TIME }, { NULL, "new_password_since", COLUMN_TIME },
    { NULL, "by", COLUMN_TEXT },      { NULL, "evidence", COLUMN_TEXT },
};
enum { ACCOUNT_COLUMNS = sizeof account_columns / sizeof *account_columns };

struct account {
    const struct ctl *ctl;
    struct json *json; /* NULL: for people */
};

static bool account_fn(const struct row *row, void *context)
{
    const struct account *a = context;
    char buffer[LISTING_TEXT_MAX];

    for (size_t i = 0; i < ACCOUNT_COLUMNS; i++) {
        const struct column *c = &account_columns[i];
        const struct row one = { .column = { row->column[i] }, .count = 1 };
        const char *text = c->key ? listing_text(c, row->column[i], a->ctl->now, buffer) : NULL;
        if (c->key && a->json)
            listing_members(a->json, c, 1, &one);
        else if (text)
            table_paragraph(c->key, LABEL_WIDTH + 2, text);
        else if (c->key && strcmp(c->key, "suspended") == 0)
            table_paragraph(c->key, LABEL_WIDTH + 2, "no");
    }
    return true;
}

static enum status print_account(const struct account *a, const char *address)
{
    struct store *store = NULL;
    enum status status = open_accounts(a->ctl, &store);

    if (status != STATUS_DONE)
        return status;
    enum result r = store_query(store, QUERY_ACCOUNT_ALL, &address, 1, account_fn, (void *)a);
    store_close(&store);
    return r == OK ? STATUS_DONE : fail_read(a->ctl);
}

/* The oldest on top, as in a log. */
static void print_screen(const struct screen *s)
{
    putchar('\n');
    if (s->all == 0)
        puts("nothing was seen");
    if (s->all > s->rows)
        printf("%zu earlier ones: see --json\n", s->all - s->rows);
    for (size_t i = s->rows; i-- > 0;)
        table_paragraph(s->row[i].date, LABEL_WIDTH, s->row[i].text);
}

static enum status print_seen(const struct account *a, const char *address, int64_t since)
{
    static struct screen screen;
    struct store *store = NULL;
    char since_text[24];
    const char *const params[] = { address, since_text };
    enum status status = open_state(a->ctl, &store);
    struct strbuf b;

    if (status != STATUS_DONE)
        return status;
    strbuf_init(&b, since_text, sizeof since_text);
    strbuf_addu(&b, since > 0 ? (uint64_t)since : 0);
    if (a->json)
        json_open(a->json, "seen", '[');
    enum result r = store_query(store, QUERY_EVIDENCE, params, 2, a->json ? json_fn : screen_fn,
                                a->json ? (void *)a->json : &screen);
    if (a->json)
        json_close(a->json, ']');
    else if (r != TRY_AGAIN)
        print_screen(&screen);
    store_close(&store);
    return r != TRY_AGAIN
               ? STATUS_DONE
               : fail(STATUS_UNREACHABLE, "%s: cannot be read now: try again", a->ctl->config->state_db);
}

static enum status run_evidence(struct ctl *ctl, const struct args *a)
{
    struct json json = { .out = stdout };
    struct account account = { ctl, a->option[OPT_JSON] ? &json : NULL };
    int64_t since = ctl->now - SINCE_DAYS * DAY_S;
    struct address address;
    struct error e;

    if (address_check(a->operand[0], false, &address, &e) != OK ||
        (a->option[OPT_SINCE] && date_since(a->option[OPT_SINCE], ctl->now, &since, &e) != OK))
        return fail_error(STATUS_INPUT, &e);
    enum status status = listing_exists(ctl, QUERY_ACCOUNT, "account", address.text);
    if (status != STATUS_DONE)
        return status;
    if (account.json)
        json_open(account.json, NULL, '{');
    status = print_account(&account, address.text);
    if (status == STATUS_DONE)
        status = print_seen(&account, address.text, since);
    if (account.json)
        json_close(account.json, '}');
    return status;
}

const struct command evidence_commands[] = {
    { .name = "evidence",
      .operands = "ADDRESS",
      .min = 1,
      .max = 1,
      .optional = OPT(JSON) | OPT(SINCE),
      .run = run_evidence,
      .help = "Shows what was seen that led to a suspension",
      .example = "policyctl evidence user@example.com" },
    { 0 },
};
