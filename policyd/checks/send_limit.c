/* SPDX-License-Identifier: MIT */
/*
 * How much an account, a domain, a client and the whole host may send.  The check only
 * proposes to count: whether a limit is passed is decided by the commit, which counts for all
 * of them or for none.  Layer 5.
 */
#include "policyd/check.h"

enum { KEY_MAX = ADDRESS_MAX + 16, CLIENT_BITS_V6 = 64 };

/* Whose mail it is, and what of it counts. */
struct sending {
    const struct check_ctx *c;
    uint64_t add[USAGE_UNITS];
    char client[NETWORK_TEXT_MAX]; /* of who did not log in: its address, or the network that has limits */
};

/* ---- what counts ---- */

static uint64_t number(struct span text)
{
    uint64_t value;

    return str_number(text, 0, INT64_MAX, &value) == OK ? value : 0;
}

/* Where local recipients do not count, each is looked at as it comes. */
static enum result find_local(const struct check_ctx *c, struct finding *f)
{
    const struct request *q = c->request;
    struct domain_row row;
    enum result r;

    if (c->config->send_limit.count_local || q->state != STATE_RCPT || !(q->authenticated || q->trusted))
        return OK;
    r = facts_domain(c->facts, address_domain(&q->recipient), &row);
    if (r == OK || r == NOT_FOUND)
        f->recipient = r == OK ? RECIPIENT_LOCAL : RECIPIENT_ELSEWHERE;
    return r == NOT_FOUND ? OK : r;
}

static uint64_t elsewhere(const struct check_ctx *c, uint64_t count)
{
    return c->config->send_limit.count_local || !c->facts->recipients
               ? count
               : recipients_elsewhere(c->facts->recipients, c->request->attr[ATTR_INSTANCE], count, c->facts->now);
}

/* Postfix says at the end how many recipients there were; where it is not asked there, each
 * one counts as it comes. false: nothing counts. */
static bool measure(struct sending *s, struct finding *f)
{
    const struct request *q = s->c->request;
    bool at_rcpt = s->c->config->send_limit.at_rcpt;
    uint64_t count = at_rcpt ? 1 : number(q->attr[ATTR_RECIPIENT_COUNT]);

    if (q->state != (at_rcpt ? STATE_RCPT : STATE_END_OF_MESSAGE)) {
        finding_row(f, "counts at %s", at_rcpt ? "RCPT" : "END-OF-MESSAGE");
        return false;
    }
    s->add[USAGE_MESSAGES] = !at_rcpt;
    s->add[USAGE_RECIPIENTS] = at_rcpt ? f->recipient != RECIPIENT_LOCAL : elsewhere(s->c, count);
    s->add[USAGE_BYTES] = at_rcpt ? 0 : number(q->attr[ATTR_SIZE]);
    if (s->add[USAGE_RECIPIENTS] > 0 || count == 0)
        return true;
    finding_row(f, "goes to nobody but local recipients, which do not count");
    return false;
}

/* ---- limits ---- */

/* The domain's, else the host's; where neither has any, none. */
static enum result limits_of_domain(struct facts *f, const char *domain, const char *counted_by,
                                    struct usage_limits *limits_r)
{
    enum result r = *domain ? facts_limits(f, domain, counted_by, limits_r) : NOT_FOUND;

    return r == NOT_FOUND ? facts_limits(f, "", counted_by, limits_r) : r;
}

static enum result limits_of_account(const struct sending *s, const char *domain,
                                     struct usage_limits *limits_r)
{
    const struct check_ctx *c = s->c;
    struct account_row row = { .relay = false, .has_limit = false };
    enum result r = c->request->login_odd ? NOT_FOUND : facts_account(c->facts, c->request->login.text, &row);

    if (r != OK && r != NOT_FOUND)
        return r;
    r = row.has_limit ? facts_limits(c->facts, c->request->login.text, "account", limits_r) : NOT_FOUND;
    if (r == NOT_FOUND)
        r = limits_of_domain(c->facts, domain, row.relay ? "relay" : "account", limits_r);
    if (r != NOT_FOUND)
        return r;
    *limits_r = row.relay ? c->config->send_limit.relay_limits : c->config->send_limit.user_limits;
    return OK;
}

/* A network with limits counts as one. Without any, only whom this host trusts is counted: all
 * others send here, not from here. */
static enum result limits_of_client(struct sending *s, struct usage_limits *limits_r)
{
    const struct check_ctx *c = s->c;
    const struct request *q = c->request;
    struct network client;
    enum result r = facts_limit_network(c->facts, &q->client, s->client);

