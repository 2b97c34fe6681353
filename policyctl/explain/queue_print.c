/* SPDX-License-Identifier: MIT */
#include "policyctl/explain/queue.h"

#include <inttypes.h>
#include <stdio.h>

#include "policyctl/date.h"
#include "policyctl/table.h"

enum { LABEL_WIDTH = 14, TEXT_MAX = LOG_TEXT_MAX + 64 };

/* ---- for people ---- */

static void print_span(const char *label, struct span value)
{
    if (value.len > 0)
        table_paragraph(label, LABEL_WIDTH, explanation_text(value));
}

static void print_fate(const struct message *m)
{
    char text[160];
    struct strbuf b;

    strbuf_init(&b, text, sizeof text);
    if (!m->queued && m->reject)
        strbuf_adds(&b, "none: the message was refused before it was queued");
    else {
        strbuf_addf(&b, "%zu sent, %zu deferred, %zu bounced", m->sent, m->deferred, m->bounced);
        strbuf_adds(&b, m->removed ? "; no longer in the queue"
                                   : "; still in the queue, as far as this log tells");
    }
    table_paragraph("deliveries", LABEL_WIDTH, text);
}

static void print_head(const struct message *m)
{
    struct span sender = sender_of(m);

    print_span("message", m->id);
    print_span("client", field_of(m->accepted, LOG_CLIENT));
    print_span("login", field_of(m->accepted, LOG_LOGIN_NAME));
    print_span("sender", sender.ptr && sender.len == 0 ? SPAN("<>") : sender);
    print_span("size", field_of(m->queued, LOG_SIZE));
    print_span("recipients", field_of(m->queued, LOG_RECIPIENTS));
    print_fate(m);
    if (m->reused)
        puts("An earlier message in this log had the same queue ID; this is the last.");
}

static void print_events(const struct message *m)
{
    char text[TEXT_MAX];

    for (const struct event *e = m->first; e; e = e->next) {
        const struct span *f = e->line.field;
        char time[64];
        struct strbuf b;
        if (str_copy(f[LOG_TIME], time, sizeof time) != OK)
            time[0] = '\0';
        strbuf_init(&b, text, sizeof text);
        strbuf_add(&b, f[LOG_PROGRAM]);
        strbuf_adds(&b, ": ");
        if (e->line.kind == LINE_DECISION) {
            strbuf_add(&b, f[LOG_STATUS]);
            if (f[LOG_OBSERVED].len > 0)
                strbuf_adds(&b, ", would be refused by ");
            strbuf_add(&b, f[LOG_OBSERVED]);
        } else
            strbuf_add(&b, f[LOG_EVENT]);
        table_paragraph(time, 15, text);
    }
    if (m->cut)
        printf("... and more: the first %d lines are shown\n", EVENTS_MAX);
}

static void print_finding(const struct finding *f, const struct seen *s, const char *name)
{
    char text[TEXT_MAX], date[DATE_TEXT_MAX];
    struct strbuf b;

    strbuf_init(&b, text, sizeof text);
    strbuf_addf(&b, "%s (%s)",
                f->mode == MODE_ENFORCE ? "would be refused today" : "would be refused if it were enforced",
                f->cause);
    if (*f->row)
        strbuf_addf(&b, ": %s", f->row);
    table_paragraph(name, LABEL_WIDTH, text);
    strbuf_init(&b, text, sizeof text);
    if (s->count > 0) {
        date_text(s->last, date);
        strbuf_addf(&b, "seen of %s %" PRIu64 " times, %" PRIu64 " of them mail that arrived, last %s",
                    f->subject, s->count, s->arrived, date);
    } else
        strbuf_addf(&b, "nothing like it is recorded of %s", f->subject);
    table_paragraph("", LABEL_WIDTH, text);
}

static void print_checks(const struct message_answer *a)
{
    bool any = false;

    puts("\nWhat Postern's checks say of it today");
    for (unsigned id = 0; id < CHECK_COUNT; id++)
        if (finding_objects(&a->decision.finding[id])) {
            print_finding(&a->decision.finding[id], &a->seen[id], check_infos[id].name);
            any = true;
        }
    if (!any)
        puts("nothing: it would pass");
}

void message_print(const struct message *m, const struct message_answer *a)
{
    print_head(m);
    putchar('\n');
    print_events(m);
    if (a->refusal) {
        puts("\nIts last refusal");
        explanation_print(a->refusal);
    }
    print_checks(a);
}

/* ---- for programs ---- */

static void json_span(struct json *j, const char *key, struct span value)
{
    json_text(j, key, value.ptr ? explanation_text(value) : NULL);
}

static void json_events(const struct message *m, struct json *j)
{
    json_open(j, "events", '[');
    for (const struct event *e = m->first; e; e = e->next) {
        json_open(j, NULL, '{');
        json_text(j, "kind", line_kind_name(e->line.kind));
        json_span(j, "time", e->line.field[LOG_TIME]);
        json_span(j, "program", e->line.field[LOG_PROGRAM]);
        json_span(j, "recipient", e->line.field[LOG_RECIPIENT]);
        json_span(j, "status", e->line.field[LOG_STATUS]);
        json_span(j, "event", e->line.field[LOG_EVENT]);
        json_close(j, '}');
    }
    json_close(j, ']');
}

static void json_checks(const struct message_answer *a, struct json *j)
{
    json_open(j, "checks", '[');
    for (unsigned id = 0; id < CHECK_COUNT; id++) {
        const struct finding *f = &a->decision.finding[id];
        if (!finding_objects(f))
            continue;
        json_open(j, NULL, '{');
        json_text(j, "check", check_infos[id].name);
        json_text(j, "mode", mode_name(f->mode));
        json_text(j, "cause", f->cause);
        json_text(j, "subject", f->subject);
        json_text(j, "row", *f->row ? f->row : NULL);
        json_number(j, "count", (int64_t)a->seen[id].count);
        json_number(j, "delivered", (int64_t)a->seen[id].arrived);
        json_close(j, '}');
    }
    json_close(j, ']');
}

void message_json(const struct message *m, const struct message_answer *a)
{
    struct json json = { .out = stdout }, *j = &json;

    json_open(j, NULL, '{');
    json_span(j, "queue_id", m->id);
    json_span(j, "client", field_of(m->accepted, LOG_CLIENT));
    json_span(j, "login", field_of(m->accepted, LOG_LOGIN_NAME));
    json_span(j, "sender", sender_of(m));
    json_number_text(j, "size", explanation_text(field_of(m->queued, LOG_SIZE)));
    json_number_text(j, "recipients", explanation_text(field_of(m->queued, LOG_RECIPIENTS)));
    json_number(j, "sent", (int64_t)m->sent);
    json_number(j, "deferred", (int64_t)m->deferred);
    json_number(j, "bounced", (int64_t)m->bounced);
    json_flag(j, "removed", m->removed);
    json_flag(j, "reused", m->reused);
    json_events(m, j);
    if (a->refusal)
        explanation_json(a->refusal, j, "refusal");
    json_checks(a, j);
    json_close(j, '}');
}
