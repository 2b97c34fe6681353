/* SPDX-License-Identifier: MIT */
/* Whether the name servers answer: each of policyd.conf's by itself, or those of resolv.conf, as policyd asks them. */
#include <event2/event.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "policyctl/doctor/doctor.h"
#include "policyctl/doctor/shell.h"
#include "policyd/resolver.h"

static const struct rule all_silent = {
    "dns_silent", LEVEL_PROBLEM,
    "helo_resolve decides nothing, and every message that it would look at waits for the answer (dns.timeout_ms)."
};
static const struct rule one_silent = { "dns_server_silent", LEVEL_WARNING,
                                        "Another one answers, but whatever is asked of this one first takes longer." };
static const struct rule unusable = { "dns_config", LEVEL_PROBLEM, "policyd does not start like this." };

struct question {
    struct dns_waiter waiter;
    bool woken;
};

static void on_wake(struct dns_waiter *waiter)
{
    ((struct question *)waiter)->woken = true;
}

/* Any answer will do: that there is no such name is one too. */
static bool answers(struct resolver *resolver, struct event_base *base, const char *name)
{
    struct dns_source *source = resolver_source(resolver);
    struct question q = { .waiter = { .wake = on_wake } };
    struct dns_answer answer;
    enum dns_status status = source->ask(source, span_of(name), DNS_A, &q.waiter, &answer);

    while (status == DNS_PENDING) {
        while (!q.woken)
            if (event_base_loop(base, EVLOOP_ONCE) != 0)
                return false;
        q.woken = false;
        status = source->ask(source, span_of(name), DNS_A, &q.waiter, &answer);
    }
    return status != DNS_FAILED;
}

/* server NULL: those of resolv.conf. */
static enum result try_server(const struct doctor *d, const char *server, bool *answers_r, struct error *e)
{
    const struct config *c = d->ctl->config;
    struct resolver_config dns = { .servers = &server, .server_count = server ? 1 : 0,
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

void examine_dns(struct doctor *d)
{
    const struct string_list *servers = &d->ctl->config->dns.servers;
    enum { SERVERS_MAX = 16 };
    size_t count = servers->count == 0 ? 1 : servers->count < SERVERS_MAX ? servers->count : SERVERS_MAX, good = 0;
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
}
