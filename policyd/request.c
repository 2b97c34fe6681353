/* SPDX-License-Identifier: MIT */
#include "policyd/request.h"

#include <string.h>

const struct span attribute_names[ATTR_COUNT] = {
    [ATTR_REQUEST] = SPAN_INIT("request"),
    [ATTR_PROTOCOL_STATE] = SPAN_INIT("protocol_state"),
    [ATTR_PROTOCOL_NAME] = SPAN_INIT("protocol_name"),
    [ATTR_CLIENT_ADDRESS] = SPAN_INIT("client_address"),
    [ATTR_CLIENT_NAME] = SPAN_INIT("client_name"),
    [ATTR_CLIENT_PORT] = SPAN_INIT("client_port"),
    [ATTR_REVERSE_CLIENT_NAME] = SPAN_INIT("reverse_client_name"),
    [ATTR_SERVER_ADDRESS] = SPAN_INIT("server_address"),
    [ATTR_SERVER_PORT] = SPAN_INIT("server_port"),
    [ATTR_HELO_NAME] = SPAN_INIT("helo_name"),
    [ATTR_SENDER] = SPAN_INIT("sender"),
    [ATTR_RECIPIENT] = SPAN_INIT("recipient"),
    [ATTR_RECIPIENT_COUNT] = SPAN_INIT("recipient_count"),
    [ATTR_QUEUE_ID] = SPAN_INIT("queue_id"),
    [ATTR_INSTANCE] = SPAN_INIT("instance"),
    [ATTR_SIZE] = SPAN_INIT("size"),
    [ATTR_ETRN_DOMAIN] = SPAN_INIT("etrn_domain"),
    [ATTR_STRESS] = SPAN_INIT("stress"),
    [ATTR_SASL_METHOD] = SPAN_INIT("sasl_method"),
    [ATTR_SASL_USERNAME] = SPAN_INIT("sasl_username"),
    [ATTR_SASL_SENDER] = SPAN_INIT("sasl_sender"),
    [ATTR_CCERT_SUBJECT] = SPAN_INIT("ccert_subject"),
    [ATTR_CCERT_ISSUER] = SPAN_INIT("ccert_issuer"),
    [ATTR_CCERT_FINGERPRINT] = SPAN_INIT("ccert_fingerprint"),
    [ATTR_CCERT_PUBKEY_FINGERPRINT] = SPAN_INIT("ccert_pubkey_fingerprint"),
    [ATTR_ENCRYPTION_PROTOCOL] = SPAN_INIT("encryption_protocol"),
    [ATTR_ENCRYPTION_CIPHER] = SPAN_INIT("encryption_cipher"),
    [ATTR_ENCRYPTION_KEYSIZE] = SPAN_INIT("encryption_keysize"),
    [ATTR_POLICY_CONTEXT] = SPAN_INIT("policy_context"),
    [ATTR_COMPATIBILITY_LEVEL] = SPAN_INIT("compatibility_level"),
    [ATTR_MAIL_VERSION] = SPAN_INIT("mail_version"),
    [ATTR_TLS_SNI] = SPAN_INIT("tls_sni"),
};

struct word {
    struct span name; /* empty: the end */
    int value;
};

static int word_value(const struct word *words, struct span name, int otherwise)
{
    for (; words->name.len > 0; words++)
        if (span_equal(name, words->name))
            return words->value;
    return otherwise;
}

static const struct word states[] = {
    { SPAN_INIT("RCPT"), STATE_RCPT }, { SPAN_INIT("END-OF-MESSAGE"), STATE_END_OF_MESSAGE },
    { SPAN_INIT("MAIL"), STATE_MAIL }, { SPAN_INIT("DATA"), STATE_DATA },
    { SPAN_INIT("BDAT"), STATE_DATA }, { SPAN_INIT("EHLO"), STATE_HELO },
    { SPAN_INIT("HELO"), STATE_HELO }, { SPAN_INIT(""), 0 },
};

static const struct word contexts[] = {
    { SPAN_INIT("helo"), CONTEXT_HELO },
    { SPAN_INIT("sender"), CONTEXT_SENDER },
    { SPAN_INIT("recipient"), CONTEXT_RECIPIENT },
    { SPAN_INIT("end-of-data"), CONTEXT_END_OF_DATA },
    { SPAN_INIT(""), 0 },
};

