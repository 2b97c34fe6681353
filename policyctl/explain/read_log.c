/* SPDX-License-Identifier: MIT */
#include "policyctl/explain/read_log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "policyctl/explain/explanation.h"
#include "policyctl/explain/log_parse.h"

/* Lines of policyd and of the driver come shortly before those of Postfix and of the login process. */
enum { COMPANIONS = 64 };

/* ---- the file ---- */

/* By its first octet, which no line of a log begins with. */
static bool is_compressed(FILE *in)
{
    int c = getc(in);

    return ungetc(c, in) == 0x1f || c == 0xfd; /* gzip, xz */
}

enum status log_file_open(const char *path, struct log_file *file_r)
{
    bool input = strcmp(path, "-") == 0;

    *file_r = (struct log_file){ .opened = input ? NULL : fopen(path, "re"),
                                 .name = input ? "standard input" : path };
    file_r->in = input ? stdin : file_r->opened;
    if (!file_r->in)
        return fail(STATUS_FAILED, "%s: %s", path, strerror(errno));
    if (input && isatty(STDIN_FILENO))
        return fail(STATUS_INPUT,
                    "no log on standard input: policyctl explain --log FILE, or a pipe into --log -");
    if (is_compressed(file_r->in))
        return log_file_close(file_r, fail(STATUS_INPUT, "%s is compressed: zcat FILE | policyctl explain --log -",
                                           file_r->name));
    return STATUS_DONE;
}

enum status log_file_close(struct log_file *file, enum status status)
{
    bool bad = file->in && ferror(file->in);

    if (file->opened)
        fclose(file->opened);
    file->in = file->opened = NULL;
    return bad ? fail(STATUS_FAILED, "%s: cannot be read", file->name) : status;
}

bool log_file_next(struct log_file *file, char text_r[static LOG_TEXT_MAX + 1], size_t *len_r)
{
    size_t len = 0;
    int c;

    while ((c = getc_unlocked(file->in)) != EOF && c != '\n')
        if (len < LOG_TEXT_MAX)
            text_r[len++] = c ? (char)c : '?';
    text_r[len] = '\0';
    *len_r = len;
    return c != EOF || len > 0;
}

void log_entry_set(struct log_entry *entry, const char *text, size_t len)
{
    if (len > LOG_TEXT_MAX)
        len = LOG_TEXT_MAX;
    memcpy(entry->text, text, len);
    entry->text[len] = '\0';
    entry->len = len;
    log_line_parse(entry->text, len, &entry->line);
}

/* ---- which line matters ---- */

enum weight { WEIGHT_NONE, WEIGHT_TELLS, WEIGHT_REFUSES };

static bool status_is(const struct log_line *line, const char *status)
{
    return span_equal(line->field[LOG_STATUS], span_of(status));
}

static enum weight weigh(const struct log_line *line)
{
    switch (line->kind) {
    case LINE_REJECT:
    case LINE_SASL_FAILED:
        return WEIGHT_REFUSES;
    case LINE_LOGIN:
        return WEIGHT_TELLS;
    case LINE_LOGIN_FAILED:
        return status_is(line, "no login") ? WEIGHT_TELLS : WEIGHT_REFUSES;
    case LINE_DRIVER:
        return status_is(line, "observed") ? WEIGHT_TELLS : WEIGHT_REFUSES;
    case LINE_DECISION:
        return status_is(line, "pass") ? WEIGHT_TELLS : WEIGHT_REFUSES;
    case LINE_DELIVERY:
        return status_is(line, "sent") ? WEIGHT_TELLS : WEIGHT_REFUSES;
    default:
        return WEIGHT_NONE;
    }
}

/* policyd's reply without its code: "554 5.7.1 text", "REJECT text". */
static struct span words_of(struct span reply)
{
    struct span rest = reply, word;

    if (take(&rest, "REJECT "))
        return rest;
    return take_until(&rest, " ", &word) && take_until(&rest, " ", &word) ? rest : reply;
}

static bool same(const struct log_line *a, const struct log_line *b, enum log_field field)
{
    return span_equal(a->field[field], b->field[field]);
}

