/* SPDX-License-Identifier: MIT */
#include "policyctl/explain/explanation.h"

#include <stdlib.h>

#include "policyctl/decide.h"
#include "policyctl/explain/log_parse.h"

/* ---- the request, as far as the line tells it ---- */

/* The line's word, else its companion's. */
static struct span told(const struct explanation *e, const struct log_line *companion, enum log_field field)
{
    const struct span own = e->line->field[field];

    return own.ptr || !companion ? own : companion->field[field];
}

/* Ports that stand for a service: its own is not in the line. */
static unsigned port_of(const struct ctl *ctl, const struct explanation *e)
{
    const struct port_list *submission = &ctl->config->submission_ports,
                           *implicit = &ctl->config->dovecot.implicit_tls_ports;
    struct span program = e->line->field[LOG_PROGRAM];
    bool tls =
        find_first(program, "/smtps/") < program.len || find_first(program, "/submissions/") < program.len;

    if (e->origin == ORIGIN_POSTERN && e->check == CHECK_IMPLICIT_TLS)
        return implicit->count > 0 ? implicit->item[0] : 465;
    if (tls)
        return 465;
    if (find_first(program, "/submission/") < program.len)
        return submission->count > 0 ? submission->item[0] : 587;
    return 0;
}

/* What a refusal by one of the checks of TLS says of the connection. */
static void set_encryption(const struct ctl *ctl, struct explanation *e, struct span *attr)
{
    struct span mechanism = e->line->field[LOG_MECHANISM];
    unsigned port = port_of(ctl, e);
    struct strbuf b;

    strbuf_init(&b, e->port, sizeof e->port);
    if (port > 0)
        strbuf_addu(&b, port);
    attr[ATTR_SERVER_PORT] = span_of(e->port);
    if (e->check != CHECK_STARTTLS && e->check != CHECK_IMPLICIT_TLS)
        return;
    attr[ATTR_ENCRYPTION_PROTOCOL] = e->check == CHECK_STARTTLS ? SPAN("") : SPAN("TLS");
    attr[ATTR_SASL_METHOD] = mechanism.len > 0 ? mechanism : SPAN("PLAIN");
}

void explain_request(const struct ctl *ctl, const struct log_line *companion, struct explanation *e)
{
    struct span *attr = e->request.attr, state = told(e, companion, LOG_STATE);
    bool of_login = e->origin != ORIGIN_NOBODY && check_infos[e->check].subject == SUBJECT_LOGIN;

    memset(&e->request, 0, sizeof e->request);
    attr[ATTR_PROTOCOL_STATE] = state.len > 0 ? state : SPAN("RCPT");
    if (e->line->kind == LINE_REJECT ||
        e->line->kind == LINE_DECISION) /* Dovecot trusts networks of its own */
        attr[ATTR_CLIENT_ADDRESS] = told(e, companion, LOG_CLIENT);
    attr[ATTR_CLIENT_NAME] = told(e, companion, LOG_CLIENT_NAME);
    attr[ATTR_HELO_NAME] = told(e, companion, LOG_HELO);
    attr[ATTR_SENDER] = told(e, companion, LOG_SENDER);
    attr[ATTR_RECIPIENT] = told(e, companion, LOG_RECIPIENT);
    attr[ATTR_SASL_USERNAME] = told(e, companion, LOG_LOGIN_NAME);
    if (attr[ATTR_SASL_USERNAME].len == 0)
        attr[ATTR_SASL_USERNAME] = e->values.login;
    if (attr[ATTR_SASL_USERNAME].len == 0 && of_login) {
        attr[ATTR_SASL_USERNAME] = attr[ATTR_SENDER];
        e->login_assumed = attr[ATTR_SENDER].len > 0;
    }
    set_encryption(ctl, e, attr);
    request_prepare(&e->request, ctl->config);
    e->login = e->request.login;
}

/* ---- what it would be today ---- */

static void add_other_check(const struct explanation *e, struct strbuf *b)
{
    int by = e->now.decided_by;

    if (!e->refuses_now && by >= 0 && by != (int)e->check)
        strbuf_addf(b, "; %s would refuse it: %s", check_infos[by].name, e->now.action);
}

/* NONE: off, or not asked about this client. */
static const char *not_asked(const struct explanation *e, const struct finding *f)
{
    if (*f->mode_row)
        return "would pass: the check is off";
    if (check_infos[e->check].subject == SUBJECT_LOGIN)
        return e->login.len == 0 ? "cannot be told: the line does not name the login" : "would pass";
    if (e->request.authenticated)
        return "would pass: the client has logged in";
    return e->request.trusted ? "would pass: the client is in trusted_networks of policyd.conf"
                              : "would pass";
}

static void say_today(struct explanation *e)
{
    const struct finding *f = &e->now.finding[e->check];
    struct strbuf b;

    strbuf_init(&b, e->today, sizeof e->today);
    e->refuses_now = f->verdict == VERDICT_REFUSE && f->mode == MODE_ENFORCE;
    switch (f->verdict) {
    case VERDICT_REFUSE:
        strbuf_adds(&b, e->refuses_now ? "would be refused again" : "would pass: this is only observed");
        break;
    case VERDICT_PASS:
        strbuf_adds(&b, "would pass");
        if (*f->row)
            strbuf_addf(&b, ": %s", f->row);
        break;
    case VERDICT_NONE:
        strbuf_adds(&b, not_asked(e, f));
        if (!*f->mode_row && *e->now.finding[CHECK_ACCESS].row)
            strbuf_addf(&b, ": %s", e->now.finding[CHECK_ACCESS].row);
        break;
    default:
        strbuf_adds(&b, "cannot be told: what the check has to know could not be had");
    }
    if (*f->mode_row && f->verdict != VERDICT_PASS)
        strbuf_addf(&b, " (%s)", f->mode_row);
    add_other_check(e, &b);
}

