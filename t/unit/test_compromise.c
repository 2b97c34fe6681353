/* SPDX-License-Identifier: MIT */
/*
 * policyd/checks/compromise: what each mode makes of an account that scores, the row that
 * suspends it, and the second look when the commit is done.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "policyd/policy.h"
#include "policyd/signals.h"
#include "t/unit/checked_world.h"

static struct request request;
static struct decision decision;
static struct behaviour behaviour;
static bool readable;

static const struct behaviour *get(struct behaviour_source *source, const char *account, int64_t now)
{
    (void)source, (void)now;
    ck_assert_str_eq(account, "john@example.com");
    return readable ? &behaviour : NULL;
}

static struct behaviour_source source = { get };

static void set(enum attribute a, const char *value)
{
    request.attr[a] = span_of(value);
}

/* The end of john's message to 30 recipients, after he hit a limit. */
static void set_up(void)
{
    checked_world_open();
    change("domain-add domain=example.com kind=mailbox");
    change("account-add address=john@example.com kind=user password={X}x");
    memset(&request, 0, sizeof request);
    set(ATTR_PROTOCOL_STATE, "END-OF-MESSAGE");
    set(ATTR_CLIENT_ADDRESS, "192.0.2.1");
    set(ATTR_SENDER, "john@example.com");
    set(ATTR_SASL_USERNAME, "john@example.com");
    set(ATTR_INSTANCE, "1.2.3.0");
    set(ATTR_RECIPIENT_COUNT, "30");
    readable = true;
    memset(&behaviour, 0, sizeof behaviour);
    behaviour_limit_hit(&behaviour, world.now);
}

/* As if so many recipients had been written to before. */
static void sent(unsigned recipients)
{
    behaviour_message(&behaviour, SPAN("1.1.1.0"), NULL, recipients, world.now);
}

static const char *action(void)
{
    request_prepare(&request, world.config);
    world_facts(&world)->behaviours = &source;
    ck_assert_int_eq(policy_decide(&request, &world.facts, false, &decision), OK);
    rows_turn_end(world.rows);
    return decision.action;
}

static unsigned recipients_of(const struct behaviour *b)
{
    return sliding_sum(&b->pace[0].recipients, behaviour_pace_s[0], world.now);
}

/* Without a count it is one recipient; a client that is trusted or unknown is no network. */
START_TEST(what_a_message_says)
{
    static const struct {
        const char *count, *client;
        unsigned recipients;
        bool network;
    } rows[] = {
        { "30", "192.0.2.1", 30, true }, { "", "192.0.2.1", 1, true },   { "many", "192.0.2.1", 1, true },
        { "30", "127.0.0.1", 30, false }, { "30", "unknown", 30, false },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct behaviour b = { 0 };
        set(ATTR_RECIPIENT_COUNT, rows[i].count);
        set(ATTR_CLIENT_ADDRESS, rows[i].client);
        request_prepare(&request, world.config);
        signals_message(&b, &request, world.now);
        ck_assert_uint_eq(recipients_of(&b), rows[i].recipients);
        ck_assert_int_eq(b.network[0].key != 0, rows[i].network);
    }
}
END_TEST

START_TEST(below_the_score)
{
    change("policy-set check=compromise mode=enforce");
    ck_assert_str_eq(action(), "DUNNO"); /* limit_hit 50, rate 25 */
    ck_assert_int_eq(decision.finding[CHECK_COMPROMISE].verdict, VERDICT_PASS);
    ck_assert_uint_eq(behaviour.pace[1].peak, 0); /* a check changes nothing */
}
END_TEST

START_TEST(observed)
{
    sent(20);
    ck_assert_str_eq(action(), "DUNNO");
    ck_assert_int_eq(decision.finding[CHECK_COMPROMISE].verdict, VERDICT_REFUSE);
    ck_assert_int_eq(decision.finding[CHECK_COMPROMISE].mode, MODE_OBSERVE);
    ck_assert(!decision.held);
}
END_TEST

START_TEST(held)
{
    struct commit commit;

    change("policy-set check=compromise mode=hold");
    sent(20);
    ck_assert_str_eq(action(), "HOLD john@example.com seems to be used by somebody else, "
                               "score 100: limit_hit 50 (limits hit: 1), rate 50 (recipients: 50)");
    ck_assert(decision.held && decision.decided_by == CHECK_COMPROMISE);
    policy_commit(&decision, &commit); /* it was taken: it counts */
    ck_assert_uint_eq(commit.count, 1);
    ck_assert_int_eq(commit.check[0], CHECK_SEND_LIMIT);
    ck_assert_int_eq(commit.database, DATABASE_STATE);
}
END_TEST

