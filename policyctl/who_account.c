/* SPDX-License-Identifier: MIT */
#include "policyctl/who_account.h"

#include <stdlib.h>

#include "policyctl/date.h"
#include "policyctl/table.h"
#include "policyd/facts.h"

enum { LABEL_WIDTH = 16, TEXT_MAX = 1024, ROW_ENTRIES = 256 };

struct who {
    const struct ctl *ctl;
    const struct address *account;
    struct store *store;
    struct rows *rows;
    struct facts facts;
    struct json *json; /* NULL: as lines */
};

/* ---- its row ---- */

/* Columns of QUERY_ACCOUNT_ALL. */
enum { ADDRESS, KIND, STATUS, SERVICES, REASON, SINCE, UNTIL, PASSWORD, CREATED, NEW_PASSWORD, BY };

static int64_t seconds(const char *column)
{
    return column ? strtoll(column, NULL, 10) : 0;
}

static void add_date(struct strbuf *b, const char *before, int64_t time)
{
    char date[DATE_TEXT_MAX];

    if (time == 0)
        return;
    date_text(time, date);
    strbuf_addf(b, "%s%s", before, date);
}

/* A suspension that has ended is none. */
static bool is_suspended(const struct who *w, const struct row *row)
{
    return row->column[SERVICES] && *row->column[SERVICES] &&
           (!row->column[UNTIL] || seconds(row->column[UNTIL]) > w->ctl->now);
}

static void suspension_line(const struct row *row)
{
    char text[TEXT_MAX];
    struct strbuf b;

    strbuf_init(&b, text, sizeof text);
    strbuf_adds(&b, row->column[SERVICES]);
    add_date(&b, " since ", seconds(row->column[SINCE]));
    add_date(&b, " until ", seconds(row->column[UNTIL]));
    if (row->column[BY] && *row->column[BY])
        strbuf_addf(&b, " by %s", row->column[BY]);
    if (row->column[REASON] && *row->column[REASON])
        strbuf_addf(&b, ": %s", row->column[REASON]);
    table_line("suspended", LABEL_WIDTH, text);
}

static void row_lines(const struct who *w, const struct row *row)
{
    char text[TEXT_MAX];
    struct strbuf b;

    strbuf_init(&b, text, sizeof text);
    strbuf_addf(&b, "%s (%s, %s)", row->column[ADDRESS], row->column[KIND], row->column[STATUS]);
    table_line("account", LABEL_WIDTH, text);
    if (is_suspended(w, row))
        suspension_line(row);
    strbuf_init(&b, text, sizeof text);
    add_date(&b, "set ", seconds(row->column[PASSWORD]));
    add_date(&b, b.len ? ", another one demanded since " : "another one demanded since ",
             seconds(row->column[NEW_PASSWORD]));
    table_line("password", LABEL_WIDTH, b.len ? text : "none");
}

static void row_members(const struct who *w, const struct row *row)
{
    struct json *j = w->json;

    json_text(j, "kind", row->column[KIND]);
    json_text(j, "status", row->column[STATUS]);
    json_number_text(j, "password_changed", row->column[PASSWORD]);
    json_number_text(j, "new_password_since", row->column[NEW_PASSWORD]);
    if (!is_suspended(w, row)) {
        json_text(j, "suspended", NULL);
        return;
    }
    json_open(j, "suspended", '{');
    json_text(j, "services", row->column[SERVICES]);
    json_text(j, "reason", row->column[REASON]);
    json_number_text(j, "since", row->column[SINCE]);
    json_number_text(j, "until", row->column[UNTIL]);
    json_text(j, "by", row->column[BY]);
    json_close(j, '}');
}

static bool account_fn(const struct row *row, void *context)
{
    const struct who *w = context;

    (w->json ? row_members : row_lines)(w, row);
    return true;
}

/* ---- modes ---- */

/* A policy row, and when it ends. */
struct ending {
    const struct who *w;
    enum check_id id;
    int64_t until;
};

/* check_name, mode, expires, starts */
static bool ending_fn(const struct row *row, void *context)
{
    struct ending *e = context;
    int64_t until = seconds(row->column[2]);

    if (span_equal(span_of(row->column[0]), span_of(check_infos[e->id].name)) &&
        seconds(row->column[3]) <= e->w->ctl->now && (until == 0 || until > e->w->ctl->now))
        e->until = until;
    return true;
}

