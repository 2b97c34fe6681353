/* SPDX-License-Identifier: MIT */
#include "policyctl/explain/log_line.h"

#include "policyctl/explain/log_parse.h"

const char *const log_field_names[LOG_FIELDS] = {
    [LOG_TIME] = "time",           [LOG_PROGRAM] = "program",
    [LOG_QUEUE_ID] = "queue ID",   [LOG_EVENT] = "event",
    [LOG_STATE] = "state",         [LOG_CLIENT_NAME] = "client name",
    [LOG_CLIENT] = "client",       [LOG_REPLY] = "reply",
    [LOG_SENDER] = "sender",       [LOG_RECIPIENT] = "recipient",
    [LOG_HELO] = "helo",           [LOG_LOGIN_NAME] = "login",
    [LOG_MECHANISM] = "mechanism", [LOG_SERVICE] = "service",
    [LOG_SECURITY] = "security",   [LOG_SESSION] = "session",
    [LOG_STATUS] = "status",       [LOG_REASON] = "reason",
    [LOG_SIZE] = "size",           [LOG_RECIPIENTS] = "recipients",
    [LOG_CHECK] = "check",         [LOG_OBSERVED] = "observed",
};

const char *line_kind_name(enum line_kind kind)
{
    static const char *const names[] = {
        [LINE_OTHER] = "other",
        [LINE_REJECT] = "reject",
        [LINE_SASL_FAILED] = "sasl-failed",
        [LINE_QUEUE] = "queue",
        [LINE_ACCEPTED] = "accepted",
        [LINE_QUEUED] = "queued",
        [LINE_DELIVERY] = "delivery",
        [LINE_REMOVED] = "removed",
        [LINE_LOGIN] = "login",
        [LINE_LOGIN_FAILED] = "login-failed",
        [LINE_DRIVER] = "driver",
        [LINE_DECISION] = "decision",
    };

    return names[kind];
}

/* ---- scanning ---- */

struct span span_from(struct span text, size_t offset)
{
    return (struct span){ text.ptr + offset, text.len - offset };
}

bool span_begins(struct span text, const char *prefix)
{
    size_t len = strlen(prefix);

    return text.len >= len && memcmp(text.ptr, prefix, len) == 0;
}

bool take(struct span *text, const char *literal)
{
    if (!span_begins(*text, literal))
        return false;
    *text = span_from(*text, strlen(literal));
    return true;
}

size_t find_first(struct span text, const char *needle)
{
    const char *found = text.len > 0 ? memmem(text.ptr, text.len, needle, strlen(needle)) : NULL;

    return found ? (size_t)(found - text.ptr) : text.len + 1;
}

size_t find_last(struct span text, const char *needle)
{
    size_t len = strlen(needle);

    for (size_t i = text.len; i >= len; i--)
        if (memcmp(text.ptr + i - len, needle, len) == 0)
            return i - len;
    return text.len + 1;
}

bool take_until(struct span *text, const char *stop, struct span *value_r)
{
    size_t at = find_first(*text, stop);

    if (at > text->len)
        return false;
    *value_r = span_to(*text, at);
    *text = span_from(*text, at + strlen(stop));
    return true;
}

bool take_angle(struct span *text, struct span *value_r)
{
    bool quoted = false;

    if (!span_begins(*text, "<"))
        return false;
    for (size_t i = 1; i < text->len; i++)
        if (quoted && text->ptr[i] == '\\')
            i++;
        else if (text->ptr[i] == '"')
            quoted = !quoted;
        else if (text->ptr[i] == '>' && !quoted) {
            *value_r = (struct span){ text->ptr + 1, i - 1 };
            *text = span_from(*text, i + 1);
            return true;
        }
    return false;
}

/* ---- the head of a line ---- */

/* "Nov 24 02:18:09" (RFC 3164) */
static bool is_bsd_time(struct span text)
{
    static const char shape[] = "Aaa d0 00:00:00";

    if (text.len < sizeof shape)
        return false;
    for (size_t i = 0; shape[i]; i++) {
        char c = text.ptr[i];
        bool digit = c >= '0' && c <= '9', letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
        if (!(shape[i] == '0'            ? digit
              : shape[i] == 'd'          ? digit || c == ' '
              : (shape[i] | 0x20) == 'a' ? letter
                                         : c == shape[i]))
            return false;
    }
    return text.ptr[sizeof shape - 1] == ' ';
}

