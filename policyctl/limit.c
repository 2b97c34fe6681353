/* SPDX-License-Identifier: MIT */
/* policyctl limit: how much may be sent, and how much was. */
#include "policyctl/limit.h"

#include <string.h>

#include "policyctl/change.h"
#include "policyctl/decide.h"
#include "policyctl/sent.h"
#include "policyctl/table.h"

enum { LIMIT_TEXT_MAX = 128, KEY_TEXT_MAX = 400, USED_TEXT_MAX = 48 };

/* ---- changing ---- */

/* What the options say of a limit; what counts by whom goes by its scope where --per is not
 * given. */
static enum status scope_of(const struct args *a, struct change *change_r)
{
    const char *account = a->option[OPT_ACCOUNT], *domain = a->option[OPT_DOMAIN], *client = a->option[OPT_CLIENT];

    if ((account != NULL) + (domain != NULL) + (client != NULL) > 1)
        return fail(STATUS_INPUT, "--account, --domain and --client exclude each other");
    if (account && !strchr(account, '@'))
        return fail(STATUS_INPUT, "no address '%s': write the whole of it", account);
    if (domain && strchr(domain, '@'))
        return fail(STATUS_INPUT, "'%s' is no domain", domain);
    change_r->field[FIELD_SCOPE] = account ? account : domain;
    change_r->field[FIELD_CLIENT] = client;
    change_r->field[FIELD_COUNTED_BY] = a->option[OPT_PER] ? a->option[OPT_PER] : client ? "client" : "account";
    return STATUS_DONE;
}

/* The texts of one limit, for a change's fields. */
struct limit_texts {
    char window[STR_NUMBER_MAX], most[USAGE_UNITS][STR_NUMBER_MAX];
};

static enum status set_one(const char *operand, struct change *c, struct limit_texts *t)
{
    static const enum field fields[USAGE_UNITS] = { FIELD_MESSAGES, FIELD_RECIPIENTS, FIELD_BYTES };
    struct usage_limit limit;
    struct error e;

    c->kind = CHANGE_LIMIT_SET;
    c->field[FIELD_WINDOW] = "0";
    if (strcmp(operand, "none") == 0)
        return STATUS_DONE;
    if (usage_limit_parse(span_of(operand), &limit, &e) != OK)
        return fail_error(STATUS_INPUT, &e);
    c->field[FIELD_WINDOW] = str_number_text(limit.window_s, t->window);
    for (unsigned unit = 0; unit < USAGE_UNITS; unit++)
        if (limit.most[unit] != USAGE_UNLIMITED)
            c->field[fields[unit]] = str_number_text(limit.most[unit], t->most[unit]);
    return STATUS_DONE;
}

static enum status run_set(struct ctl *ctl, const struct args *a)
{
    struct change change[USAGE_WINDOWS_MAX] = { 0 };
    struct limit_texts texts[USAGE_WINDOWS_MAX];
    enum status status = STATUS_DONE;

    for (size_t i = 0; i < a->count && status == STATUS_DONE; i++) {
        status = scope_of(a, &change[i]);
        if (status == STATUS_DONE)
            status = set_one(a->operand[i], &change[i], &texts[i]);
    }
    return status == STATUS_DONE ? change_submit(ctl, change, a->count) : status;
}

static enum status run_unset(struct ctl *ctl, const struct args *a)
{
    struct change change = { .kind = CHANGE_LIMIT_UNSET };
    char window[STR_NUMBER_MAX];
    uint32_t seconds = 0;
    enum status status = scope_of(a, &change);

    if (status != STATUS_DONE)
        return status;
    if (strcmp(a->operand[0], "all") != 0) {
        if (strcmp(a->operand[0], "none") != 0 && usage_window_parse(span_of(a->operand[0]), &seconds) != OK)
            return fail(STATUS_INPUT, "no window '%s': write 1m, 1h or 1d, or all", a->operand[0]);
        change.field[FIELD_WINDOW] = str_number_text(seconds, window);
    }
    return change_submit(ctl, &change, 1);
}

/* ---- the rows ---- */

struct show {
    struct json *json; /* NULL: as a table */
    struct table table;
};