static void emit_mode(const struct who *w, enum check_id id, enum mode mode, const char *scope, int64_t until)
{
    const char *from = !scope ? "default" : *scope ? scope : "host";
    char text[TEXT_MAX];
    struct strbuf b;

    if (w->json) {
        json_open(w->json, NULL, '{');
        json_text(w->json, "check", check_infos[id].name);
        json_text(w->json, "mode", mode_name(mode));
        json_text(w->json, "from", from);
        if (until)
            json_number(w->json, "until", until);
        else
            json_text(w->json, "until", NULL);
        json_close(w->json, '}');
        return;
    }
    strbuf_init(&b, text, sizeof text);
    strbuf_addf(&b, "%s (%s", mode_name(mode), from);
    add_date(&b, ", until ", until);
    strbuf_addc(&b, ')');
    table_line(check_infos[id].name, LABEL_WIDTH, text);
}

/* Of the checks that go by who is logged in. */
static enum result modes(struct who *w)
{
    enum result r = OK;

    if (w->json)
        json_open(w->json, "modes", '[');
    for (unsigned id = 0; id < CHECK_COUNT && r == OK; id++) {
        struct ending ending = { .w = w, .id = (enum check_id)id };
        const char *scope = NULL;
        enum mode mode;
        if (check_infos[id].subject != SUBJECT_LOGIN)
            continue;
        r = facts_mode(&w->facts, ending.id, w->account, address_domain(w->account), &mode, &scope);
        if (r == OK && scope &&
            store_query(w->store, QUERY_POLICY, &scope, 1, ending_fn, &ending) == TRY_AGAIN)
            r = TRY_AGAIN;
        if (r == OK)
            emit_mode(w, ending.id, mode, scope, ending.until);
    }
    if (w->json)
        json_close(w->json, ']');
    return r;
}

/* ---- grants ---- */

/* grantee, sender */
static bool grant_fn(const struct row *row, void *context)
{
    const struct who *w = context;
    bool of_domain = *row->column[0] == '@';
    char text[TEXT_MAX];
    struct strbuf b;

    if (w->json) {
        json_open(w->json, NULL, '{');
        json_text(w->json, "grantee", row->column[0]);
        json_text(w->json, "sender", row->column[1]);
        json_close(w->json, '}');
        return true;
    }
    strbuf_init(&b, text, sizeof text);
    strbuf_addf(&b, "%s%s%s", row->column[1], of_domain ? ", as all of " : "",
                of_domain ? row->column[0] : "");
    table_line("may send as", LABEL_WIDTH, text);
    return true;
}

static enum result grants(struct who *w)
{
    char domain[DOMAIN_MAX + 2];
    struct strbuf b;

    strbuf_init(&b, domain, sizeof domain);
    strbuf_addc(&b, '@');
    strbuf_add(&b, address_domain(w->account));
    if (w->json)
        json_open(w->json, "grants", '[');
    enum result r = store_query(w->store, QUERY_GRANTS_OF, (const char *const[]){ w->account->text, domain },
                                2, grant_fn, w);
    if (w->json)
        json_close(w->json, ']');
    return r == NOT_FOUND ? OK : r;
}

/* ---- all of it ---- */

static enum result print(struct who *w)
{
    const char *address = w->account->text;
    enum result r = store_query(w->store, QUERY_ACCOUNT_ALL, &address, 1, account_fn, w);

    if (r == OK)
        r = grants(w);
    return r == OK ? modes(w) : r;
}

enum status who_account(const struct ctl *ctl, const struct address *account, struct json *json)
{
    struct who w = { .ctl = ctl, .account = account, .json = json };
    enum status status = open_accounts(ctl, &w.store);
    enum result r = TRY_AGAIN;

    if (status != STATUS_DONE)
        return status;
    if (rows_open(w.store, ROW_ENTRIES, &w.rows) == OK) { /* it begins and ends the reading */
        facts_init(&w.facts, ctl->config, w.rows, NULL);
        facts_begin(&w.facts, NULL, ctl->now);
        r = print(&w);
        rows_turn_end(w.rows);
    }
    rows_close(&w.rows);
    store_close(&w.store);
    if (r == NOT_FOUND)
        return fail(STATUS_FAILED, "no account %s", account->text);
    return r == OK ? STATUS_DONE : fail_read(ctl);
}