/* "2026-11-24T02:18:09.123456+00:00" (RFC 3339) */
static bool is_iso_time(struct span word)
{
    return word.len >= 19 && word.ptr[0] >= '0' && word.ptr[0] <= '9' && word.ptr[4] == '-' &&
           word.ptr[10] == 'T' && word.ptr[13] == ':';
}

static void take_time(struct span *text, struct log_line *line)
{
    struct span rest = *text, word;

    if (is_bsd_time(rest)) {
        line->field[LOG_TIME] = span_to(rest, 15);
        *text = span_trim(span_from(rest, 15));
    } else if (take_until(&rest, " ", &word) && is_iso_time(word)) {
        line->field[LOG_TIME] = word;
        *text = span_trim(rest);
    }
}

/* Syslog puts the host's name in front of the program's, which ends in a colon; a server's
 * own file does not. A name with a parenthesis is Dovecot's "auth-worker(user,...)". */
static void take_host(struct span *text)
{
    struct span rest = *text, word;

    if (take_until(&rest, " ", &word) && word.len > 0 && word.ptr[word.len - 1] != ':' &&
        find_first(word, "(") > word.len && find_first(word, "=") > word.len)
        *text = rest;
}

/* "postfix/smtpd[1158]: " without its process number. */
static bool take_program(struct span *text, struct span *program_r)
{
    if (!take_until(text, ": ", program_r))
        return false;
    size_t bracket = find_first(*program_r, "[");
    if (bracket < program_r->len && program_r->ptr[program_r->len - 1] == ']')
        program_r->len = bracket;
    return true;
}

static void parse_dovecot(struct span program, struct span text, struct log_line *line)
{
    size_t head = find_first(program, "(");

    if (head > program.len)
        head = program.len;
    if (span_equal(span_to(program, head), SPAN("auth-worker"))) {
        /* The user's name stands in it, and may hold anything: so it goes along. */
        struct span whole = { program.ptr, (size_t)(text.ptr + text.len - program.ptr) };
        line->field[LOG_PROGRAM] = span_to(program, head);
        log_parse_dovecot_driver(span_from(whole, head), line);
        return;
    }
    for (const char *const *level = (const char *const[]){ "Info: ", "Warning: ", "Error: ", NULL }; *level;
         level++)
        if (take(&text, *level))
            break;
    if (span_ends_case(program, SPAN("-login")))
        log_parse_dovecot_login(text, line);
}

static void parse_program(struct span program, struct span text, struct log_line *line)
{
    struct span inner, rest = text;

    line->field[LOG_PROGRAM] = program;
    if (span_equal(program, SPAN("dovecot")) && take_until(&rest, ": ", &inner)) {
        line->field[LOG_PROGRAM] = inner;
        parse_dovecot(inner, rest, line);
    } else if (span_begins(program, "postfix") && find_first(program, "/") < program.len)
        log_parse_postfix(text, line);
    else if (span_equal(program, SPAN("policyd")))
        log_parse_policyd(text, line);
    else
        parse_dovecot(program, text, line);
}

/* What somebody copied without its head. */
static void parse_headless(struct span text, struct log_line *line)
{
    line->field[LOG_PROGRAM] = (struct span){ NULL, 0 };
    if (span_begins(text, "decision="))
        log_parse_policyd(text, line);
    else
        log_parse_postfix(text, line);
}

void log_line_parse(char *array, size_t len, struct log_line *line_r)
{
    struct span text = span_trim((struct span){ array, len > LOG_TEXT_MAX ? LOG_TEXT_MAX : len }), rest,
                program;

    memset(line_r, 0, sizeof *line_r);
    if (text.len > 0 && text.ptr[text.len - 1] == '\r')
        text.len--;
    rest = text;
    take_time(&rest, line_r);
    text = rest;
    take_host(&rest);
    if (take_program(&rest, &program))
        parse_program(program, rest, line_r);
    if (line_r->kind == LINE_OTHER && line_r->field[LOG_TIME].len == 0)
        parse_headless(text, line_r);
}
