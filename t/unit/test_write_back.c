/* SPDX-License-Identifier: MIT */
/* policyd/write_back: when a log is written back, and the alarm of one that is held, at times of our own. */
#include "policyd/write_back.h"

#include <check.h>
#include <stdlib.h>

enum { PAGES = 256, MANY = 4096 };
#define S      UINT64_C(1000000000)
#define MINUTE (60 * S)
#define START  (1000 * S)

static struct write_back b;
static uint64_t lasted;

static void set_up(void)
{
    write_back_init(&b, WRITE_BACK_ALARM_NS);
}

static enum write_back_news note(enum result r, uint64_t now)
{
    return write_back_note(&b, DATABASE_STATE, r, now, &lasted);
}

START_TEST(ten_minutes)
{
    for (uint64_t t = 0; t < 10 * MINUTE; t += 5 * S)
        ck_assert_int_eq(note(PENDING, START + t), WRITE_BACK_NONE);
    ck_assert_int_eq(note(PENDING, START + 10 * MINUTE), WRITE_BACK_HELD);
    ck_assert_uint_eq(lasted, 10 * MINUTE);
    ck_assert_int_eq(note(PENDING, START + 11 * MINUTE), WRITE_BACK_NONE); /* once */
    ck_assert_int_eq(note(TRY_AGAIN, START + 60 * MINUTE), WRITE_BACK_NONE);
    ck_assert_int_eq(note(OK, START + 61 * MINUTE), WRITE_BACK_OVER);
    ck_assert_uint_eq(lasted, 61 * MINUTE);
    ck_assert_int_eq(note(OK, START + 62 * MINUTE), WRITE_BACK_NONE);
    ck_assert_int_eq(note(PENDING, START + 63 * MINUTE), WRITE_BACK_NONE); /* anew */
    ck_assert_int_eq(note(PENDING, START + 73 * MINUTE), WRITE_BACK_HELD);
}
END_TEST

/* Readers come and go: as long as all of it is written back now and then, nothing is said. */
START_TEST(many_short_readers)
{
    for (uint64_t t = 0; t < 120 * MINUTE; t += 5 * S)
        ck_assert_int_eq(note(t % (9 * MINUTE) == 0 ? OK : PENDING, START + t), WRITE_BACK_NONE);
}
END_TEST

/* Whatever the reason; and nine minutes are no alarm, nor is their end told. */
START_TEST(locked_or_failing)
{
    ck_assert_int_eq(note(TRY_AGAIN, START), WRITE_BACK_NONE);
    ck_assert_int_eq(note(TRY_AGAIN, START + 9 * MINUTE), WRITE_BACK_NONE);
    ck_assert_int_eq(note(OK, START + 9 * MINUTE + S), WRITE_BACK_NONE);
    ck_assert_int_eq(note(TRY_AGAIN, START + 10 * MINUTE), WRITE_BACK_NONE);
    ck_assert_int_eq(note(TRY_AGAIN, START + 20 * MINUTE), WRITE_BACK_HELD);
}
END_TEST

START_TEST(each_database_for_itself)
{
    ck_assert_int_eq(note(PENDING, START), WRITE_BACK_NONE);
    ck_assert_int_eq(write_back_note(&b, DATABASE_ACCOUNTS, OK, START + S, &lasted), WRITE_BACK_NONE);
    ck_assert_int_eq(note(PENDING, START + 10 * MINUTE), WRITE_BACK_HELD);
    ck_assert_int_eq(write_back_note(&b, DATABASE_ACCOUNTS, OK, START + 11 * MINUTE, &lasted), WRITE_BACK_NONE);
}
END_TEST

START_TEST(when_it_is_due)
{
    ck_assert(!write_back_is_due(&b, DATABASE_STATE, PAGES - 1, PAGES, START));
    ck_assert(write_back_is_due(&b, DATABASE_STATE, PAGES, PAGES, START));
    b.from_ns = START + S; /* it took a while */
    ck_assert(!write_back_is_due(&b, DATABASE_STATE, PAGES, PAGES, START));
    ck_assert(write_back_is_due(&b, DATABASE_STATE, MANY, PAGES, START));
    ck_assert(write_back_is_due(&b, DATABASE_STATE, PAGES, PAGES, START + S));
}
END_TEST

/* With nothing new in the log, so that a reader's end is noticed; but not all the time. */
START_TEST(held_is_tried_again)
{
    ck_assert_int_eq(note(PENDING, START), WRITE_BACK_NONE);
    ck_assert(!write_back_is_due(&b, DATABASE_STATE, 0, 1, START + S));
    ck_assert(write_back_is_due(&b, DATABASE_STATE, 0, 1, START + 5 * S));
    ck_assert_int_eq(note(PENDING, START + 5 * S), WRITE_BACK_NONE);
    ck_assert(!write_back_is_due(&b, DATABASE_STATE, 0, 1, START + 6 * S));
    ck_assert_int_eq(note(OK, START + 10 * S), WRITE_BACK_NONE);
    ck_assert(!write_back_is_due(&b, DATABASE_STATE, 0, 1, START + 60 * S));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("write_back");
    TCase *t = tcase_create("write_back");
    SRunner *runner = srunner_create(suite);

    tcase_add_checked_fixture(t, set_up, NULL);
    tcase_add_test(t, ten_minutes);
    tcase_add_test(t, many_short_readers);
    tcase_add_test(t, locked_or_failing);
    tcase_add_test(t, each_database_for_itself);
    tcase_add_test(t, when_it_is_due);
    tcase_add_test(t, held_is_tried_again);
    suite_add_tcase(suite, t);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
