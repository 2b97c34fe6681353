/* SPDX-License-Identifier: MIT */
/* Whether the name servers answer: each of policyd.conf's by itself, or those of resolv.conf, as policyd asks
 * them; and the DNS lists behind them. */
#include <event2/event.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "policyctl/doctor/doctor.h"
#include "policyctl/host/shell.h"
#include "policyd/resolver.h"
#include "policyd/zones.h"

static const struct rule all_silent = { "dns_silent", LEVEL_PROBLEM,
                                        "helo_resolve decides nothing, and every message that it would look "
                                        "at waits for the answer (dns.timeout_ms)." };
static const struct rule one_silent = {
    "dns_server_silent", LEVEL_WARNING,
    "Another one answers, but whatever is asked of this one first takes longer."
};
static const struct rule unusable = { "dns_config", LEVEL_PROBLEM, "policyd does not start like this." };

static const struct rule list_off = {
    "dnsbl_off", LEVEL_PROBLEM, "policyd does not ask it as long as it is so, and tries it again by itself."
};

struct question {
    struct dns_waiter waiter;
    bool woken;
};

static void on_wake(struct dns_waiter *waiter)
{
    ((struct question *)waiter)->woken = true;
}

static enum dns_status ask(struct resolver *resolver, struct event_base *base, const char *name,
                           struct dns_answer *answer_r)
{
    struct dns_source *source = resolver_source(resolver);
    struct question q = { .waiter = { .wake = on_wake } };
    enum dns_status status = source->ask(source, span_of(name), DNS_A, &q.waiter, answer_r);

    while (status == DNS_PENDING) {
        while (!q.woken)
            if (event_base_loop(base, EVLOOP_ONCE) != 0)
                return answer_r->status = DNS_FAILED;
        q.woken = false;
        status = source->ask(source, span_of(name), DNS_A, &q.waiter, answer_r);
    }
    return status;
}

/* Any answer will do: that there is no such name is one too. */
static bool answers(struct resolver *resolver, struct event_base *base, const char *name)
{
    struct dns_answer answer;

    return ask(resolver, base, name, &answer) != DNS_FAILED;
}

/* server NULL: those of resolv.conf. */
static enum result try_server(const struct doctor *d, const char *server, bool *answers_r, struct error *e)
{
    const struct config *c = d->ctl->config;
    struct resolver_config dns = { .servers = &server,
                                   .server_count = server ? 1 : 0,
                                   .timeout_ms = c->dns.timeout_ms };
    struct event_base *base = event_base_new();
    struct resolver *resolver;
    enum result r;

    *answers_r = false;
    if (!base)
        return error_set(e, TRY_AGAIN, "no event loop");
    r = resolver_open(base, &dns, &resolver, e);
    if (r == OK) {
        *answers_r = answers(resolver, base, c->hostname) || answers(resolver, base, "postern.invalid");
        resolver_close(&resolver);
    }
    event_base_free(base);
    return r;
}

/* There is no command that mends a name server; this one shows what it says. */
static void remedy_ask(const struct doctor *d, const char *server, struct strbuf *b)
{
    const char *port = server ? strchr(server, '@') : NULL;

    shell_word(b, SPAN("dig"));
    if (server) {
        char at[128];
        snprintf(at, sizeof at, "@%.*s", (int)(port ? (size_t)(port - server) : strlen(server)), server);
        shell_word(b, span_of(at));
    }
    if (port) {
        shell_word(b, SPAN("-p"));
        shell_word(b, span_of(port + 1));
    }
    shell_word(b, span_of(d->ctl->config->hostname));
}

static void say_silent(struct doctor *d, const struct rule *rule, const char *server)
{
    char remedy[512];
    struct strbuf b;

    strbuf_init(&b, remedy, sizeof remedy);
    remedy_ask(d, server, &b);
    doctor_say(d, rule, "", remedy, "%s: no answer within %u ms", server ? server : "/etc/resolv.conf",
               d->ctl->config->dns.timeout_ms);
}

/* As policyd tests it (policyd/zones.h). */
static enum zone_health test_zone(struct resolver *resolver, struct event_base *base,
                                  const struct dnsbl_zone *zone)
{
    static const char *const names[] = { "invalid", "test" };
    struct dns_answer answer[2];

    for (unsigned i = 0; i < 2; i++) {
        const struct network address = { .bytes = { 127, 0, 0, (unsigned char)(i + 1) }, .bits = 32 };
        char question[ZONE_QUESTION_MAX + 1];
        enum result r = zone->kind == ZONE_CLIENT ? dnsbl_question(zone, &address, question)
                                                  : dnsbl_name_question(zone, span_of(names[i]), question);
        if (r != OK)
            return ZONE_WELL;
        answer[i].count = 0;
        answer[i].status = ask(resolver, base, question, &answer[i]);
    }
    return zones_judge(&answer[0], &answer[1]);
}

static void examine_lists(struct doctor *d)
{
    const struct config *c = d->ctl->config;
    struct resolver_config dns = { .servers = (const char *const *)c->dns.servers.item,
                                   .server_count = c->dns.servers.count,
                                   .timeout_ms = c->dns.timeout_ms };
    struct event_base *base = event_base_new();
    struct resolver *resolver;
    struct error e;

    if (!base || resolver_open(base, &dns, &resolver, &e) != OK) {
        doctor_unknown(d, "", "dnsbl.zones: %s", base ? e.text : "no event loop");
        if (base)
            event_base_free(base);
        return;
    }
    for (size_t i = 0; i < c->dnsbl.zones.count; i++) {
        const struct dnsbl_zone *zone = &c->dnsbl.zones.item[i];
        enum zone_health health = test_zone(resolver, base, zone);
        if (health != ZONE_WELL)
            doctor_say(d, &list_off, "", NULL, "dnsbl.zones: %s: %s", zone->name, zone_health_texts[health]);
    }
    resolver_close(&resolver);
    event_base_free(base);
}

void examine_dns(struct doctor *d)
{
    const struct string_list *servers = &d->ctl->config->dns.servers;
    enum { SERVERS_MAX = 16 };
    size_t count = servers->count == 0            ? 1
                   : servers->count < SERVERS_MAX ? servers->count
                                                  : SERVERS_MAX,
           good = 0;
    bool answering[SERVERS_MAX] = { false };
    struct error e;

    for (size_t i = 0; i < count; i++) {
        const char *server = servers->count > 0 ? servers->item[i] : NULL;
        if (try_server(d, server, &answering[i], &e) != OK) {
            doctor_say(d, &unusable, "", NULL, "%s", e.text);
            return;
        }
        good += answering[i];
        doctor_saw(d, server ? server : "/etc/resolv.conf");
    }
    for (size_t i = 0; i < count; i++)
        if (!answering[i])
            say_silent(d, good > 0 ? &one_silent : &all_silent, servers->count > 0 ? servers->item[i] : NULL);
    if (good > 0 && d->ctl->config->dnsbl.zones.count > 0)
        examine_lists(d);
}