enum status explain_decide(const struct ctl *ctl, struct explanation *e)
{
    enum status status = decide(ctl, &e->request, &e->now);

    e->decided = status == STATUS_DONE;
    if (e->decided)
        say_today(e);
    return status;
}

/* ---- a refused command ---- */

/* "554 5.7.1" */
static struct span reply_code(struct span reply)
{
    struct span rest = reply, word;

    if (!take_until(&rest, " ", &word) || !take_until(&rest, " ", &word))
        return reply;
    return span_to(reply, (size_t)(word.ptr - reply.ptr) + word.len);
}

static bool is_refusal_of_ours(const struct log_line *line)
{
    return line && line->kind == LINE_DECISION && span_equal(line->field[LOG_STATUS], SPAN("refuse"));
}

/* policyd's own line knows; without it the words of the reply have to do. Those of some
 * checks are Postfix's as well, on purpose. */
static void attribute_reject(const struct ctl *ctl, const struct log_line *companion, struct explanation *e)
{
    const char *list;
    struct span text = log_line_reply_text(e->line, &list), code = reply_code(e->line->field[LOG_REPLY]);
    const struct foreign *foreign = foreign_by_words(text);
    bool ours = reply_text_check(ctl->config, code, text, &e->check, &e->values) == OK;

    e->foreign = foreign ? foreign : &foreign_unknown;
    e->origin = ORIGIN_FOREIGN;
    if (span_begins(e->line->field[LOG_STATUS], "milter"))
        e->foreign = &foreign_milter;
    else if (is_refusal_of_ours(companion) && check_parse(companion->field[LOG_CHECK], &e->check) == OK)
        e->origin = ORIGIN_POSTERN;
    else if (ours) {
        struct span template = span_of(ctl->config->text[e->check]);
        bool shared = foreign && find_first(template, foreign->words) < template.len;
        e->origin = shared ? ORIGIN_EITHER : ORIGIN_POSTERN;
    } else
        e->check = CHECK_ACCESS;
}

static enum status explain_reject(const struct ctl *ctl, const struct log_line *companion,
                                  struct explanation *e)
{
    attribute_reject(ctl, companion, e);
    explain_request(ctl, companion, e);
    enum status status = explain_decide(ctl, e);
    if (e->origin == ORIGIN_EITHER && e->refuses_now)
        e->origin = ORIGIN_POSTERN;
    if (status == STATUS_DONE && e->origin == ORIGIN_POSTERN && e->check == CHECK_ACCOUNT_STATUS)
        status = explain_account(ctl, SPAN("smtp"), e);
    return status;
}

/* ---- policyd's own line ---- */

static enum status explain_decision(const struct ctl *ctl, struct explanation *e)
{
    static const struct foreign unreadable = { "", "policyd, since it could not read the account table",
                                               "Mail waited at the sender and was not lost. See policyctl "
                                               "status, and policyd's lines around this time." };
    const struct span *f = e->line->field;
    struct span observed = f[LOG_OBSERVED], first;

    if (!take_until(&observed, ",", &first))
        first = observed;
    e->origin = is_refusal_of_ours(e->line) && check_parse(f[LOG_CHECK], &e->check) == OK ? ORIGIN_POSTERN
                                                                                          : ORIGIN_NOBODY;
    if (span_equal(f[LOG_STATUS], SPAN("defer"))) {
        e->origin = ORIGIN_FOREIGN;
        e->foreign = &unreadable;
    } else if (e->origin == ORIGIN_NOBODY && check_parse(first, &e->check) != OK)
        e->check = CHECK_ACCESS;
    explain_request(ctl, NULL, e);
    enum status status = explain_decide(ctl, e);
    if (status == STATUS_DONE && e->origin == ORIGIN_POSTERN && e->check == CHECK_ACCOUNT_STATUS)
        status = explain_account(ctl, SPAN("smtp"), e);
    return status;
}

/* ---- a message that was taken ---- */

static enum status explain_delivery(struct explanation *e)
{
    static const struct foreign delivery = {
        "", "the delivery",
        "The message was taken and did not get further, or not yet: the reason is the next server's, or "
        "that of Postfix's delivery agent. For all that happened to it: policyctl explain --queue-id ID "
        "--log FILE."
    };

    e->origin = span_equal(e->line->field[LOG_STATUS], SPAN("sent")) ? ORIGIN_NOBODY : ORIGIN_FOREIGN;
    e->foreign = &delivery;
    return STATUS_DONE;
}

enum status explanation_make(const struct ctl *ctl, const struct log_line *line,
                             const struct log_line *companion, struct explanation *e)
{
    enum status status = STATUS_DONE;

    memset(e, 0, sizeof *e);
    e->line = line;
    switch (line->kind) {
    case LINE_REJECT:
        status = explain_reject(ctl, companion, e);
        break;
    case LINE_DECISION:
        status = explain_decision(ctl, e);
        break;
    case LINE_SASL_FAILED:
    case LINE_LOGIN:
    case LINE_LOGIN_FAILED:
    case LINE_DRIVER:
        status = explain_login(ctl, companion, e);
        break;
    case LINE_DELIVERY:
        status = explain_delivery(e);
        break;
    default:
        return fail(STATUS_INPUT,
                    "the line tells of no refusal: give one of Postfix, Dovecot or policyd that does");
    }
    if (status == STATUS_DONE)
        explain_remedies(e);
    return status;
}
