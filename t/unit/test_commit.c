/* SPDX-License-Identifier: MIT */
/*
 * policyd/proposal, and the sets that policy_commit makes of it: one for each check, and
 * nothing of what is refused but for the one that refuses.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policyd/policy.h"

static struct decision decision;
static struct commit commit;

static void set_up(void)
{
    memset(&decision, 0, sizeof decision);
    decision.decided_by = -1;
    ck_assert_int_eq(str_copy(SPAN("DUNNO"), decision.action, sizeof decision.action), OK);
}

static void propose(enum check_id check, const char *subject)
{
    proposals_add(&decision.proposed, check, CHANGE_OBSERVE);
    proposals_set(&decision.proposed, FIELD_SUBJECT, subject);
}

/* "access: a b; starttls: c" */
static const char *sets(void)
{
    static char text[256];
    struct strbuf b;

    policy_commit(&decision, &commit);
    strbuf_init(&b, text, sizeof text);
    for (size_t i = 0; i < commit.count; i++) {
        strbuf_addf(&b, "%s%s:", i > 0 ? "; " : "", check_infos[commit.check[i]].name);
        for (size_t k = 0; k < commit.set[i].count; k++)
            strbuf_addf(&b, " %s", commit.set[i].change[k].field[FIELD_SUBJECT]);
    }
    return text;
}

START_TEST(a_set_for_each_check)
{
    ck_assert_str_eq(sets(), "");
    propose(CHECK_ACCESS, "a");
    propose(CHECK_ACCESS, "b");
    propose(CHECK_STARTTLS, "c");
    ck_assert_str_eq(sets(), "access: a b; starttls: c");
    ck_assert_str_eq(sets(), "access: a b; starttls: c");
}
END_TEST

START_TEST(nothing_of_what_is_refused)
{
    propose(CHECK_ACCESS, "a");
    propose(CHECK_STARTTLS, "b");
    propose(CHECK_STARTTLS, "c");
    propose(CHECK_HELO_LOCAL, "d");
    decision.decided_by = CHECK_STARTTLS;
    ck_assert_str_eq(sets(), "starttls: b c");
    decision.decided_by = CHECK_SENDER_LOGIN;
    ck_assert_str_eq(sets(), "");
}
END_TEST

START_TEST(nothing_of_what_is_not_known)
{
    propose(CHECK_ACCESS, "a");
    decision.decided_by = CHECK_ACCESS;
    decision.degraded = true;
    ck_assert_str_eq(sets(), "");
}
END_TEST

START_TEST(texts_are_copied)
{
    char text[] = "before";

    propose(CHECK_ACCESS, text);
    proposals_set(&decision.proposed, FIELD_CAUSE, "");
    memcpy(text, "behind", sizeof text);
    ck_assert_str_eq(sets(), "access: before");
    ck_assert_str_eq(commit.set[0].change->field[FIELD_CAUSE], "");
    ck_assert_ptr_null(commit.set[0].change->field[FIELD_CLIENT]);
    ck_assert_int_eq(commit.set[0].change->kind, CHANGE_OBSERVE);
}
END_TEST

START_TEST(bounded)
{
    static char text[PROPOSAL_TEXT_MAX + 1];
    struct proposals *p = &decision.proposed;

    memset(text, 'x', PROPOSAL_TEXT_MAX);
    proposals_add(p, CHECK_ACCESS, CHANGE_OBSERVE);
    proposals_set(p, FIELD_SUBJECT, text);
    ck_assert(p->full);
    ck_assert_ptr_null(p->change[0].field[FIELD_SUBJECT]);
    proposals_cut(p, 1);
    ck_assert(!p->full);
    proposals_set(p, FIELD_SUBJECT, text + 1);
    ck_assert(!p->full);
    proposals_set(p, FIELD_CAUSE, "");
    ck_assert(p->full);
    ck_assert_ptr_null(p->change[0].field[FIELD_CAUSE]);
    proposals_cut(p, 1);
    for (int i = 1; i < PROPOSALS_MAX; i++)
        proposals_add(p, CHECK_ACCESS, CHANGE_OBSERVE);
    ck_assert(!p->full);
    proposals_add(p, CHECK_ACCESS, CHANGE_OBSERVE);
    ck_assert(p->full);
    ck_assert_uint_eq(p->count, PROPOSALS_MAX);
    proposals_cut(p, PROPOSALS_MAX - 1);
    proposals_add(p, CHECK_ACCESS, CHANGE_OBSERVE);
    ck_assert(!p->full);
    proposals_cut(p, PROPOSALS_MAX + 1);
    ck_assert_uint_eq(p->count, PROPOSALS_MAX);
    proposals_clear(p);
    ck_assert_str_eq(sets(), "");
}
END_TEST

/* A check that does not ask what became of its changes keeps its verdict. */
START_TEST(a_verdict_stays)
{
    static struct request request;
    static struct facts facts;

    propose(CHECK_ACCESS, "a");
    decision.finding[CHECK_ACCESS].verdict = VERDICT_PASS;
    decision.finding[CHECK_ACCESS].mode = MODE_ENFORCE;
    ck_assert_str_eq(sets(), "access: a");
    for (enum result r = OK; r <= BAD; r++) {
        commit.set[0].result = r;
        policy_committed(&request, &facts, &commit, &decision);
        ck_assert_str_eq(decision.action, "DUNNO");
        ck_assert_int_eq(decision.decided_by, -1);
    }
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("commit");
    Suite *suite = suite_create("commit");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, t);
    tcase_add_checked_fixture(t, set_up, NULL);
    tcase_add_test(t, a_set_for_each_check);
    tcase_add_test(t, nothing_of_what_is_refused);
    tcase_add_test(t, nothing_of_what_is_not_known);
    tcase_add_test(t, texts_are_copied);
    tcase_add_test(t, bounded);
    tcase_add_test(t, a_verdict_stays);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
