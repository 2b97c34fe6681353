/* SPDX-License-Identifier: MIT */
/* Failed logins: by a check, by the password or the name, or by Dovecot itself. */
#include <stdlib.h>

#include "policyctl/date.h"
#include "policyctl/explain/explanation.h"
#include "policyctl/explain/log_parse.h"

/* ---- the account today ---- */

struct account_read {
    const struct ctl *ctl;
    struct span service;
    struct explanation *e;
    struct strbuf today;
};

static const char *column(const struct row *row, size_t i)
{
    return row->column[i] ? row->column[i] : "";
}

static bool names_service(const char *services, struct span service)
{
    struct span rest = span_of(services), word;

    if (service.len == 0 || strcmp(services, "all") == 0)
        return *services != '\0';
    while (take_until(&rest, ",", &word))
        if (span_equal(word, service))
            return true;
    return span_equal(rest, service);
}

/* Columns of QUERY_ACCOUNT. */
static enum account_state state_of(const struct account_read *a, const struct row *row)
{
    int64_t until = strtoll(column(row, 4), NULL, 10);

    if (strcmp(column(row, 1), "active") != 0)
        return ACCOUNT_DISABLED;
    if (names_service(column(row, 2), a->service) && (until == 0 || until > a->ctl->now))
        return ACCOUNT_SUSPENDED;
    return *column(row, 6) ? ACCOUNT_NEW_PASSWORD : ACCOUNT_ACTIVE;
}

static void add_suspension(const struct row *row, struct strbuf *b)
{
    int64_t until = strtoll(column(row, 4), NULL, 10);
    char date[DATE_TEXT_MAX];

    strbuf_addf(b, "would be refused again: suspended (%s): %s", column(row, 2), column(row, 3));
    if (until > 0) {
        date_text(until, date);
        strbuf_addf(b, ", until %s", date);
    }
}

static bool account_fn(const struct row *row, void *context)
{
    struct account_read *a = context;
    struct strbuf *b = &a->today;

    a->e->account = state_of(a, row);
    a->e->refuses_now = a->e->account != ACCOUNT_ACTIVE;
    if (a->e->account == ACCOUNT_ACTIVE)
        strbuf_adds(b, "would pass: the account is active");
    else if (a->e->account == ACCOUNT_DISABLED)
        strbuf_adds(b, "would be refused again: the account is disabled");
    else if (a->e->account == ACCOUNT_NEW_PASSWORD)
        strbuf_adds(b, "would be refused again: the password must not be used any more");
    else
        add_suspension(row, b);
    return false;
}

static bool alias_fn(const struct row *row, void *context)
{
    struct account_read *a = context;

    strbuf_addf(&a->today, "; it is an alias of %s", column(row, 2));
    return false;
}

enum status explain_account(const struct ctl *ctl, struct span service, struct explanation *e)
{
    struct account_read a = { .ctl = ctl, .service = service, .e = e };
    const char *address = e->login.text;
    struct store *store = NULL;
    enum status status = open_accounts(ctl, &store);

    if (status != STATUS_DONE)
        return status;
    strbuf_init(&a.today, e->today, sizeof e->today);
    enum result r = store_query(store, QUERY_ACCOUNT, &address, 1, account_fn, &a);
    if (r == NOT_FOUND) {
        e->account = ACCOUNT_ABSENT;
        strbuf_addf(&a.today, "no account %s", *address ? address : "without a name");
        r = store_query(store, QUERY_ALIAS, &address, 1, alias_fn, &a);
    }
    store_close(&store);
    return r == TRY_AGAIN ? fail_read(ctl) : STATUS_DONE;
}

/* ---- who refused it ---- */

static const struct foreign ends[] = {
    { "cleartext disabled", "Dovecot, disable_plaintext_auth (2.4: auth_allow_cleartext)",
      "The program tried a password without TLS, which Dovecot itself forbids before Postern is asked. Set "
      "Encryption to STARTTLS in it; to have Postern decide by account, allow it in Dovecot: "
      "dovecot-postern(7)." },
    { "internal failure", "Dovecot, since the account table could not be read",
      "Nobody was let in. See the errors of Dovecot's auth process just before this line, and policyctl "
      "status." },
    { "authorization failed", "Dovecot, after the password matched",
      "The userdb or the mail's folder: see the errors of Dovecot just before this line." },
    { "password expired", "Dovecot, by another password database",
      "The driver of Postern knows no such answer." },
    { "no login", "the program itself, which went away",
      "It ended the connection before it gave a name and password that were judged: often a monitor, a "
      "scanner, or a program that did not trust the certificate." },
};

static const struct foreign *end_of(struct span status)
{
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (span_equal(status, span_of(ends[i].words)))
            return &ends[i];
    return NULL;
}

