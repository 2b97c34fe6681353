/* SPDX-License-Identifier: MIT */
/* lib/dnsbl_zone and policyd/zones: what an option may say, questions, and which zones are asked. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "policyd/zones.h"

enum { NOW = 1000000, RETRY_S = 60 };

static struct zones zones;

static void set_up(void)
{
    zones_init(&zones, 2, RETRY_S, NOW);
}

static struct dnsbl_zone parse(const char *text)
{
    struct dnsbl_zone zone;
    struct error e = { "" };

    ck_assert_msg(dnsbl_zone_parse(span_of(text), &zone, &e) == OK, "%s: %s", text, e.text);
    return zone;
}

static bool lists(const char *zone_text, const char *answer)
{
    struct dnsbl_zone zone = parse(zone_text);
    struct network ip;

    ck_assert_int_eq(network_parse_ip(span_of(answer), &ip), OK);
    return dnsbl_zone_lists(&zone, ip.bytes);
}

/* ---- the option ---- */

static const struct {
    const char *text, *canonical;
    enum zone_kind kind;
    int weight;
} good[] = {
    { "zen.example", "zen.example", ZONE_CLIENT, 1 },
    { "Zen.Example.", "zen.example", ZONE_CLIENT, 1 },
    { "client:zen.example*1", "zen.example", ZONE_CLIENT, 1 },
    { "zen.example*-100", "zen.example*-100", ZONE_CLIENT, -100 },
    { "zen.example=127.0.0.2*3", "zen.example=127.0.0.2*3", ZONE_CLIENT, 3 },
    { "helo:h.example=127.0.[1;3].[2..11]", "helo:h.example=127.0.[1;3].[2..11]", ZONE_HELO, 1 },
    { "sender:s.example*2", "sender:s.example*2", ZONE_SENDER, 2 },
    { "name:n.example", "name:n.example", ZONE_NAME, 1 },
};

START_TEST(option_in_canonical_form)
{
    struct dnsbl_zone zone = parse(good[_i].text), again;

    ck_assert_str_eq(zone.text, good[_i].canonical);
    ck_assert_int_eq(zone.kind, good[_i].kind);
    ck_assert_int_eq(zone.weight, good[_i].weight);
    again = parse(zone.text);
    ck_assert_str_eq(again.text, zone.text);
    ck_assert_mem_eq(again.filter, zone.filter, sizeof zone.filter);
}
END_TEST

static const struct {
    const char *text, *line;
} bad[] = {
    { "", "is no zone" },
    { "two words", "is no zone" },
    { "other:zen.example", "is no zone" },
    { "=127.0.0.2", "is no zone" },
    { "zen.example*0", "the weight is a number" },
    { "zen.example*101", "the weight is a number" },
    { "zen.example*", "the weight is a number" },
    { "zen.example*-", "the weight is a number" },
    { "zen.example=", "write the filter as" },
    { "zen.example=127.0.0", "write the filter as" },
    { "zen.example=127.0.0.2.3", "write the filter as" },
    { "zen.example=127.0.0.256", "write the filter as" },
    { "zen.example=127.0.0.[2", "write the filter as" },
    { "zen.example=127.0.0.[]", "write the filter as" },
    { "zen.example=127.0.0.[2;]", "write the filter as" },
    { "zen.example=127.0.0.[9..2]", "write the filter as" },
    { "zen.example=127.0.0.[2.3]", "write the filter as" },
};

START_TEST(wrong_option_gets_a_line)
{
    struct dnsbl_zone zone;
    struct error e = { "" };

    ck_assert_int_eq(dnsbl_zone_parse(span_of(bad[_i].text), &zone, &e), BAD);
    ck_assert_msg(strstr(e.text, bad[_i].line) != NULL, "%s", e.text);
}
END_TEST

