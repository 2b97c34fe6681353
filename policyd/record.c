/* SPDX-License-Identifier: MIT */
#include "policyd/record.h"

#include <string.h>

#include "policyd/daemon.h"
#include "policyd/policy.h"

enum { HOUR_S = 3600, DAY_S = 86400, CLIENT_BITS_V4 = 24, CLIENT_BITS_V6 = 64 };

/* ---- rows ---- */

/* scope: "" the host, by the hour, or a domain, by the day. check: "" all mail. */
static void tally(const char *scope, const char *check, const char *outcome, int64_t now, uint64_t count)
{
    char start[STR_NUMBER_MAX];
    struct change c = { .kind = CHANGE_TALLY };

    c.field[FIELD_START] = str_number_text((uint64_t)(now - now % (*scope ? DAY_S : HOUR_S)), start);
    c.field[FIELD_SCOPE] = scope;
    c.field[FIELD_CHECK] = check;
    c.field[FIELD_OUTCOME] = outcome;
    aggregate_add(the_daemon.aggregate, AGGREGATE_OWN, &c, &(struct sums){ .number = count });
}

/* The host's, and that of the address' domain. */
static void tally_with_domain(const char *address, const char *check, const char *outcome, int64_t now)
{
    const char *at = strrchr(address, '@');

    tally("", check, outcome, now, 1);
    if (at && at[1])
        tally(at + 1, check, outcome, now, 1);
}

/* Of a stranger's name there is no domain here. */
static void tally_sighting(const struct sighting *s, const char *outcome, int64_t now)
{
    const struct check_info *info = &check_infos[s->check];

    tally_with_domain(info->subject == SUBJECT_RECIPIENT_DOMAIN ? "" : s->subject, info->name, outcome, now);
}

static void observe(const struct sighting *s, const struct sums *sums)
{
    struct change c = { .kind = CHANGE_OBSERVE };

    c.field[FIELD_CHECK] = check_infos[s->check].name;
    c.field[FIELD_SUBJECT] = s->subject;
    c.field[FIELD_CAUSE] = s->cause;
    c.field[FIELD_ENVELOPE_SENDER] = s->envelope_sender;
    c.field[FIELD_CLIENT] = s->network;
    c.field[FIELD_MODE] = mode_name(s->refused ? MODE_ENFORCE : MODE_OBSERVE);
    c.field[FIELD_SAMPLE] = s->sample;
    aggregate_add(the_daemon.aggregate,
                  check_infos[s->check].subject == SUBJECT_LOGIN ? AGGREGATE_OWN : AGGREGATE_STRANGERS, &c,
                  sums);
}

/* ---- findings ---- */

/* client: NULL where it is not known. */
static void client_network(const struct network *client, char text_r[static NETWORK_TEXT_MAX])
{
    struct network network;

    text_r[0] = '\0';
    if (!client)
        return;
    network = network_of(client, client->v6 ? CLIENT_BITS_V6 : CLIENT_BITS_V4);
    network_text(&network, text_r);
}

/* What every finding of one request has in common. */
struct found {
    const struct request *request;
    char network[NETWORK_TEXT_MAX];
    int64_t now;
    unsigned count;
};

static void count_finding(enum check_id id, const struct finding *f, void *context)
{
    struct found *found = context;

    (void)id, (void)f;
    found->count++;
}

static void note_finding(enum check_id id, const struct finding *f, void *context)
{
    const struct found *found = context;
    char sender[ADDRESS_MAX + 1] = "";
    struct strbuf b;
    struct sighting s = { .check = id,
                          .refused = f->mode == MODE_ENFORCE,
                          .subject = f->subject,
                          .cause = f->cause,
                          .envelope_sender = sender,
                          .network = found->network,
                          .sample = f->reply };

    if (id == CHECK_SENDER_LOGIN) {
        strbuf_init(&b, sender, sizeof sender);
        strbuf_add_clean(&b, span_of(found->request->sender.text));
    }
    if (!transactions_note(the_daemon.transactions, found->request->attr[ATTR_INSTANCE], &s, found->now))
        return;
    observe(&s, &(struct sums){ .number = 1 });
    tally_sighting(&s, s.refused ? "refused" : "observed", found->now);
}

