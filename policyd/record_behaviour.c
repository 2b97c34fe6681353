/* SPDX-License-Identifier: MIT */
/* What a decision, and a login, tell of how the account sends.  Layer 7. */
#include <string.h>

#include "policyd/daemon.h"
#include "policyd/policy.h"
#include "policyd/record.h"

static bool refuses(const struct decision *d, enum check_id id)
{
    return d->finding[id].verdict == VERDICT_REFUSE && d->finding[id].mode != MODE_OFF;
}

static void raise_alarm(const struct request *q, const struct decision *d, const struct signals *s,
                        int64_t now)
{
    char text[ROW_TEXT_MAX];
    struct event_report report = { .kind = EVENT_COMPROMISE,
                                   .account = q->login.text,
                                   .subject = mode_name(d->finding[CHECK_COMPROMISE].mode),
                                   .by = check_infos[CHECK_COMPROMISE].name,
                                   .evidence = text };
    struct strbuf b;

    if (!habits_alarm(the_daemon.habits, q->login.text, now))
        return;
    strbuf_init(&b, text, sizeof text);
    strbuf_addf(&b, "score %u: ", s->score);
    signals_text(s, &b);
    events_add(the_daemon.events, &report, now);
}

/* Where the administrator has set the check off, whatever is sent is usual. */
static void look(const struct request *q, const struct decision *d, struct behaviour *b, int64_t now)
{
    const struct config *c = the_daemon.config;
    struct signals s;

    if (d->finding[CHECK_COMPROMISE].verdict == VERDICT_NONE)
        return;
    signals_measure(b, c->compromise.signal, now, &s);
    if (s.score >= c->compromise.score / 4 * 3)
        behaviour_suspect(b, s.score >= c->compromise.score, now);
    if (refuses(d, CHECK_COMPROMISE))
        raise_alarm(q, d, &s, now);
}

/* What checks found counts whether they are enforced or only observed. */
static void tell_findings(const struct request *q, const struct decision *d, struct behaviour *b, int64_t now)
{
    if (refuses(d, CHECK_SENDER_LOGIN))
        behaviour_refused_sender(b, span_of(q->sender.text), now);
    if (refuses(d, CHECK_SEND_LIMIT))
        behaviour_limit_hit(b, now);
}

void record_behaviour(const struct request *q, struct decision *d, int64_t now)
{
    bool passes = d->decided_by < 0 || d->held, was_told = d->behaviour_told;
    struct behaviour *b;

    d->behaviour_told = true;
    if (was_told || (q->state & (STATE_RCPT | STATE_END_OF_MESSAGE)) == 0 || !q->authenticated || q->login_odd ||
        !address_domain(&q->login).ptr || !(b = habits_change(the_daemon.habits, q->login.text)))
        return;
    tell_findings(q, d, b, now);
    if (q->state == STATE_RCPT) {
        if (passes)
            behaviour_recipient(b, q->attr[ATTR_INSTANCE], span_of(q->recipient.text), now);
        return;
    }
    if (passes)
        signals_message(b, q, now);
    else
        behaviour_refused_message(b, q->attr[ATTR_INSTANCE], now);
    look(q, d, b, now);
}

bool record_behaviour_first(const struct request *q, struct decision *d, int64_t now, struct habit_wait *wait)
{
    const struct finding *f = &d->finding[CHECK_COMPROMISE];

    if (f->verdict != VERDICT_PASS || !policy_takes_effect(CHECK_COMPROMISE, f) || d->decided_by >= 0 ||
        d->behaviour_told || record_answered(q, d, now))
        return false;
    record_behaviour(q, d, now);
    return habits_sent(the_daemon.habits, q->login.text, signals_recipients(q), wait);
}

void record_behaviour_login(const struct login_event *e, const struct network *client, int64_t now)
{
    struct behaviour *b = NULL;
    bool trusted = client && networks_contain(the_daemon.config->trusted_networks.item,
                                              the_daemon.config->trusted_networks.count, client);

    if (strchr(e->account, '@') && strcmp(e->service, "smtp") != 0)
        b = habits_change(the_daemon.habits, e->account);
    if (b)
        behaviour_login(b, trusted ? NULL : client, now);
}

void record_release(const char *account)
{
    struct behaviour *b = habits_change(the_daemon.habits, account);

    if (b)
        behaviour_forgive(b);
}

void record_forget(const char *text, struct job *job)
{
    struct address address;

    aggregate_flush(the_daemon.aggregate);
    if (address_parse(span_of(text), &address) == OK) {
        habits_forget(the_daemon.habits, address.text);
        if (counters_forget(the_daemon.counters, address.text, job) == OK)
            return;
    }
    writer_submit(the_daemon.writer, job);
}