START_TEST(suspended)
{
    struct commit commit;

    change("policy-set check=compromise mode=enforce");
    sent(20);
    ck_assert_str_eq(action(), "554 5.7.1 Account suspended: mail was sent that looks like somebody else's, "
                               "ask for a new password");
    policy_commit(&decision, &commit);
    ck_assert_uint_eq(commit.count, 1);
    ck_assert_int_eq(commit.check[0], CHECK_COMPROMISE);
    ck_assert_int_eq(commit.database, DATABASE_ACCOUNTS);
    const struct change *c = &commit.set[0].change[0];
    ck_assert_int_eq(c->kind, CHANGE_ACCOUNT_SUSPEND);
    ck_assert_str_eq(c->field[FIELD_ADDRESS], "john@example.com");
    ck_assert_str_eq(c->field[FIELD_SERVICES], "all");
    ck_assert_str_eq(c->field[FIELD_BY], "compromise");
    ck_assert_str_eq(c->field[FIELD_EVIDENCE],
                     "score 100: limit_hit 50 (limits hit: 1), rate 50 (recipients: 50)");
}
END_TEST

/* Others of the account's were decided while this one was committed, which ended so. */
static void decided_meanwhile(enum result r, bool late, struct commit *commit_r)
{
    ck_assert_str_eq(action(), "DUNNO");
    policy_commit(&decision, commit_r);
    commit_r->set[0].result = r;
    commit_r->late = late;
    sent(20);
    policy_committed(&request, &world.facts, commit_r, &decision);
}

START_TEST(looked_at_again_after_the_commit)
{
    struct commit commit;

    change("policy-set check=compromise mode=hold");
    decided_meanwhile(OK, false, &commit);
    rows_turn_end(world.rows);
    ck_assert_msg(strncmp(decision.action, "HOLD ", 5) == 0, "%s", decision.action);
    ck_assert(decision.held);
}
END_TEST

/* Found only then, it is to be suspended before the reply all the same, and once. */
START_TEST(suspends_after_the_commit)
{
    struct commit commit;

    change("policy-set check=compromise mode=enforce");
    decided_meanwhile(OK, false, &commit);
    ck_assert_int_eq(decision.decided_by, CHECK_COMPROMISE);
    policy_commit(&decision, &commit);
    ck_assert_uint_eq(commit.count, 1);
    ck_assert_int_eq(commit.database, DATABASE_ACCOUNTS);
    ck_assert_int_eq(commit.set[0].change->kind, CHANGE_ACCOUNT_SUSPEND);
    commit.set[0].result = OK;
    policy_committed(&request, &world.facts, &commit, &decision);
    ck_assert_int_eq(decision.decided_by, CHECK_COMPROMISE);
    policy_commit(&decision, &commit);
    ck_assert_uint_eq(commit.count, 0);
    rows_turn_end(world.rows);
}
END_TEST

/* Another thread still has what was proposed: nothing else takes its place. */
START_TEST(late_it_is_left_for_the_next)
{
    struct commit commit;

    change("policy-set check=compromise mode=enforce");
    decided_meanwhile(TRY_AGAIN, true, &commit);
    rows_turn_end(world.rows);
    ck_assert_str_eq(decision.action, "DUNNO");
    ck_assert_int_eq(commit.set[0].change->kind, CHANGE_USAGE);
    ck_assert_ptr_eq(commit.set[0].change, decision.proposed.change);
}
END_TEST

START_TEST(what_is_not_known_holds_nobody)
{
    change("policy-set check=compromise mode=enforce");
    sent(20);
    readable = false;
    ck_assert_str_eq(action(), "DUNNO");
    ck_assert_int_eq(decision.finding[CHECK_COMPROMISE].verdict, VERDICT_TRY_AGAIN);
}
END_TEST

START_TEST(weights_are_configured)
{
    change("policy-set check=compromise mode=enforce");
    sent(20);
    configure("compromise { rate_weight = 49 }");
    ck_assert_str_eq(action(), "DUNNO");
    configure("compromise { rate_weight = 49  score = 99 }");
    ck_assert_str_ne(action(), "DUNNO");
    configure("compromise { rate_threshold = 60 }");
    ck_assert_str_eq(action(), "DUNNO");
}
END_TEST

START_TEST(only_this_check_holds)
{
    struct error e;
    static const char line[] = "policy-set check=sender_login mode=hold";

    ck_assert_int_eq(world_change(&world, span_of(line), &e), BAD);
    ck_assert_str_eq(e.text, "sender_login cannot hold mail: set it to off, observe or enforce");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("compromise");
    TCase *tc = tcase_create("compromise");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tc, set_up, checked_world_close);
    tcase_add_test(tc, what_a_message_says);
    tcase_add_test(tc, below_the_score);
    tcase_add_test(tc, observed);
    tcase_add_test(tc, held);
    tcase_add_test(tc, suspended);
    tcase_add_test(tc, looked_at_again_after_the_commit);
    tcase_add_test(tc, suspends_after_the_commit);
    tcase_add_test(tc, late_it_is_left_for_the_next);
    tcase_add_test(tc, what_is_not_known_holds_nobody);
    tcase_add_test(tc, weights_are_configured);
    tcase_add_test(tc, only_this_check_holds);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
