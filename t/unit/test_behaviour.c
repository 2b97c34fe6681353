/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "policyd/behaviour.h"

enum { NOW = 1800000000, DAY = 86400, HOUR = 3600 };

static struct behaviour b;

static void create(void)
{
    memset(&b, 0, sizeof b);
}

static struct network client(const char *text)
{
    struct network n;

    ck_assert_int_eq(network_parse_ip(span_of(text), &n), OK);
    return n;
}

static unsigned seen(enum signal id, int64_t now)
{
    return sliding_sum(&b.window[id], signal_infos[id].window_s, now);
}

static void recipients(const char *instance, unsigned first, unsigned count, int64_t now)
{
    for (unsigned i = first; i < first + count; i++) {
        char text[32];
        int n = snprintf(text, sizeof text, "user%u@example.net", i);
        behaviour_recipient(&b, span_of(instance), (struct span){ text, (size_t)n }, now);
    }
}

static void message(const char *instance, const char *address, unsigned accepted, int64_t now)
{
    struct network n = client(address);

    behaviour_message(&b, span_of(instance), &n, accepted, now);
}

START_TEST(a_window_slides)
{
    struct sliding s = { 0 };

    sliding_add(&s, HOUR, NOW, 10);
    sliding_add(&s, HOUR, NOW + 1800, 5);
    ck_assert_uint_eq(sliding_sum(&s, HOUR, NOW + 1800), 15);
    ck_assert_uint_eq(sliding_sum(&s, HOUR, NOW + 3299), 15);
    ck_assert_uint_eq(sliding_sum(&s, HOUR, NOW + 3600), 5);
    ck_assert_uint_eq(sliding_sum(&s, HOUR, NOW + 3 * HOUR), 0);
}
END_TEST

START_TEST(a_window_never_overflows)
{
    struct sliding s = { 0 };

    for (int i = 0; i < 3; i++)
        sliding_add(&s, HOUR, NOW, 50000);
    ck_assert_uint_eq(sliding_sum(&s, HOUR, NOW), UINT16_MAX);
}
END_TEST

/* A clock that was set back goes on counting; one that jumped by days begins anew. */
START_TEST(a_clock_may_jump)
{
    struct sliding s = { 0 };

    sliding_add(&s, HOUR, NOW, 1);
    sliding_add(&s, HOUR, NOW - 1200, 1);
    ck_assert_uint_eq(sliding_sum(&s, HOUR, NOW - 1200), 2);
    sliding_add(&s, HOUR, NOW - DAY, 1);
    ck_assert_uint_eq(sliding_sum(&s, HOUR, NOW - DAY), 1);
    sliding_add(&s, HOUR, NOW + DAY, 1);
    ck_assert_uint_eq(sliding_sum(&s, HOUR, NOW + DAY), 1);
}
END_TEST

START_TEST(a_network_is_new_for_a_week)
{
    message("1.1", "192.0.2.1", 1, NOW);
    ck_assert_uint_eq(behaviour_new_networks(&b, HOUR, NOW), 1);
    message("1.2", "192.0.77.9", 1, NOW); /* the same operator */
    ck_assert_uint_eq(behaviour_new_networks(&b, HOUR, NOW), 1);
    message("1.3", "2001:db8::1", 1, NOW);
    message("1.4", "2001:db9::1", 1, NOW);
    ck_assert_uint_eq(behaviour_new_networks(&b, HOUR, NOW), 3);
    ck_assert_uint_eq(seen(SIGNAL_NEW_NETWORK, NOW), 4);
    message("1.5", "192.0.2.1", 1, NOW + 7 * DAY);
    ck_assert_uint_eq(behaviour_new_networks(&b, HOUR, NOW + 7 * DAY), 0);
    ck_assert_uint_eq(seen(SIGNAL_NEW_NETWORK, NOW + 7 * DAY), 0);
}
END_TEST

START_TEST(a_login_makes_a_network_known)
{
    struct network home = client("198.51.100.7");

    behaviour_login(&b, &home, NOW);
    message("1.1", "198.51.100.7", 1, NOW + 8 * DAY);
    ck_assert_uint_eq(seen(SIGNAL_NEW_NETWORK, NOW + 8 * DAY), 0);
    behaviour_message(&b, SPAN("1.2"), NULL, 1, NOW + 8 * DAY); /* webmail: no network of anybody's */
    ck_assert_uint_eq(behaviour_new_networks(&b, HOUR, NOW + 8 * DAY), 0);
}
END_TEST