/* "suspended", "starttls", ...: what the driver names is a cause or a check. */
static void blame_check(struct span cause, struct explanation *e)
{
    e->origin = ORIGIN_POSTERN;
    e->cause = cause;
    if (check_parse(cause, &e->check) != OK)
        e->check = CHECK_ACCOUNT_STATUS;
}

/* The login process knows only that it was refused: what refuses it today will have. By
 * implicit TLS it may have been: the line names no port. */
static void guess_check(const struct ctl *ctl, struct explanation *e)
{
    e->origin = ORIGIN_POSTERN;
    e->guessed = true;
    e->check = e->line->field[LOG_SECURITY].len > 0 ? CHECK_IMPLICIT_TLS : CHECK_STARTTLS;
    explain_request(ctl, NULL, e);
    if (explain_account(ctl, e->line->field[LOG_SERVICE], e) != STATUS_DONE || e->refuses_now ||
        explain_decide(ctl, e) != STATUS_DONE || !e->refuses_now)
        e->check = CHECK_ACCOUNT_STATUS;
}

/* Postfix passes on the reason that the driver gave, if it gave one. */
static void attribute_sasl(const struct ctl *ctl, const struct log_line *line, struct explanation *e)
{
    static const struct foreign service = { "", "Postfix, since its SASL server did not answer",
                                            "Nobody was let in. See the errors of Dovecot's auth process "
                                            "just before this line, and policyctl status." };
    static const char *const words[] = { "onnection lost", "emporary", "nternal" };
    struct span no_code = { NULL, 0 }, reason = line->field[LOG_REASON];

    if (reply_text_check(ctl->config, no_code, reason, &e->check, &e->values) == OK) {
        e->origin = ORIGIN_POSTERN;
        return;
    }
    e->check = CHECK_ACCOUNT_STATUS;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (find_first(reason, words[i]) < reason.len) {
            e->origin = ORIGIN_FOREIGN;
            e->foreign = &service;
        }
}

static void attribute_login(const struct ctl *ctl, const struct log_line *line, struct explanation *e)
{
    struct span status = line->field[LOG_STATUS];

    e->origin = ORIGIN_ACCOUNT;
    e->check = CHECK_ACCOUNT_STATUS;
    if (line->kind == LINE_LOGIN || span_equal(status, SPAN("observed"))) {
        e->origin = ORIGIN_NOBODY;
        if (check_parse(line->field[LOG_CHECK], &e->check) != OK)
            e->check = CHECK_ACCOUNT_STATUS;
    } else if (line->kind == LINE_SASL_FAILED)
        attribute_sasl(ctl, line, e);
    else if (line->kind == LINE_DRIVER && span_equal(status, SPAN("refused")))
        blame_check(line->field[LOG_CHECK], e);
    else if (line->kind == LINE_DRIVER)
        e->cause = status;
    else if (span_equal(status, SPAN("user disabled")))
        guess_check(ctl, e);
    else if (line->kind == LINE_LOGIN_FAILED && (e->foreign = end_of(status)) != NULL)
        e->origin = ORIGIN_FOREIGN;
}

/* Whether it is another by now, nobody knows. */
static void say_of_password(struct explanation *e)
{
    char account[sizeof e->today];
    struct strbuf b;

    if (e->account == ACCOUNT_ACTIVE) {
        strbuf_init(&b, e->today, sizeof e->today);
        strbuf_adds(&b, "with the right password it would pass: the account is active");
        return;
    }
    strbuf_init(&b, account, sizeof account);
    strbuf_adds(&b, "even with the right password it ");
    strbuf_adds(&b, e->today);
    memcpy(e->today, account, sizeof account);
}

enum status explain_login(const struct ctl *ctl, const struct log_line *companion, struct explanation *e)
{
    struct span service = e->line->field[LOG_SERVICE];
    bool by_driver = companion && companion->kind == LINE_DRIVER && e->line->kind != LINE_LOGIN &&
                     !span_equal(companion->field[LOG_STATUS], SPAN("observed"));

    attribute_login(ctl, by_driver ? companion : e->line, e);
    explain_request(ctl, companion, e);
    if (e->line->kind == LINE_SASL_FAILED)
        service = SPAN("smtp");
    if (e->origin == ORIGIN_FOREIGN)
        return STATUS_DONE;
    enum status status = explain_decide(ctl, e);
    if (status == STATUS_DONE && (e->check == CHECK_ACCOUNT_STATUS || e->origin == ORIGIN_ACCOUNT))
        status = explain_account(ctl, service, e);
    if (e->origin == ORIGIN_ACCOUNT && e->account != ACCOUNT_ABSENT)
        say_of_password(e);
    return status;
}