/* ---- the end of a message ---- */

static void arrived(const struct sighting *s, void *context)
{
    const int64_t *now = context;

    if (s->refused)
        return;
    observe(s, &(struct sums){ .delivered = 1 });
    tally_sighting(s, "delivered", *now);
}

static uint64_t number(struct span text)
{
    uint64_t value;

    return str_number(text, 0, INT64_MAX, &value) == OK ? value : 0;
}

static void record_sending(const struct request *q)
{
    char sender[ADDRESS_MAX + 1];
    struct strbuf b;
    struct change c = { .kind = CHANGE_SENDING };
    struct sums sums = { .number = 1,
                         .recipients = number(q->attr[ATTR_RECIPIENT_COUNT]),
                         .bytes = number(q->attr[ATTR_SIZE]) };

    strbuf_init(&b, sender, sizeof sender);
    strbuf_add_clean(&b, span_of(q->sender.text));
    c.field[FIELD_ADDRESS] = q->login.text;
    c.field[FIELD_ENVELOPE_SENDER] = sender;
    aggregate_add(the_daemon.aggregate, AGGREGATE_OWN, &c, &sums);
}

/* outcome: of login_outcome_names, or "mail": a message that the login sent. */
static void count_login(const struct login_event *e, const char *outcome, const struct network *client)
{
    char network[NETWORK_TEXT_MAX], port[STR_NUMBER_MAX];
    struct change c = { .kind = CHANGE_LOGIN };

    client_network(client, network);
    c.field[FIELD_SUBJECT] = e->account;
    c.field[FIELD_OUTCOME] = outcome;
    c.field[FIELD_SERVICE] = e->service;
    c.field[FIELD_MECHANISM] = e->mechanism;
    c.field[FIELD_SECURITY] = login_security_names[e->security];
    c.field[FIELD_PORT] = str_number_text(e->port, port);
    c.field[FIELD_SERVER_NAME] = e->server_name;
    c.field[FIELD_CLIENT] = network;
    c.field[FIELD_CAUSE] = e->cause;
    c.field[FIELD_BARE] = e->bare ? "1" : "0";
    aggregate_add(the_daemon.aggregate, e->outcome == LOGIN_UNKNOWN ? AGGREGATE_STRANGERS : AGGREGATE_OWN, &c,
                  &(struct sums){ .number = 1 });
}

static enum login_security security_of(const struct request *q)
{
    if (q->attr[ATTR_ENCRYPTION_PROTOCOL].len == 0)
        return q->trusted                              ? LOGIN_TRUSTED
               : q->attr[ATTR_ENCRYPTION_PROTOCOL].ptr ? LOGIN_NONE
                                                       : LOGIN_SECURED;
    return port_list_has(&the_daemon.config->dovecot.implicit_tls_ports,
                         (unsigned)number(q->attr[ATTR_SERVER_PORT]))
               ? LOGIN_IMPLICIT
               : LOGIN_STARTTLS;
}

/* Dovecot is told no port by Postfix: this is how the account's programs send. */
static void record_program(const struct request *q)
{
    struct login_event e = { .service = "smtp",
                             .security = security_of(q),
                             .port = (unsigned)number(q->attr[ATTR_SERVER_PORT]) };
    struct strbuf b;

    strbuf_init(&b, e.account, sizeof e.account);
    strbuf_adds(&b, q->login.text);
    strbuf_init(&b, e.mechanism, sizeof e.mechanism);
    strbuf_add_clean(&b, q->attr[ATTR_SASL_METHOD]);
    if (domain_parse(q->attr[ATTR_TLS_SNI], e.server_name) != OK)
        e.server_name[0] = '\0';
    count_login(&e, "mail", q->has_client ? &q->client : NULL);
}