/* Whether what was parsed is one; without memory that is not known. */
static bool take(struct request *r, enum result parsed)
{
    r->no_memory |= parsed == TRY_AGAIN;
    return parsed == OK;
}

/* Sets the address to what came, which is not empty, as far as it fits, so that it can be named; its domain,
 * where it has one, still says whose rules count. */
static void keep_odd(struct request *r, struct span text, struct address *a)
{
    const char *at = memrchr(text.ptr, '@', text.len);
    char domain[DOMAIN_MAX + 1] = "";
    struct strbuf b;

    strbuf_init(&b, a->text, sizeof a->text);
    if (at && (!take(r, domain_parse((struct span){ at + 1, (size_t)(text.ptr + text.len - at) - 1 }, domain)) ||
               *domain == '\0'))
        at = NULL;
    if (at)
        text.len = (size_t)(at - text.ptr) < LOCAL_MAX ? (size_t)(at - text.ptr) : LOCAL_MAX;
    strbuf_add(&b, text);
    a->local_len = b.len;
    if (at) {
        strbuf_addc(&b, '@');
        strbuf_adds(&b, domain);
    }
    a->len = b.len;
}

static void prepare_login(struct request *r, const struct config *c)
{
    struct span text = r->attr[ATTR_SASL_USERNAME];
    struct address bare;

    r->authenticated = text.len > 0;
    r->login_odd = !take(r, address_parse(text, &r->login));
    if (r->login_odd)
        keep_odd(r, text, &r->login);
    else if (r->authenticated && r->login.local_len == r->login.len && *c->default_domain) {
        bare = r->login;
        r->login_odd = address_in_domain(&bare, span_of(c->default_domain), &r->login) != OK;
    }
}

static bool is_submission(const struct request *r, const struct config *c)
{
    uint64_t port;

    return str_number(r->attr[ATTR_SERVER_PORT], 1, 65535, &port) == OK &&
           port_list_has(&c->submission_ports, (unsigned)port);
}

void request_prepare(struct request *r, const struct config *c)
{
    r->state = (enum protocol_state)word_value(states, r->attr[ATTR_PROTOCOL_STATE], STATE_OTHER);
    r->context = (enum policy_context)word_value(contexts, r->attr[ATTR_POLICY_CONTEXT], CONTEXT_ALL);
    r->has_client = network_parse_ip(r->attr[ATTR_CLIENT_ADDRESS], &r->client) == OK;
    r->trusted =
        r->has_client && networks_contain(c->trusted_networks.item, c->trusted_networks.count, &r->client);
    r->submission = is_submission(r, c);
    r->no_memory = false;
    prepare_login(r, c);
    r->sender_odd = !take(r, address_parse(r->attr[ATTR_SENDER], &r->sender));
    if (r->sender_odd)
        keep_odd(r, r->attr[ATTR_SENDER], &r->sender);
    if (!take(r, address_parse(r->attr[ATTR_RECIPIENT], &r->recipient)))
        keep_odd(r, r->attr[ATTR_RECIPIENT], &r->recipient);
    if (!take(r, domain_parse(r->attr[ATTR_HELO_NAME], r->helo)))
        r->helo[0] = '\0';
    if (!take(r, domain_parse(r->attr[ATTR_CLIENT_NAME], r->client_name)))
        r->client_name[0] = '\0';
}

enum result request_resend_key(const struct request *q, char key_r[RESEND_KEY_MAX], size_t *len_r)
{
    static const enum attribute parts[] = {
        ATTR_INSTANCE,        ATTR_QUEUE_ID, ATTR_POLICY_CONTEXT, ATTR_PROTOCOL_STATE, ATTR_RECIPIENT,
        ATTR_RECIPIENT_COUNT, ATTR_SIZE
    };
    struct strbuf b;

    if (q->attr[ATTR_INSTANCE].len == 0)
        return NOT_FOUND;
    strbuf_init(&b, key_r, RESEND_KEY_MAX);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        strbuf_add(&b, q->attr[parts[i]]);
        strbuf_addc(&b, '\n'); /* no value holds one */
    }
    *len_r = b.len;
    return b.cut ? LIMIT : OK;
}

uint64_t request_resend_number(const struct request *q)
{
    uint64_t h;
    char key[RESEND_KEY_MAX];
    size_t len;

    if (request_resend_key(q, key, &len) != OK)
        return 0;
    h = str_hash(STR_HASH_START, (struct span){ key, len });
    return h + (h == 0); /* 0 means none */
}
