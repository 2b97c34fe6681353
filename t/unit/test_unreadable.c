/* SPDX-License-Identifier: MIT */
/*
 * Every read of the account table fails in turn, alone and with all that follow: what is
 * answered then is what is answered otherwise, or that mail has to wait; nobody is let in, and
 * nobody is refused for good, because something could not be read.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "policyd/check.h"
#include "policyd/maps.h"
#include "policyd/ownership.h"
#include "policyd/policy.h"
#include "t/unit/checked_world.h"
#include "t/unit/odd_store.h"
#include "t/unit/scarce.h"

static struct odd_store odd;
static bool is_kept; /* what was read stays in memory, while there is some */

static const char *const table[] = {
    "domain-add domain=example.com kind=mailbox",
    "domain-add domain=example.org kind=alias target=example.com",
    "domain-add domain=b.example kind=mailbox",
    "domain-add domain=relay.example kind=relay",
    "account-add address=john@example.com kind=user password={X}x",
    "account-add address=anna@example.com kind=user password={X}x",
    "account-add address=gone@example.com kind=user password={X}x",
    "account-suspend address=gone@example.com reason=spam",
    "account-add address=smart@b.example kind=relay password={X}x",
    "alias-add alias=info@example.com",
    "alias-member alias=info@example.com destination=john@example.com",
    "alias-add alias=sales@example.com members_send=1",
    "alias-member alias=sales@example.com destination=info@example.com",
    "alias-member alias=sales@example.com destination=anna+sales@example.org",
    "alias-add alias=@b.example",
    "alias-member alias=@b.example destination=anna@example.com",
    "grant-add grantee=smart@b.example sender=@relay.example",
    "grant-add grantee=@example.com sender=boss@b.example",
    "limit-set counted_by=account window=60 messages=9 scope=john@example.com",
    "limit-set counted_by=domain window=60 messages=9 scope=example.com",
    "limit-set counted_by=host window=60 messages=99",
    "limit-set counted_by=client window=60 messages=9",
    "limit-set counted_by=client window=60 messages=9 client=192.0.2.0/24",
    "list-add action=deny client=192.0.2.1 sender=x@example.com",
    "list-add action=allow list_recipient=anna@example.com client=192.0.2.2",
    "list-add action=deny sender=bad@",
    NULL,
};

static void set_up(void)
{
    checked_world_open();
    changes(table);
    configure("send_limit { count_local = false }");
    for (unsigned id = 0; id < CHECK_COUNT; id++) {
        char line[64];
        struct strbuf b;
        strbuf_init(&b, line, sizeof line);
        strbuf_addf(&b, "policy-set check=%s mode=%s", check_infos[id].name, "enforce");
        change(line);
    }
    dns("mail.example.net A");
    odd_store_init(&odd, world.store);
}

/* Nothing is in memory. */
static struct facts *fresh_facts(void)
{
    scarce_end();
    rows_close(&world.rows);
    ck_assert_int_eq(rows_open(&odd.head, 256, &world.rows), OK);
    facts_init(&world.facts, world.config, world.rows, &world.dns.source);
    odd.asked = 0;
    if (!is_kept)
        scarce_begin(1, true);
    return world_facts(&world);
}

/* ---- decisions ---- */

static const struct {
    const char *state, *client, *helo, *sender, *recipient, *login;
    const char *action;
} requests[] = {
    { "RCPT", "192.0.2.1", "mail.example.net", "x@example.com", "anna@example.com", "",
      "554 5.7.1 Access denied" },
    { "RCPT", "192.0.2.2", "mail.example.net", "x@example.com", "anna@example.com", "", "DUNNO" },
    { "RCPT", "192.0.2.9", "mail.example.net", "x@example.org", "anna+1@example.com", "",
      "REJECT SMTP AUTH is required for users under this sender domain" },
    { "RCPT", "192.0.2.9", "pc.local", "x@relay.example", "anna@example.com", "",
      "554 5.7.1 Go away, bad guy (.local)." },
    { "RCPT", "2001:db8::1", "mail.example.net", "x@away.example", "anna@example.com", "", "DUNNO" },
    { "RCPT", "", "mail.example.net", "", "postmaster", "", "DUNNO" },
    { "RCPT", "192.0.2.9", "", "john@example.com", "x@example.org", "john@example.com", "DUNNO" },
    { "RCPT", "192.0.2.9", "", "sales@example.com", "x@away.example", "anna@example.com", "DUNNO" },
    { "RCPT", "192.0.2.9", "", "sales@example.com", "x@away.example", "gone@example.com",
      "554 5.7.1 Account suspended: spam" },
    { "RCPT", "192.0.2.9", "", "eve@b.example", "x@away.example", "john@example.com",
      "553 5.7.1 You are logged in as john@example.com, which may not send as eve@b.example" },
    { "RCPT", "192.0.2.9", "", "boss+1@b.example", "x@away.example", "john@example.com", "DUNNO" },
    { "RCPT", "127.0.0.1", "localhost", "john@example.com", "x@example.com", "", "DUNNO" },
    { "END-OF-MESSAGE", "192.0.2.9", "", "john@example.com", "", "john@example.com", "DUNNO" },
    { "END-OF-MESSAGE", "192.0.2.9", "", "x@relay.example", "", "smart@b.example", "DUNNO" },
    { "END-OF-MESSAGE", "192.0.2.9", "mail.example.net", "x@away.example", "", "", "DUNNO" },
    { "END-OF-MESSAGE", "127.0.0.1", "localhost", "john@example.com", "", "", "DUNNO" },
};

