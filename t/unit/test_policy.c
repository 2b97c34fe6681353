/* SPDX-License-Identifier: MIT */
/*
 * policyd/policy: modes, order, contexts and states, what an unreadable table or DNS
 * means, waiting, the key of a request sent again.  Single replies stand
 * in t/cases/.
 */
#include "policyd/policy.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policyd/check.h"
#include "t/unit/checked_world.h"
#include "t/unit/odd_store.h"

static struct request request;
static struct decision decision;

static void set_up(void)
{
    checked_world_open();
    change("domain-add domain=example.com kind=mailbox");
    change("account-add address=john@example.com kind=user password={X}x");
    configure("helo_self { names = {\"mail.local\"} }");
    memset(&request, 0, sizeof request);
}

static void set(enum attribute a, const char *value)
{
    request.attr[a] = span_of(value);
}

/* A stranger who does everything wrong: each check but the two for logins refuses. */
static void set_stranger(void)
{
    set(ATTR_PROTOCOL_STATE, "RCPT");
    set(ATTR_CLIENT_ADDRESS, "192.0.2.1");
    set(ATTR_HELO_NAME, "mail.local");
    set(ATTR_SENDER, "john@example.com");
    set(ATTR_RECIPIENT, "anna@example.com");
    change("list-add action=deny client=192.0.2.1");
}

static void set_all(const char *mode)
{
    char line[64];

    for (unsigned id = 0; id < CHECK_COUNT; id++) {
        snprintf(line, sizeof line, "policy-set check=%s mode=%s", check_infos[id].name, mode);
        change(line);
    }
}

static enum result decide(void)
{
    request_prepare(&request, world.config);
    enum result r = policy_decide(&request, world_facts(&world), true, &decision);
    rows_turn_end(world.rows);
    return r;
}

static const char *action(void)
{
    ck_assert_int_eq(decide(), OK);
    return decision.action;
}

static void note(enum check_id id, const struct finding *f, void *context)
{
    struct strbuf *b = context;

    if (f->mode != MODE_OBSERVE)
        return;
    ck_assert_str_ne(f->reply, "");
    ck_assert_str_ne(f->cause, "");
    strbuf_addf(b, "%s%s", b->len > 0 ? " " : "", check_infos[id].name);
}

static const char *observed(void)
{
    static char names[256];
    struct strbuf b;

    strbuf_init(&b, names, sizeof names);
    policy_found(&decision, note, &b);
    return names;
}

START_TEST(modes)
{
    set_stranger();
    set_all("off");
    ck_assert_str_eq(action(), "DUNNO");
    ck_assert_str_eq(observed(), "");
    ck_assert_int_eq(decision.decided_by, -1);
    for (unsigned id = 0; id < CHECK_COUNT; id++)
        ck_assert_int_eq(decision.finding[id].verdict, VERDICT_NONE);
    set_all("observe");
    ck_assert_str_eq(action(), "DUNNO");
    ck_assert_str_eq(observed(), "access sender_auth helo_local helo_self helo_resolve");
    set_all("enforce");
    ck_assert_str_eq(action(), "554 5.7.1 Access denied");
    ck_assert_str_eq(observed(), "");
    ck_assert_int_eq(decision.decided_by, CHECK_ACCESS);
    ck_assert(!decision.degraded);
}
END_TEST

/* The first enforced refusal in order is the reply; all are evaluated. */
START_TEST(order)
{
    static const struct {
        const char *off, *reply;
    } rows[] = {
        { NULL, "554 5.7.1 Access denied" },
        { "access", "REJECT SMTP AUTH is required for users under this sender domain" },
        { "sender_auth", "554 5.7.1 Go away, bad guy (.local)." },
        { "helo_local", "554 5.7.1 HELO under the name of this host" },
        { "helo_self", "450 4.7.1 Host not found" },
        { "helo_resolve", "DUNNO" },
    };

    set_stranger();
    set_all("enforce");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char line[64];
        if (rows[i].off) {
            snprintf(line, sizeof line, "policy-set check=%s mode=observe", rows[i].off);
            change(line);
        }
        ck_assert_str_eq(action(), rows[i].reply);
        for (unsigned id = CHECK_SENDER_AUTH; id <= CHECK_HELO_RESOLVE; id++)
            if (id != CHECK_HELO_FQDN)
                ck_assert_msg(decision.finding[id].verdict == VERDICT_REFUSE, "%s: %s", check_infos[id].name,
                              verdict_name(decision.finding[id].verdict));
        ck_assert_int_eq(decision.finding[CHECK_HELO_FQDN].verdict, VERDICT_PASS);
    }
}
END_TEST