static void emit(struct show *s, const char *scope, const char *counted_by, const char *limit)
{
    if (!s->json) {
        table_row(&s->table, (const char *const[]){ scope, counted_by, limit });
        return;
    }
    json_open(s->json, NULL, '{');
    json_text(s->json, "scope", scope);
    json_text(s->json, "per", counted_by);
    json_text(s->json, "limit", limit);
    json_close(s->json, '}');
}

static uint64_t most(const char *column)
{
    uint64_t number;

    return column && str_number(span_of(column), 0, INT64_MAX, &number) == OK ? number : USAGE_UNLIMITED;
}

/* scope, counted_by, window_s, messages, recipients, bytes */
static bool row_fn(const struct row *row, void *context)
{
    struct usage_limit limit = { (uint32_t)most(row->column[2]),
                                 { most(row->column[3]), most(row->column[4]), most(row->column[5]) } };
    char text[LIMIT_TEXT_MAX];
    struct strbuf b;

    strbuf_init(&b, text, sizeof text);
    if (limit.window_s > 0)
        usage_limit_format(&limit, &b);
    else
        strbuf_adds(&b, "none");
    emit(context, *row->column[0] ? row->column[0] : "host", row->column[1], text);
    return true;
}

static void emit_defaults(struct show *s, const char *counted_by, const struct string_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        emit(s, "default", counted_by, list->item[i]);
}

static enum result emit_all(const struct ctl *ctl, struct store *store, struct show *s)
{
    emit_defaults(s, "account", &ctl->config->send_limit.user);
    emit_defaults(s, "relay", &ctl->config->send_limit.relay);
    emit_defaults(s, "client", &ctl->config->send_limit.client);
    return store_query(store, QUERY_LIMITS_ALL, NULL, 0, row_fn, s);
}

static enum status show_rows(struct ctl *ctl, bool as_json)
{
    static const char *const titles[] = { "SCOPE", "PER", "LIMIT" };
    struct json json = { .out = stdout };
    struct show s = { .json = as_json ? &json : NULL, .table = { .title = titles, .columns = 3 } };
    struct store *store = NULL;
    enum status status = open_accounts(ctl, &store);
    enum result r = TRY_AGAIN;

    if (status != STATUS_DONE)
        return status;
    if (store_begin(store) == OK) {
        if (as_json)
            json_open(s.json, NULL, '[');
        r = emit_all(ctl, store, &s);
        if (as_json)
            json_close(s.json, ']');
        else if (r != TRY_AGAIN) {
            table_print(&s.table);
            r = emit_all(ctl, store, &s);
        }
        store_end(store);
    }
    store_close(&store);
    return r == TRY_AGAIN ? fail_read(ctl) : STATUS_DONE;
}

/* ---- what counts for one account, and how much was counted ---- */

static void emit_used(struct show *s, const char *key, const struct usage *u, const struct usage_limit *limit,
                      int64_t now)
{
    char window[STR_NUMBER_MAX], text[USAGE_UNITS][USED_TEXT_MAX];
    const char *cell[2 + USAGE_UNITS] = { key, window };
    uint64_t used[USAGE_UNITS];
    struct strbuf b;

    strbuf_init(&b, window, sizeof window);
    usage_window_format(limit->window_s, &b);
    usage_used(u, limit->window_s, now, used);
    for (unsigned unit = 0; unit < USAGE_UNITS; unit++) {
        strbuf_init(&b, text[unit], sizeof text[unit]);
        sent_amount(used, limit, (enum usage_unit)unit, &b);
        cell[2 + unit] = text[unit];
    }
    if (!s->json) {
        table_row(&s->table, cell);
        return;
    }
    json_open(s->json, NULL, '{');
    json_text(s->json, "key", key);
    json_text(s->json, "window", window);
    for (unsigned unit = 0; unit < USAGE_UNITS; unit++) {
        json_open(s->json, usage_unit_names[unit], '{');
        json_number_text(s->json, "sent", str_number_text(used[unit], text[unit]));
        json_number_text(s->json, "limit",
                         limit->most[unit] == USAGE_UNLIMITED ? NULL : str_number_text(limit->most[unit], text[unit]));
        json_close(s->json, '}');
    }
    json_close(s->json, '}');
}

static enum result emit_proposed(struct show *s, struct store *state, const struct proposals *p, int64_t now)
{
    struct usage_limits limits;
    struct usage usage;
    enum result r = OK;