static void decide(const struct request *q, struct decision *d)
{
    enum result r = policy_decide(q, fresh_facts(), true, d);

    scarce_end();
    ck_assert_int_eq(r, OK);
    rows_turn_end(world.rows);
}

static bool needs_accounts(const struct decision *d)
{
    return d->decided_by >= 0 && (checks[d->decided_by].flags & CHECK_NEEDS_ACCOUNTS);
}

static void ck_decision(const struct decision *good, const struct decision *d)
{
    if (d->degraded)
        ck_assert_str_eq(d->action, "451 4.3.0 Account table not readable, try again later");
    else if (d->decided_by >= 0) {
        ck_assert_int_eq(good->finding[d->decided_by].verdict, VERDICT_REFUSE);
        ck_assert_str_eq(d->action, good->finding[d->decided_by].reply);
    } else
        ck_assert_msg(!needs_accounts(good), "passed, number %u failed", odd.fail_at);
}

START_TEST(decisions)
{
    enum { REQUESTS = sizeof requests / sizeof *requests };
    static struct decision good, d;
    struct request q = { 0 };
    unsigned asked;

    q.attr[ATTR_PROTOCOL_STATE] = span_of(requests[_i % REQUESTS].state);
    q.attr[ATTR_CLIENT_ADDRESS] = span_of(requests[_i % REQUESTS].client);
    q.attr[ATTR_HELO_NAME] = span_of(requests[_i % REQUESTS].helo);
    q.attr[ATTR_SENDER] = span_of(requests[_i % REQUESTS].sender);
    q.attr[ATTR_RECIPIENT] = span_of(requests[_i % REQUESTS].recipient);
    q.attr[ATTR_SASL_USERNAME] = span_of(requests[_i % REQUESTS].login);
    q.attr[ATTR_RECIPIENT_COUNT] = SPAN("2");
    request_prepare(&q, world.config);
    is_kept = _i < REQUESTS;
    decide(&q, &good);
    asked = odd.asked;
    ck_assert_str_eq(good.action, requests[_i % REQUESTS].action);
    ck_assert_uint_gt(asked, 1);
    for (int all = 0; all <= 1; all++)
        for (unsigned n = 1; n <= asked; n++) {
            odd.fail_on = all != 0;
            odd.fail_at = n;
            decide(&q, &d);
            ck_decision(&good, &d);
        }
    odd.fail_at = 0;
    decide(&q, &d);
    ck_assert_str_eq(d.action, requests[_i % REQUESTS].action);
}
END_TEST

/* ---- who may send as whom, and Postfix's own look-ups: the truth, or that it cannot be had ---- */

static const char *const names[] = {
    "john@example.com",
    "anna@example.com",
    "anna+x@example.org",
    "smart@b.example",
    "info@example.com",
    "sales@example.org",
    "x@b.example",
    "boss@b.example",
    "x+y@relay.example",
    "x@away.example",
    "SRS0=HHH=TT=example.com=john@b.example",
    "SRS0=HHH=TT=away.example=x@example.com",
    "@example.com",
    "b.example",
};
enum { NAMES = sizeof names / sizeof *names };

typedef enum result answer_fn(unsigned which, const char *name, struct strbuf *text_r);

static enum result owner(unsigned which, const char *name, struct strbuf *text_r)
{
    struct address login = address_of(names[which]), sender = address_of(name);

    strbuf_adds(text_r, "");
    enum result r = ownership_check(fresh_facts(), &login, &sender, NULL);
    scarce_end();
    return r;
}

static enum result map(unsigned which, const char *name, struct strbuf *text_r)
{
    enum result r = maps_lookup(fresh_facts(), (enum map_id)which, span_of(name), text_r);

    scarce_end();
    return r;
}

static void ck_answer(answer_fn *fn, unsigned which, const char *name, bool kept)
{
    char good_text[1024], text[1024];
    struct strbuf b;
    unsigned asked;

    is_kept = kept;
    odd.fail_at = 0;
    strbuf_init(&b, good_text, sizeof good_text);
    enum result good = fn(which, name, &b);
    asked = odd.asked;
    for (int all = 0; all <= 1; all++)
        for (odd.fail_at = 1; odd.fail_at <= asked; odd.fail_at++) {
            odd.fail_on = all != 0;
            strbuf_init(&b, text, sizeof text);
            enum result r = fn(which, name, &b);
            ck_assert_msg(r == TRY_AGAIN || (r == good && strcmp(text, good_text) == 0),
                          "%s: %s %s, else %s %s", name, result_name(r), text, result_name(good), good_text);
        }
}

START_TEST(owners)
{
    for (unsigned login = 0; login < 4; login++)
        for (unsigned i = 0; i < NAMES - 2; i++)
            ck_answer(owner, login, names[i], _i != 0);
}
END_TEST

START_TEST(maps)
{
    for (unsigned id = 0; id < MAP_COUNT; id++)
        for (unsigned i = 0; i < NAMES; i++)
            ck_answer(map, id, names[i], _i != 0);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("unreadable");
    Suite *suite = suite_create("unreadable");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, t);
    tcase_add_checked_fixture(t, set_up, checked_world_close);
    tcase_add_loop_test(t, decisions, 0, 2 * sizeof requests / sizeof *requests);
    tcase_add_loop_test(t, owners, 0, 2);
    tcase_add_loop_test(t, maps, 0, 2);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
