/* SPDX-License-Identifier: MIT */
#include "policyd/request.h"

const char *const attribute_names[ATTR_COUNT] = {
    [ATTR_REQUEST] = "request",
    [ATTR_PROTOCOL_STATE] = "protocol_state",
    [ATTR_PROTOCOL_NAME] = "protocol_name",
    [ATTR_CLIENT_ADDRESS] = "client_address",
    [ATTR_CLIENT_NAME] = "client_name",
    [ATTR_CLIENT_PORT] = "client_port",
    [ATTR_REVERSE_CLIENT_NAME] = "reverse_client_name",
    [ATTR_SERVER_ADDRESS] = "server_address",
    [ATTR_SERVER_PORT] = "server_port",
    [ATTR_HELO_NAME] = "helo_name",
    [ATTR_SENDER] = "sender",
    [ATTR_RECIPIENT] = "recipient",
    [ATTR_RECIPIENT_COUNT] = "recipient_count",
    [ATTR_QUEUE_ID] = "queue_id",
    [ATTR_INSTANCE] = "instance",
    [ATTR_SIZE] = "size",
    [ATTR_ETRN_DOMAIN] = "etrn_domain",
    [ATTR_STRESS] = "stress",
    [ATTR_SASL_METHOD] = "sasl_method",
    [ATTR_SASL_USERNAME] = "sasl_username",
    [ATTR_SASL_SENDER] = "sasl_sender",
    [ATTR_CCERT_SUBJECT] = "ccert_subject",
    [ATTR_CCERT_ISSUER] = "ccert_issuer",
    [ATTR_CCERT_FINGERPRINT] = "ccert_fingerprint",
    [ATTR_CCERT_PUBKEY_FINGERPRINT] = "ccert_pubkey_fingerprint",
    [ATTR_ENCRYPTION_PROTOCOL] = "encryption_protocol",
    [ATTR_ENCRYPTION_CIPHER] = "encryption_cipher",
    [ATTR_ENCRYPTION_KEYSIZE] = "encryption_keysize",
    [ATTR_POLICY_CONTEXT] = "policy_context",
    [ATTR_COMPATIBILITY_LEVEL] = "compatibility_level",
    [ATTR_MAIL_VERSION] = "mail_version",
    [ATTR_TLS_SNI] = "tls_sni",
};

struct word {
    const char *name;
    int value;
};

static int word_value(const struct word *words, struct span name, int otherwise)
{
    for (; words->name; words++)
        if (span_equal(name, span_of(words->name)))
            return words->value;
    return otherwise;
}

static const struct word states[] = {
    { "RCPT", STATE_RCPT }, { "END-OF-MESSAGE", STATE_END_OF_MESSAGE },
    { "MAIL", STATE_MAIL }, { "DATA", STATE_DATA },
    { "BDAT", STATE_DATA }, { "EHLO", STATE_HELO },
    { "HELO", STATE_HELO }, { NULL, 0 },
};

static const struct word contexts[] = {
    { "helo", CONTEXT_HELO },
    { "sender", CONTEXT_SENDER },
    { "recipient", CONTEXT_RECIPIENT },
    { "end-of-data", CONTEXT_END_OF_DATA },
    { NULL, 0 },
};

/* Sets the address to what came, as far as it fits, so that it can be named. */
static void keep_odd(struct span text, struct address *a)
{
    a->len = a->local_len = text.len < ADDRESS_MAX ? text.len : ADDRESS_MAX;
    if (str_copy((struct span){ text.ptr, a->len }, a->text, sizeof a->text) != OK)
        a->len = a->local_len = 0;
}

static void prepare_login(struct request *r, const struct config *c)
{
    struct span text = r->attr[ATTR_SASL_USERNAME];
    struct address bare;

    r->authenticated = text.len > 0;
    r->login_odd = address_parse(text, &r->login) != OK;
    if (r->login_odd)
        keep_odd(text, &r->login);
    else if (r->authenticated && r->login.local_len == r->login.len && *c->default_domain) {
        bare = r->login;
        if (address_in_domain(&bare, span_of(c->default_domain), &r->login) != OK)
            r->login = bare;
    }
}

static bool is_submission(const struct request *r, const struct config *c)
{
    uint64_t port;

    if (str_number(r->attr[ATTR_SERVER_PORT], 1, 65535, &port) != OK)
        return false;
    for (size_t i = 0; i < c->submission_ports.count; i++)
        if (c->submission_ports.item[i] == port)
            return true;
    return false;
}

void request_prepare(struct request *r, const struct config *c)
{
    r->state = (enum protocol_state)word_value(states, r->attr[ATTR_PROTOCOL_STATE], STATE_OTHER);
    r->context = (enum policy_context)word_value(contexts, r->attr[ATTR_POLICY_CONTEXT], CONTEXT_ALL);
    r->has_client = network_parse_ip(r->attr[ATTR_CLIENT_ADDRESS], &r->client) == OK;
    r->trusted = r->has_client &&
                 networks_contain(c->trusted_networks.item, c->trusted_networks.count, &r->client);
    r->submission = is_submission(r, c);
    prepare_login(r, c);
    r->sender_odd = address_parse(r->attr[ATTR_SENDER], &r->sender) != OK;
    if (r->sender_odd)
        keep_odd(r->attr[ATTR_SENDER], &r->sender);
    if (address_parse(r->attr[ATTR_RECIPIENT], &r->recipient) != OK)
        keep_odd(r->attr[ATTR_RECIPIENT], &r->recipient);
    if (domain_parse(r->attr[ATTR_HELO_NAME], r->helo) != OK)
        r->helo[0] = '\0';
}
