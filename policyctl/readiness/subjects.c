/* SPDX-License-Identifier: MIT */
/* Who meets which check, and whether he still would with the table as it is now. */
#include <stdlib.h>
#include <string.h>

#include "policyctl/readiness/gather.h"
#include "policyd/check.h"
#include "policyd/protocol.h"

/* ---- one after the other ---- */

static int by_subject(const void *a, const void *b)
{
    const struct hit *x = a, *y = b;

    if (x->about != y->about)
        return x->about < y->about ? -1 : 1;
    return strcmp(x->name, y->name);
}

static int by_count(const void *a, const void *b)
{
    const struct evidence *x = a, *y = b;

    if (x->delivered != y->delivered)
        return x->delivered > y->delivered ? -1 : 1;
    return x->count == y->count ? 0 : x->count > y->count ? -1 : 1;
}

static int by_rank(const void *a, const void *b)
{
    const struct subject *x = a, *y = b;

    if (x->standing != y->standing)
        return x->standing < y->standing ? -1 : 1;
    if (x->delivered != y->delivered)
        return x->delivered > y->delivered ? -1 : 1;
    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    return strcmp(x->name, y->name);
}

/* ---- would it still be refused? ---- */

/* As Postfix would ask it of somebody like this. */
static enum result compose(const struct subject *s, const struct evidence *e, const char *client, struct strbuf *text)
{
    strbuf_addf(text, "request=smtpd_access_policy\nprotocol_state=RCPT\nprotocol_name=ESMTP\nclient_address=%s\n",
                client);
    if (s->kind == KIND_HOST)
        strbuf_addf(text, "helo_name=%s\n", s->name);
    if (s->kind == KIND_ACCOUNT)
        strbuf_addf(text, "sasl_method=PLAIN\nsasl_username=%s\n", s->name);
    strbuf_addf(text, "sender=%s\n\n", s->kind == KIND_SENDER ? s->name : e->envelope_sender);
    return text->cut ? LIMIT : OK;
}

/* NONE: a list entry, or where it comes from, lets it pass. mode_r: what the
 * configuration leaves of the mode "enforce". */
static enum verdict run_check(struct gather *g, enum check_id id, const struct request *q, enum mode *mode_r)
{
    struct listed_row listed;
    struct finding finding = { .mode = MODE_ENFORCE };
    enum result list = q->authenticated || q->trusted ? NOT_FOUND : facts_listed(&g->facts, q, &listed);
    struct proposals proposed; /* nobody sends: they are dropped */
    struct check_ctx ctx = { id, q, g->ctl->config, &g->facts, list == OK ? &listed : NULL, &proposed };
    enum verdict verdict = VERDICT_NONE;

    proposals_clear(&proposed);
    if (!(list == OK && listed.allow && (checks[id].flags & CHECK_SKIPPED_BY_ALLOW)) &&
        !(q->trusted && (checks[id].flags & CHECK_STRANGERS_ONLY)))
        verdict = checks[id].run(&ctx, &finding);
    *mode_r = finding.mode;
    return verdict;
}

static enum verdict ask_again(struct gather *g, enum check_id id, const struct subject *s, const struct evidence *e,
                              const char *client, enum mode *mode_r)
{
    char text[2048];
    struct strbuf b;
    struct request q;
    struct error error;

    *mode_r = MODE_ENFORCE;
    strbuf_init(&b, text, sizeof text);
    if (compose(s, e, client, &b) != OK ||
        protocol_parse((struct span){ text, b.len }, g->ctl->config->limits.attributes, &q, &error) != OK)
        return VERDICT_TRY_AGAIN;
    request_prepare(&q, g->ctl->config);
    facts_begin(&g->facts, NULL, g->ctl->now);
    g->facts.expired = true; /* nothing is asked of DNS */
    return run_check(g, id, &q, mode_r);
}

/* The first and the last address of a network; "" where it is not known. */
static void edges(const char *network, char first_r[static NETWORK_TEXT_MAX], char last_r[static NETWORK_TEXT_MAX])
{
    struct network first, last;
    struct error error;

    first_r[0] = last_r[0] = '\0';
    if (network_parse(span_of(network), &first, &error) != OK)
        return;
    last = first;
    for (unsigned i = first.bits, width = first.v6 ? 128 : 32; i < width; i++)
        last.bytes[i / 8] |= (unsigned char)(0x80 >> i % 8);
    first.bits = last.bits = first.v6 ? 128 : 32;
    network_text(&first, first_r);
    network_text(&last, last_r);
}

