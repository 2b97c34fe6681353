/* SPDX-License-Identifier: MIT */
/* What checks cost (policyd/check) and what policyd/policy does of them under load. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policyd/check.h"
#include "policyd/load.h"
#include "policyd/policy.h"
#include "t/unit/checked_world.h"

static struct request request;
static struct decision decision;

static void set(enum attribute a, const char *value)
{
    request.attr[a] = span_of(value);
}

/* A stranger whom each check that is shed would refuse, or make wait. */
static void set_up(void)
{
    checked_world_open();
    change("domain-add domain=example.com kind=mailbox");
    memset(&request, 0, sizeof request);
    set(ATTR_PROTOCOL_STATE, "RCPT");
    set(ATTR_CLIENT_ADDRESS, "192.0.2.1");
    set(ATTR_HELO_NAME, "mail.example.net");
    set(ATTR_SENDER, "a@b.example");
    set(ATTR_RECIPIENT, "anna@example.com");
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
    enum result r = policy_decide(&request, world_facts(&world), false, &decision);
    rows_turn_end(world.rows);
    return r;
}

static const char *action(void)
{
    ck_assert_int_eq(decide(), OK);
    return decision.action;
}

/* Whatever the load: what protects accounts, and what rows in memory answer, is run. */
START_TEST(what_is_never_shed)
{
    static const enum check_id kept[] = { CHECK_ACCESS,       CHECK_ACCOUNT_STATUS, CHECK_STARTTLS,
                                          CHECK_IMPLICIT_TLS, CHECK_SENDER_LOGIN,   CHECK_SENDER_AUTH,
                                          CHECK_HELO_LOCAL,   CHECK_HELO_FQDN,      CHECK_HELO_SELF,
                                          CHECK_SEND_LIMIT,   CHECK_COMPROMISE };

    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        for (unsigned level = 0; level <= LOAD_LEVEL_MAX; level++)
            ck_assert_msg(!check_is_shed(kept[i], level), "%s", check_infos[kept[i]].name);
    for (unsigned id = 0; id < CHECK_COUNT; id++) {
        bool protects = check_infos[id].subject != SUBJECT_RECIPIENT_DOMAIN ||
                        (checks[id].flags & (CHECK_NEEDS_ACCOUNTS | CHECK_COUNTS | CHECK_AFTER_COMMIT));
        ck_assert_msg(!protects || checks[id].shed_at == 0, "%s", check_infos[id].name);
    }
}
END_TEST

/* Each level sheds one more check, the costliest first. */
START_TEST(costs)
{
    static const enum check_id shed[LOAD_LEVEL_MAX] = { CHECK_DNSBL, CHECK_GREYLIST, CHECK_HELO_RESOLVE };

    for (unsigned level = 0; level <= LOAD_LEVEL_MAX; level++) {
        unsigned count = 0;
        for (unsigned id = 0; id < CHECK_COUNT; id++)
            count += check_is_shed((enum check_id)id, level);
        ck_assert_uint_eq(count, level);
        for (unsigned i = 0; i < level; i++)
            ck_assert(check_is_shed(shed[i], level));
    }
}
END_TEST

/* No look-up, no change, no reply; the rest decides. */
START_TEST(shed_costs_nothing)
{
    configure("dnsbl { zones = {\"list.example\"} }");
    set_all("enforce");
    dns("1.2.0.192.list.example A=127.0.0.2");
    world.load.level = LOAD_LEVEL_MAX;
    ck_assert_str_eq(action(), "DUNNO");
    ck_assert_uint_eq(world.dns.questions, 0);
    ck_assert_uint_eq(decision.proposed.count, 0);
    for (unsigned id = 0; id < CHECK_COUNT; id++)
        ck_assert_int_eq(decision.finding[id].verdict == VERDICT_SHED, checks[id].shed_at > 0);
    set(ATTR_HELO_NAME, "pc.local");
    ck_assert_str_eq(action(), "554 5.7.1 Go away, bad guy (.local).");
    set_all("off");
    ck_assert_str_eq(action(), "DUNNO");
    for (unsigned id = 0; id < CHECK_COUNT; id++)
        ck_assert_int_eq(decision.finding[id].verdict, VERDICT_NONE);
}
END_TEST

/* Who waits for the DNS is answered when it is run again: it waits for nothing. */
START_TEST(shed_while_it_waits)
{
    change("policy-set check=helo_resolve mode=enforce");
    dns("mail.example.net NEVER");
    ck_assert_int_eq(decide(), PENDING);
    world.load.level = LOAD_LEVEL_MAX;
    ck_assert_str_eq(action(), "DUNNO");
    ck_assert_int_eq(decision.finding[CHECK_HELO_RESOLVE].verdict, VERDICT_SHED);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("shed");
    Suite *suite = suite_create("shed");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, t);
    tcase_add_checked_fixture(t, set_up, checked_world_close);
    tcase_add_test(t, what_is_never_shed);
    tcase_add_test(t, costs);
    tcase_add_test(t, shed_costs_nothing);
    tcase_add_test(t, shed_while_it_waits);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
