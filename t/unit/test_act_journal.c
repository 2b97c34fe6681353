/* SPDX-License-Identifier: MIT */
/*
 * postern-act's journal: what is written is read again, a write that fails leaves what was
 * there, damage is refused; and the limits of notices by what it remembers.
 */
#include "postern-act/journal.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/str.h"

static char directory[64], path[128];

static void set_up(void)
{
    ck_assert_int_eq(str_copy(SPAN("/tmp/postern-journal.XXXXXX"), directory, sizeof directory), OK);
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/sub/cursor", directory);
}

static void tear_down(void)
{
    static const char *const names[] = { "sub/cursor", "sub/cursor.new", "sub/cursor.lock" };
    char name[160];

    for (size_t i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "%s/%s", directory, names[i]);
        unlink(name);
    }
    snprintf(name, sizeof name, "%s/sub", directory);
    rmdir(name);
    ck_assert_int_eq(rmdir(directory), 0);
}

static struct journal opened(void)
{
    struct journal j;
    struct error e = { "" };

    ck_assert_msg(journal_open(path, &j, &e) == OK, "%s", e.text);
    return j;
}

static void written(const struct journal *j)
{
    struct error e = { "" };

    ck_assert_msg(journal_write(j, &e) == OK, "%s", e.text);
}

START_TEST(round_trip)
{
    struct journal j = opened();
    const struct journal_step step = { .event = 41, .name = "command3", .started = true, .tries = 2 };

    ck_assert(j.is_new);
    j.id = 42;
    j.time = 1800000000;
    j.held_back = 3;
    ck_assert_int_eq(journal_add_step(&j, &step), OK);
    journal_note_sent(&j, "\"a b\"@x.example", 1800000000);
    journal_note_sent(&j, "", 1800000001);
    written(&j);
    journal_close(&j);
    j = opened();
    ck_assert(!j.is_new);
    ck_assert_int_eq(j.id, 42);
    ck_assert_int_eq(j.time, 1800000000);
    ck_assert_uint_eq(j.held_back, 3);
    ck_assert_uint_eq(j.steps, 1);
    ck_assert_int_eq(j.step[0].event, 41);
    ck_assert_str_eq(j.step[0].name, "command3");
    ck_assert(j.step[0].started && j.step[0].tries == 2);
    ck_assert_uint_eq(j.sents, 2);
    ck_assert_str_eq(j.sent[0].account, "\"a b\"@x.example");
    ck_assert_str_eq(j.sent[1].account, "");
    journal_close(&j);
}
END_TEST

START_TEST(one_process)
{
    struct journal j = opened(), other;
    struct error e = { "" };

    ck_assert_int_eq(journal_open(path, &other, &e), BAD);
    ck_assert_ptr_nonnull(strstr(e.text, "another postern-act runs"));
    journal_close(&j);
    j = opened();
    journal_close(&j);
}
END_TEST

/* A full disk: the file says what it said, and the next write that works says all. */
START_TEST(a_write_that_fails)
{
    struct journal j = opened();
    struct rlimit limit, small = { 10, RLIM_INFINITY };
    struct error e = { "" };

    j.id = 1;
    written(&j);
    ck_assert_ptr_ne(signal(SIGXFSZ, SIG_IGN), SIG_ERR);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    small.rlim_max = limit.rlim_max;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    j.id = 2;
    ck_assert_int_eq(journal_write(&j, &e), TRY_AGAIN);
    ck_assert_ptr_nonnull(strstr(e.text, path));
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    journal_close(&j);
    j = opened();
    ck_assert_int_eq(j.id, 1);
    j.id = 3;
    written(&j);
    journal_close(&j);
    j = opened();
    ck_assert_int_eq(j.id, 3);
    journal_close(&j);
}
END_TEST

static const char *const damaged[] = {
    "",
    "postern-act 2\n",
    "postern-act 1\nplace 1\n",
    "postern-act 1\nplace x 1\n",
    "postern-act 1\nnothing 1 2\n",
    "postern-act 1\nstep 1 kick waits\n",
    "postern-act 1\nstep 1 a-name-that-is-too-long waits 0\n",
    "postern-act 1\nsent -1 a@x.example\n",
    "postern-act 1\nheld-back -1\n",
};

