/* SPDX-License-Identifier: MIT */
/*
 * One message as a log tells of it: queue.c collects and asks Postern's checks,
 * queue_print.c shows it.  Layer 9.
 */
#ifndef POSTERN_QUEUE_H
#define POSTERN_QUEUE_H

#include "policyctl/arena.h"
#include "policyctl/explain/explanation.h"

/* A list can have thousands of recipients, each with a line or more. */
enum { EVENTS_MAX = 5000 };

struct event {
    struct event *next;
    struct log_line line;
};

/* One message; lines and texts live in the arena. */
struct message {
    struct arena *arena;
    struct span id;
    struct event *first, *last;
    size_t events;
    bool removed, reused, cut; /* reused: an earlier message had the same ID */
    const struct log_line *accepted, *queued,
        *recipient;                           /* NULL: not in the log; recipient: the first delivery */
    const struct log_line *decision, *reject; /* policyd's and smtpd's: the last */
    size_t sent, deferred, bounced;
};

/* What is counted in state.db of a finding like this one. */
struct seen {
    const char *check;
    uint64_t count, arrived;
    int64_t last;
};

struct message_answer {
    struct decision decision; /* of the message as far as the log knows it, today */
    struct seen seen[CHECK_COUNT];
    struct explanation *refusal; /* of its last refused command; NULL: none */
};

/* The check objects to it, whether that refuses or is only observed. */
static inline bool finding_objects(const struct finding *f)
{
    return f->verdict == VERDICT_REFUSE && f->mode != MODE_OFF;
}

static inline struct span field_of(const struct log_line *line, enum log_field field)
{
    return line ? line->field[field] : (struct span){ NULL, 0 };
}

static inline struct span either(struct span a, struct span b)
{
    return a.ptr ? a : b;
}

static inline struct span sender_of(const struct message *m)
{
    return either(field_of(m->queued, LOG_SENDER),
                  either(field_of(m->decision, LOG_SENDER), field_of(m->reject, LOG_SENDER)));
}

void message_print(const struct message *, const struct message_answer *);
void message_json(const struct message *, const struct message_answer *);

#endif
