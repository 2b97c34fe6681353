/* SPDX-License-Identifier: MIT */
/*
 * Whether an account sends as if somebody else used it, judged when a message ends.  In
 * mode hold the message stays in Postfix's queue; in mode enforce the account is suspended,
 * with the signals as evidence, before the message is refused.  Layer 5.
 */
#include "lib/setting.h"
#include "policyd/check.h"
#include "policyd/signals.h"

enum { EVIDENCE_MAX = 400 };

static void evidence(const struct signals *s, char text_r[static EVIDENCE_MAX])
{
    struct strbuf b;

    strbuf_init(&b, text_r, EVIDENCE_MAX);
    strbuf_addf(&b, "score %u: ", s->score);
    signals_text(s, &b);
}

/* An account that is in no row cannot be suspended: each of its messages is refused. */
static void propose_suspension(const struct check_ctx *c, const char *text)
{
    static const struct {
        enum field field;
        const char *text;
    } fields[] = { { FIELD_SERVICES, "all" }, { FIELD_REASON, setting_stolen }, { FIELD_BY, "compromise" } };

    proposals_add(c->proposed, c->id, CHANGE_ACCOUNT_SUSPEND);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        proposals_set(c->proposed, fields[i].field, fields[i].text);
    proposals_set(c->proposed, FIELD_ADDRESS, c->request->login.text);
    proposals_set(c->proposed, FIELD_EVIDENCE, text);
}

static enum verdict refuse(const struct check_ctx *c, struct finding *f, const char *text)
{
    struct strbuf b;

    if (f->mode == MODE_ENFORCE)
        propose_suspension(c, text);
    if (c->proposed->full)
        return VERDICT_TRY_AGAIN;
    (void)check_refuse(c, f, "score", c->request->login.text, setting_stolen);
    if (f->mode == MODE_HOLD) {
        strbuf_init(&b, f->reply, sizeof f->reply);
        strbuf_addf(&b, "HOLD %s seems to be used by somebody else, %s", c->request->login.text, text);
    }
    return VERDICT_REFUSE;
}

enum verdict compromise_run(const struct check_ctx *c, struct finding *f)
{
    const struct request *q = c->request;
    struct behaviour b;
    struct signals s;
    char text[EVIDENCE_MAX];
    enum result r;

    if (q->login_odd)
        return VERDICT_NONE;
    r = facts_behaviour(c->facts, q->login.text, &b);
    if (r == NOT_FOUND)
        return VERDICT_NONE;
    if (r != OK)
        return VERDICT_TRY_AGAIN;
    signals_message(&b, q, c->facts->now);
    signals_measure(&b, c->config->compromise.signal, c->facts->now, &s);
    if (s.score < c->config->compromise.score && !f->explain)
        return VERDICT_PASS;
    evidence(&s, text);
    finding_row(f, "%s; from %u on it is taken for stolen", text, c->config->compromise.score);
    return s.score < c->config->compromise.score ? VERDICT_PASS : refuse(c, f, text);
}
