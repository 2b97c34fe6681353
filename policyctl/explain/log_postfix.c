/* SPDX-License-Identifier: MIT */
/*
 * Postfix's lines, as smtpd_check.c, smtpd.c, smtpd_sasl_glue.c, cleanup, qmgr and the
 * delivery agents' log_adhoc.c write them.
 */
#include "policyctl/explain/log_parse.h"

enum { QUEUE_ID_MIN = 5, QUEUE_ID_MAX = 20 };

/* ---- parts ---- */

/* "NAME[ADDRESS]", and with smtpd_client_port_logging ":PORT". */
static bool take_client(struct span *text, const char *stop, struct log_line *line)
{
    struct span name, address, port, rest = *text;

    if (!take_until(&rest, "[", &name) || !take_until(&rest, "]", &address))
        return false;
    if (!take(&rest, stop) && !(take(&rest, ":") && take_until(&rest, stop, &port)))
        return false;
    line->field[LOG_CLIENT_NAME] = name;
    line->field[LOG_CLIENT] = address;
    *text = rest;
    return true;
}

static bool consists_of(struct span text, const char *set)
{
    for (size_t i = 0; i < text.len; i++)
        if (!text.ptr[i] || !strchr(set, text.ptr[i]))
            return false;
    return true;
}

bool log_is_queue_id(struct span text)
{
    return text.len >= QUEUE_ID_MIN && text.len <= QUEUE_ID_MAX &&
           (consists_of(text, "0123456789ABCDEF") ||
            consists_of(text, "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz"));
}

/* "NOQUEUE: " or "A3D61A863DB: " */
static bool take_queue_id(struct span *text, struct span *id_r)
{
    struct span rest = *text, id;

    if (!take_until(&rest, ": ", &id) || !(log_is_queue_id(id) || span_equal(id, SPAN("NOQUEUE"))))
        return false;
    *id_r = id;
    *text = rest;
    return true;
}

static bool is_word(struct span text)
{
    return text.len > 0 && find_first(text, " ") > text.len;
}

/* " NAME=VALUE" where it is next; the value ends at a space or at the end, without postscreen's comma. */
static void take_word_pair(struct span *text, const char *name, struct span *value_r)
{
    if (!take(text, name))
        return;
    size_t end = find_first(*text, " ");
    *value_r = span_to(*text, end > text->len ? text->len : end);
    *text = span_from(*text, value_r->len);
    if (value_r->len > 0 && value_r->ptr[value_r->len - 1] == ',')
        value_r->len--;
}

/* ---- what smtpd refused ---- */

/* " from=<...>" where it is next; false: it is, and does not end. postscreen puts commas between. */
static bool take_angle_pair(struct span *text, const char *name, struct span *value_r)
{
    (void)take(text, ",");
    return !take(text, name) || take_angle(text, value_r);
}

/* The envelope behind the reply's text, to the very end: each part where it is known. */
static bool parse_envelope(struct span text, struct log_line *line)
{
    struct span protocol = { NULL, 0 }, f[LOG_FIELDS];

    memcpy(f, line->field, sizeof f);
    if (!take_angle_pair(&text, " from=", &f[LOG_SENDER]) || !take_angle_pair(&text, " to=", &f[LOG_RECIPIENT]))
        return false;
    (void)take(&text, ",");
    take_word_pair(&text, " proto=", &protocol);
    if (!take_angle_pair(&text, " helo=", &f[LOG_HELO]))
        return false;
    take_word_pair(&text, " sasl_method=", &f[LOG_MECHANISM]);
    take_word_pair(&text, " sasl_username=", &f[LOG_LOGIN_NAME]);
    if (text.len > 0 || protocol.len == 0) /* which is always there */
        return false;
    memcpy(line->field, f, sizeof f);
    return true;
}

/* The reply's text may hold a stranger's words, and so may every part behind it: the first
 * place from which on all is as Postfix writes it. */
static bool parse_reply(struct span text, struct log_line *line)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] == ';' && parse_envelope(span_from(text, i + 1), line)) {
            line->field[LOG_REPLY] = span_to(text, i);
            return true;
        }
    return false;
}

/* "reject: RCPT from client[address]: 554 5.7.1 ...; from=<...> ..." */
static bool parse_reject(struct span text, struct log_line *line)
{
    struct span what, state;

    if (!take_until(&text, ": ", &what) || !is_word(what) || !take_until(&text, " from ", &state) ||
        !is_word(state) || !take_client(&text, ": ", line) || !parse_reply(text, line))
        return false;
    line->field[LOG_STATUS] = what;
    line->field[LOG_STATE] = state;
    line->kind = span_ends_case(what, SPAN("reject")) ? LINE_REJECT : LINE_QUEUE;
    return true;
}

/* "client[address]: SASL PLAIN authentication failed: words, sasl_username=name" */
static bool parse_sasl_failure(struct span text, struct log_line *line)
{
    static const char failed[] = " authentication failed: ", user[] = ", sasl_username=";
    struct span *f = line->field;

    if (!take_client(&text, ": SASL ", line) || !take_until(&text, failed, &f[LOG_MECHANISM]))
        return false;
    size_t at = find_last(text, user);
    f[LOG_REASON] = span_to(text, at < text.len ? at : text.len);
    if (at < text.len)
        f[LOG_LOGIN_NAME] = span_from(text, at + strlen(user));
    line->kind = LINE_SASL_FAILED;
    return true;
}