static unsigned verdicts(void)
{
    unsigned run = 0;

    ck_assert_int_eq(decide(), OK);
    for (unsigned id = 0; id < CHECK_COUNT; id++)
        if (decision.finding[id].verdict != VERDICT_NONE)
            run |= 1u << id;
    return run;
}

enum {
    HELO_CHECKS = 1u << CHECK_HELO_LOCAL | 1u << CHECK_HELO_FQDN | 1u << CHECK_HELO_SELF | 1u << CHECK_HELO_RESOLVE,
    ACCESS = 1u << CHECK_ACCESS | 1u << CHECK_DNSBL, /* the checks of the recipient's list */
    GREYLIST = 1u << CHECK_GREYLIST,
    SENDER_AUTH = 1u << CHECK_SENDER_AUTH,
    STATUS = 1u << CHECK_ACCOUNT_STATUS,
    LOGIN = 1u << CHECK_SENDER_LOGIN,
    SENDING = 1u << CHECK_SEND_LIMIT,
};

static const struct {
    const char *state, *context, *port;
    unsigned stranger, user;
} tables[] = {
    { "RCPT", "", "25", HELO_CHECKS | ACCESS | GREYLIST | SENDER_AUTH, STATUS | LOGIN },
    { "RCPT", "helo", "25", HELO_CHECKS, 0 },
    { "RCPT", "sender", "25", SENDER_AUTH, STATUS | LOGIN },
    { "RCPT", "recipient", "25", ACCESS | GREYLIST, 0 },
    { "RCPT", "end-of-data", "25", 0, STATUS },
    { "RCPT", "never-heard-of", "25", HELO_CHECKS | ACCESS | GREYLIST | SENDER_AUTH, STATUS | LOGIN },
    { "END-OF-MESSAGE", "end-of-data", "25", 0, STATUS | SENDING },
    { "END-OF-MESSAGE", "", "25", HELO_CHECKS | ACCESS | SENDER_AUTH, STATUS | LOGIN | SENDING },
    { "DATA", "", "25", HELO_CHECKS | ACCESS | SENDER_AUTH, STATUS | LOGIN },
    { "BDAT", "", "25", HELO_CHECKS | ACCESS | SENDER_AUTH, STATUS | LOGIN },
    { "MAIL", "sender", "25", SENDER_AUTH, STATUS | LOGIN },
    { "HELO", "helo", "25", HELO_CHECKS, 0 },
    { "EHLO", "", "25", HELO_CHECKS | ACCESS, 0 },
    { "EHLO", "helo", "587", 0, 0 }, /* AUTH is yet to come */
    { "HELO", "", "465", 0, 0 },
    { "RCPT", "helo", "587", HELO_CHECKS, 0 },
    { "CONNECT", "", "25", 0, 0 },
    { "VRFY", "", "25", 0, 0 },
    { "ETRN", "", "25", 0, 0 },
    { "", "", "25", 0, 0 },
    { "LUNCH", "helo", "25", 0, 0 },
};

START_TEST(contexts_and_states)
{
    set_stranger();
    set_all("observe");
    set(ATTR_PROTOCOL_STATE, tables[_i].state);
    set(ATTR_POLICY_CONTEXT, tables[_i].context);
    set(ATTR_SERVER_PORT, tables[_i].port);
    ck_assert_uint_eq(verdicts(), tables[_i].stranger);
    set(ATTR_CLIENT_ADDRESS, "127.0.0.1"); /* a trusted one */
    ck_assert_uint_eq(verdicts(), 0);
    set(ATTR_CLIENT_ADDRESS, "192.0.2.1");
    set(ATTR_SASL_USERNAME, "john@example.com");
    ck_assert_uint_eq(verdicts(), tables[_i].user);
}
END_TEST

