/* SPDX-License-Identifier: MIT */
/* Dovecot's login processes, and the driver's words in its auth workers. */
#include "policyctl/explain/log_parse.h"

/* ---- login processes ---- */

/* ", NAME=VALUE" from its last place on, since a user's name may hold anything: *text is
 * cut before it. */
static struct span cut_pair(struct span *text, const char *name, const char *stop)
{
    size_t at = find_last(*text, name);
    struct span value;

    if (at > text->len)
        return (struct span){ NULL, 0 };
    value = span_from(*text, at + strlen(name));
    *text = span_to(*text, at);
    size_t end = find_first(value, stop);
    return span_to(value, end > value.len ? value.len : end);
}

/* Behind "lip=ADDRESS" and perhaps "mpid=NUMBER": "TLS" or "TLS: Connection closed", "secured", or neither.
 */
static struct span security(struct span server)
{
    struct span word;

    while (take_until(&server, ", ", &word)) {
        if (span_begins(server, "TLS") && !span_begins(server, "TLS handshaking"))
            return span_to(server, 3);
        if (span_begins(server, "secured"))
            return span_to(server, 7);
    }
    return (struct span){ NULL, 0 };
}

/* In words: 2.4 has added one in parentheses, "(auth_failed)", which says the same. */
static const struct {
    const char *words, *status;
} ends[] = {
    { "user disabled", "user disabled" },
    { "auth failed", "auth failed" },
    { "authorization failed", "authorization failed" },
    { "internal failure", "internal failure" },
    { "internal_failure", "internal failure" },
    { "tried to use disabled plaintext auth", "cleartext disabled" },
    { "tried to use disallowed plaintext auth", "cleartext disabled" },
    { "cleartext_auth_disabled", "cleartext disabled" },
    { "password expired", "password expired" },
};

static struct span status_of(struct span words)
{
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (find_first(words, ends[i].words) < words.len)
            return span_of(ends[i].status);
    return SPAN("no login");
}

/* As suspensions name it. */
static struct span service_of(struct span name)
{
    if (span_equal(name, SPAN("managesieve")))
        return SPAN("sieve");
    return span_equal(name, SPAN("submission")) ? SPAN("smtp") : name;
}

void log_parse_dovecot_login(struct span text, struct log_line *line)
{
    struct span words, server, *f = line->field;

    if (!take_until(&text, ": user=<", &words))
        return;
    f[LOG_SESSION] = cut_pair(&text, ", session=<", ">");
    server = cut_pair(&text, ", lip=", "\n");
    f[LOG_SECURITY] = security(server);
    f[LOG_CLIENT] = cut_pair(&text, ", rip=", ",");
    f[LOG_MECHANISM] = cut_pair(&text, ", method=", ",");
    if (text.len == 0 || text.ptr[text.len - 1] != '>')
        return;
    f[LOG_LOGIN_NAME] = span_to(text, text.len - 1);
    f[LOG_SERVICE] = service_of(span_to(f[LOG_PROGRAM], f[LOG_PROGRAM].len - strlen("-login")));
    bool in = span_equal(words, SPAN("Login")) || span_equal(words, SPAN("Logged in"));
    line->kind = in ? LINE_LOGIN : LINE_LOGIN_FAILED;
    f[LOG_STATUS] = in ? SPAN("ok") : status_of(words);
    f[LOG_REASON] = words;
}

/* ---- the driver ---- */

/* The last word of it all is the driver's own, so this is read from the end. */
static bool take_message(struct span *text, struct span *message_r)
{
    static const char *const heads[] = { ": postern: ", "): " }; /* 2.4, 2.3 */

    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        size_t at = find_last(*text, heads[i]);
        if (at < text->len) {
            *message_r = span_from(*text, at + strlen(heads[i]));
            *text = span_to(*text, at);
            return true;
        }
    }
    return false;
}

static bool read_message(struct span message, struct log_line *line)
{
    static const struct {
        const char *words, *status;
        bool names_check;
    } messages[] = {
        { "refused: ", "refused", true },
        { "would be refused if it were enforced: ", "observed", true },
        { "unknown user", "unknown", false },
        { "Password mismatch", "mismatch", false },
    };

    for (size_t i = 0; i < sizeof messages / sizeof *messages; i++)
        if (take(&message, messages[i].words)) {
            line->field[LOG_STATUS] = span_of(messages[i].status);
            line->field[LOG_CHECK] = messages[i].names_check ? message : (struct span){ NULL, 0 };
            return true;
        }
    return false;
}

/* "USER,ADDRESS" or "USER,ADDRESS,<SESSION>" */
static void read_user(struct span user, struct log_line *line)
{
    size_t at = find_last(user, ",<");

    if (at < user.len && user.ptr[user.len - 1] == '>') {
        line->field[LOG_SESSION] = (struct span){ user.ptr + at + 2, user.len - at - 3 };
        user = span_to(user, at);
    }
    at = find_last(user, ",");
    line->field[LOG_LOGIN_NAME] = span_to(user, at < user.len ? at : user.len);
    if (at < user.len)
        line->field[LOG_CLIENT] = span_from(user, at + 1);
}

/* 2.3: "(PID): Info: conn unix:auth-worker (...): auth-worker<2>: postern(USER,...): MESSAGE"
 * 2.4: "(USER,ADDRESS)<PID><SESSION>: request [2]: Info: postern: MESSAGE" */
void log_parse_dovecot_driver(struct span text, struct log_line *line)
{
    struct span message, before, session;
    size_t at;

    if (!take_message(&text, &message) || !read_message(message, line))
        return;
    if (take_until(&text, ": postern(", &before)) {
        line->kind = LINE_DRIVER;
        read_user(text, line);
        return;
    }
    at = find_last(text, ")<");
    if (!take(&text, "(") || at > text.len || at == 0)
        return;
    line->kind = LINE_DRIVER;
    session = span_from(text, at + 1);
    read_user(span_to(text, at - 1), line);
    if (take_until(&session, "><", &before) && take_until(&session, ">", &before))
        line->field[LOG_SESSION] = before;
}
