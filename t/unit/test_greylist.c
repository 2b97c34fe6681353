/* SPDX-License-Identifier: MIT */
/* lib/greylist: who waits, for how long, and until when it is known. */
#include "lib/greylist.h"

#include <check.h>
#include <stdlib.h>

enum { NOW = 1000000, DELAY = 300, WINDOW = 7200, LIFETIME = 86400 };

static const struct greylist_rule rule = { DELAY, WINDOW, LIFETIME, 3 };
static struct greylist_row row;
static struct greylist_client client;

static void set_up(void)
{
    row = (struct greylist_row){ 0 };
    client = (struct greylist_client){ 0 };
}

static uint64_t meet(int64_t after)
{
    return greylist_meet(&rule, &row, &client, NOW + after);
}

static const struct {
    int64_t second; /* when it comes again */
    uint64_t waits;
} again[] = {
    { 0, DELAY },     { 1, DELAY - 1 }, { DELAY - 1, 1 },      { DELAY, 0 },
    { DELAY + 1, 0 }, { WINDOW, 0 },    { WINDOW + 1, DELAY }, { LIFETIME, DELAY },
};

START_TEST(second_contact)
{
    ck_assert_uint_eq(meet(0), DELAY);
    ck_assert_uint_eq(meet(again[_i].second), again[_i].waits);
    ck_assert_uint_eq(row.passes, again[_i].waits == 0);
    ck_assert_uint_eq(client.passes, again[_i].waits == 0);
}
END_TEST

START_TEST(tries_in_between_do_not_begin_anew)
{
    for (int64_t t = 0; t < DELAY; t += 7)
        ck_assert_uint_eq(meet(t), (uint64_t)(DELAY - t));
    ck_assert_uint_eq(meet(DELAY), 0);
}
END_TEST

START_TEST(known_as_long_as_it_comes)
{
    int64_t t = DELAY;

    meet(0);
    for (int i = 0; i < 5; i++, t += LIFETIME)
        ck_assert_uint_eq(meet(t), 0);
    ck_assert_uint_eq(row.passes, 5);
    ck_assert_uint_eq(client.passes, 1); /* it is one sender */
    ck_assert_int_eq(greylist_expires(&rule, &row), NOW + t);
    ck_assert_uint_eq(meet(t + 1), DELAY); /* a second too late */
    ck_assert_uint_eq(row.passes, 0);
    ck_assert_int_eq(greylist_expires(&rule, &row), NOW + t + 1 + WINDOW);
}
END_TEST

START_TEST(a_client_with_several_passes_at_once)
{
    for (int i = 0; i < 3; i++) {
        row = (struct greylist_row){ 0 };
        ck_assert_uint_eq(meet(0), DELAY);
        ck_assert_uint_eq(meet(DELAY), 0);
    }
    row = (struct greylist_row){ 0 };
    ck_assert_uint_eq(meet(DELAY + 1), 0);
    ck_assert_uint_eq(client.passes, 3);
    row = (struct greylist_row){ 0 };
    ck_assert_uint_eq(meet(DELAY + 1 + LIFETIME), 0);
    row = (struct greylist_row){ 0 };
    ck_assert_uint_eq(meet(DELAY + 2 + 2 * LIFETIME), DELAY); /* nobody came for too long */
    ck_assert_uint_eq(client.passes, 0);
}
END_TEST

START_TEST(never_at_once_where_that_is_off)
{
    const struct greylist_rule off = { DELAY, WINDOW, LIFETIME, 0 };

    client = (struct greylist_client){ NOW, 1000 };
    ck_assert_uint_eq(greylist_meet(&off, &row, &client, NOW), DELAY);
}
END_TEST

START_TEST(a_clock_that_jumps_makes_nobody_wait_longer)
{
    meet(0);
    ck_assert_uint_eq(meet(-86400), DELAY); /* back: as if it were new */
    ck_assert_uint_eq(meet(-86400 + DELAY), 0);
    set_up();
    meet(0);
    ck_assert_uint_eq(meet(86400), DELAY); /* ahead, past the window */
    ck_assert_uint_eq(meet(1), DELAY);     /* and back again */
    ck_assert_uint_eq(meet(1 + DELAY), 0);
}
END_TEST

/* However it comes: it never passes before the delay, and who comes in time never waits twice. */
START_TEST(never_before_the_delay)
{
    unsigned long seed = 1;

    for (int run = 0; run < 2000; run++) {
        int64_t t = 0, first = -1;
        set_up();
        for (int i = 0; i < 12 && row.passes == 0; i++) {
            seed = seed * 6364136223846793005ul + 1442695040888963407ul;
            t += (int64_t)(seed >> 33) % (WINDOW / 2);
            bool anew = first < 0 || t - first > WINDOW;
            uint64_t waits = meet(t);
            if (anew)
                first = t;
            ck_assert_uint_eq(waits, t - first >= DELAY ? 0 : (uint64_t)(DELAY - (t - first)));
        }
    }
}
END_TEST

START_TEST(text_and_back)
{
    struct greylist_rule r;
    struct greylist_row w;
    char text[GREYLIST_TEXT_MAX];
    struct strbuf b;

    strbuf_init(&b, text, sizeof text);
    greylist_rule_format(&rule, &b);
    ck_assert_str_eq(text, "300 7200 86400 3");
    ck_assert_int_eq(greylist_rule_parse(text, &r), OK);
    ck_assert_mem_eq(&r, &rule, sizeof r);
    meet(0);
    strbuf_init(&b, text, sizeof text);
    greylist_row_format(&row, &b);
    ck_assert_str_eq(text, "1000000 1000000 0");
    ck_assert_int_eq(greylist_row_parse(text, &w), OK);
    ck_assert_int_eq(w.first_seen, NOW);
}
END_TEST

static const char *const bad[] = {
    "", "1", "1 2", "1 2 3 4", "1 2 x", "1  2 3", "-1 2 3", "1 2 3 ", " 1 2 3"
};

START_TEST(damaged_text_is_none)
{
    struct greylist_row w;

    ck_assert_int_eq(greylist_row_parse(bad[_i], &w), BAD);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("greylist");
    TCase *t = tcase_create("all");
    SRunner *r;
    int failed;

    tcase_add_checked_fixture(t, set_up, NULL);
    tcase_add_loop_test(t, second_contact, 0, sizeof again / sizeof *again);
    tcase_add_test(t, tries_in_between_do_not_begin_anew);
    tcase_add_test(t, known_as_long_as_it_comes);
    tcase_add_test(t, a_client_with_several_passes_at_once);
    tcase_add_test(t, never_at_once_where_that_is_off);
    tcase_add_test(t, a_clock_that_jumps_makes_nobody_wait_longer);
    tcase_add_test(t, never_before_the_delay);
    tcase_add_test(t, text_and_back);
    tcase_add_loop_test(t, damaged_text_is_none, 0, sizeof bad / sizeof *bad);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