/* An allow entry skips just the checks that are marked for it. */
START_TEST(allow_entries)
{
    set_stranger();
    set_all("enforce");
    change("list-add action=allow client=192.0.2.1 helo=mail.local");
    ck_assert_str_eq(action(), "DUNNO");
    for (unsigned id = 0; id < CHECK_COUNT; id++) {
        enum verdict expected = id == CHECK_ACCESS ? VERDICT_PASS : VERDICT_NONE;
        ck_assert_int_eq(decision.finding[id].verdict, expected);
        ck_assert_int_eq((checks[id].flags & CHECK_SKIPPED_BY_ALLOW) != 0,
                         id == CHECK_SENDER_AUTH || (id >= CHECK_HELO_LOCAL && id <= CHECK_GREYLIST));
    }
    /* no account check is skipped by it */
    change("account-suspend address=john@example.com reason=spam");
    set(ATTR_SASL_USERNAME, "john@example.com");
    ck_assert_str_eq(action(), "554 5.7.1 Account suspended: spam");
}
END_TEST

static const char unreadable[] = "451 4.3.0 Account table not readable, try again later";

/* Mail waits where accounts cannot be read, whatever the mode would have been. */
START_TEST(an_unreadable_table)
{
    set_stranger();
    set(ATTR_RECIPIENT, "x@b.example");
    world_fail(&world, true);
    ck_assert_str_eq(action(), unreadable);
    ck_assert(decision.degraded);
    ck_assert_int_eq(decision.decided_by, CHECK_SENDER_AUTH);
    set(ATTR_POLICY_CONTEXT, "helo"); /* nothing that accounts decide; and nothing is refused for good */
    ck_assert_str_eq(action(), "DUNNO");
    ck_assert_str_eq(observed(), "");
    set(ATTR_POLICY_CONTEXT, "recipient");
    ck_assert_str_eq(action(), "DUNNO");
    set(ATTR_POLICY_CONTEXT, "sender");
    set(ATTR_SASL_USERNAME, "john@example.com");
    ck_assert_str_eq(action(), unreadable);
    ck_assert_int_eq(decision.decided_by, CHECK_ACCOUNT_STATUS);
}
END_TEST

/* The entries are in memory, the modes for that recipient are not. */
START_TEST(unreadable_modes)
{
    set_stranger();
    set(ATTR_POLICY_CONTEXT, "helo");
    ck_assert_str_eq(action(), "554 5.7.1 Go away, bad guy (.local).");
    change("domain-add domain=b.example kind=mailbox");
    change("policy-set check=helo_local mode=off scope=b.example");
    set(ATTR_RECIPIENT, "x@b.example");
    world_fail(&world, true);
    ck_assert_str_eq(action(), "DUNNO");
    set(ATTR_RECIPIENT, "anna@example.com");
    ck_assert_str_eq(action(), "554 5.7.1 Go away, bad guy (.local).");
}
END_TEST

START_TEST(last_good_rows_decide)
{
    set_stranger();
    set(ATTR_POLICY_CONTEXT, "sender");
    set(ATTR_SASL_USERNAME, "john@example.com");
    set(ATTR_SENDER, "anna@example.com");
    change("policy-set check=sender_login mode=enforce");
    const char *refused = "553 5.7.1 You are logged in as john@example.com, which may not send as anna@example.com";
    ck_assert_str_eq(action(), refused);
    world_fail(&world, true);
    world.now += ROWS_LAST_GOOD_S;
    ck_assert_str_eq(action(), refused);
    world.now += 1;
    ck_assert_str_eq(action(), unreadable);
    world_fail(&world, false);
    ck_assert_str_eq(action(), refused);
}
END_TEST

