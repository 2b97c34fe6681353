/* SPDX-License-Identifier: MIT */
/*
 * DNS lists (RFC 5782) with weights: all zones are asked at once, and the sum over the
 * threshold refuses.  What the DNS does not say never refuses: neither a list that fails
 * nor an allow list that could have spoken for the client.  Layer 5.
 */
#include <string.h>

#include "policyd/check.h"

enum { DETAIL_MAX = 360, WHO_MAX = SUBJECT_MAX };

struct score {
    int sum;                       /* of the zones that answered */
    int may_rise, may_fall;        /* by those whose answers are on their way */
    int lost;                      /* by zones with a negative weight that could not be asked */
    const struct dnsbl_zone *zone; /* the weightiest that lists */
    size_t number;
    char question[ZONE_QUESTION_MAX + 1]; /* what it was asked */
};

/* The name that a zone of this kind is asked about; an empty one: none. */
static struct span name_for(enum zone_kind kind, const struct request *q)
{
    const struct span none = { NULL, 0 };
    struct span helo = span_of(q->helo), name = q->attr[ATTR_CLIENT_NAME];

    switch (kind) {
    case ZONE_HELO:
        return helo.len > 0 && helo.ptr[0] != '[' && memchr(helo.ptr, '.', helo.len) ? helo : none;
    case ZONE_SENDER:
        return q->sender_odd ? none : address_domain(&q->sender);
    case ZONE_NAME:
        return span_equal(name, SPAN("unknown")) ? none : name;
    default:
        return none;
    }
}

static bool make_question(const struct dnsbl_zone *zone, const struct request *q,
                          char question_r[static ZONE_QUESTION_MAX + 1])
{
    struct span name = name_for(zone->kind, q);
    enum result r = NOT_FOUND;

    if (zone->kind == ZONE_CLIENT && q->has_client)
        r = dnsbl_question(zone, &q->client, question_r);
    else if (name.len > 0)
        r = dnsbl_name_question(zone, name, question_r);
    return r == OK;
}

static bool lists(const struct dnsbl_zone *zone, const struct dns_answer *answer)
{
    for (size_t i = 0; i < answer->count; i++)
        if (dnsbl_zone_lists(zone, answer->address[i]))
            return true;
    return false;
}

static void add_answer(struct score *s, const struct dnsbl_zone *zone, size_t number, const char *question,
                       enum dns_status status, const struct dns_answer *answer)
{
    bool falls = zone->weight < 0;

    if (status == DNS_PENDING)
        *(falls ? &s->may_fall : &s->may_rise) += zone->weight;
    else if (status == DNS_FAILED)
        s->lost += falls ? zone->weight : 0;
    else if (status == DNS_FOUND && lists(zone, answer)) {
        s->sum += zone->weight;
        if (!falls && (!s->zone || zone->weight > s->zone->weight)) {
            s->zone = zone;
            s->number = number;
            memcpy(s->question, question, sizeof s->question);
        }
    }
}

static struct score ask_all(const struct check_ctx *c)
{
    const struct zone_list *zones = &c->config->dnsbl.zones;
    struct score s = { 0 };

    for (size_t i = 0; i < zones->count; i++) {
        char question[ZONE_QUESTION_MAX + 1];
        struct dns_answer answer;
        if (!make_question(&zones->item[i], c->request, question))
            continue;
        enum dns_status status = facts_zone(c->facts, i, span_of(question), DNS_A, &answer);
        add_answer(&s, &zones->item[i], i, question, status, &answer);
    }
    return s;
}

static void client_text(const struct request *q, char text_r[static NETWORK_TEXT_MAX])
{
    text_r[0] = '\0';
    if (q->has_client)
        network_text(&q->client, text_r);
}

/* "client [192.0.2.1] blocked using ZONE; TXT" */
static void write_detail(const struct check_ctx *c, const struct score *s, const struct dns_answer *text,
                         char detail_r[static DETAIL_MAX])
{
    static const char *const who[ZONE_KINDS] = { "client", "Helo command", "sender domain", "client name" };
    char client[NETWORK_TEXT_MAX];
    struct strbuf b;

    client_text(c->request, client);
    strbuf_init(&b, detail_r, DETAIL_MAX);
    strbuf_addf(&b, "%s [", who[s->zone->kind]);
    strbuf_add_clean(&b,
                     s->zone->kind == ZONE_CLIENT ? span_of(client) : name_for(s->zone->kind, c->request));
    strbuf_addf(&b, "] blocked using %s", s->zone->name);
    if (text->status == DNS_FOUND && *text->text) {
        strbuf_adds(&b, "; ");
        strbuf_add_clean(&b, span_of(text->text));
    }
}

static enum verdict refuse(const struct check_ctx *c, const struct score *s, struct finding *f)
{
    char detail[DETAIL_MAX], client[NETWORK_TEXT_MAX];
    struct dns_answer text = { .status = DNS_FAILED };
    enum dns_status status = facts_zone(c->facts, s->number, span_of(s->question), DNS_TXT, &text);

    if (status == DNS_PENDING)
        return VERDICT_PENDING;
    text.status = status; /* without one the reply is shorter */
    write_detail(c, s, &text, detail);
    client_text(c->request, client);
    finding_row(f, "DNS lists: %d of %u, %s", s->sum, c->config->dnsbl.threshold, s->question);
    return check_refuse(c, f, s->zone->name, *client ? client : c->request->helo, detail);
}

enum verdict dnsbl_run(const struct check_ctx *c, struct finding *f)
{
    struct score s = ask_all(c);
    int threshold = (int)c->config->dnsbl.threshold;

    if (s.sum + s.may_rise < threshold)
        return VERDICT_PASS;
    if (s.sum + s.may_fall < threshold)
        return VERDICT_PENDING;
    if (s.sum + s.may_fall + s.lost < threshold)
        return VERDICT_TRY_AGAIN;
    return refuse(c, &s, f);
}
