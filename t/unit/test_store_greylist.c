/* SPDX-License-Identifier: MIT */
/*
 * The contract of lib/store.h for the greylist, the same for every backend: the answer is the
 * row's, which is written either way; a preview changes nothing; what expired goes.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "t/unit/change_line.h"
#include "t/unit/store_fixture.h"

static const char *const backends[] = { "sqlite", "memory" };
enum { BACKENDS = 2 };

#define MEET(client, sender)                                                                                 \
    "greylist client=" client " envelope_sender=" sender " recipient=r@x.example rule=\"300 7200 86400 2\""

static const char *const all[] = { "" };

/* The line's result at the time, or of a preview; its text at *text_r. */
static enum result meet(struct store *s, const char *line, int64_t now, bool preview, char text_r[static 64])
{
    struct change_line parsed;
    struct change change;
    struct change_set set = { .change = &change, .count = 1 };
    struct change_set *const sets[] = { &set };
    struct error e = { "" };

    ck_assert_msg(change_line_parse(span_of(line), &parsed, &e) == OK, "%s", e.text);
    change = parsed.change;
    ck_assert_int_eq(preview ? store_preview(s, &set, now) : store_apply(s, sets, 1, now), OK);
    ck_assert_int_eq(str_copy(span_of(set.error.text), text_r, 64), OK);
    return set.result;
}

START_TEST(waits_and_passes)
{
    struct store *s = store_opened(backends[_i], DATABASE_STATE, STORE_CREATE);
    const char *line = MEET("192.0.2.0/24", "a@y.example");
    char text[64];

    ck_assert_int_eq(meet(s, line, NOW, true, text), PENDING);
    ck_assert_str_eq(store_rows(s, QUERY_GREYLIST, all, 1), ""); /* only a preview */
    ck_assert_int_eq(meet(s, line, NOW, false, text), PENDING);
    ck_assert_str_eq(text, "300");
    ck_assert_str_eq(store_rows(s, QUERY_GREYLIST, all, 1),
                     "192.0.2.0/24|a@y.example|r@x.example|1800000000 1800000000 0|0|1800007200");
    ck_assert_str_eq(store_rows(s, QUERY_GREYLIST_CLIENTS, all, 1), "");
    ck_assert_int_eq(meet(s, line, NOW + 100, false, text), PENDING);
    ck_assert_str_eq(text, "200");
    ck_assert_int_eq(meet(s, line, NOW + 300, true, text), OK);
    ck_assert_int_eq(meet(s, line, NOW + 300, false, text), OK);
    ck_assert_str_eq(store_rows(s, QUERY_GREYLIST, all, 1),
                     "192.0.2.0/24|a@y.example|r@x.example|1800000000 1800000300 1|1|1800086700");
    ck_assert_str_eq(store_rows(s, QUERY_GREYLIST_CLIENTS, all, 1), "192.0.2.0/24|1|1800000300");
    store_close(&s);
}
END_TEST

START_TEST(a_client_earns_its_pass)
{
    struct store *s = store_opened(backends[_i], DATABASE_STATE, STORE_CREATE);
    const char *const lines[] = { MEET("2001:db8::/64", "a@y.example"),
                                  MEET("2001:db8::/64", "b@y.example") };
    char text[64];

    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_eq(meet(s, lines[i], NOW, false, text), PENDING);
        ck_assert_int_eq(meet(s, lines[i], NOW + 300, false, text), OK);
    }
    ck_assert_int_eq(meet(s, MEET("2001:db8::/64", "c@y.example"), NOW + 301, false, text), OK);
    ck_assert_int_eq(meet(s, MEET("2001:db8:1::/64", "c@y.example"), NOW + 301, false, text), PENDING);
    store_close(&s);
}
END_TEST

START_TEST(forgotten_and_trimmed)
{
    struct store *s = store_opened(backends[_i], DATABASE_STATE, STORE_CREATE);
    struct error e = { "" };
    char text[64];

    ck_assert_int_eq(meet(s, MEET("192.0.2.0/24", "a@y.example"), NOW - 7200, false, text), PENDING);
    ck_assert_int_eq(meet(s, MEET("192.0.2.0/24", "b@y.example"), NOW - 300, false, text), PENDING);
    ck_assert_int_eq(meet(s, MEET("192.0.2.0/24", "b@y.example"), NOW, false, text), OK);
    ck_assert_int_eq(meet(s, MEET("192.0.3.0/24", "b@y.example"), NOW, false, text), PENDING);
    ck_assert_int_eq(change_line_apply(s, SPAN("greylist-trim"), NOW, &e), OK);
    ck_assert_str_eq(store_rows(s, QUERY_GREYLIST, all, 1),
                     "192.0.2.0/24|b@y.example|r@x.example|1799999700 1800000000 1|1|1800086400\n"
                     "192.0.3.0/24|b@y.example|r@x.example|1800000000 1800000000 0|0|1800007200");
    ck_assert_int_eq(change_line_apply(s, SPAN("greylist-forget client=192.0.4.0/24"), NOW, &e), NOT_FOUND);
    ck_assert_str_eq(e.text, "nothing of 192.0.4.0/24 is on the greylist");
    ck_assert_int_eq(change_line_apply(s, SPAN("greylist-forget client=192.0.2.0/24"), NOW, &e), OK);
    ck_assert_str_eq(store_rows(s, QUERY_GREYLIST_CLIENTS, all, 1), "");
    ck_assert_int_eq(meet(s, MEET("192.0.2.0/24", "b@y.example"), NOW, false, text), PENDING);
    store_close(&s);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("store greylist");
    TCase *t = tcase_create("all");
    SRunner *r;
    int failed;

    tcase_add_checked_fixture(t, store_fixture_open, store_fixture_close);
    tcase_add_loop_test(t, waits_and_passes, 0, BACKENDS);
    tcase_add_loop_test(t, a_client_earns_its_pass, 0, BACKENDS);
    tcase_add_loop_test(t, forgotten_and_trimmed, 0, BACKENDS);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