/* policyd refused in just these words what Postfix then did. */
static bool is_decision_of(const struct log_line *reject, const struct log_line *decision)
{
    const char *list;

    return decision->kind == LINE_DECISION && status_is(decision, "refuse") && same(reject, decision, LOG_STATE) &&
           same(reject, decision, LOG_RECIPIENT) &&
           span_equal(log_line_reply_text(reject, &list), words_of(decision->field[LOG_REPLY]));
}

/* One event in the words of two programs. */
static bool is_companion(const struct log_line *line, const struct log_line *other)
{
    if (!same(line, other, LOG_CLIENT))
        return false;
    if (line->kind == LINE_REJECT)
        return is_decision_of(line, other);
    if (other->kind != LINE_DRIVER || !(line->kind == LINE_LOGIN_FAILED || line->kind == LINE_SASL_FAILED))
        return false;
    return same(line, other, LOG_SESSION) && (line->field[LOG_SESSION].len > 0 || same(line, other, LOG_LOGIN_NAME));
}

struct search {
    struct log_entry last, ring[COMPANIONS];
    size_t next; /* of the ring: the oldest */
    enum weight weight;
};

static void consider(struct search *s, const char *text, size_t len, struct log_entry *work)
{
    log_entry_set(work, text, len);
    enum weight weight = weigh(&work->line);

    if (weight == WEIGHT_NONE)
        return;
    if (weight >= s->weight) {
        s->weight = weight;
        log_entry_set(&s->last, text, len);
    }
    if (work->line.kind == LINE_DRIVER || work->line.kind == LINE_DECISION) {
        log_entry_set(&s->ring[s->next], text, len);
        s->next = (s->next + 1) % COMPANIONS;
    }
}

static const struct log_line *companion(const struct search *s)
{
    for (size_t i = 1; i <= COMPANIONS; i++) {
        const struct log_line *other = &s->ring[(s->next + COMPANIONS - i) % COMPANIONS].line;
        if (other->kind != LINE_OTHER && is_companion(&s->last.line, other))
            return other;
    }
    return NULL;
}

static enum status conclude(struct ctl *ctl, const struct args *a, const struct search *s)
{
    static struct explanation e;
    struct json json = { .out = stdout };
    enum status status = explanation_make(ctl, &s->last.line, companion(s), &e);

    if (status == STATUS_DONE && a->option[OPT_JSON])
        explanation_json(&e, &json, NULL);
    else if (status == STATUS_DONE)
        explanation_print(&e);
    return status;
}

/* Lines that were pasted as one argument. */
static void consider_text(struct search *s, const char *text, struct log_entry *work)
{
    for (const char *end; *text; text = *end ? end + 1 : end) {
        end = text + strcspn(text, "\n");
        consider(s, text, (size_t)(end - text), work);
    }
}

static enum status explain_found(struct ctl *ctl, const struct args *a, struct search *s, struct log_entry *work,
                                 char text[static LOG_TEXT_MAX + 1])
{
    const char *line = a->option[OPT_LOG_LINE], *path = line ? "-" : a->option[OPT_LOG];
    enum status status = STATUS_DONE;
    struct log_file file;
    size_t len;

    if (line && strcmp(line, "-") != 0)
        consider_text(s, line, work);
    else if ((status = log_file_open(path, &file)) == STATUS_DONE) {
        while (log_file_next(&file, text, &len))
            consider(s, text, len, work);
        status = log_file_close(&file, status);
    }
    if (status == STATUS_DONE && s->weight == WEIGHT_NONE)
        status =
            fail(STATUS_INPUT,
                 "no line of Postfix, Dovecot or policyd that tells of a refusal, a login or a delivery");
    return status == STATUS_DONE ? conclude(ctl, a, s) : status;
}

enum status explain_last(struct ctl *ctl, const struct args *a)
{
    struct search *s = calloc(1, sizeof *s);
    struct log_entry *work = calloc(1, sizeof *work);
    char *text = malloc(LOG_TEXT_MAX + 1);
    enum status status = s && work && text ? explain_found(ctl, a, s, work, text)
                                           : fail(STATUS_UNREACHABLE, "out of memory");

    free(text);
    free(work);
    free(s);
    return status;
}
