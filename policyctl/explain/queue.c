/* SPDX-License-Identifier: MIT */
/* policyctl explain --queue-id: all that a log tells of one message, and what Postern's checks say of it. */
#include <stdlib.h>

#include "policyctl/decide.h"
#include "policyctl/explain/log_parse.h"
#include "policyctl/explain/queue.h"
#include "policyctl/explain/read_log.h"

/* ---- collecting ---- */

static void restart(struct message *m)
{
    struct message fresh = { .arena = m->arena, .id = m->id, .reused = true };

    *m = fresh;
}

static void note(struct message *m, const struct log_line *line)
{
    switch (line->kind) {
    case LINE_ACCEPTED:
        m->accepted = line;
        break;
    case LINE_QUEUED:
        m->queued = line;
        break;
    case LINE_DECISION:
        m->decision = line;
        break;
    case LINE_REJECT:
        m->reject = line;
        break;
    case LINE_DELIVERY:
        if (!m->recipient)
            m->recipient = line;
        m->sent += span_equal(line->field[LOG_STATUS], SPAN("sent"));
        m->bounced += span_equal(line->field[LOG_STATUS], SPAN("bounced"));
        m->deferred += span_equal(line->field[LOG_STATUS], SPAN("deferred"));
        break;
    case LINE_REMOVED:
        m->removed = true;
        break;
    default:
        break;
    }
}

static enum status add_event(struct message *m, const char *text, size_t len)
{
    if (m->events == EVENTS_MAX) {
        m->cut = true;
        return STATUS_DONE;
    }
    struct event *event = arena_get(m->arena, sizeof *event);
    char *copy = arena_get(m->arena, len + 1);
    if (!event || !copy)
        return fail(STATUS_UNREACHABLE, "out of memory");
    memcpy(copy, text, len);
    log_line_parse(copy, len, &event->line);
    *(m->last ? &m->last->next : &m->first) = event;
    m->last = event;
    m->events++;
    note(m, &event->line);
    return STATUS_DONE;
}

static enum status consider(struct message *m, const char *text, size_t len, struct log_entry *work)
{
    if (!memmem(text, len, m->id.ptr, m->id.len))
        return STATUS_DONE;
    log_entry_set(work, text, len);
    if (!span_equal(work->line.field[LOG_QUEUE_ID], m->id))
        return STATUS_DONE;
    if (m->removed && work->line.kind != LINE_DELIVERY)
        restart(m);
    return add_event(m, text, len);
}

static enum status collect(const char *path, struct message *m)
{
    struct log_entry *work = arena_get(m->arena, sizeof *work);
    char *text = arena_get(m->arena, LOG_TEXT_MAX + 1);
    struct log_file file;
    enum status status;
    size_t len;

    if (!work || !text)
        return fail(STATUS_UNREACHABLE, "out of memory");
    if ((status = log_file_open(path, &file)) != STATUS_DONE)
        return status;
    while (status == STATUS_DONE && log_file_next(&file, text, &len))
        status = consider(m, text, len, work);
    status = log_file_close(&file, status);
    if (status == STATUS_DONE && m->events == 0)
        return fail(STATUS_FAILED,
                    "%s says nothing of %.*s: what is refused before it is queued is logged as NOQUEUE, "
                    "without an ID; "
                    "older logs: zcat FILE | policyctl explain --queue-id %.*s --log -",
                    file.name, (int)m->id.len, m->id.ptr, (int)m->id.len, m->id.ptr);
    return status;
}

/* ---- what the checks say ---- */

static enum status decide_message(const struct ctl *ctl, const struct message *m, struct decision *decision_r)
{
    static struct request q;

    memset(&q, 0, sizeof q);
    q.attr[ATTR_PROTOCOL_STATE] = SPAN("RCPT");
    q.attr[ATTR_CLIENT_ADDRESS] =
        either(field_of(m->accepted, LOG_CLIENT), field_of(m->decision, LOG_CLIENT));
    q.attr[ATTR_HELO_NAME] = either(field_of(m->decision, LOG_HELO), field_of(m->reject, LOG_HELO));
    q.attr[ATTR_SENDER] = sender_of(m);
    q.attr[ATTR_RECIPIENT] =
        either(field_of(m->recipient, LOG_RECIPIENT), field_of(m->decision, LOG_RECIPIENT));
    q.attr[ATTR_SASL_USERNAME] =
        either(field_of(m->accepted, LOG_LOGIN_NAME), field_of(m->decision, LOG_LOGIN_NAME));
    request_prepare(&q, ctl->config);
    return decide(ctl, &q, decision_r);
}

static bool seen_fn(const struct row *row, void *context)
{
    struct seen *s = context;

    if (!row->column[1] || strcmp(row->column[1], s->check) != 0)
        return true;
    s->count += strtoull(row->column[7] ? row->column[7] : "", NULL, 10);
    s->arrived += strtoull(row->column[8] ? row->column[8] : "", NULL, 10);
    int64_t last = strtoll(row->column[10] ? row->column[10] : "", NULL, 10);
    if (last > s->last)
        s->last = last;
    return true;
}

static enum status count_seen(const struct ctl *ctl, const struct decision *d,
                              struct seen seen_r[CHECK_COUNT])
{
    struct store *store = NULL;
    enum status status = STATUS_DONE;

    memset(seen_r, 0, CHECK_COUNT * sizeof *seen_r);
    for (unsigned id = 0; id < CHECK_COUNT && status == STATUS_DONE; id++) {
        const char *subject = d->finding[id].subject;
        seen_r[id].check = check_infos[id].name;
        if (!finding_objects(&d->finding[id]))
            continue;
        if (!store)
            status = open_state(ctl, &store);
        if (status == STATUS_DONE &&
            store_query(store, QUERY_OBSERVATIONS_OF, &subject, 1, seen_fn, &seen_r[id]) == TRY_AGAIN)
            status = fail(STATUS_UNREACHABLE, "%s: cannot be read now: try again", ctl->config->state_db);
    }
    store_close(&store);
    return status;
}

/* ---- the whole ---- */

static enum status explain_message(struct ctl *ctl, const struct args *a, const struct message *m)
{
    static struct message_answer answer;
    static struct explanation refusal;
    enum status status = decide_message(ctl, m, &answer.decision);

    if (status == STATUS_DONE)
        status = count_seen(ctl, &answer.decision, answer.seen);
    if (status == STATUS_DONE && m->reject) {
        status = explanation_make(ctl, m->reject, m->accepted, &refusal);
        answer.refusal = &refusal;
    }
    if (status == STATUS_DONE)
        (a->option[OPT_JSON] ? message_json : message_print)(m, &answer);
    return status;
}

enum status explain_queue(struct ctl *ctl, const struct args *a)
{
    const char *id = a->option[OPT_QUEUE_ID];
    struct message m = { .id = span_of(id) };
    enum status status;

    if (!log_is_queue_id(m.id))
        return fail(STATUS_INPUT,
                    "'%s' is no queue ID, as it stands in a log in front of \": client=\"", id);
    m.arena = arena_open();
    if (!m.arena)
        return fail(STATUS_UNREACHABLE, "out of memory");
    status = collect(a->option[OPT_LOG], &m);
    if (status == STATUS_DONE)
        status = explain_message(ctl, a, &m);
    arena_close(&m.arena);
    return status;
}
