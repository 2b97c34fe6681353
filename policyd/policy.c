/* SPDX-License-Identifier: MIT */
#include "policyd/policy.h"

#include <string.h>

#include "policyd/check.h"

static const char unreadable[] = "451 4.3.0 Account table not readable, try again later";

static bool applies(enum check_id id, const struct request *q, bool allowed)
{
    const struct check *c = &checks[id];

    if ((c->states & q->state) == 0 || (c->contexts & q->context) == 0)
        return false;
    if (check_infos[id].subject == SUBJECT_LOGIN && !q->authenticated && (c->flags & CHECK_CLIENTS_TOO) == 0)
        return false;
    if ((c->flags & CHECK_SKIPPED_BY_ALLOW) && allowed)
        return false;
    if ((c->flags & CHECK_STRANGERS_ONLY) == 0)
        return true;
    if (q->authenticated || q->trusted)
        return false;
    /* AUTH is yet to come. */
    return !(q->state == STATE_HELO && q->submission);
}

static enum result subject_mode(const struct request *q, struct facts *f, enum check_id id, enum mode *mode_r,
                                const char **scope_r)
{
    enum check_subject subject = check_infos[id].subject;

    if (subject == SUBJECT_LOGIN)
        return facts_mode(f, id, q->authenticated ? &q->login : NULL, address_domain(&q->login), mode_r,
                          scope_r);
    return facts_mode(f, id, NULL, address_domain(subject == SUBJECT_SENDER_DOMAIN ? &q->sender : &q->recipient),
                      mode_r, scope_r);
}

static void explain_mode(enum mode mode, const char *scope, struct finding *f)
{
    struct strbuf b;

    strbuf_init(&b, f->mode_row, sizeof f->mode_row);
    strbuf_adds(&b, mode_name(mode));
    if (!scope)
        strbuf_adds(&b, ", the default");
    else
        strbuf_addf(&b, ", policy row for %s", *scope ? scope : "the host");
}

/* list: whether an entry matches, or TRY_AGAIN; listed: that entry. */
static void run_check(enum check_id id, const struct request *q, struct facts *facts, enum result list,
                      const struct listed_row *listed, struct decision *d)
{
    struct check_ctx ctx = { id, q, facts->config, facts, list == OK ? listed : NULL, &d->proposed };
    struct finding *f = &d->finding[id];
    size_t proposed = d->proposed.count;
    const char *scope;
    enum result r;

    f->verdict = VERDICT_NONE;
    f->recipient = RECIPIENT_UNKNOWN;
    f->row[0] = f->mode_row[0] = '\0';
    if (!applies(id, q, list == OK && listed->allow))
        return;
    r = subject_mode(q, facts, id, &f->mode, &scope);
    if (r != OK) { /* enforced, it may be, so mail waits; or off, so nothing is refused for good */
        f->mode = MODE_ENFORCE;
        f->verdict = VERDICT_TRY_AGAIN;
        return;
    }
    if (f->explain)
        explain_mode(f->mode, scope, f);
    if (f->mode != MODE_OFF && check_is_shed(id, facts->load_level))
        f->verdict = VERDICT_SHED;
    else if (list != OK && list != NOT_FOUND && (checks[id].flags & CHECK_SKIPPED_BY_ALLOW))
        f->verdict = VERDICT_TRY_AGAIN; /* the client may be one that is let pass */
    else if (f->mode != MODE_OFF)
        f->verdict = checks[id].run(&ctx, f);
    if (f->verdict != VERDICT_PASS && f->verdict != VERDICT_REFUSE)
        proposals_cut(&d->proposed, proposed);
}

static void run_timed(enum check_id id, const struct request *q, struct facts *facts, enum result list,
                      const struct listed_row *listed, struct decision *d)
{
    struct finding *f = &d->finding[id];
    uint64_t start = facts->clock_ns ? facts->clock_ns() : 0;

    run_check(id, q, facts, list, listed, d);
    f->elapsed_ns = facts->clock_ns && f->verdict != VERDICT_NONE ? facts->clock_ns() - start : 0;
}

/* The one place that says what a fact that could not be had means: mail waits where
 * accounts are unreadable, and passes where it is DNS. */
static bool try_again_defers(enum check_id id, const struct finding *f)
{
    return f->verdict == VERDICT_TRY_AGAIN && f->mode == MODE_ENFORCE &&
           (checks[id].flags & CHECK_NEEDS_ACCOUNTS);
}

bool policy_takes_effect(enum check_id id, const struct finding *f)
{
    return f->mode == MODE_ENFORCE || (f->mode == MODE_HOLD && check_infos[id].holds);
}

static void conclude(struct decision *d)
{
    const char *action = "DUNNO";

    d->decided_by = -1;
    d->degraded = d->held = false;
    for (int id = 0; id < CHECK_COUNT && d->decided_by < 0; id++) {
        const struct finding *f = &d->finding[id];
        if (try_again_defers((enum check_id)id, f)) {
            action = unreadable;
            d->degraded = true;
        } else if (f->verdict != VERDICT_REFUSE || !policy_takes_effect((enum check_id)id, f))
            continue;
        else
            action = f->reply;
        d->held = f->mode == MODE_HOLD;
        d->decided_by = id;
    }
    str_fill(span_of(action), d->action, sizeof d->action);
}