/* Thousands of new ones push out none that has proved itself, and what is held makes none known. */
START_TEST(a_botnet_makes_no_network_known)
{
    struct network home = client("198.51.100.7");

    behaviour_login(&b, &home, NOW);
    for (unsigned i = 0; i < 1000; i++) {
        char text[32];
        snprintf(text, sizeof text, "%u.%u.0.1", 1 + i % 90, i % 256);
        message("1.1", text, 1, NOW + 8 * DAY);
    }
    message("1.2", "198.51.100.7", 1, NOW + 8 * DAY + 5);
    ck_assert_uint_eq(seen(SIGNAL_NEW_NETWORK, NOW + 8 * DAY + 5), 1000);
    message("1.3", "203.0.113.5", 1, NOW + 9 * DAY);
    behaviour_suspect(&b, true, NOW + 9 * DAY);
    message("1.4", "203.0.113.5", 1, NOW + 15 * DAY);
    behaviour_suspect(&b, true, NOW + 15 * DAY);
    message("1.5", "203.0.113.5", 1, NOW + 16 * DAY + 1);
    ck_assert_uint_eq(seen(SIGNAL_NEW_NETWORK, NOW + 16 * DAY + 1), 2);
}
END_TEST

START_TEST(recipients_that_are_missing_at_the_end_were_refused)
{
    recipients("1a.2b.3c.0", 0, 10, NOW);
    recipients("1a.2b.3c.0", 9, 1, NOW); /* asked in another context too */
    message("1a.2b.3c.0", "192.0.2.1", 7, NOW);
    ck_assert_uint_eq(seen(SIGNAL_REFUSED_RECIPIENTS, NOW), 3);
    recipients("1a.2b.3c.1", 0, 5, NOW); /* all of them: the client goes on to the next */
    ck_assert_uint_eq(seen(SIGNAL_REFUSED_RECIPIENTS, NOW), 3);
    recipients("1a.2b.3c.2", 0, 1, NOW);
    ck_assert_uint_eq(seen(SIGNAL_REFUSED_RECIPIENTS, NOW), 8);
    recipients("4d.2b.3c.0", 0, 1, NOW + 601); /* another connection, after a while */
    ck_assert_uint_eq(seen(SIGNAL_REFUSED_RECIPIENTS, NOW + 601), 9);
}
END_TEST

START_TEST(a_refused_sender_counts_once)
{
    for (int i = 0; i < 20; i++)
        behaviour_refused_sender(&b, SPAN("wrong@example.com"), NOW);
    behaviour_refused_sender(&b, SPAN("other@example.com"), NOW);
    ck_assert_uint_eq(seen(SIGNAL_REFUSED_SENDERS, NOW), 2);
}
END_TEST

START_TEST(whom_it_wrote_to_is_no_stranger)
{
    recipients("1.1.1.0", 0, 30, NOW);
    message("1.1.1.0", "192.0.2.1", 30, NOW);
    recipients("1.1.1.1", 0, 30, NOW + DAY);
    message("1.1.1.1", "192.0.2.1", 30, NOW + DAY);
    ck_assert_uint_eq(sliding_sum(&b.everywhere.strangers, HOUR, NOW + DAY), 0);
    ck_assert_uint_eq(sliding_sum(&b.everywhere.known, HOUR, NOW + DAY), 30);
}
END_TEST

/* A list of any length comes back as known; how many is an estimate. */
START_TEST(a_long_list_is_known_by_a_sample)
{
    for (int day = 0; day < 2; day++) {
        recipients("1.1.1.0", 0, 20000, NOW + day * DAY);
        message("1.1.1.0", "192.0.2.1", 20000, NOW + day * DAY);
    }
    ck_assert_uint_le(b.recipient_count, BEHAVIOUR_RECIPIENTS);
    ck_assert_uint_lt(sliding_sum(&b.everywhere.strangers, HOUR, NOW + DAY), 200);
    ck_assert_uint_gt(sliding_sum(&b.everywhere.known, HOUR, NOW + DAY), 17000);
    recipients("1.1.1.1", 20000, 2000, NOW + 2 * DAY);
    message("1.1.1.1", "192.0.2.1", 2000, NOW + 2 * DAY);
    ck_assert_uint_gt(sliding_sum(&b.everywhere.strangers, HOUR, NOW + 2 * DAY), 1200);
}
END_TEST

