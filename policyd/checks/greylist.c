/* SPDX-License-Identifier: MIT */
/*
 * First contact: who sends has to come again (RFC 6647).  The check only proposes to meet
 * the row; whether the client has to wait is what the commit answers.  Layer 5.
 */
#include "policyd/check.h"

#include "lib/greylist.h"

enum { SENDER_TEXT_MAX = ADDRESS_MAX + 1 };

/* Without what changes from message to message: BATV, SRS, extensions, and the numbers of
 * lists that write the recipient or a count into the sender (VERP). */
static void sender_text(const struct request *q, const char *delimiters, char text_r[static SENDER_TEXT_MAX])
{
    struct address plain = q->sender, shorter;
    struct strbuf b;
    bool in_number = false;

    if (address_unwrap(&plain, &shorter) == OK)
        plain = shorter;
    if (address_strip_extension(&plain, delimiters, &shorter) == OK)
        plain = shorter;
    strbuf_init(&b, text_r, SENDER_TEXT_MAX);
    for (const char *p = plain.text; *p; p++) {
        bool is_digit = *p >= '0' && *p <= '9';
        if (!is_digit)
            strbuf_add_clean(&b, (struct span){ p, 1 });
        else if (!in_number)
            strbuf_addc(&b, '#');
        in_number = is_digit;
    }
}

static void client_text(const struct check_ctx *c, char text_r[static NETWORK_TEXT_MAX])
{
    const struct network *client = &c->request->client;
    struct network network =
        network_of(client, client->v6 ? c->config->greylist.bits_v6 : c->config->greylist.bits_v4);

    network_text(&network, text_r);
}

static void propose(const struct check_ctx *c)
{
    const struct greylist_rule rule = { c->config->greylist.delay_s, c->config->greylist.window_s,
                                        c->config->greylist.lifetime_s, c->config->greylist.client_passes };
    char client[NETWORK_TEXT_MAX], sender[SENDER_TEXT_MAX], recipient[SENDER_TEXT_MAX],
        text[GREYLIST_TEXT_MAX];
    struct strbuf b;

    client_text(c, client);
    sender_text(c->request, c->config->recipient_delimiter, sender);
    strbuf_init(&b, recipient, sizeof recipient);
    strbuf_add_clean(&b, span_of(c->request->recipient.text));
    strbuf_init(&b, text, sizeof text);
    greylist_rule_format(&rule, &b);
    proposals_add(c->proposed, c->id, CHANGE_GREYLIST);
    proposals_set(c->proposed, FIELD_CLIENT, client);
    proposals_set(c->proposed, FIELD_ENVELOPE_SENDER, sender);
    proposals_set(c->proposed, FIELD_RECIPIENT, recipient);
    proposals_set(c->proposed, FIELD_RULE, text);
}

enum verdict greylist_run(const struct check_ctx *c, struct finding *f)
{
    if (!c->request->has_client || c->request->recipient.len == 0)
        return VERDICT_PASS;
    finding_row(f, "greylist: a client's first message waits %u s", c->config->greylist.delay_s);
    propose(c);
    return c->proposed->full ? VERDICT_TRY_AGAIN : VERDICT_PASS;
}

enum verdict greylist_committed(const struct check_ctx *c, const struct change_set *set, struct finding *f)
{
    char client[NETWORK_TEXT_MAX];

    if (set->result == OK)
        return VERDICT_PASS;
    if (set->result != PENDING)
        return VERDICT_TRY_AGAIN;
    client_text(c, client);
    return check_refuse(c, f, "first_contact", client, set->error.text);
}
