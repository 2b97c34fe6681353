/* SPDX-License-Identifier: MIT */
/*
 * Changes of the account table and requests in any order, three octets each, against a
 * small model of what may be sent: every answer is the model's.  Stateful: one world for
 * the whole input, its cached rows with it.
 */
#include <stdio.h>
#include <string.h>

#include "policyd/protocol.h"
#include "t/fuzz/fuzz.h"
#include "t/unit/world.h"

enum { ACCOUNTS = 3, SENDERS = 5, SCOPES = 6, STEP = 3, STEPS_MAX = 200, CHECKS = 2 };
enum scope { SCOPE_HOST, SCOPE_DOMAINS, SCOPE_ACCOUNTS = 3 };

static const char *const addresses[SENDERS] = { "a@x.example", "b@x.example", "c@y.example", "d@x.example",
                                                "e@z.example" };
static const char *const scopes[SCOPES] = {
    "", "x.example", "y.example", "a@x.example", "b@x.example", "c@y.example"
};
static const size_t domain_scope[ACCOUNTS] = { 1, 1, 2 };
static const enum check_id checks[CHECKS] = { CHECK_ACCOUNT_STATUS, CHECK_SENDER_LOGIN };

/* The reference: what was acknowledged, in plain tables. */
struct model {
    bool exists[ACCOUNTS], disabled[ACCOUNTS], suspended[ACCOUNTS], granted[ACCOUNTS][SENDERS];
    struct {
        bool set;
        enum mode mode;
        int64_t until; /* 0: without end */
    } row[CHECKS][SCOPES];
};

static struct world world;
static struct model model;

/* ---- the model's answer ---- */

static bool row_counts(size_t check, size_t scope)
{
    int64_t until = model.row[check][scope].until;

    return model.row[check][scope].set && (until == 0 || world.now < until);
}

static enum mode mode_of(size_t check, size_t account)
{
    const size_t narrowest_first[] = { SCOPE_ACCOUNTS + account, domain_scope[account], SCOPE_HOST };

    for (size_t i = 0; i < 3; i++)
        if (row_counts(check, narrowest_first[i]))
            return model.row[check][narrowest_first[i]].mode;
    return check_infos[checks[check]].mode;
}

static const char *expected(size_t login, size_t sender)
{
    if ((model.disabled[login] || model.suspended[login]) && mode_of(0, login) == MODE_ENFORCE)
        return "554 5.7.1 ";
    if (sender != login && !model.granted[login][sender] && mode_of(1, login) == MODE_ENFORCE)
        return "553 5.7.1 ";
    return "DUNNO";
}

/* ---- changes: true where they were acknowledged ---- */

static bool change(const char *format, const char *one, const char *two, const char *three)
{
    char line[512];
    struct error e = { "" };
    struct strbuf b;
    enum result r;

    strbuf_init(&b, line, sizeof line);
    strbuf_addf(&b, "%s", format);
    if (one)
        strbuf_addf(&b, "%s", one);
    if (two)
        strbuf_addf(&b, "%s", two);
    if (three)
        strbuf_addf(&b, "%s", three);
    r = world_change(&world, span_of(line), &e);
    need(r == OK || (e.text[0] != '\0' && r != TRY_AGAIN));
    return r == OK;
}

static void add_account(size_t a, size_t unused)
{
    (void)unused;
    if (!change("account-add kind=user password={X}x address=", addresses[a], NULL, NULL))
        return;
    need(!model.exists[a]);
    model.exists[a] = true;
}

static void remove_account(size_t a, size_t unused)
{
    (void)unused;
    if (!change("account-remove address=", addresses[a], NULL, NULL))
        return;
    need(model.exists[a]);
    model.exists[a] = model.disabled[a] = model.suspended[a] = false;
    memset(model.granted[a], 0, sizeof model.granted[a]);
    for (size_t c = 0; c < CHECKS; c++)
        model.row[c][SCOPE_ACCOUNTS + a].set = false;
}

static void set_status(size_t a, size_t disabled)
{
    if (change("account-status address=", addresses[a], disabled % 2 ? " status=disabled" : " status=active",
               NULL))
        model.disabled[a] = disabled % 2;
}