static void end_message(const struct request *q, const struct decision *d, int64_t now)
{
    bool accepted = d->decided_by < 0 || d->held, is_own;

    transactions_end(the_daemon.transactions, q->attr[ATTR_INSTANCE], now, accepted && !d->held ? arrived : NULL,
                     &now);
    /* A login that has a domain is one that Postfix's SASL server knows. */
    is_own = q->authenticated && !q->login_odd && address_domain(&q->login).ptr;
    tally_with_domain(is_own ? q->login.text : "", "", accepted ? "accepted" : "refused", now);
    if (!accepted || !is_own)
        return;
    record_sending(q);
    record_program(q);
}

static bool answer_again(struct span key, struct decision *d, int64_t now)
{
    const char *before = key.len > 0 ? answered_find(the_daemon.answered, key, now, &d->decided_by) : NULL;

    if (!before || str_copy(span_of(before), d->action, sizeof d->action) != OK)
        return false;
    d->held = d->decided_by >= 0 && strncmp(d->action, "HOLD ", 5) == 0;
    return true;
}

bool record_answered(const struct request *q, struct decision *d, int64_t now)
{
    char key[RESEND_KEY_MAX];
    struct span keyed = { key, 0 };

    return request_resend_key(q, key, &keyed.len) == OK && answer_again(keyed, d, now);
}

/* For END-OF-MESSAGE, where local recipients do not count. */
static void note_recipient(const struct request *q, const struct decision *d, int64_t now)
{
    enum recipient_place place = d->finding[CHECK_SEND_LIMIT].recipient;

    if (place != RECIPIENT_UNKNOWN && (d->decided_by < 0 || d->held))
        recipients_note(the_daemon.recipients, q->attr[ATTR_INSTANCE], span_of(q->recipient.text),
                        place == RECIPIENT_LOCAL, now);
}

void record_decision(const struct request *q, struct decision *d, int64_t now)
{
    bool ends = q->state == STATE_END_OF_MESSAGE;
    char key[RESEND_KEY_MAX];
    struct span keyed = { key, 0 };
    struct found found = { .request = q, .now = now };

    note_recipient(q, d, now);
    policy_found(d, count_finding, &found);
    if (!ends && found.count == 0) {
        record_behaviour(q, d, now);
        return;
    }
    if (request_resend_key(q, key, &keyed.len) != OK)
        keyed.len = 0;
    if (answer_again(keyed, d, now))
        return;
    record_behaviour(q, d, now);
    if (found.count > 0) {
        client_network(q->has_client ? &q->client : NULL, found.network);
        policy_found(d, note_finding, &found);
    }
    if (ends)
        end_message(q, d, now);
    if (ends || d->decided_by >= 0)
        record_activity(q, d);
    if (keyed.len > 0)
        answered_add(the_daemon.answered, keyed, d->action, d->decided_by, now);
}

void record_login(const struct login_event *e, int64_t now)
{
    static const char *const outcomes[] = { [LOGIN_NONE] = "login_none",
                                            [LOGIN_TRUSTED] = "login_trusted",
                                            [LOGIN_SECURED] = "login_secured",
                                            [LOGIN_STARTTLS] = "login_starttls",
                                            [LOGIN_IMPLICIT] = "login_implicit" };
    struct network address, *client = network_parse_ip(span_of(e->client), &address) == OK ? &address : NULL;

    if (e->lost > 0)
        tally("", "", "lost", now, e->lost);
    count_login(e, login_outcome_names[e->outcome], client);
    if (e->outcome != LOGIN_OK && e->outcome != LOGIN_LOOKUP)
        return;
    tally_with_domain(e->account, "", outcomes[e->security], now);
    record_behaviour_login(e, client, now);
}
