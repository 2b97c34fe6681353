/* SPDX-License-Identifier: MIT */
/* A readiness report for programs: JSON and CSV. */
#include <inttypes.h>
#include <stdio.h>

#include "lib/login_event.h"
#include "policyctl/date.h"
#include "policyctl/json.h"
#include "policyctl/readiness/readiness.h"

static void number(struct json *j, const char *key, uint64_t value)
{
    json_number(j, key, value > INT64_MAX ? INT64_MAX : (int64_t)value);
}

/* null where it does not apply or is not known */
static void text(struct json *j, const char *key, const char *value)
{
    json_text(j, key, *value ? value : NULL);
}

static void evidence_object(struct json *j, const struct evidence *e)
{
    json_open(j, NULL, '{');
    text(j, "cause", e->cause);
    text(j, "service", e->service);
    text(j, "mechanism", e->mechanism);
    if (e->port)
        number(j, "port", e->port);
    else
        json_text(j, "port", NULL);
    text(j, "server_name", e->server_name);
    text(j, "client", e->client);
    text(j, "envelope_sender", e->envelope_sender);
    number(j, "count", e->count);
    number(j, "delivered", e->delivered);
    json_number(j, "first_seen", e->first_seen);
    json_number(j, "last_seen", e->last_seen);
    json_flag(j, "refused", e->refused);
    text(j, "sample", e->sample);
    json_close(j, '}');
}

/* with_standing: not of a habit, which no check refuses */
static void subject_array(struct json *j, const char *key, const struct subject *subject, size_t count,
                          bool with_standing)
{
    json_open(j, key, '[');
    for (size_t i = 0; i < count; i++) {
        const struct subject *s = &subject[i];
        json_open(j, NULL, '{');
        json_text(j, "subject", s->name);
        json_text(j, "kind", subject_kind_name(s->kind));
        if (with_standing)
            json_text(j, "standing", standing_name(s->standing));
        if (s->until)
            json_number(j, "until", s->until);
        number(j, "count", s->count);
        number(j, "delivered", s->delivered);
        json_number(j, "last_seen", s->last_seen);
        json_open(j, "causes", '[');
        for (size_t k = 0; k < s->evidences; k++)
            evidence_object(j, &s->evidence[k]);
        json_close(j, ']');
        json_close(j, '}');
    }
    json_close(j, ']');
}

static void check_object(struct json *j, const struct check_report *c)
{
    json_open(j, NULL, '{');
    json_text(j, "check", check_infos[c->id].name);
    json_text(j, "mode", mode_name(c->mode));
    json_text(j, "verdict", conclusion_name(c->conclusion));
    json_open(j, "reasons", '[');
    for (size_t i = 0; i < c->reasons; i++)
        json_text(j, NULL, c->reason[i]);
    json_close(j, ']');
    for (unsigned s = 0; s < STANDINGS; s++)
        number(j, standing_name((enum standing)s), c->standing[s]);
    number(j, "mail_lost", c->delivered);
    number(j, "mail_refused", c->refused);
    json_number(j, "shed_s", c->shed_s);
    subject_array(j, "subjects", c->subject, c->subjects, true);
    json_close(j, '}');
}

static void moment_object(struct json *j, const struct moment *m)
{
    json_open(j, NULL, '{');
    json_number(j, "start", m->start);
    number(j, "accepted", m->accepted);
    number(j, "refused", m->refused);
    number(j, "lost", m->lost);
    json_open(j, "logins", '{');
    for (unsigned i = 0; i < LOGIN_KINDS; i++)
        if (m->logins[i])
            number(j, login_security_names[i], m->logins[i]);
    json_close(j, '}');
    json_open(j, "checks", '{');
    for (unsigned i = 0; i < CHECK_COUNT; i++) {
        if (!m->check[i].observed && !m->check[i].delivered && !m->check[i].refused)
            continue;
        json_open(j, check_infos[i].name, '{');
        number(j, "observed", m->check[i].observed);
        number(j, "delivered", m->check[i].delivered);
        number(j, "refused", m->check[i].refused);
        json_close(j, '}');
    }
    json_close(j, '}');
    json_close(j, '}');
}

static void exception_array(struct json *j, const struct readiness *r)
{
    json_open(j, "exceptions", '[');
    for (size_t i = 0; i < r->exceptions; i++) {
        json_open(j, NULL, '{');
        json_text(j, "scope", r->exception[i].scope);
        json_text(j, "check", check_infos[r->exception[i].id].name);
        json_text(j, "mode", mode_name(r->exception[i].mode));
        if (r->exception[i].until)
            json_number(j, "until", r->exception[i].until);
        else
            json_text(j, "until", NULL);
        json_close(j, '}');
    }
    json_close(j, ']');
}

void readiness_json(const struct readiness *r, unsigned check)
{
    struct json out = { .out = stdout }, *j = &out;

    json_open(j, NULL, '{');
    json_text(j, "host", r->host);
    text(j, "domain", r->scope);
    json_number(j, "since", r->since);
    json_number(j, "until", r->until);
    number(j, "accounts", r->accounts);
    number(j, "connected", r->connected);
    number(j, "accepted", r->accepted);
    number(j, "lost", r->lost);
    json_open(j, "checks", '[');
    for (size_t id = 0; id < CHECK_COUNT; id++)
        if (check == CHECK_COUNT || check == id)
            check_object(j, &r->check[id]);
    json_close(j, ']');
    json_open(j, "notes", '{');
    for (unsigned id = 0; id < HABITS; id++)
        subject_array(j, habit_name((enum habit_id)id), r->habit[id].subject, r->habit[id].subjects, false);
    text(j, "old_name", r->old_name);
    json_flag(j, "smtp_server_name_known", !r->smtp_name_unknown);
    json_close(j, '}');
    exception_array(j, r);
    number(j, "step", r->step_s);
    json_open(j, "moments", '[');
    for (size_t i = 0; i < r->moments; i++)
        moment_object(j, &r->moment[i]);
    json_close(j, ']');
    json_close(j, '}');
}