START_TEST(days_teach_what_is_usual)
{
    for (int day = 0; day < 30; day++) {
        recipients("1.1.1.0", 0, 20, NOW + day * DAY);
        message("1.1.1.0", "192.0.2.1", 20, NOW + day * DAY);
    }
    ck_assert_float_gt(b.pace[1].usual, 19);
    ck_assert_float_eq(behaviour_stranger_share(&b, NOW + 5 * DAY), 1); /* too early to say */
    ck_assert_float_lt(behaviour_stranger_share(&b, NOW + 30 * DAY), 0.1f);
    recipients("1.1.1.0", 1000, 500, NOW + 30 * DAY);
    message("1.1.1.0", "192.0.2.1", 500, NOW + 30 * DAY);
    behaviour_suspect(&b, false, NOW + 30 * DAY);
    behaviour_login(&b, NULL, NOW + 31 * DAY);
    ck_assert_float_lt(b.pace[1].usual, 21); /* that day taught nothing */
}
END_TEST

START_TEST(released_it_begins_anew)
{
    recipients("1.1.1.0", 0, 20, NOW);
    message("1.1.1.0", "192.0.2.1", 10, NOW);
    behaviour_limit_hit(&b, NOW);
    behaviour_forgive(&b);
    for (unsigned id = 0; id < SIGNAL_COUNT; id++)
        ck_assert_uint_eq(seen((enum signal)id, NOW), 0);
    ck_assert_int_eq(b.since, NOW);
    ck_assert_uint_eq(b.recipient_count, 20);
}
END_TEST

static const char *text_of(const struct behaviour *behaviour)
{
    static char text[BEHAVIOUR_TEXT_MAX];
    struct strbuf out;

    strbuf_init(&out, text, sizeof text);
    behaviour_format(behaviour, &out);
    ck_assert(!out.cut);
    return text;
}

START_TEST(a_text_says_it_all)
{
    static struct behaviour again;
    char text[BEHAVIOUR_TEXT_MAX];

    recipients("1.1.1.0", 0, 700, NOW);
    message("1.1.1.0", "192.0.2.1", 690, NOW);
    message("1.1.1.1", "2001:db8::1", 1, NOW + DAY);
    behaviour_refused_sender(&b, SPAN("wrong@example.com"), NOW + DAY);
    behaviour_limit_hit(&b, NOW + DAY);
    ck_assert_int_eq(str_copy(span_of(text_of(&b)), text, sizeof text), OK);
    ck_assert_int_eq(behaviour_parse(span_of(text), &again), OK);
    ck_assert_str_eq(text_of(&again), text);
    ck_assert_mem_eq(again.recipient, b.recipient, sizeof b.recipient);
    ck_assert_mem_eq(again.network, b.network, sizeof b.network);
    ck_assert_mem_eq(again.window, b.window, sizeof b.window);
}
END_TEST

/* However often an account is read and written, what it learned stays. */
START_TEST(what_is_usual_does_not_wear_away)
{
    for (unsigned n = 0; n < 100000; n++) {
        struct behaviour again;
        b.strangers = (float)n / 100;
        b.pace[0].usual = (float)(n + 1) / 100;
        ck_assert_int_eq(behaviour_parse(span_of(text_of(&b)), &again), OK);
        ck_assert(again.strangers == b.strangers && again.pace[0].usual == b.pace[0].usual);
    }
}
END_TEST

START_TEST(packed_it_is_the_same)
{
    static struct behaviour again;
    static unsigned char packed[BEHAVIOUR_PACKED_MAX], once_more[BEHAVIOUR_PACKED_MAX];
    size_t size;

    recipients("1.1.1.0", 0, 700, NOW);
    message("1.1.1.0", "192.0.2.1", 690, NOW);
    recipients("1.2.1.0", 0, 3, NOW); /* under way */
    recipients("1.3.1.0", 5, 4, NOW);
    behaviour_refused_sender(&b, SPAN("wrong@example.com"), NOW);
    b.recipients = 0.123456f;
    size = behaviour_pack(&b, packed);
    behaviour_unpack(packed, size, &again);
    ck_assert_uint_eq(behaviour_pack(&again, once_more), size);
    ck_assert_mem_eq(once_more, packed, size);
    ck_assert(again.recipients == b.recipients && again.day_suspect == b.day_suspect);
    ck_assert_uint_eq(again.day_recipients, b.day_recipients);
    ck_assert_mem_eq(again.window, b.window, sizeof b.window);
    ck_assert_mem_eq(again.pace, b.pace, sizeof b.pace);
    ck_assert_mem_eq(again.network, b.network, sizeof b.network);
    ck_assert_mem_eq(again.open, b.open, sizeof b.open);
    ck_assert_mem_eq(again.refused_sender, b.refused_sender, sizeof b.refused_sender);
    ck_assert_mem_eq(again.recipient, b.recipient, sizeof b.recipient);
    message("1.2.1.0", "192.0.2.1", 1, NOW);
    b = again;
    message("1.2.1.0", "192.0.2.1", 1, NOW);
    ck_assert_uint_eq(seen(SIGNAL_REFUSED_RECIPIENTS, NOW), 12);
    for (size_t less = 0; less < size; less++) {
        behaviour_unpack(packed, less, &again);
        ck_assert_int_eq(again.since, 0);
    }
}
END_TEST

