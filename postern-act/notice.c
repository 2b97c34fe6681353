/* SPDX-License-Identifier: MIT */
#include "postern-act/notice.h"

#include <stdio.h>
#include <time.h>

#include "lib/message_text.h"

enum { SUBJECT_MAX = 2048, BODY_MAX = 65536, DATE_MAX = 64, WIDTH = 76 };

/* "2027-01-31 00:00", local time; empty where there is none. */
static const char *date(const char *seconds, char text_r[static DATE_MAX])
{
    uint64_t number;
    struct tm tm;
    time_t t;

    text_r[0] = '\0';
    if (str_number(span_of(seconds), 0, INT64_MAX, &number) != OK)
        return text_r;
    t = (time_t)number;
    if (!localtime_r(&t, &tm) || strftime(text_r, DATE_MAX, "%Y-%m-%d %H:%M", &tm) == 0)
        text_r[0] = '\0';
    return text_r;
}

static bool is_ascii(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text >= 0x80)
            return false;
    return true;
}

/* Who is not in ASCII is told too, but without SMTPUTF8 no header can say so. */
static void write_recipients(const struct notice *n, FILE *out)
{
    const char *between = "To: ";

    for (size_t i = 0; i < n->recipients; i++)
        if (is_ascii(n->to[i])) {
            fprintf(out, "%s%s", between, n->to[i]);
            between = ",\n ";
        }
    fputs(*between == 'T' ? "To: undisclosed-recipients:;\n" : "\n", out);
}

static void write_header(const struct notice *n, const struct task *t, const char *subject, FILE *out)
{
    char text[DATE_MAX] = "";
    time_t now = (time_t)n->now;
    struct tm tm;

    fprintf(out, "From: Postern <%s>\n", n->from);
    write_recipients(n, out);
    fputs("Subject: ", out);
    message_header(subject, out);
    if (localtime_r(&now, &tm) && strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S %z", &tm) > 0)
        fprintf(out, "Date: %s\n", text);
    fprintf(out, "Message-ID: <event.%lld.%lld@%s>\n", (long long)t->id, (long long)t->time, n->host);
    fputs("Auto-Submitted: auto-generated\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
          "Content-Transfer-Encoding: 8bit\n\n",
          out);
}

static void fill(const struct notice *n, const struct task *t, const struct template *template,
                 struct strbuf *subject, struct strbuf *body)
{
    const char *value[TEMPLATE_VALUES];
    char time_text[DATE_MAX], until[DATE_MAX], held_back[24] = "";
    struct strbuf b;

    for (unsigned i = 0; i < EVENT_COLUMNS; i++)
        value[i] = t->column[i];
    value[EVENT_TIME] = date(t->column[EVENT_TIME], time_text);
    value[EVENT_UNTIL] = date(t->column[EVENT_UNTIL], until);
    value[TEMPLATE_DOMAIN] = t->domain;
    value[TEMPLATE_HOST] = n->host;
    value[TEMPLATE_QUEUED] = t->queued;
    value[TEMPLATE_HELD_BACK] = held_back;
    strbuf_init(&b, held_back, sizeof held_back);
    if (n->held_back > 0)
        strbuf_addu(&b, n->held_back);
    template_fill(template, t->kind, value, subject, body);
}

char *notice_text(const struct notice *n, const struct task *t, const struct template *template)
{
    static char subject_text[SUBJECT_MAX], body_text[BODY_MAX];
    struct strbuf subject, body;
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        return NULL;
    strbuf_init(&subject, subject_text, sizeof subject_text);
    strbuf_init(&body, body_text, sizeof body_text);
    fill(n, t, template, &subject, &body);
    write_header(n, t, subject_text, out);
    message_wrap(body_text, WIDTH, out);
    return fclose(out) == 0 ? text : NULL;
}