START_TEST(filter_takes_what_it_says)
{
    ck_assert(lists("z.example", "127.0.0.1"));
    ck_assert(lists("z.example", "127.9.8.7"));
    ck_assert(lists("z.example=127.0.0.[2;4..6]", "127.0.0.2"));
    ck_assert(!lists("z.example=127.0.0.[2;4..6]", "127.0.0.3"));
    ck_assert(lists("z.example=127.0.0.[2;4..6]", "127.0.0.4"));
    ck_assert(lists("z.example=127.0.0.[2;4..6]", "127.0.0.6"));
    ck_assert(!lists("z.example=127.0.0.[2;4..6]", "127.0.0.7"));
    ck_assert(!lists("z.example=127.0.0.[2;4..6]", "127.0.1.2"));
    ck_assert(lists("z.example=127.0.[0..255].255", "127.0.255.255"));
}
END_TEST

START_TEST(some_answers_never_count)
{
    ck_assert(!lists("z.example", "203.0.113.1"));
    ck_assert(!lists("z.example=[1..255].0.113.1", "203.0.113.1"));
    ck_assert(!lists("z.example", "127.255.255.254"));
    ck_assert(!lists("z.example=127.255.255.[0..255]", "127.255.255.1"));
}
END_TEST

/* ---- questions ---- */

START_TEST(addresses_are_reversed)
{
    struct dnsbl_zone zone = parse("z.example");
    char question[ZONE_QUESTION_MAX + 1];
    struct network ip;

    ck_assert_int_eq(network_parse_ip(SPAN("192.0.2.99"), &ip), OK);
    ck_assert_int_eq(dnsbl_question(&zone, &ip, question), OK);
    ck_assert_str_eq(question, "99.2.0.192.z.example");
    ck_assert_int_eq(network_parse_ip(SPAN("2001:db8:1:2:3:4:567:89ab"), &ip), OK);
    ck_assert_int_eq(dnsbl_question(&zone, &ip, question), OK);
    ck_assert_str_eq(question, "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.z.example"); /* RFC 5782, 2.4 */
}
END_TEST

START_TEST(a_name_that_does_not_fit_is_not_asked)
{
    struct dnsbl_zone zone = parse("helo:z.example");
    char question[ZONE_QUESTION_MAX + 1], name[ZONE_QUESTION_MAX];
    size_t fits = ZONE_QUESTION_MAX - strlen(".z.example");

    memset(name, 'n', sizeof name);
    ck_assert_int_eq(dnsbl_name_question(&zone, (struct span){ name, fits }, question), OK);
    ck_assert_int_eq(dnsbl_name_question(&zone, (struct span){ name, fits + 1 }, question), BAD);
}
END_TEST

/* ---- health ---- */

static struct dns_answer answer(enum dns_status status, unsigned char last)
{
    struct dns_answer a = { .status = status, .count = status == DNS_FOUND };

    memcpy(a.address[0], (unsigned char[4]){ 127, last == 255 ? 255 : 0, last == 255 ? 255 : 0, last }, 4);
    return a;
}

static enum zone_health judge(struct dns_answer never, struct dns_answer always)
{
    return zones_judge(&never, &always);
}

START_TEST(two_answers_tell)
{
    const struct dns_answer none = answer(DNS_NXDOMAIN, 0), nodata = answer(DNS_NODATA, 0), fails = answer(DNS_FAILED, 0),
                            listed = answer(DNS_FOUND, 2), refused = answer(DNS_FOUND, 255);

    ck_assert_int_eq(judge(none, listed), ZONE_WELL);
    ck_assert_int_eq(judge(nodata, none), ZONE_WELL); /* a list without a test entry */
    ck_assert_int_eq(judge(listed, listed), ZONE_LISTS_ALL);
    ck_assert_int_eq(judge(refused, none), ZONE_REFUSES);
    ck_assert_int_eq(judge(none, refused), ZONE_REFUSES);
    for (size_t octet = 0; octet < 3; octet++) { /* 127.255.255.0/24 and nothing beside it */
        struct dns_answer other = refused;
        other.address[0][octet] = 126;
        ck_assert_int_eq(judge(none, other), ZONE_WELL);
    }
    ck_assert_int_eq(judge(fails, listed), ZONE_SILENT);
    ck_assert_int_eq(judge(none, fails), ZONE_SILENT);
}
END_TEST

