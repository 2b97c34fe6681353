/* SPDX-License-Identifier: MIT */
/* An explanation for people, and for programs. */
#include <stdio.h>

#include "policyctl/explain/answer.h"
#include "policyctl/explain/explanation.h"
#include "policyctl/host/shell.h"
#include "policyctl/table.h"

enum { LABEL_WIDTH = 14, COMMAND_INDENT = LABEL_WIDTH + 4, TEXT_MAX = LOG_TEXT_MAX + 64 };

static const char *origin_name(enum origin origin)
{
    static const char *const names[] = { [ORIGIN_NOBODY] = "nobody",
                                         [ORIGIN_POSTERN] = "postern",
                                         [ORIGIN_EITHER] = "postern-or-postfix",
                                         [ORIGIN_ACCOUNT] = "account",
                                         [ORIGIN_FOREIGN] = "other" };

    return names[origin];
}

/* A whole line may stand in one field: static, since it is long. */
const char *explanation_text(struct span span)
{
    static char text[LOG_TEXT_MAX + 1];

    return str_copy(span, text, sizeof text) == OK ? text : "";
}

/* ---- for people ---- */

static void print_field(const struct explanation *e, const char *label, enum log_field field)
{
    struct span value = e->line->field[field];

    if (value.len > 0)
        table_paragraph(label, LABEL_WIDTH, explanation_text(value));
    else if (value.ptr && field == LOG_SENDER)
        table_paragraph(label, LABEL_WIDTH, "<> (a bounce or a receipt)");
}

/* "client2.sender.net[192.0.2.1]" */
static void print_client(const struct explanation *e)
{
    char text[512];
    struct span name = e->line->field[LOG_CLIENT_NAME];
    struct strbuf b;

    if (name.len == 0) {
        print_field(e, "client", LOG_CLIENT);
        return;
    }
    strbuf_init(&b, text, sizeof text);
    strbuf_add(&b, name);
    strbuf_adds(&b, " at ");
    strbuf_add(&b, e->line->field[LOG_CLIENT]);
    table_paragraph("client", LABEL_WIDTH, text);
}

static void print_login(const struct explanation *e)
{
    char text[ADDRESS_MAX + 80];
    struct strbuf b;

    if (e->line->field[LOG_LOGIN_NAME].len > 0) {
        print_field(e, "login", LOG_LOGIN_NAME);
        return;
    }
    if (e->login.len == 0)
        return;
    strbuf_init(&b, text, sizeof text);
    strbuf_add(&b, (struct span){ e->login.text, e->login.len });
    if (e->login_assumed)
        strbuf_adds(&b, " (assumed: the line names only the sender)");
    table_paragraph("login", LABEL_WIDTH, text);
}

static void print_line(const struct explanation *e)
{
    print_field(e, "time", LOG_TIME);
    print_field(e, "program", LOG_PROGRAM);
    if (!span_equal(e->line->field[LOG_QUEUE_ID], SPAN("NOQUEUE")))
        print_field(e, "queue ID", LOG_QUEUE_ID);
    print_client(e);
    print_field(e, "helo", LOG_HELO);
    print_login(e);
    print_field(e, "sender", LOG_SENDER);
    print_field(e, "recipient", LOG_RECIPIENT);
    print_field(e, "state", LOG_STATE);
    print_field(e, "security", LOG_SECURITY);
    print_field(e, "reply", LOG_REPLY);
    if (e->line->kind != LINE_REJECT)
        print_field(e, "status", LOG_STATUS);
    if (e->line->kind != LINE_LOGIN)
        print_field(e, "reason", LOG_REASON);
    print_field(e, "observed", LOG_OBSERVED);
}

/* What the driver said then, else what the account table says now. */
static bool had_no_account(const struct explanation *e)
{
    return e->cause.len > 0 ? span_equal(e->cause, SPAN("unknown")) : e->account == ACCOUNT_ABSENT;
}

static void add_check(const struct explanation *e, struct strbuf *b)
{
    const struct check_info *info = &check_infos[e->check];

    if (e->guessed && !e->refuses_now)
        strbuf_adds(b, "Postern, by which check");
    else {
        strbuf_addf(b, "Postern, %s%s", e->guessed ? "probably " : "", info->name);
        if (e->cause.len > 0 && !span_equal(e->cause, span_of(info->name)))
            strbuf_addf(b, " (%.*s)", (int)e->cause.len, e->cause.ptr);
        strbuf_addf(b, ": %s", info->help);
    }
    if (e->guessed)
        strbuf_adds(b, "; the line of Dovecot's auth worker for this session knows (auth_verbose = yes)");
}