enum result policy_decide(const struct request *q, struct facts *facts, bool explain,
                          struct decision *decision_r)
{
    struct listed_row listed;
    /* Entries are about strangers: nobody else is spared a check by them, or refused. */
    enum result list = q->authenticated || q->trusted ? NOT_FOUND : facts_listed(facts, q, &listed);
    bool pending = false;

    proposals_clear(&decision_r->proposed);
    decision_r->behaviour_told = false;
    for (int id = 0; id < CHECK_COUNT; id++) {
        struct finding *f = &decision_r->finding[id];
        f->explain = explain;
        run_timed((enum check_id)id, q, facts, list, &listed, decision_r);
        pending |= f->verdict == VERDICT_PENDING;
    }
    if (pending) /* never where time is up: facts say so */
        return PENDING;
    conclude(decision_r);
    return OK;
}

/* What is refused was not sent: it leaves nothing behind but what the check that refuses
 * has to remember. */
void policy_commit(struct decision *d, struct commit *commit_r)
{
    struct proposals *p = &d->proposed;

    if (d->degraded)
        proposals_clear(p);
    else if (d->decided_by >= 0 && !d->held)
        proposals_keep(p, (enum check_id)d->decided_by);
    commit_r->late = false;
    commit_r->count = 0;
    commit_r->database = p->count > 0 ? change_database(p->change[0].kind) : DATABASE_STATE;
    for (size_t i = 0; i < p->count; i++) {
        bool first = i == 0 || p->check[i] != p->check[i - 1];
        if (first) {
            commit_r->check[commit_r->count] = p->check[i];
            commit_r->set[commit_r->count++] = (struct change_set){ .change = &p->change[i] };
        }
        commit_r->set[commit_r->count - 1].count++;
    }
}

static void check_again(const struct request *q, struct facts *facts, struct decision *d)
{
    proposals_clear(&d->proposed);
    for (int id = 0; id < CHECK_COUNT; id++)
        if ((checks[id].flags & CHECK_AFTER_COMMIT) && d->finding[id].verdict == VERDICT_PASS)
            run_check((enum check_id)id, q, facts, NOT_FOUND, NULL, d);
}

void policy_committed(const struct request *q, struct facts *facts, const struct commit *commit,
                      struct decision *d)
{
    for (size_t i = 0; i < commit->count; i++) {
        enum check_id id = commit->check[i];
        struct check_ctx ctx = { id, q, facts->config, facts, NULL, NULL };
        if (checks[id].committed)
            d->finding[id].verdict = checks[id].committed(&ctx, &commit->set[i], &d->finding[id]);
    }
    if (!commit->late)
        check_again(q, facts, d);
    conclude(d);
}

void policy_found(const struct decision *d, policy_found_fn *fn, void *context)
{
    for (int id = 0; id < CHECK_COUNT; id++)
        if (d->finding[id].verdict == VERDICT_REFUSE)
            fn((enum check_id)id, &d->finding[id], context);
}

/* name: " name=", or nothing is added where there is no value. */
static void add_pair(struct strbuf *out, struct span name, struct span value)
{
    if (value.len == 0)
        return;
    strbuf_add(out, name);
    strbuf_add_quoted(out, value);
}

static void add_name(struct strbuf *out, const char **separator, int id)
{
    strbuf_adds(out, *separator);
    strbuf_adds(out, check_infos[id].name);
    *separator = ",";
}

static void add_observed(const struct decision *d, struct strbuf *out)
{
    const char *separator = " observed=";

    for (int id = 0; id < CHECK_COUNT; id++)
        if (d->finding[id].verdict == VERDICT_REFUSE && d->finding[id].mode == MODE_OBSERVE)
            add_name(out, &separator, id);
}

static void add_shed(const struct decision *d, struct strbuf *out)
{
    const char *separator = " shed=";

    for (int id = 0; id < CHECK_COUNT; id++)
        if (d->finding[id].verdict == VERDICT_SHED)
            add_name(out, &separator, id);
}

void policy_log_line(const struct request *q, const struct decision *d, uint64_t elapsed_us,
                     struct strbuf *out)
{
    static const struct {
        struct span name;
        enum attribute attribute;
    } pairs[] = {
        { SPAN_INIT(" state="), ATTR_PROTOCOL_STATE },  { SPAN_INIT(" context="), ATTR_POLICY_CONTEXT },
        { SPAN_INIT(" client="), ATTR_CLIENT_ADDRESS }, { SPAN_INIT(" helo="), ATTR_HELO_NAME },
        { SPAN_INIT(" sender="), ATTR_SENDER },         { SPAN_INIT(" recipient="), ATTR_RECIPIENT },
        { SPAN_INIT(" login="), ATTR_SASL_USERNAME },   { SPAN_INIT(" queue_id="), ATTR_QUEUE_ID },
        { SPAN_INIT(" instance="), ATTR_INSTANCE },
    };

    strbuf_adds(out, "decision=");
    strbuf_adds(out, d->decided_by < 0 ? "pass" : d->degraded ? "defer" : d->held ? "hold" : "refuse");
    if (d->decided_by >= 0)
        add_pair(out, SPAN(" check="), span_of(check_infos[d->decided_by].name));
    add_observed(d, out);
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        add_pair(out, pairs[i].name, q->attr[pairs[i].attribute]);
    if (d->decided_by >= 0)
        add_pair(out, SPAN(" reply="), span_of(d->action));
    add_shed(d, out);
    strbuf_adds(out, " us=");
    strbuf_addu(out, elapsed_us);
}