enum still { STILL_REFUSED, STILL_OBSERVED, NOW_EXCEPTED, NOW_SETTLED };

/* Of one piece of evidence, for checks that the account table or the configuration answers. */
static enum still still(struct gather *g, enum check_id id, const struct subject *s, const struct evidence *e)
{
    char client[2][NETWORK_TEXT_MAX];
    enum verdict verdict[2];
    enum mode mode[2];

    if (id == CHECK_STARTTLS || id == CHECK_IMPLICIT_TLS || checks[id].committed ||
        (checks[id].flags & CHECK_AFTER_COMMIT))
        return STILL_REFUSED; /* the connection, or how much there was, is all that these go by */
    edges(e->client, client[0], client[1]);
    for (size_t i = 0; i < 2; i++)
        verdict[i] = ask_again(g, id, s, e, client[i], &mode[i]);
    bool passes[2] = { verdict[0] == VERDICT_PASS || verdict[0] == VERDICT_NONE,
                       verdict[1] == VERDICT_PASS || verdict[1] == VERDICT_NONE };
    if (!passes[0] || !passes[1])
        return mode[0] == MODE_ENFORCE ? STILL_REFUSED : STILL_OBSERVED;
    return verdict[0] == VERDICT_NONE ? NOW_EXCEPTED : NOW_SETTLED;
}

/* ---- standing ---- */

static int64_t exception_end(const struct gather *g, enum check_id id, const char *scope)
{
    int64_t end = 0;

    for (size_t i = 0; i < g->policies; i++) {
        const struct policy_row *p = &g->policy[i];
        if (p->id == id && strcmp(p->scope, scope) == 0 && (p->expires == 0 || p->expires > g->ctl->now))
            end = p->expires;
    }
    return end;
}

/* The mode that counts for the subject; *narrow_r: where that is a row of a narrower scope
 * than the report's, that scope. */
static enum mode mode_of(struct gather *g, enum check_id id, const struct subject *s, const char **narrow_r)
{
    struct address address = { .text = "" };
    struct error error;
    const char *scope = NULL;
    enum mode mode;
    bool is_address = s->kind != KIND_HOST && address_check(s->name, false, &address, &error) == OK;

    *narrow_r = NULL;
    facts_begin(&g->facts, NULL, g->ctl->now);
    if (facts_mode(&g->facts, id, s->kind == KIND_ACCOUNT && is_address ? &address : NULL,
                   is_address ? address_domain(&address) : (struct span){ NULL, 0 }, &mode, &scope) != OK)
        g->failed = true;
    if (scope && *scope && strcmp(scope, g->report->scope) != 0)
        *narrow_r = scope;
    return mode;
}

/* Leaves only the evidence that still counts, unless none does. */
static enum still sift(struct gather *g, enum check_id id, struct subject *s)
{
    enum still best = NOW_SETTLED;
    size_t kept = 0;

    for (size_t i = 0; i < s->evidences; i++) {
        enum still now = still(g, id, s, &s->evidence[i]);
        if (now <= STILL_OBSERVED) {
            struct evidence e = s->evidence[kept];
            s->evidence[kept++] = s->evidence[i];
            s->evidence[i] = e;
        }
        if (now < best)
            best = now;
    }
    if (kept > 0)
        s->evidences = kept;
    return best;
}

static bool all_refused(const struct subject *s)
{
    for (size_t i = 0; i < s->evidences; i++)
        if (!s->evidence[i].refused)
            return false;
    return true;
}

static enum standing standing_of(struct gather *g, enum check_id id, struct subject *s, enum still now)
{
    const char *narrow;
    enum mode mode = mode_of(g, id, s, &narrow);

    if (now == NOW_SETTLED)
        return STANDING_SETTLED;
    if (now == NOW_EXCEPTED)
        return STANDING_EXCEPTED;
    if (mode == MODE_ENFORCE && now == STILL_REFUSED)
        return STANDING_REFUSED;
    if (narrow && mode != MODE_ENFORCE) {
        s->until = exception_end(g, id, narrow);
        return STANDING_EXCEPTED;
    }
    if (s->kind == KIND_ACCOUNT)
        return STANDING_BREAKS;
    return s->delivered > 0 ? STANDING_BREAKS : all_refused(s) ? STANDING_REFUSED : STANDING_ATTEMPT;
}