    for (size_t i = 0; i < p->count && r == OK; i++) {
        if (p->change[i].kind != CHANGE_USAGE)
            continue;
        r = sent_read(state, &p->change[i], &usage, &limits);
        for (size_t k = 0; r == OK && k < limits.count; k++)
            emit_used(s, p->change[i].field[FIELD_KEY], &usage, &limits.limit[k], now);
    }
    return r;
}

static enum result print_proposed(struct show *s, const char *key, struct store *state, const struct proposals *p,
                                  int64_t now)
{
    enum result r;

    if (s->json)
        json_open(s->json, key, '[');
    r = emit_proposed(s, state, p, now);
    if (s->json)
        json_close(s->json, ']');
    else if (r == OK) {
        table_print(&s->table);
        r = emit_proposed(s, state, p, now);
    }
    return r;
}

/* The account's next message. */
static void compose(const struct ctl *ctl, const struct address *login, struct request *q)
{
    *q = (struct request){ .login = *login, .authenticated = true };
    q->state = ctl->config->send_limit.at_rcpt ? STATE_RCPT : STATE_END_OF_MESSAGE;
    q->context = ctl->config->send_limit.at_rcpt ? CONTEXT_RECIPIENT : CONTEXT_END_OF_DATA;
    q->attr[ATTR_SASL_USERNAME] = span_of(q->login.text);
}

enum status limit_print(const struct ctl *ctl, const struct address *login, struct json *json, const char *key,
                        bool *off_r)
{
    static const char *const titles[] = { "COUNTED FOR", "IN", "MESSAGES", "RECIPIENTS", "BYTES" };
    static struct decision decision;
    struct show s = { .json = json, .table = { .title = titles, .columns = 5 } };
    struct store *state = NULL;
    struct request q; /* what is proposed may point into it */

    compose(ctl, login, &q);
    enum status status = decide_proposals(ctl, &q, &decision);
    *off_r = status == STATUS_DONE && decision.finding[CHECK_SEND_LIMIT].mode == MODE_OFF;
    if (status == STATUS_DONE && !*off_r) {
        sent_settle(ctl);
        status = open_state(ctl, &state);
    }
    if (status != STATUS_DONE || *off_r)
        return status;
    enum result r = print_proposed(&s, key, state, &decision.proposed, ctl->now);
    store_close(&state);
    return r == OK ? STATUS_DONE : fail(STATUS_UNREACHABLE, "%s cannot be read: try again", ctl->config->state_db);
}

static enum status show_account(const struct ctl *ctl, const char *operand, bool as_json)
{
    struct json json = { .out = stdout };
    struct address login;
    struct error e;
    bool off;

    if (address_check(operand, false, &login, &e) != OK)
        return fail_error(STATUS_INPUT, &e);
    enum status status = limit_print(ctl, &login, as_json ? &json : NULL, NULL, &off);
    return off ? fail(STATUS_FAILED, "send_limit is off for %s: nothing is counted", login.text) : status;
}

static enum status run_show(struct ctl *ctl, const struct args *a)
{
    return a->count > 0 ? show_account(ctl, a->operand[0], a->option[OPT_JSON]) : show_rows(ctl, a->option[OPT_JSON]);
}

#define SCOPE (OPT(ACCOUNT) | OPT(DOMAIN) | OPT(CLIENT) | OPT(PER))

const struct command limit_commands[] = {
    { .name = "limit", .verb = "set", .operands = "LIMIT...", .min = 1, .max = USAGE_WINDOWS_MAX,
      .optional = SCOPE, .run = run_set, .help = "Says how much may be sent in a time",
      .example = "policyctl limit set messages=500/1h --account shop@example.com" },
    { .name = "limit", .verb = "show", .operands = "[ACCOUNT]", .max = 1, .optional = OPT(JSON), .run = run_show,
      .help = "Shows the limits, or what an account has sent",
      .example = "policyctl limit show john@example.com" },
    { .name = "limit", .verb = "unset", .operands = "WINDOW|all", .min = 1, .max = 1, .optional = SCOPE,
      .run = run_unset, .help = "Removes limits: those of the next wider scope count",
      .example = "policyctl limit unset all --account shop@example.com" },
    { 0 },
};
