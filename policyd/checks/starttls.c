/* SPDX-License-Identifier: MIT */
/*
 * Logins over a connection without encryption, or with implicit TLS where STARTTLS is
 * asked for.  The Dovecot plugin refuses the first at the login; Postfix tells it no port,
 * so the second is decided here, and both where another SASL server lets people in.  Layer 5.
 */
#include "lib/setting.h"
#include "policyd/check.h"

static unsigned server_port(const struct request *q)
{
    uint64_t port;

    return str_number(q->attr[ATTR_SERVER_PORT], 1, 65535, &port) == OK ? (unsigned)port : 0;
}

/* The same host, or a network that is trusted: as Dovecot sees "secured". */
static bool is_local(const struct request *q)
{
    struct network server;

    return q->trusted || (q->has_client && network_parse_ip(q->attr[ATTR_SERVER_ADDRESS], &server) == OK &&
                          network_contains(&server, &q->client));
}

static enum verdict refuse(const struct check_ctx *c, struct finding *f, const char *cause, unsigned port)
{
    char setting[64];
    struct strbuf b;

    strbuf_init(&b, setting, sizeof setting);
    setting_starttls("smtp", port, &b);
    return check_refuse(c, f, cause, c->request->login.text, setting);
}

enum verdict starttls_run(const struct check_ctx *c, struct finding *f)
{
    const struct request *q = c->request;

    /* Before Postfix 2.2, and from other servers, the attribute is not there: nothing is known. */
    if (!q->attr[ATTR_ENCRYPTION_PROTOCOL].ptr)
        return VERDICT_NONE;
    if (q->attr[ATTR_ENCRYPTION_PROTOCOL].len > 0 || is_local(q) ||
        !mechanism_is_plaintext(q->attr[ATTR_SASL_METHOD]))
        return VERDICT_PASS;
    finding_row(f, "encryption_protocol is empty");
    return refuse(c, f, "no_tls", server_port(q));
}

enum verdict implicit_tls_run(const struct check_ctx *c, struct finding *f)
{
    const struct request *q = c->request;
    unsigned port = server_port(q);

    if (q->attr[ATTR_ENCRYPTION_PROTOCOL].len == 0)
        return VERDICT_NONE;
    if (!port_list_has(&c->config->dovecot.implicit_tls_ports, port) ||
        !mechanism_is_plaintext(q->attr[ATTR_SASL_METHOD]))
        return VERDICT_PASS;
    finding_row(f, "port %u is in implicit_tls_ports", port);
    return refuse(c, f, "implicit_tls", 0);
}