/* A check that is off or observed does not hold up mail, where its mode is known. */
START_TEST(unreadable_but_not_enforced)
{
    set_stranger();
    set(ATTR_POLICY_CONTEXT, "sender");
    ck_assert_str_eq(action(), "DUNNO"); /* the modes are in memory now, the domain too */
    set(ATTR_SENDER, "someone@never-asked-for.example");
    change("domain-add domain=never-asked-for.example kind=mailbox");
    world_fail(&world, true);
    ck_assert_str_eq(action(), unreadable); /* that domain may have a row of its own */
}
END_TEST

START_TEST(dns_failures_pass)
{
    set_stranger();
    set(ATTR_POLICY_CONTEXT, "helo");
    set(ATTR_HELO_NAME, "mail.example.net");
    change("policy-set check=helo_resolve mode=enforce");
    dns("mail.example.net SERVFAIL");
    ck_assert_str_eq(action(), "DUNNO");
    ck_assert_uint_eq(world.dns.questions, 1); /* two more would only wait as long again */
    ck_assert_int_eq(decision.finding[CHECK_HELO_RESOLVE].verdict, VERDICT_TRY_AGAIN);
    ck_assert_str_eq(observed(), "");
    change("policy-set check=helo_resolve mode=observe");
    ck_assert_str_eq(action(), "DUNNO");
    ck_assert_int_eq(decision.finding[CHECK_HELO_RESOLVE].verdict, VERDICT_TRY_AGAIN);
    change("policy-set check=helo_resolve mode=enforce");
    dns("mail.example.net NXDOMAIN");
    ck_assert_str_eq(action(), "450 4.7.1 Host not found");
    world_facts(&world)->dns = NULL;
    ck_assert_str_eq(action(), "DUNNO");
}
END_TEST

/* An account may change while DNS is waited for: it is run from the first check. */
START_TEST(pending_and_resumed)
{
    set_stranger();
    set(ATTR_HELO_NAME, "mail.example.net");
    set(ATTR_SENDER, "x@b.example");
    change("list-remove id=1");
    change("policy-set check=helo_resolve mode=enforce");
    dns("mail.example.net SLOW NODATA");
    ck_assert_int_eq(decide(), PENDING);
    ck_assert_int_eq(decide(), PENDING); /* asking again is free */
    ck_assert_uint_eq(world.woken, 0);
    change("list-add action=deny client=192.0.2.1");
    ck_assert(fake_dns_answer(&world.dns));
    ck_assert_uint_eq(world.woken, 1);
    ck_assert_str_eq(action(), "554 5.7.1 Access denied");
    ck_assert_int_eq(decision.finding[CHECK_HELO_RESOLVE].verdict, VERDICT_REFUSE);
    change("list-remove id=2"); /* no number comes twice */
    ck_assert_str_eq(action(), "450 4.7.1 Host not found");
}
END_TEST

START_TEST(expired)
{
    set_stranger();
    set(ATTR_POLICY_CONTEXT, "helo");
    set(ATTR_HELO_NAME, "mail.example.net");
    change("policy-set check=helo_resolve mode=enforce");
    dns("mail.example.net NEVER");
    ck_assert_int_eq(decide(), PENDING);
    struct facts *f = world_facts(&world);
    f->expired = true;
    ck_assert_int_eq(policy_decide(&request, f, false, &decision), OK);
    ck_assert_str_eq(decision.action, "DUNNO");
    ck_assert_int_eq(decision.finding[CHECK_HELO_RESOLVE].verdict, VERDICT_TRY_AGAIN);
    f->dns->cancel(f->dns, f->waiter);
}
END_TEST

/* A check that is off asks no DNS. */
START_TEST(off_costs_nothing)
{
    set_stranger();
    set_all("off");
    ck_assert_str_eq(action(), "DUNNO");
    ck_assert_uint_eq(world.dns.questions, 0);
}
END_TEST