START_TEST(the_longest_fits_packed)
{
    static unsigned char packed[BEHAVIOUR_PACKED_MAX + 1];
    static struct behaviour again;

    memset(&b, 0xff, sizeof b);
    b.day_suspect = true;
    b.recipient_count = BEHAVIOUR_RECIPIENTS;
    packed[BEHAVIOUR_PACKED_MAX] = 0x5a;
    ck_assert_uint_le(behaviour_pack(&b, packed), BEHAVIOUR_PACKED_MAX);
    ck_assert_uint_eq(packed[BEHAVIOUR_PACKED_MAX], 0x5a);
    behaviour_unpack(packed, BEHAVIOUR_PACKED_MAX, &again); /* no numbers that it can hold */
    ck_assert_int_eq(again.since, 0);
}
END_TEST

START_TEST(the_longest_text_fits)
{
    for (unsigned i = 0; i < SIGNAL_COUNT; i++)
        memset(&b.window[i], 0x7f, sizeof b.window[i]);
    memset(&b.everywhere, 0x7f, sizeof b.everywhere);
    memset(&b.elsewhere, 0x7f, sizeof b.elsewhere);
    for (unsigned i = 0; i < BEHAVIOUR_PACES; i++)
        memset(&b.pace[i].recipients, 0x7f, sizeof b.pace[i].recipients);
    for (unsigned i = 0; i < BEHAVIOUR_NETWORKS; i++)
        b.network[i] = (struct behaviour_network){ UINT32_MAX, NOW * 10L, NOW * 10L, NOW * 10L };
    memset(b.refused_sender, 0xff, sizeof b.refused_sender);
    b.recipient_count = BEHAVIOUR_RECIPIENTS;
    text_of(&b);
}
END_TEST

START_TEST(what_is_no_text_is_refused)
{
    char text[BEHAVIOUR_TEXT_MAX];

    recipients("1.1.1.0", 0, 3, NOW);
    ck_assert_int_eq(str_copy(span_of(text_of(&b)), text, sizeof text), OK);
    for (size_t length = 0; length < strlen(text); length++) {
        struct behaviour again;
        ck_assert_int_eq(behaviour_parse((struct span){ text, length }, &again), BAD);
        ck_assert_int_eq(again.since, 0);
    }
    text[0] = '9'; /* another version */
    ck_assert_int_eq(behaviour_parse(span_of(text), &b), BAD);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("behaviour");
    TCase *tc = tcase_create("behaviour");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tc, create, NULL);
    tcase_add_test(tc, a_window_slides);
    tcase_add_test(tc, a_window_never_overflows);
    tcase_add_test(tc, a_clock_may_jump);
    tcase_add_test(tc, a_network_is_new_for_a_week);
    tcase_add_test(tc, a_login_makes_a_network_known);
    tcase_add_test(tc, a_botnet_makes_no_network_known);
    tcase_add_test(tc, recipients_that_are_missing_at_the_end_were_refused);
    tcase_add_test(tc, a_refused_sender_counts_once);
    tcase_add_test(tc, whom_it_wrote_to_is_no_stranger);
    tcase_add_test(tc, a_long_list_is_known_by_a_sample);
    tcase_add_test(tc, days_teach_what_is_usual);
    tcase_add_test(tc, released_it_begins_anew);
    tcase_add_test(tc, a_text_says_it_all);
    tcase_add_test(tc, what_is_usual_does_not_wear_away);
    tcase_add_test(tc, packed_it_is_the_same);
    tcase_add_test(tc, the_longest_fits_packed);
    tcase_add_test(tc, the_longest_text_fits);
    tcase_add_test(tc, what_is_no_text_is_refused);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
