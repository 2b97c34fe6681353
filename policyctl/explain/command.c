/* SPDX-License-Identifier: MIT */
/*
 * policyctl explain: the reply to a request, and which check and row decided it; or what
 * a line of a log, or a message in one, is about.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policyctl/command.h"
#include "policyctl/decide.h"
#include "policyctl/explain/answer.h"
#include "policyctl/explain/read_log.h"
#include "policyd/protocol.h"

/* ---- the request ---- */

/* Options that are attributes of a request, in the order in which Postfix sends them. */
static const struct {
    enum option_id option;
    enum attribute attribute;
    const char *preset; /* NULL: left out */
} parts[] = {
    { OPT_STATE, ATTR_PROTOCOL_STATE, "RCPT" },     { OPT_CLIENT, ATTR_CLIENT_ADDRESS, NULL },
    { OPT_CLIENT_NAME, ATTR_CLIENT_NAME, NULL },
    { OPT_PORT, ATTR_SERVER_PORT, NULL },           { OPT_HELO, ATTR_HELO_NAME, NULL },
    { OPT_SENDER, ATTR_SENDER, NULL },              { OPT_RECIPIENT, ATTR_RECIPIENT, NULL },
    { OPT_LOGIN, ATTR_SASL_USERNAME, NULL },        { OPT_CONTEXT, ATTR_POLICY_CONTEXT, NULL },
};
enum { PARTS = sizeof parts / sizeof *parts };

static bool is_one_of(const char *text, const char *const *words)
{
    for (; *words; words++)
        if (strcmp(text, *words) == 0)
            return true;
    return false;
}

/* An attribute that policyd would pass over in silence is a slip of the hand here. */
static enum status check_options(const struct args *a)
{
    static const char *const states[] = { "HELO", "EHLO", "MAIL", "RCPT", "DATA", "BDAT", "END-OF-MESSAGE", NULL };
    static const char *const contexts[] = { "helo", "sender", "recipient", "end-of-data", NULL };
    const char *state = a->option[OPT_STATE], *context = a->option[OPT_CONTEXT];
    const char *client = a->option[OPT_CLIENT], *port = a->option[OPT_PORT];
    struct network network;
    uint64_t number;

    if (state && !is_one_of(state, states))
        return fail(STATUS_INPUT, "no state '%s': HELO, EHLO, MAIL, RCPT, DATA or END-OF-MESSAGE", state);
    if (context && !is_one_of(context, contexts))
        return fail(STATUS_INPUT, "no context '%s': helo, sender, recipient or end-of-data", context);
    if (client && network_parse_ip(span_of(client), &network) != OK)
        return fail(STATUS_INPUT, "client '%s' is no IP address", client);
    if (port && str_number(span_of(port), 1, 65535, &number) != OK)
        return fail(STATUS_INPUT, "port '%s' is no number from 1 to 65535", port);
    return STATUS_DONE;
}

static bool any_option(const struct args *a)
{
    for (size_t i = 0; i < PARTS; i++)
        if (a->option[parts[i].option])
            return true;
    return false;
}

static enum status compose(const struct args *a, struct strbuf *text)
{
    enum status status = check_options(a);

    strbuf_adds(text, "request=smtpd_access_policy\n");
    for (size_t i = 0; i < PARTS && status == STATUS_DONE; i++) {
        const char *given = a->option[parts[i].option], *value = given ? given : parts[i].preset;
        if (!value)
            continue;
        if (strchr(value, '\n'))
            return fail(STATUS_INPUT, "--%s holds a line break", option_infos[parts[i].option].name);
        strbuf_add(text, attribute_names[parts[i].attribute]);
        strbuf_addc(text, '=');
        strbuf_adds(text, value);
        strbuf_addc(text, '\n');
    }
    strbuf_addc(text, '\n');
    return status;
}

/* One request; its blank line may be missing at the end. */
static enum status read_stdin(struct strbuf *text)
{
    size_t scanned = 0, n;
    char part[4096];

    if (isatty(STDIN_FILENO))
        return fail(STATUS_INPUT, "no request: name it by options, or give it on standard input");
    while ((n = fread(part, 1, sizeof part, stdin)) > 0)
        strbuf_add(text, (struct span){ part, n });
    if (ferror(stdin))
        return fail(STATUS_INPUT, "standard input cannot be read");
    size_t length = protocol_frame((struct span){ text->ptr, text->len }, &scanned);
    if (length > 0 && length < text->len)
        return fail(STATUS_INPUT, "more than one request on standard input");
    if (length == 0 && text->len > 0)
        strbuf_adds(text, text->ptr[text->len - 1] == '\n' ? "\n" : "\n\n");
    return STATUS_DONE;
}

static enum status explain(struct ctl *ctl, const struct args *a, struct span text)
{
    static struct request request;
    static struct decision decision;
    struct json json = { .out = stdout };
    struct error e;

    if (protocol_parse(text, ctl->config->limits.attributes, &request, &e) != OK)
        return fail_error(STATUS_INPUT, &e);
    request_prepare(&request, ctl->config);
    enum status status = decide(ctl, &request, &decision);
    if (status == STATUS_DONE && a->option[OPT_JSON])
        answer_json(&decision, &json, NULL);
    else if (status == STATUS_DONE)
        answer_print(&decision);
    return status;
}

static enum status explain_given(struct ctl *ctl, const struct args *a)
{
    size_t size = (size_t)ctl->config->limits.request_bytes + 1;
    char *array = malloc(size);
    struct strbuf text;

    if (!array)
        return fail(STATUS_UNREACHABLE, "out of memory");
    strbuf_init(&text, array, size);
    enum status status = any_option(a) ? compose(a, &text) : read_stdin(&text);
    if (status == STATUS_DONE && text.cut)
        status = fail(STATUS_INPUT, "the request has more than %zu octets (limits.request_bytes)", size - 1);
    if (status == STATUS_DONE)
        status = explain(ctl, a, (struct span){ array, text.len });
    free(array);
    return status;
}

/* A log, or a request: not both. */
static enum status run_explain(struct ctl *ctl, const struct args *a)
{
    bool line = a->option[OPT_LOG_LINE], log = a->option[OPT_LOG], id = a->option[OPT_QUEUE_ID];

    if ((line || log || id) && any_option(a))
        return fail(STATUS_INPUT, "a log says itself who, from where and to whom: no other options but --json");
    if (line && (log || id))
        return fail(STATUS_INPUT, "--log-line is one line: --log FILE, or --queue-id ID --log FILE, reads a log");
    if (id && !log)
        return fail(STATUS_INPUT, "--queue-id %s: in which log? Add --log FILE, or --log - for standard input",
                    a->option[OPT_QUEUE_ID]);
    if (id)
        return explain_queue(ctl, a);
    return line || log ? explain_last(ctl, a) : explain_given(ctl, a);
}

const struct command explain_commands[] = {
    { .name = "explain", .operands = "",
      .optional = OPT(CLIENT) | OPT(CLIENT_NAME) | OPT(CONTEXT) | OPT(HELO) | OPT(JSON) | OPT(LOG) | OPT(LOG_LINE) |
                  OPT(LOGIN) | OPT(PORT) | OPT(QUEUE_ID) | OPT(RECIPIENT) | OPT(SENDER) | OPT(STATE),
      .run = run_explain, .help = "Says what policyd would answer, or a log is about, and why",
      .example = "policyctl explain --login user@example.com --sender info@example.com" },
    { 0 },
};