static void decided_by(const struct explanation *e, struct strbuf *b)
{
    switch (e->origin) {
    case ORIGIN_NOBODY:
        strbuf_adds(b, "nobody: it was not refused");
        break;
    case ORIGIN_POSTERN:
        add_check(e, b);
        break;
    case ORIGIN_EITHER:
        strbuf_addf(b, "%s; or Postern, %s, in the same words", e->foreign->who, check_infos[e->check].name);
        break;
    case ORIGIN_ACCOUNT:
        strbuf_adds(b, had_no_account(e) ? "the login's name: there was no such account"
                                         : "the password, which did not match");
        break;
    case ORIGIN_FOREIGN:
        strbuf_adds(b, e->foreign->who);
    }
}

static void print_verdict(const struct explanation *e)
{
    const struct finding *f = &e->now.finding[e->check];
    char text[TEXT_MAX];
    struct strbuf b;

    putchar('\n');
    strbuf_init(&b, text, sizeof text);
    decided_by(e, &b);
    table_paragraph("decided by", LABEL_WIDTH, text);
    if (*e->today && e->origin != ORIGIN_FOREIGN)
        table_paragraph("today", LABEL_WIDTH, e->today);
    if (e->refuses_now && e->decided && *f->row && e->origin != ORIGIN_ACCOUNT)
        table_paragraph("row", LABEL_WIDTH, f->row);
}

/* Folded so that it can be copied; it holds nothing that a terminal would obey. */
static void print_command(const char *command)
{
    printf("%*s", COMMAND_INDENT, "");
    shell_print(command, COMMAND_INDENT, TABLE_SCREEN - 1);
}

void explanation_print(const struct explanation *e)
{
    print_line(e);
    print_verdict(e);
    for (size_t i = 0; i < e->remedies; i++) {
        table_paragraph(i == 0 ? "what to do" : "", LABEL_WIDTH, e->remedy[i].text);
        if (*e->remedy[i].command)
            print_command(e->remedy[i].command);
    }
}

/* ---- for programs ---- */

static void json_line(const struct log_line *line, struct json *j)
{
    char name[32];

    json_open(j, "line", '{');
    json_text(j, "kind", line_kind_name(line->kind));
    for (size_t i = 0; i < LOG_FIELDS; i++) {
        struct strbuf b;
        strbuf_init(&b, name, sizeof name);
        for (const char *p = log_field_names[i]; *p; p++)
            strbuf_addc(&b, *p == ' ' ? '_' : ascii_lower(*p));
        json_text(j, name, line->field[i].ptr ? explanation_text(line->field[i]) : NULL);
    }
    json_close(j, '}');
}

static void json_remedies(const struct explanation *e, struct json *j)
{
    json_open(j, "what_to_do", '[');
    for (size_t i = 0; i < e->remedies; i++) {
        json_open(j, NULL, '{');
        json_text(j, "text", e->remedy[i].text);
        json_text(j, "command", *e->remedy[i].command ? e->remedy[i].command : NULL);
        json_close(j, '}');
    }
    json_close(j, ']');
}

void explanation_json(const struct explanation *e, struct json *j, const char *key)
{
    bool ours = e->origin == ORIGIN_POSTERN || e->origin == ORIGIN_EITHER;

    json_open(j, key, '{');
    json_line(e->line, j);
    json_text(j, "origin", origin_name(e->origin));
    json_text(j, "check", ours ? check_infos[e->check].name : NULL);
    json_text(j, "by", e->foreign && !(ours && e->origin == ORIGIN_POSTERN) ? e->foreign->who : NULL);
    json_text(j, "login", e->login.len > 0 ? e->login.text : NULL);
    json_flag(j, "login_assumed", e->login_assumed);
    json_flag(j, "guessed", e->guessed);
    json_flag(j, "refused_today", e->refuses_now);
    json_text(j, "today", *e->today ? e->today : NULL);
    json_remedies(e, j);
    if (e->decided)
        answer_json(&e->now, j, "decision");
    json_close(j, '}');
}
