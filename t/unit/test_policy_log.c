/* SPDX-License-Identifier: MIT */
/* policyd/policy: the log line of a decision. */
#include "policyd/policy.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "policyd/check.h"
#include "t/unit/checked_world.h"

static struct request request;
static struct decision decision;

static void set(enum attribute a, const char *value)
{
    request.attr[a] = span_of(value);
}

/* A stranger who does everything wrong. */
static void set_up(void)
{
    checked_world_open();
    change("domain-add domain=example.com kind=mailbox");
    change("account-add address=john@example.com kind=user password={X}x");
    change("list-add action=deny client=192.0.2.1");
    memset(&request, 0, sizeof request);
    set(ATTR_PROTOCOL_STATE, "RCPT");
    set(ATTR_CLIENT_ADDRESS, "192.0.2.1");
    set(ATTR_HELO_NAME, "mail.local");
    set(ATTR_SENDER, "john@example.com");
    set(ATTR_RECIPIENT, "anna@example.com");
}

static void decide(void)
{
    request_prepare(&request, world.config);
    ck_assert_int_eq(policy_decide(&request, world_facts(&world), false, &decision), OK);
    rows_turn_end(world.rows);
}

static void ck_outcome(const char *word)
{
    char line[1024], start[32];
    struct strbuf b;

    strbuf_init(&b, start, sizeof start);
    strbuf_addf(&b, "decision=%s ", word);
    strbuf_init(&b, line, sizeof line);
    policy_log_line(&request, &decision, 0, &b);
    ck_assert_msg(strncmp(line, start, strlen(start)) == 0, "%s", line);
}

START_TEST(outcomes_in_the_log)
{
    decide();
    ck_outcome("refuse");
    decision.held = true;
    ck_outcome("hold");
    decision.degraded = true;
    ck_outcome("defer");
    decision.decided_by = -1;
    ck_outcome("pass");
}
END_TEST

START_TEST(the_log_line)
{
    char line[1024];
    struct strbuf b;

    set(ATTR_HELO_NAME, "a b\n\xff");
    set(ATTR_QUEUE_ID, "4XYZ");
    decide();
    strbuf_init(&b, line, sizeof line);
    policy_log_line(&request, &decision, 123, &b);
    ck_assert_str_eq(line, "decision=refuse check=access observed=sender_auth,helo_fqdn state=RCPT client=192.0.2.1 "
                           "helo=\"a b\\x0a\\xff\" sender=john@example.com recipient=anna@example.com queue_id=4XYZ "
                           "reply=\"554 5.7.1 Access denied\" us=123");
    change("list-remove id=1");
    set(ATTR_SASL_USERNAME, "john@example.com");
    decide();
    strbuf_init(&b, line, sizeof line);
    policy_log_line(&request, &decision, 0, &b);
    ck_assert_str_eq(line, "decision=pass state=RCPT client=192.0.2.1 helo=\"a b\\x0a\\xff\" sender=john@example.com "
                           "recipient=anna@example.com login=john@example.com queue_id=4XYZ us=0");
    set(ATTR_SASL_USERNAME, "");
    set(ATTR_HELO_NAME, "mail.example.net");
    set(ATTR_SENDER, "");
    change("policy-set check=greylist mode=enforce");
    world.load.level = LOAD_LEVEL_MAX;
    decide();
    strbuf_init(&b, line, sizeof line);
    policy_log_line(&request, &decision, 0, &b);
    ck_assert_str_eq(line, "decision=pass state=RCPT client=192.0.2.1 helo=mail.example.net "
                           "recipient=anna@example.com queue_id=4XYZ shed=helo_resolve,greylist us=0");
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("policy_log");
    Suite *suite = suite_create("policy_log");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, t);
    tcase_add_checked_fixture(t, set_up, checked_world_close);
    tcase_add_test(t, outcomes_in_the_log);
    tcase_add_test(t, the_log_line);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