/* ---- a queue file's life ---- */

/* "client=name[address], sasl_method=PLAIN, sasl_username=name" */
static bool parse_accepted(struct span text, struct log_line *line)
{
    struct span *f = line->field;

    if (!take(&text, "client=") || !(take_client(&text, ", ", line) || take_client(&text, "", line)))
        return false;
    if (take(&text, "sasl_method=") && take_until(&text, ", ", &f[LOG_MECHANISM]) &&
        take(&text, "sasl_username=")) {
        size_t at = find_last(text, ", sasl_sender=");
        f[LOG_LOGIN_NAME] = span_to(text, at < text.len ? at : text.len);
    }
    line->kind = LINE_ACCEPTED;
    return true;
}

/* "from=<a@b>, size=212, nrcpt=1 (queue active)" */
static bool parse_queued(struct span text, struct log_line *line)
{
    struct span *f = line->field;

    if (!take(&text, "from=") || !take_angle(&text, &f[LOG_SENDER]) || !take(&text, ", size=") ||
        !take_until(&text, ", nrcpt=", &f[LOG_SIZE]) || !take_until(&text, " ", &f[LOG_RECIPIENTS]))
        return false;
    line->kind = LINE_QUEUED;
    return true;
}

/* "to=<a@b>, orig_to=<c@d>, relay=none, delay=0, delays=..., dsn=2.0.0, status=sent (words)" */
static bool parse_delivery(struct span text, struct log_line *line)
{
    struct span other, *f = line->field;

    if (!take(&text, "to=") || !take_angle(&text, &f[LOG_RECIPIENT]) || !take(&text, ", "))
        return false;
    if (take(&text, "orig_to=") && (!take_angle(&text, &other) || !take(&text, ", ")))
        return false;
    if (!take_until(&text, ", status=", &other))
        return false;
    if (!take_until(&text, " (", &f[LOG_STATUS])) {
        f[LOG_STATUS] = text;
        text.len = 0;
    }
    f[LOG_REASON] = span_to(text, text.len > 0 ? text.len - 1 : 0);
    line->kind = LINE_DELIVERY;
    return true;
}

static void parse_queue_event(struct span text, struct log_line *line)
{
    line->kind = LINE_QUEUE;
    line->field[LOG_EVENT] = text;
    if (span_equal(text, SPAN("removed")) || span_begins(text, "removed ("))
        line->kind = LINE_REMOVED;
    else if (!parse_accepted(text, line) && !parse_queued(text, line))
        (void)parse_delivery(text, line);
}

void log_parse_postfix(struct span text, struct log_line *line)
{
    struct span rest = text;

    if (take(&rest, "warning: ") && parse_sasl_failure(rest, line))
        return;
    if (!take_queue_id(&text, &line->field[LOG_QUEUE_ID]))
        return;
    if (parse_reject(text, line))
        line->field[LOG_EVENT] = text;
    else if (!span_equal(line->field[LOG_QUEUE_ID], SPAN("NOQUEUE")))
        parse_queue_event(text, line);
}

/* ---- the reply's text ---- */

/* Equal, quotes and backslashes aside: in a reply an address stands unquoted. */
static bool take_loosely(struct span *text, struct span value)
{
    size_t i = 0;

    for (size_t k = 0; k < value.len; k++) {
        if (i < text->len && text->ptr[i] == value.ptr[k])
            i++;
        else if (value.ptr[k] != '"' && value.ptr[k] != '\\')
            return false;
    }
    *text = span_from(*text, i);
    return true;
}

struct span log_line_reply_text(const struct log_line *line, const char **list_r)
{
    static const struct {
        const char *before, *after; /* around the field; what Postfix says stands behind */
        enum log_field field;
        const char *list;
    } forms[] = {
        { "<", ">: Helo command rejected: ", LOG_HELO, "helo" },
        { "<", ">: Sender address rejected: ", LOG_SENDER, "sender" },
        { "<", ">: Recipient address rejected: ", LOG_RECIPIENT, "recipient" },
        { "<", ">: Relay access denied", LOG_RECIPIENT, NULL },
        { "<DATA", ">: Data command rejected: ", LOG_FIELDS, "data" },
        { "<END-OF-MESSAGE", ">: End-of-data rejected: ", LOG_FIELDS, "end-of-data" },
        { "<", ">: Client host rejected: ", LOG_CLIENT_NAME, "client" },
    };
    struct span reply = line->field[LOG_REPLY], word, text;

    *list_r = NULL;
    if (line->kind == LINE_SASL_FAILED)
        return line->field[LOG_REASON];
    if (!take_until(&reply, " ", &word) || !take_until(&reply, " ", &word))
        return line->field[LOG_REPLY];
    for (size_t i = 0; line->kind == LINE_REJECT && i < sizeof forms / sizeof *forms; i++) {
        text = reply;
        if (!take(&text, forms[i].before) ||
            (forms[i].field < LOG_FIELDS && !take_loosely(&text, line->field[forms[i].field])))
            continue;
        if (forms[i].field == LOG_CLIENT_NAME &&
            !(take(&text, "[") && take_loosely(&text, line->field[LOG_CLIENT]) && take(&text, "]")))
            continue;
        if (take(&text, forms[i].after)) {
            *list_r = forms[i].list;
            return text.len > 0 ? text : SPAN("Relay access denied");
        }
    }
    return reply;
}