static void suspend(size_t a, size_t on)
{
    if (on % 2
            ? change("account-suspend services=all reason=stolen until= address=", addresses[a], NULL, NULL)
            : change("account-release new_password=0 address=", addresses[a], NULL, NULL))
        model.suspended[a] = on % 2;
}

static void grant(size_t a, size_t sender)
{
    if (change("grant-add grantee=", addresses[a], " sender=", addresses[sender % SENDERS]))
        model.granted[a][sender % SENDERS] = true;
}

static void revoke(size_t a, size_t sender)
{
    if (change("grant-remove grantee=", addresses[a], " sender=", addresses[sender % SENDERS]))
        model.granted[a][sender % SENDERS] = false;
}

static void set_mode(size_t c, size_t choice)
{
    size_t scope = choice % SCOPES;
    enum mode mode = (enum mode)(choice / SCOPES % 3);
    int64_t until = choice >= 128 ? world.now + 50 : 0;
    char text[64], tail[96];

    c %= CHECKS;
    snprintf(text, sizeof text, "policy-set check=%s scope=", check_infos[checks[c]].name);
    snprintf(tail, sizeof tail, " mode=%s start= until=", mode_name(mode));
    if (until)
        snprintf(tail + strlen(tail), sizeof tail - strlen(tail), "%lld", (long long)until);
    if (!change(text, scopes[scope], tail, NULL))
        return;
    model.row[c][scope].set = true;
    model.row[c][scope].mode = mode;
    model.row[c][scope].until = until;
}

static void unset_mode(size_t c, size_t choice)
{
    char text[64];

    c %= CHECKS;
    snprintf(text, sizeof text, "policy-unset check=%s scope=", check_infos[checks[c]].name);
    if (change(text, scopes[choice % SCOPES], NULL, NULL))
        model.row[c][choice % SCOPES].set = false;
}

static void pass_time(size_t unused, size_t seconds)
{
    (void)unused;
    world.now += (int64_t)seconds;
}

/* ---- a request ---- */

static void ask(size_t login, size_t sender)
{
    static struct request q;
    static struct decision d;
    static unsigned instance;
    char wire[1024];
    struct error e;
    int n;

    sender %= SENDERS;
    if (!model.exists[login])
        return;
    n = snprintf(
        wire, sizeof wire,
        "request=smtpd_access_policy\nprotocol_state=RCPT\nclient_address=192.0.2.1\nserver_port=587\n"
        "helo_name=[192.0.2.1]\nsender=%s\nrecipient=somebody@elsewhere.example\ninstance=%u\n"
        "sasl_method=PLAIN\nsasl_username=%s\nencryption_protocol=TLSv1.3\n\n",
        addresses[sender], ++instance, addresses[login]);
    need(protocol_parse((struct span){ wire, (size_t)n }, 256, &q, &e) == OK);
    request_prepare(&q, world.config);
    need(policy_decide(&q, world_facts(&world), instance % 2, &d) == OK);
    world_commit(&world, &q, &d);
    rows_turn_end(world.rows);
    need(strncmp(d.action, expected(login, sender), strlen(expected(login, sender))) == 0);
    need(strlen(d.action) < REPLY_MAX && utf8_valid(span_of(d.action)) && !strchr(d.action, '\n'));
}

static void (*const steps[])(size_t, size_t) = { ask,        ask,        add_account, remove_account,
                                                 set_status, suspend,    grant,       revoke,
                                                 set_mode,   unset_mode, pass_time };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error e;
    size_t count = size / STEP < STEPS_MAX ? size / STEP : STEPS_MAX;

    memset(&model, 0, sizeof model);
    need(world_open(&world, &e) == OK);
    need(change("domain-add kind=mailbox domain=", "x.example", NULL, NULL));
    need(change("domain-add kind=mailbox domain=", "y.example", NULL, NULL));
    for (size_t i = 0; i < count; i++, data += STEP)
        steps[data[0] % (sizeof steps / sizeof steps[0])](data[1] % ACCOUNTS, data[2]);
    world_close(&world);
    return 0;
}