START_TEST(failures_in_a_row_call_for_a_test)
{
    ck_assert(zones_tested(&zones, 0, ZONE_WELL, NOW) == false);
    for (int i = 1; i < ZONE_FAILURES_MAX; i++)
        zones_answered(&zones, 0, DNS_FAILED);
    ck_assert(zones_usable(&zones, 0) && !zones_due(&zones, 0, NOW + 1));
    zones_answered(&zones, 0, DNS_PENDING); /* says nothing yet */
    zones_answered(&zones, 0, DNS_FAILED);
    ck_assert(!zones_usable(&zones, 0) && zones_due(&zones, 0, NOW + 1));
    ck_assert(zones_usable(&zones, 1));
    zones_tested(&zones, 0, ZONE_WELL, NOW + 1);
    ck_assert(zones_usable(&zones, 0));
}
END_TEST

START_TEST(an_answer_ends_the_row)
{
    for (int i = 0; i < 3 * ZONE_FAILURES_MAX; i++)
        zones_answered(&zones, 0, i % 2 ? DNS_FAILED : DNS_NXDOMAIN);
    ck_assert(zones_usable(&zones, 0));
}
END_TEST

START_TEST(waits_longer_each_time_and_begins_anew_when_well)
{
    int64_t now = NOW, wait = RETRY_S;

    ck_assert(zones_tested(&zones, 0, ZONE_SILENT, now));
    for (int i = 0; i < 10; i++) {
        ck_assert(!zones_usable(&zones, 0));
        ck_assert(!zones_due(&zones, 0, now + wait - 1));
        ck_assert(zones_due(&zones, 0, now + wait));
        now += wait;
        ck_assert(!zones_tested(&zones, 0, i % 2 ? ZONE_SILENT : ZONE_REFUSES, now)); /* off before, and still */
        wait = wait * 2 < ZONE_RETRY_MAX_S ? wait * 2 : ZONE_RETRY_MAX_S;
    }
    ck_assert_int_eq(wait, ZONE_RETRY_MAX_S);
    ck_assert(zones_tested(&zones, 0, ZONE_WELL, now));
    ck_assert(!zones_due(&zones, 0, now + ZONE_TEST_S - 1) && zones_due(&zones, 0, now + ZONE_TEST_S));
    ck_assert(zones_tested(&zones, 0, ZONE_LISTS_ALL, now));
    ck_assert(zones_due(&zones, 0, now + RETRY_S));
}
END_TEST

START_TEST(a_clock_set_back_puts_no_test_off)
{
    zones_tested(&zones, 0, ZONE_WELL, NOW);
    ck_assert(zones_due(&zones, 0, NOW - 86400));
}
END_TEST

START_TEST(a_zone_that_is_not_there_is_not_asked)
{
    ck_assert(!zones_usable(&zones, 2));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("zones");
    TCase *t = tcase_create("all");
    SRunner *r;
    int failed;

    tcase_add_checked_fixture(t, set_up, NULL);
    tcase_add_loop_test(t, option_in_canonical_form, 0, sizeof good / sizeof *good);
    tcase_add_loop_test(t, wrong_option_gets_a_line, 0, sizeof bad / sizeof *bad);
    tcase_add_test(t, filter_takes_what_it_says);
    tcase_add_test(t, some_answers_never_count);
    tcase_add_test(t, addresses_are_reversed);
    tcase_add_test(t, a_name_that_does_not_fit_is_not_asked);
    tcase_add_test(t, two_answers_tell);
    tcase_add_test(t, failures_in_a_row_call_for_a_test);
    tcase_add_test(t, an_answer_ends_the_row);
    tcase_add_test(t, waits_longer_each_time_and_begins_anew_when_well);
    tcase_add_test(t, a_clock_set_back_puts_no_test_off);
    tcase_add_test(t, a_zone_that_is_not_there_is_not_asked);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