START_TEST(damage)
{
    struct journal j = opened();
    struct error e = { "" };
    FILE *f;

    journal_close(&j);
    f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs(damaged[_i], f);
    ck_assert_int_eq(fclose(f), 0);
    ck_assert_int_eq(journal_open(path, &j, &e), BAD);
    ck_assert_ptr_nonnull(strstr(e.text, "damaged"));
}
END_TEST

/* ---- limits ---- */

START_TEST(within_an_hour)
{
    struct journal j = opened();
    const int64_t now = 1800000000;

    for (unsigned i = 0; i < 2; i++) {
        ck_assert(journal_may_send(&j, "a@x.example", now + i, 5, 2));
        journal_note_sent(&j, "a@x.example", now + i);
    }
    ck_assert(!journal_may_send(&j, "a@x.example", now + HOUR_S - 1, 5, 2));
    ck_assert(journal_may_send(&j, "a@x.example", now + HOUR_S, 5, 2)); /* the first is past */
    ck_assert(journal_may_send(&j, "b@x.example", now + 2, 5, 2));
    for (unsigned i = 0; i < 3; i++) {
        ck_assert(journal_may_send(&j, "", now + 2, 5, 2)); /* of no account: only all count */
        journal_note_sent(&j, "", now + 2);
    }
    ck_assert(!journal_may_send(&j, "", now + 2, 5, 2));
    ck_assert(!journal_may_send(&j, "b@x.example", now + 2, 5, 2));
    ck_assert(journal_may_send(&j, "b@x.example", now + HOUR_S, 5, 2));
    journal_close(&j);
}
END_TEST

START_TEST(told_twice)
{
    struct journal j = opened();

    j.held_back = 3;
    journal_note_told(&j, 2);
    ck_assert_uint_eq(j.held_back, 1);
    journal_note_told(&j, 2);
    ck_assert_uint_eq(j.held_back, 0);
    journal_close(&j);
}
END_TEST

/* A clock that was set back must not hold notices back for as long. */
START_TEST(a_clock_set_back)
{
    struct journal j = opened();
    const int64_t now = 1800000000;

    journal_note_sent(&j, "a@x.example", now + 86400);
    ck_assert(journal_may_send(&j, "a@x.example", now, 1, 1));
    journal_note_sent(&j, "a@x.example", now);
    ck_assert_uint_eq(j.sents, 1);
    ck_assert(!journal_may_send(&j, "a@x.example", now, 1, 1));
    journal_close(&j);
}
END_TEST

START_TEST(as_many_as_may_be_remembered)
{
    struct journal j = opened();

    for (unsigned i = 0; i < SENT_MAX + 5; i++)
        journal_note_sent(&j, "a@x.example", 1800000000);
    ck_assert_uint_eq(j.sents, SENT_MAX);
    ck_assert(!journal_may_send(&j, "", 1800000000, SENT_MAX, 1));
    written(&j);
    journal_close(&j);
    j = opened();
    ck_assert_uint_eq(j.sents, SENT_MAX);
    for (unsigned i = 0; i < JOURNAL_STEPS_MAX; i++)
        ck_assert_int_eq(journal_add_step(&j, &(struct journal_step){ .event = i, .name = "kick" }), OK);
    ck_assert_int_eq(journal_add_step(&j, &(struct journal_step){ .name = "kick" }), LIMIT);
    journal_close(&j);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("act_journal");
    Suite *suite = suite_create("act_journal");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, t);
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, round_trip);
    tcase_add_test(t, one_process);
    tcase_add_test(t, a_write_that_fails);
    tcase_add_loop_test(t, damage, 0, (int)(sizeof damaged / sizeof *damaged));
    tcase_add_test(t, within_an_hour);
    tcase_add_test(t, told_twice);
    tcase_add_test(t, a_clock_set_back);
    tcase_add_test(t, as_many_as_may_be_remembered);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