    if (r == OK)
        return facts_limits(c->facts, s->client, "client", limits_r);
    client = q->client.v6 ? network_of(&q->client, CLIENT_BITS_V6) : q->client;
    network_text(&client, s->client);
    if (r != NOT_FOUND || !q->trusted)
        return r;
    r = facts_limits(c->facts, "", "client", limits_r);
    if (r == NOT_FOUND)
        *limits_r = c->config->send_limit.client_limits;
    return r == NOT_FOUND ? OK : r;
}

/* ---- proposing ---- */

/* The first row of a set remembers the request, for the case that it comes again. */
static void propose(const struct sending *s, const char *kind, const char *name,
                    const struct usage_limits *limits)
{
    static const enum field fields[USAGE_UNITS] = { FIELD_NUMBER, FIELD_RECIPIENTS, FIELD_BYTES };
    struct proposals *p = s->c->proposed;
    char key[KEY_MAX], texts[USAGE_LIMITS_TEXT_MAX], text[STR_NUMBER_MAX];
    bool first = p->count == 0 || p->check[p->count - 1] != s->c->id;
    struct strbuf k, l;

    strbuf_init(&k, key, sizeof key);
    strbuf_adds(&k, kind);
    strbuf_add_clean(&k, span_of(name));
    strbuf_init(&l, texts, sizeof texts);
    usage_limits_format(limits, &l);
    proposals_add(p, s->c->id, CHANGE_USAGE);
    proposals_set(p, FIELD_KEY, key);
    proposals_set(p, FIELD_LIMITS, texts);
    for (unsigned unit = 0; unit < USAGE_UNITS; unit++)
        proposals_set(p, fields[unit], str_number_text(s->add[unit], text));
    if (first)
        proposals_set(p, FIELD_RESEND, str_number_text(request_resend_number(s->c->request), text));
}

static void explain(struct finding *f, const char *who, const struct usage_limits *limits)
{
    char text[ROW_TEXT_MAX];
    struct strbuf b;

    if (!f->explain)
        return;
    strbuf_init(&b, text, sizeof text);
    strbuf_addf(&b, "%s%s%s", f->row, *f->row ? "; " : "", who);
    for (size_t i = 0; i < limits->count; i++) {
        strbuf_addc(&b, ' ');
        usage_limit_format(&limits->limit[i], &b);
    }
    finding_row(f, "%s%s", text, limits->count == 0 ? " no limit" : "");
}

/* Of the domain and of the host there are no limits unless somebody set them. */
static enum result propose_all(struct sending *s, struct finding *f)
{
    const struct request *q = s->c->request;
    struct facts *facts = s->c->facts;
    struct usage_limits limits[3] = { 0 };
    char domain[DOMAIN_MAX + 1] = "";
    bool by_login = q->authenticated;
    enum result r = OK;

    if (by_login)
        str_fill(address_domain(&q->login), domain, sizeof domain);
    r = by_login ? limits_of_account(s, domain, &limits[0]) : limits_of_client(s, &limits[0]);
    if (r == OK && *domain)
        r = limits_of_domain(facts, domain, "domain", &limits[1]);
    if (r == OK || (r == NOT_FOUND && by_login))
        r = facts_limits(facts, "", "host", &limits[2]);
    if (r != OK && r != NOT_FOUND)
        return r;
    if (limits[0].count + limits[1].count + limits[2].count == 0)
        return NOT_FOUND;
    explain(f, by_login ? q->login.text : s->client, &limits[0]);
    propose(s, by_login ? "account " : "client ", by_login ? q->login.text : s->client, &limits[0]);
    if (limits[1].count > 0) {
        explain(f, domain, &limits[1]);
        propose(s, "domain ", domain, &limits[1]);
    }
    if (limits[2].count > 0) {
        explain(f, "this host", &limits[2]);
        propose(s, "host", "", &limits[2]);
    }
    return OK;
}

enum verdict send_limit_run(const struct check_ctx *c, struct finding *f)
{
    struct sending s = { .c = c };
    enum result r = find_local(c, f);

    if (r != OK)
        return VERDICT_TRY_AGAIN;
    if (!measure(&s, f))
        return VERDICT_NONE;
    if (!c->request->authenticated && !c->request->has_client)
        return VERDICT_NONE;
    r = propose_all(&s, f);
    if (r == NOT_FOUND)
        return VERDICT_NONE;
    return r == OK && !c->proposed->full ? VERDICT_PASS : VERDICT_TRY_AGAIN;
}

enum verdict send_limit_committed(const struct check_ctx *c, const struct change_set *set, struct finding *f)
{
    const struct request *q = c->request;
    char client[NETWORK_TEXT_MAX];

    if (set->result == OK)
        return VERDICT_PASS;
    if (set->result != LIMIT)
        return VERDICT_TRY_AGAIN;
    network_text(&q->client, client);
    return check_refuse(c, f, "over_limit", q->authenticated ? q->login.text : client, set->error.text);
}
