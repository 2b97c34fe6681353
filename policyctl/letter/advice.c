/* SPDX-License-Identifier: MIT */
#include "policyctl/letter/advice.h"

#include <stdlib.h>
#include <string.h>

/* By Dovecot's names; ports as IANA registered them for STARTTLS (RFC 9051, 1939, 6409, 5804). */
static const struct service {
    const char *name, *program, *port;
    size_t setting; /* in struct config */
} services[] = {
    { "imap", "IMAP", "143", offsetof(struct config, letter.imap) },
    { "pop3", "POP3", "110", offsetof(struct config, letter.pop3) },
    { "sieve", "ManageSieve", "4190", offsetof(struct config, letter.sieve) },
    { "smtp", "SMTP", "587", offsetof(struct config, letter.smtp) }, /* the last: what a message says */
};

enum { SERVICES = sizeof services / sizeof *services };

static const struct service *find_service(const char *name)
{
    size_t i = 0;

    while (i < SERVICES - 1 && strcmp(services[i].name, name) != 0)
        i++;
    return &services[i];
}

static bool is_implicit(const struct config *config, const char *port)
{
    const struct port_list *list = &config->dovecot.implicit_tls_ports;
    unsigned long number = strtoul(port, NULL, 10);

    for (size_t i = 0; i < list->count; i++)
        if (list->item[i] == number)
            return true;
    return false;
}

/* The port of NAME:PORT counts first, then the one that was used, then the standard one;
 * but none where TLS begins at once when it is this that is to go. */
static void choose_port(struct advice *a, enum section section, const struct service *service, const char *configured,
                        unsigned seen)
{
    struct strbuf b;

    strbuf_init(&b, a->port, sizeof a->port);
    if (*configured)
        strbuf_adds(&b, configured);
    else if (section == SECTION_STARTTLS && seen > 0)
        strbuf_addu(&b, seen);
    if (b.len == 0 || (section == SECTION_IMPLICIT_TLS && is_implicit(a->config, a->port))) {
        strbuf_init(&b, a->port, sizeof a->port);
        strbuf_adds(&b, service->port);
    }
}

static void set_server(struct advice *a, enum section section, const struct evidence *e)
{
    const struct service *service = find_service(e->service);
    const char *setting = *(char *const *)((const char *)a->config + service->setting);
    size_t name = strcspn(setting, ":");
    struct strbuf b;

    strbuf_init(&b, a->server, sizeof a->server);
    strbuf_add(&b, name > 0 ? (struct span){ setting, name } : span_of(a->config->hostname));
    choose_port(a, section, service, setting[name] ? setting + name + 1 : "", e->port);
    a->values.of[WORD_PROGRAM] = service->program;
    a->values.of[WORD_SERVER] = a->server;
    a->values.of[WORD_PORT] = a->port;
    a->values.of[WORD_ENCRYPTION] = is_implicit(a->config, a->port) ? "SSL/TLS" : "STARTTLS";
}

void advice_init(struct advice *a, const struct ctl *ctl, const struct readiness *report)
{
    *a = (struct advice){ .config = ctl->config };
    date_text(ctl->now, a->today);
    a->today[strcspn(a->today, " ")] = '\0';
    a->values.of[WORD_HOST] = report->host;
    a->values.of[WORD_DATE] = a->today;
    a->values.of[WORD_URL] = ctl->config->help_url;
}

void advice_evidence(struct advice *a, enum section section, const struct evidence *e)
{
    struct strbuf b;

    set_server(a, section, e);
    date_text(e->last_seen, a->last_seen);
    strbuf_init(&b, a->count, sizeof a->count);
    strbuf_addu(&b, e->count);
    a->values.of[WORD_LAST_SEEN] = a->last_seen;
    a->values.of[WORD_COUNT_SEEN] = a->count;
    a->values.of[WORD_NETWORK] = e->client;
    a->values.of[WORD_SENDER] = e->envelope_sender;
    a->values.of[WORD_OLD_SERVER] = e->server_name;
    a->values.of[WORD_REPLY] = e->sample;
}

enum section advice_check(enum check_id id)
{
    static const enum section sections[CHECK_COUNT] = {
        [CHECK_ACCESS] = SECTION_COUNT,
        [CHECK_ACCOUNT_STATUS] = SECTION_ACCOUNT_STATUS,
        [CHECK_STARTTLS] = SECTION_STARTTLS,
        [CHECK_IMPLICIT_TLS] = SECTION_IMPLICIT_TLS,
        [CHECK_SENDER_LOGIN] = SECTION_SENDER_LOGIN,
        [CHECK_SENDER_AUTH] = SECTION_SENDER_AUTH,
        [CHECK_HELO_LOCAL] = SECTION_HELO_LOCAL,
        [CHECK_HELO_FQDN] = SECTION_HELO_FQDN,
        [CHECK_HELO_SELF] = SECTION_HELO_SELF,
        [CHECK_HELO_RESOLVE] = SECTION_HELO_RESOLVE,
        [CHECK_GREYLIST] = SECTION_COUNT,
        [CHECK_DNSBL] = SECTION_COUNT, /* the list's own page says it */
        [CHECK_SEND_LIMIT] = SECTION_SEND_LIMIT,
        [CHECK_COMPROMISE] = SECTION_COUNT, /* whoever reads the mail may be the thief */
    };

    return sections[id];
}

enum section advice_habit(enum habit_id id)
{
    static const enum section sections[HABITS] = {
        [HABIT_BARE_NAME] = SECTION_BARE_NAME,
        [HABIT_OLD_NAME] = SECTION_OLD_SERVER_NAME,
        [HABIT_EXPOSED] = SECTION_EXPOSED,
    };

    return sections[id];
}

bool advice_same(enum section section, const struct evidence *a, const struct evidence *b)
{
    switch (section) {
    case SECTION_STARTTLS:
        return find_service(a->service) == find_service(b->service) && a->port == b->port;
    case SECTION_IMPLICIT_TLS:
    case SECTION_BARE_NAME:
    case SECTION_OLD_SERVER_NAME:
        return find_service(a->service) == find_service(b->service);
    default:
        return true;
    }
}