static void sum(struct subject *s)
{
    s->count = s->delivered = 0;
    s->last_seen = 0;
    for (size_t i = 0; i < s->evidences; i++) {
        s->count += s->evidence[i].count;
        s->delivered += s->evidence[i].delivered;
        if (s->evidence[i].last_seen > s->last_seen)
            s->last_seen = s->evidence[i].last_seen;
    }
    qsort(s->evidence, s->evidences, sizeof *s->evidence, by_count);
}

/* ---- subjects of hits ---- */

/* A login says more of a session than the message in it does. */
static bool is_said_by_login(const struct hit *hit, size_t count, size_t i)
{
    if ((hit[i].about != CHECK_STARTTLS && hit[i].about != CHECK_IMPLICIT_TLS) || *hit[i].evidence.service)
        return false;
    for (size_t k = 0; k < count; k++)
        if (strcmp(hit[k].evidence.service, "smtp") == 0)
            return true;
    return false;
}

static void fill(struct gather *g, const struct hit *hit, size_t count, struct subject *s)
{
    *s = (struct subject){ .name = hit->name,
                           .kind = hit->kind,
                           .evidence = arena_get(g->report->arena, count * sizeof *s->evidence) };
    if (!s->evidence) {
        g->failed = true;
        return;
    }
    for (size_t i = 0; i < count; i++)
        if (!is_said_by_login(hit, count, i))
            s->evidence[s->evidences++] = hit[i].evidence;
    sum(s);
    if (hit->about >= CHECK_COUNT)
        return;
    enum still now = sift(g, (enum check_id)hit->about, s);
    sum(s);
    s->standing = standing_of(g, (enum check_id)hit->about, s, now);
}

/* Of a domain's report: a sender of the domain, or of an alias of it. */
static bool is_of_domain(struct gather *g, const struct hit *hit)
{
    const char *scope = g->report->scope, *at = strrchr(hit->name, '@');
    struct domain_row row;

    if (*scope == '\0' || hit->kind == KIND_ACCOUNT)
        return true;
    if (hit->kind == KIND_HOST || !at)
        return false;
    if (strcmp(at + 1, scope) == 0)
        return true;
    facts_begin(&g->facts, NULL, g->ctl->now);
    return facts_domain(&g->facts, span_of(at + 1), &row) == OK && row.kind == DOMAIN_ALIAS &&
           strcmp(row.target, scope) == 0;
}

/* All hits of one check or habit. */
static struct subject *subjects_of(struct gather *g, const struct hit *hit, size_t count, size_t *subjects_r)
{
    struct subject *subject = arena_get(g->report->arena, (count + 1) * sizeof *subject);

    *subjects_r = 0;
    if (!subject) {
        g->failed = true;
        return NULL;
    }
    for (size_t i = 0, end; i < count && !g->failed; i = end) {
        for (end = i + 1; end < count && strcmp(hit[end].name, hit[i].name) == 0; end++)
            continue;
        if (is_of_domain(g, &hit[i]))
            fill(g, hit + i, end - i, &subject[(*subjects_r)++]);
        rows_turn_end(g->rows);
    }
    qsort(subject, *subjects_r, sizeof *subject, by_rank);
    return subject;
}

static void put(struct gather *g, unsigned about, struct subject *subject, size_t count)
{
    if (about >= ABOUT_HABIT) {
        g->report->habit[about - ABOUT_HABIT] = (struct habit){ subject, count };
        return;
    }
    struct check_report *c = &g->report->check[about];
    c->subject = subject;
    c->subjects = count;
    for (size_t i = 0; i < count; i++)
        c->standing[subject[i].standing]++;
}

void gather_subjects(struct gather *g)
{
    if (g->hits > 0)
        qsort(g->hit, g->hits, sizeof *g->hit, by_subject);
    for (size_t i = 0, end; i < g->hits && !g->failed; i = end) {
        for (end = i + 1; end < g->hits && g->hit[end].about == g->hit[i].about; end++)
            continue;
        size_t count;
        struct subject *subject = subjects_of(g, g->hit + i, end - i, &count);
        put(g, g->hit[i].about, subject, count);
    }
}