START_TEST(why)
{
    set_stranger();
    change("policy-set check=helo_fqdn mode=enforce scope=example.com");
    set(ATTR_HELO_NAME, "nodots");
    ck_assert_str_eq(action(), "554 5.7.1 Access denied");
    ck_assert_str_eq(decision.finding[CHECK_ACCESS].row, "deny entry 1 (policyctl list show): client 192.0.2.1");
    ck_assert_str_eq(decision.finding[CHECK_ACCESS].mode_row, "enforce, the default");
    ck_assert_str_eq(decision.finding[CHECK_HELO_FQDN].mode_row, "enforce, policy row for example.com");
    ck_assert_str_ne(decision.finding[CHECK_HELO_FQDN].row, "");
    ck_assert_str_eq(decision.finding[CHECK_HELO_FQDN].subject, "nodots");
    ck_assert_str_eq(decision.finding[CHECK_HELO_FQDN].cause, "no_fqdn");
    ck_assert_str_eq(decision.finding[CHECK_SENDER_AUTH].row, "example.com is a mailbox domain");
    ck_assert_str_eq(decision.finding[CHECK_SENDER_AUTH].mode_row, "observe, the default");
}
END_TEST

/* ---- replies ---- */

static void ck_reply(const char *text)
{
    ck_assert_uint_le(strlen(text), REPLY_MAX - 1);
    ck_assert(utf8_valid(span_of(text)));
    for (const char *p = text; *p; p++)
        ck_assert((unsigned char)*p >= ' ' && *p != 0x7f);
}

/* Whatever a client sends: one line of well-formed text behind the code, never too long. */
START_TEST(replies_are_one_clean_line)
{
    static const char *const values[] = { "", "a\rb", "\xff\xfe", "{sender}", "%s%n", "\"q\\\"@x",
                                          "\xc3\xbc\xc3\xbc@m\xc3\xbcnchen.example" };
    char longer[600];

    configure("access { text = \"{sender} \xc3\xbc\xc3\xbc\xc3\xbc {helo} {recipient}\" }\nhelp_url = \"https://h.example\"");
    set_stranger();
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        set(ATTR_SENDER, values[i]);
        set(ATTR_HELO_NAME, values[i]);
        set(ATTR_RECIPIENT, values[i]);
        ck_reply(action());
        ck_assert(strncmp(decision.action, "554 5.7.1 ", 10) == 0);
    }
    configure("access { text = \"{helo} \xc3\xbc\xe2\x82\xac\xc3\xbc\xe2\x82\xac\xc3\xbc\xc3\xbc\" }");
    for (size_t len = 300; len < 420; len++) {
        memset(longer, 'x', len);
        longer[len] = '\0';
        set(ATTR_HELO_NAME, longer);
        set(ATTR_SENDER, "");
        ck_reply(action());
    }
}
END_TEST

/* Some versions of Postfix misread a code with nothing behind it (CVE-2026-43964). */
START_TEST(no_code_without_a_text)
{
    configure("access { text = \"{helo}\" }");
    set_stranger();
    set(ATTR_HELO_NAME, "");
    ck_assert_str_eq(action(), "554 5.7.1 refused");
}
END_TEST

START_TEST(help_for_users_only)
{
    configure("help_url = \"https://help.example/mail\"");
    set_stranger();
    ck_assert_str_eq(action(), "554 5.7.1 Access denied");
    change("account-status address=john@example.com status=disabled");
    set(ATTR_SASL_USERNAME, "john@example.com");
    ck_assert_str_eq(action(),
                     "554 5.7.1 Account suspended: disabled by the administrator https://help.example/mail");
}
END_TEST

/* ---- sent again ---- */

