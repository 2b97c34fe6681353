/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policyctl/date.h"

/* An hour behind UTC; summer time, an hour ahead of that, from midnight of 10 April
 * to one o'clock of 27 October. */
static void set_zone(void)
{
    setenv("TZ", "AAA1BBB,J100/0,J300/1", 1);
    tzset();
}

static const struct {
    const char *text;
    int64_t seconds;
} good[] = {
    { "1970-01-02", 90000 },
    { "1970-01-02T00:01", 90060 },
    { "2000-02-29T23:59", 951872340 },
    { "2024-12-31", 1735606800 },
    { "2027-07-01T12:00", 1814443200 }, /* summer time */
    { "2027-04-10", 1807318800 },       /* begins at one o'clock */
    { "2027-04-10T00:30", 1807320600 }, /* does not exist: as far behind midnight */
    { "9999-12-31", 253402218000 },
};

START_TEST(parsed)
{
    int64_t seconds = 0;
    struct error e = { "" };

    set_zone();
    ck_assert_msg(date_parse(good[_i].text, 0, &seconds, &e) == OK, "%s: %s", good[_i].text, e.text);
    ck_assert_int_eq(seconds, good[_i].seconds);
}
END_TEST

static const char *const bad[] = {
    "",           "2027",        "2027-1-31",         "27-01-31",         "2027-13-01",      "2027-00-01",
    "2027-01-32", "2027-01-00",  "2027-02-29",        "2100-02-29",       "2027-04-31",      "2027-01-31 ",
    " 2027-01-31", "2027/01/31", "2027-01-31T",       "2027-01-31T24:00", "2027-01-31T12:60", "2027-01-31T12",
    "2027-01-31T12:00:00",       "2027-01-31 12:00",  "tomorrow",         "+027-01-31",      "2027-01-31t12:00",
    "12027-01-31",
};

START_TEST(refused)
{
    int64_t seconds = 0;
    struct error e = { "" };

    set_zone();
    ck_assert_msg(date_parse(bad[_i], 0, &seconds, &e) == BAD, "%s", bad[_i]);
    ck_assert_ptr_nonnull(strstr(e.text, "write YYYY-MM-DD or YYYY-MM-DDTHH:MM"));
}
END_TEST

START_TEST(past_is_refused)
{
    int64_t seconds;
    struct error e;

    set_zone();
    ck_assert_int_eq(date_parse("1970-01-02", 89999, &seconds, &e), OK);
    ck_assert_int_eq(date_parse("1970-01-02", 90000, &seconds, &e), BAD);
    ck_assert_str_eq(e.text, "1970-01-02 is past: name a later date");
}
END_TEST

START_TEST(text)
{
    char array[DATE_TEXT_MAX];

    set_zone();
    date_text(90060, array);
    ck_assert_str_eq(array, "1970-01-02 00:01");
    date_text(0, array);
    ck_assert_str_eq(array, "1969-12-31 23:00");
    date_text(1814443200, array);
    ck_assert_str_eq(array, "2027-07-01 12:00");
    date_text(INT64_MAX, array); /* no calendar has it */
    ck_assert_str_eq(array, "9223372036854775807");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("policyctl_date");
    TCase *t = tcase_create("date");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, t);
    tcase_add_loop_test(t, parsed, 0, sizeof good / sizeof *good);
    tcase_add_loop_test(t, refused, 0, sizeof bad / sizeof *bad);
    tcase_add_test(t, past_is_refused);
    tcase_add_test(t, text);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
