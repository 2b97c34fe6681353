/* SPDX-License-Identifier: MIT */
/* policyctl who: what the table says of an account, how it connects and sends, and what was refused. */
#include <stdio.h>

#include "policyctl/limit.h"
#include "policyctl/listing.h"
#include "policyctl/score.h"
#include "policyctl/who_account.h"

/* Columns as in the queries of state.db; those that say the account again are in JSON only. */
static const struct column login_columns[] = {
    { NULL, "account", COLUMN_TEXT },         { "OUTCOME", "outcome", COLUMN_TEXT },
    { "SERVICE", "service", COLUMN_TEXT },    { NULL, "mechanism", COLUMN_TEXT },
    { "SECURITY", "security", COLUMN_TEXT },  { "PORT", "port", COLUMN_NUMBER },
    { "NAME", "server_name", COLUMN_TEXT },   { "NETWORK", "client", COLUMN_TEXT },
    { "CAUSE", "cause", COLUMN_TEXT },        { "BARE", "bare", COLUMN_FLAG },
    { "COUNT", "count", COLUMN_NUMBER },      { NULL, "first_seen", COLUMN_TIME },
    { "LAST SEEN", "last_seen", COLUMN_TIME },
};

static const struct column sending_columns[] = {
    { "AS", "envelope_sender", COLUMN_TEXT },     { "MESSAGES", "messages", COLUMN_NUMBER },
    { "RECIPIENTS", "recipients", COLUMN_NUMBER }, { "OCTETS", "bytes", COLUMN_NUMBER },
    { NULL, "first_seen", COLUMN_TIME },          { "LAST SEEN", "last_seen", COLUMN_TIME },
};

static const struct column found_columns[] = {
    { NULL, "subject", COLUMN_TEXT },         { "CHECK", "check", COLUMN_TEXT },
    { "CAUSE", "cause", COLUMN_TEXT },        { "AS", "envelope_sender", COLUMN_TEXT },
    { "NETWORK", "client", COLUMN_TEXT },     { "MODE", "mode", COLUMN_TEXT },
    { NULL, "subject_kind", COLUMN_TEXT },    { "COUNT", "count", COLUMN_NUMBER },
    { "ARRIVED", "delivered", COLUMN_NUMBER }, { NULL, "first_seen", COLUMN_TIME },
    { "LAST SEEN", "last_seen", COLUMN_TIME }, { NULL, "sample", COLUMN_TEXT },
};

#define LISTING(query, columns) { query, columns, sizeof(columns) / sizeof *(columns) }

static const struct {
    const char *title, *key, *none;
    struct listing listing;
} parts[] = {
    { "Logs in and sends by", "logins", "no login was seen", LISTING(QUERY_LOGINS_OF, login_columns) },
    { "Sends as", "sending", "no message was seen", LISTING(QUERY_SENDING_OF, sending_columns) },
    { "Refused, or would be if it were enforced", "observations", "nothing",
      LISTING(QUERY_OBSERVATIONS_OF, found_columns) },
};

static enum result print_parts(const struct ctl *ctl, struct store *store, const char *account, struct json *json)
{
    enum result r = OK;

    for (size_t i = 0; r != TRY_AGAIN && i < sizeof parts / sizeof *parts; i++) {
        if (!json)
            printf("\n%s\n", parts[i].title);
        r = listing_part(ctl, store, &parts[i].listing, account, json, parts[i].key);
        if (!json && r == NOT_FOUND)
            printf("%s\n", parts[i].none);
    }
    return r == TRY_AGAIN ? r : OK;
}

static enum result print_score(const struct ctl *ctl, struct store *store, const char *account, struct json *json)
{
    struct behaviour behaviour;
    struct signals signals;
    enum result r = score_read(store, account, &behaviour);

    if (r != OK)
        return r;
    signals_measure(&behaviour, ctl->config->compromise.signal, ctl->now, &signals);
    if (!json)
        printf("\nSigns that somebody else uses it\n");
    score_print(&signals, ctl->config->compromise.score, json);
    return OK;
}

static enum status print_seen(const struct ctl *ctl, const char *account, struct json *json)
{
    struct store *store = NULL;
    enum status status = open_state(ctl, &store);
    enum result r = TRY_AGAIN;

    if (status != STATUS_DONE)
        return status;
    if (store_begin(store) == OK) {
        r = print_parts(ctl, store, account, json);
        if (r == OK)
            r = print_score(ctl, store, account, json);
        store_end(store);
    }
    store_close(&store);
    return r == OK ? STATUS_DONE
                   : fail(STATUS_UNREACHABLE, "%s: cannot be read now: try again", ctl->config->state_db);
}

static enum status print_limits(const struct ctl *ctl, const struct address *account, struct json *json)
{
    bool off;

    if (!json)
        printf("\nLimits, and what was sent\n");
    enum status status = limit_print(ctl, account, json, "limits", &off);
    if (off && json)
        json_text(json, "limits", NULL);
    else if (off)
        printf("send_limit is off: nothing is counted\n");
    return status;
}

static enum status print_all(const struct ctl *ctl, const struct address *account, struct json *json)
{
    enum status status = who_account(ctl, account, json);

    if (status == STATUS_DONE)
        status = print_limits(ctl, account, json);
    return status == STATUS_DONE ? print_seen(ctl, account->text, json) : status;
}

static enum status run_who(struct ctl *ctl, const struct args *a)
{
    struct json json = { .out = stdout };
    struct address address;
    struct error e;

    if (address_check(a->operand[0], false, &address, &e) != OK)
        return fail_error(STATUS_INPUT, &e);
    enum status status = listing_exists(ctl, QUERY_ACCOUNT, "account", address.text);
    if (status != STATUS_DONE || !a->option[OPT_JSON])
        return status == STATUS_DONE ? print_all(ctl, &address, NULL) : status;
    json_open(&json, NULL, '{');
    json_text(&json, "account", address.text);
    status = print_all(ctl, &address, &json);
    json_close(&json, '}');
    return status;
}

const struct command who_commands[] = {
    { .name = "who", .operands = "ADDRESS", .min = 1, .max = 1, .optional = OPT(JSON), .run = run_who,
      .help = "Shows an account: modes, how it connects, what was refused",
      .example = "policyctl who user@example.com" },
    { 0 },
};