START_TEST(the_key_of_a_request)
{
    static const enum attribute parts[] = { ATTR_INSTANCE,       ATTR_QUEUE_ID,  ATTR_POLICY_CONTEXT,
                                            ATTR_PROTOCOL_STATE, ATTR_RECIPIENT, ATTR_RECIPIENT_COUNT,
                                            ATTR_SIZE };
    char first[RESEND_KEY_MAX], other[RESEND_KEY_MAX], longer[RESEND_KEY_MAX + 1];
    size_t first_len, other_len;

    ck_assert_int_eq(request_resend_key(&request, first, &first_len), NOT_FOUND);
    set(ATTR_INSTANCE, "1f2.5c.1");
    set(ATTR_RECIPIENT, "a@example.com");
    ck_assert_int_eq(request_resend_key(&request, first, &first_len), OK);
    set(ATTR_HELO_NAME, "no part of it");
    ck_assert_int_eq(request_resend_key(&request, other, &other_len), OK);
    ck_assert(span_equal((struct span){ first, first_len }, (struct span){ other, other_len }));
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        struct span before = request.attr[parts[i]];
        set(parts[i], "another");
        ck_assert_int_eq(request_resend_key(&request, other, &other_len), OK);
        ck_assert(!span_equal((struct span){ first, first_len }, (struct span){ other, other_len }));
        request.attr[parts[i]] = before;
    }
    size_t most = RESEND_KEY_MAX - 1 - (first_len - strlen("a@example.com"));
    memset(longer, 'x', sizeof longer);
    request.attr[ATTR_RECIPIENT] = (struct span){ longer, most };
    ck_assert_int_eq(request_resend_key(&request, first, &first_len), OK);
    request.attr[ATTR_RECIPIENT].len++;
    ck_assert_int_eq(request_resend_key(&request, first, &first_len), LIMIT);
}
END_TEST

/* As the ticks of a clock that goes on by seven at each look. */
static uint64_t tick_ns(void)
{
    static uint64_t now;

    return now += 7;
}

START_TEST(what_a_check_took)
{
    set_stranger();
    set(ATTR_POLICY_CONTEXT, "helo");
    world.facts.clock_ns = tick_ns;
    ck_assert_int_eq(decide(), OK);
    ck_assert_uint_eq(decision.finding[CHECK_HELO_LOCAL].elapsed_ns, 7);
    ck_assert_uint_eq(decision.finding[CHECK_SENDER_LOGIN].elapsed_ns, 0); /* it was not run */
    world.facts.clock_ns = NULL;
    ck_assert_int_eq(decide(), OK);
    ck_assert_uint_eq(decision.finding[CHECK_HELO_LOCAL].elapsed_ns, 0);
}
END_TEST

/* Of a table that somebody else wrote: hold means something to one check alone. */
START_TEST(a_mode_that_a_check_has_not)
{
    static const char *const rows[] = { "helo_local", "hold", "", "", NULL };
    struct odd_store odd;

    set_stranger();
    set(ATTR_POLICY_CONTEXT, "helo");
    odd_store_init(&odd, world.store);
    odd.query = QUERY_POLICY;
    odd.columns = 4;
    odd.text = rows;
    rows_use(world.rows, &odd.head);
    ck_assert_str_eq(action(), "DUNNO");
    ck_assert_int_eq(decision.finding[CHECK_HELO_LOCAL].verdict, VERDICT_REFUSE);
    ck_assert_int_eq(decision.finding[CHECK_HELO_LOCAL].mode, MODE_HOLD);
    rows_use(world.rows, world.store);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("policy");
    Suite *suite = suite_create("policy");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, t);
    tcase_add_checked_fixture(t, set_up, checked_world_close);
    tcase_add_test(t, modes);
    tcase_add_test(t, order);
    tcase_add_loop_test(t, contexts_and_states, 0, sizeof tables / sizeof *tables);
    tcase_add_test(t, allow_entries);
    tcase_add_test(t, an_unreadable_table);
    tcase_add_test(t, unreadable_modes);
    tcase_add_test(t, last_good_rows_decide);
    tcase_add_test(t, unreadable_but_not_enforced);
    tcase_add_test(t, dns_failures_pass);
    tcase_add_test(t, pending_and_resumed);
    tcase_add_test(t, expired);
    tcase_add_test(t, off_costs_nothing);
    tcase_add_test(t, why);
    tcase_add_test(t, replies_are_one_clean_line);
    tcase_add_test(t, no_code_without_a_text);
    tcase_add_test(t, help_for_users_only);
    tcase_add_test(t, the_key_of_a_request);
    tcase_add_test(t, what_a_check_took);
    tcase_add_test(t, a_mode_that_a_check_has_not);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
