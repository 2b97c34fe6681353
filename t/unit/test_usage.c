/* SPDX-License-Identifier: MIT */
/*
 * lib/usage: against a reference that remembers every message.  In no window more than the
 * limit, room in time, the moment that is promised, requests that come again, and a clock
 * that jumps.
 */
#include "lib/usage.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { START = 1800000000, EVENTS = 1500, DAY = 86400 };

static uint64_t seed;

/* xorshift64: the same numbers in each run. */
static uint64_t random_below(uint64_t n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % n;
}

static struct usage_limits one_limit(uint32_t window_s, uint64_t messages)
{
    return (struct usage_limits){ 1, { { window_s, { messages, USAGE_UNLIMITED, USAGE_UNLIMITED } } } };
}

/* It has the same text once it was packed; what is cut is none. */
static void ck_packed(const struct usage *u, const char *row, bool cut)
{
    static unsigned char packed[USAGE_PACKED_MAX];
    char text[USAGE_TEXT_MAX];
    struct usage again;
    struct strbuf b;
    size_t size = usage_pack(u, packed);

    ck_assert_int_eq(usage_unpack((struct span){ (const char *)packed, size }, &again), OK);
    strbuf_init(&b, text, sizeof text);
    usage_format(&again, &b);
    ck_assert_str_eq(text, row);
    for (size_t less = 0; cut && less < size; less++)
        ck_assert_int_eq(usage_unpack((struct span){ (const char *)packed, less }, &again), BAD);
}

/* Through its text, as a row goes. */
static enum result add(char row[static USAGE_TEXT_MAX], const struct usage_limits *limits, uint64_t messages,
                       uint64_t resend, int64_t now, struct usage_over *over_r)
{
    struct usage_event event = { { messages, messages * 3, messages * 1000 }, resend };
    struct usage u;
    struct strbuf b;
    enum result r;

    ck_assert_int_eq(usage_parse(row, &u), OK);
    r = usage_add(&u, limits, &event, now, over_r);
    if (r == OK) {
        strbuf_init(&b, row, USAGE_TEXT_MAX);
        usage_format(&u, &b);
        ck_assert(!b.cut);
        ck_packed(&u, row, false);
        ck_assert_int_eq(usage_parse(row, &u), OK);
    }
    return r;
}

/* ---- the reference: each message with its second ---- */

static struct sent {
    int64_t at;
    uint64_t number;
} sent[EVENTS];
static size_t sent_count;

/* In the seconds from..to, both included. */
static uint64_t sent_between(int64_t from, int64_t to)
{
    uint64_t sum = 0;

    for (size_t i = sent_count; i-- > 0 && sent[i].at >= from;)
        if (sent[i].at <= to)
            sum += sent[i].number;
    return sum;
}

/* However much comes and whenever: a span of the window's length never holds more than the
 * limit, and what is refused would have been too much for the window and one bucket (two where
 * it is no multiple). Returns how many were refused. */
static unsigned check_stream(uint32_t window_s, uint64_t most, uint64_t pause, uint64_t burst)
{
    static char row[USAGE_TEXT_MAX];
    struct usage_limits limits = one_limit(window_s, most);
    int64_t now = START + (int64_t)random_below(100000);
    uint32_t bucket = (window_s + USAGE_BUCKETS - 1) / USAGE_BUCKETS;
    struct usage_over over;
    unsigned refused = 0;

    row[0] = '\0';
    sent_count = 0;
    for (int i = 0; i < EVENTS; i++, now += (int64_t)random_below(pause)) {
        uint64_t number = 1 + random_below(burst);
        enum result r = add(row, &limits, number, 0, now, &over);
        if (r == OK) {
            sent[sent_count++] = (struct sent){ now, number };
            ck_assert_uint_le(sent_between(now - window_s, now), most);
        } else {
            ck_assert_int_eq(r, LIMIT);
            ck_assert_uint_gt(sent_between(now - window_s - 2 * bucket + 1, now) + number, most);
            ck_assert_uint_eq(over.add, number);
            ck_assert_int_eq(over.unit, USAGE_MESSAGES);
            refused++;
        }
    }
    ck_assert_uint_gt(sent_count, 0);
    return refused;
}

START_TEST(never_more_than_the_limit)
{
    static const uint32_t windows[] = { 1, 2, 7, 12, 13, 59, 60, 61, 100, 3600, 3601, DAY, 30 * DAY };

    for (uint64_t round = 0; round < 4; round++)
        for (size_t i = 0; i < sizeof windows / sizeof *windows; i++) {
            seed = 88172645463325252u + round * 977 + i;
            (void)check_stream(windows[i], 1 + random_below(40), windows[i] / 10 + 2, 1 + random_below(5));
            ck_assert_uint_gt(check_stream(windows[i], 1 + random_below(20), windows[i] / 100 + 2, 3), 0);
        }
}
END_TEST

/* What is refused passes at the moment that was named, and not a second before. */
START_TEST(frees_when_it_says)
{
    static char row[USAGE_TEXT_MAX], before[USAGE_TEXT_MAX];
    static const uint32_t windows[] = { 1, 10, 60, 61, 3600, DAY };
    struct usage_over over, again;
    unsigned checked = 0;

    seed = 4711;
    for (size_t w = 0; w < sizeof windows / sizeof *windows; w++) {
        struct usage_limits limits = one_limit(windows[w], 9);
        int64_t now = START;
        row[0] = '\0';
        for (int i = 0; i < 500; i++, now += (int64_t)random_below(windows[w] / 6 + 2)) {
            uint64_t number = 1 + random_below(4);
            if (add(row, &limits, number, 0, now, &over) == OK)
                continue;
            ck_assert_int_gt(over.frees_at, now);
            ck_assert_int_le(over.frees_at - now, windows[w] + 2 * (windows[w] / USAGE_BUCKETS + 1));
            memcpy(before, row, sizeof row);
            ck_assert_int_eq(add(before, &limits, number, 0, over.frees_at - 1, &again), LIMIT);
            ck_assert_int_eq(again.frees_at, over.frees_at);
            ck_assert_int_eq(add(before, &limits, number, 0, over.frees_at, &again), OK);
            checked++;
        }
    }
    ck_assert_uint_gt(checked, 500);
}
END_TEST

/* Of several windows and units, the one that holds longest; all are added to, or none. */
START_TEST(several_windows_and_units)
{
    static char row[USAGE_TEXT_MAX];
    struct usage_limits limits = {
        2, { { 60, { 5, 20, USAGE_UNLIMITED } }, { 3600, { 10, USAGE_UNLIMITED, 9000 } } }
    };
    struct usage_over over;
    uint64_t used[USAGE_UNITS];
    struct usage u;

    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(add(row, &limits, 1, 0, START, &over), OK);
    ck_assert_int_eq(add(row, &limits, 1, 0, START, &over), LIMIT);
    ck_assert_uint_eq(over.limit.window_s, 60);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(add(row, &limits, 1, 0, START + 100, &over), OK);
    ck_assert_int_eq(add(row, &limits, 2, 0, START + 100, &over), LIMIT);
    ck_assert_uint_eq(over.limit.window_s, 3600);
    ck_assert_int_eq(over.unit, USAGE_MESSAGES);
    ck_assert_int_eq(add(row, &limits, 1, 0, START + 100, &over), LIMIT);
    ck_assert_int_eq(over.unit, USAGE_BYTES);
    ck_assert_uint_eq(over.used, 9000);
    ck_assert_int_eq(usage_parse(row, &u), OK);
    usage_used(&u, 60, START + 100, used);
    ck_assert_uint_eq(used[USAGE_MESSAGES], 4);
    ck_assert_uint_eq(used[USAGE_RECIPIENTS], 12);
    usage_used(&u, 3600, START + 100, used);
    ck_assert_uint_eq(used[USAGE_MESSAGES], 9);
    usage_used(&u, 7, START + 100, used); /* not counted */
    ck_assert_uint_eq(used[USAGE_MESSAGES], 0);
    ck_assert_int_eq(add(row, &limits, 11, 0, START + DAY, &over), LIMIT);
    ck_assert_int_eq(over.frees_at, INT64_MAX);
}
END_TEST

/* A window that is no longer asked for is forgotten; the others keep their counts. */
START_TEST(limits_that_change)
{
    static char row[USAGE_TEXT_MAX];
    struct usage_limits both = { 2,
                                 { { 60, { 5, USAGE_UNLIMITED, USAGE_UNLIMITED } },
                                   { 3600, { 5, USAGE_UNLIMITED, USAGE_UNLIMITED } } } };
    struct usage_limits hour = one_limit(3600, 5), none = { 0 };
    struct usage_over over;

    ck_assert_int_eq(add(row, &both, 3, 0, START, &over), OK);
    ck_assert_int_eq(add(row, &hour, 1, 0, START, &over), OK);
    ck_assert_int_eq(add(row, &hour, 2, 0, START, &over), LIMIT);
    ck_assert_int_eq(add(row, &both, 1, 0, START, &over), OK); /* that of a minute begins anew */
    ck_assert_int_eq(add(row, &both, 1, 0, START + 120, &over), LIMIT);
    ck_assert_int_eq(add(row, &none, 1, 0, START, &over), OK);
    ck_assert_str_eq(row, "");
}
END_TEST

START_TEST(a_request_that_comes_again)
{
    static char row[USAGE_TEXT_MAX];
    struct usage_limits limits = one_limit(60, 200);
    struct usage_over over;

    for (uint64_t key = 1; key <= USAGE_RESENDS_MAX; key++)
        ck_assert_int_eq(add(row, &limits, 1, key * 0x9e3779b97f4a7c15u, START + (int64_t)key / 20, &over),
                         OK);
    for (uint64_t key = 1; key <= USAGE_RESENDS_MAX; key++)
        ck_assert_int_eq(add(row, &limits, 1, key * 0x9e3779b97f4a7c15u, START + 10, &over), NOT_FOUND);
    ck_assert_int_eq(add(row, &limits, 1, UINT64_MAX, START + 10, &over), OK);
    ck_assert_int_eq(add(row, &limits, 1, UINT64_MAX, START + 10 + USAGE_RESEND_S, &over), NOT_FOUND);
    ck_assert_int_eq(add(row, &limits, 1, UINT64_MAX, START + 11 + USAGE_RESEND_S, &over), OK);
    ck_assert_int_eq(add(row, &limits, 1, UINT64_MAX, START + 12, &over),
                     NOT_FOUND); /* the clock was set back */
    ck_assert_int_eq(add(row, &limits, 1, 0, START + 400, &over), OK);
    ck_assert_int_eq(add(row, &limits, 1, 0, START + 400, &over), OK); /* it has no key */
}
END_TEST

/* What goes over the limit and comes again is judged again: nothing was promised. */
START_TEST(a_refusal_is_not_remembered)
{
    static char row[USAGE_TEXT_MAX];
    struct usage_limits limits = one_limit(60, 1);
    struct usage_over over;

    ck_assert_int_eq(add(row, &limits, 1, 7, START, &over), OK);
    ck_assert_int_eq(add(row, &limits, 1, 8, START, &over), LIMIT);
    ck_assert_int_eq(add(row, &limits, 1, 8, START + 66, &over), OK);
}
END_TEST

/* Set back by less than a window, the clock frees nobody, and holds nobody for longer than two;
 * set forward or back by more, it frees all: a date that was years ahead shuts nobody out. */
START_TEST(the_clock_jumps)
{
    static char row[USAGE_TEXT_MAX];
    struct usage_limits limits = { 2,
                                   { { 60, { 5, USAGE_UNLIMITED, USAGE_UNLIMITED } },
                                     { 3600, { 7, USAGE_UNLIMITED, USAGE_UNLIMITED } } } };
    struct usage_over over;

    ck_assert_int_eq(add(row, &limits, 5, 0, START, &over), OK);
    ck_assert_int_eq(add(row, &limits, 1, 0, START - 50, &over), LIMIT);
    ck_assert_int_le(over.frees_at, START - 50 + 65);
    ck_assert_int_eq(add(row, &limits, 3, 0, START - 1800, &over), LIMIT); /* by the longer one */
    ck_assert_int_eq(add(row, &limits, 2, 0, START - 1800, &over), OK);
    ck_assert_int_eq(add(row, &limits, 1, 0, START - 1800 + 3600, &over), LIMIT);
    ck_assert_int_eq(add(row, &limits, 5, 0, START - 1800 + 3900, &over), OK);
    ck_assert_int_eq(add(row, &limits, 5, 0, START + DAY, &over), OK);
    ck_assert_int_eq(add(row, &limits, 1, 0, START + DAY, &over), LIMIT);
    ck_assert_int_eq(add(row, &limits, 5, 0, START, &over), OK);
    ck_assert_int_eq(add(row, &limits, 1, 0, START, &over), LIMIT);
    ck_assert_int_eq(add(row, &limits, 5, 0, 5, &over), OK);
    ck_assert_int_eq(add(row, &limits, 5, 0, START + 2 * DAY, &over), OK);
}
END_TEST

START_TEST(expires_behind_its_last_window)
{
    static char row[USAGE_TEXT_MAX];
    struct usage_limits limits = one_limit(3600, 5);
    struct usage_over over;
    uint64_t used[USAGE_UNITS];
    struct usage u;

    ck_assert_int_eq(add(row, &limits, 1, 0, START, &over), OK);
    ck_assert_int_eq(usage_parse(row, &u), OK);
    usage_used(&u, 3600, usage_expires(&u) - 1, used);
    ck_assert_uint_eq(used[USAGE_MESSAGES], 1);
    usage_used(&u, 3600, usage_expires(&u), used);
    ck_assert_uint_eq(used[USAGE_MESSAGES], 0);
    limits = one_limit(10, 5);
    ck_assert_int_eq(add(row, &limits, 1, 9, START, &over), OK);
    ck_assert_int_eq(usage_parse(row, &u), OK);
    ck_assert_int_eq(usage_expires(&u), START + USAGE_RESEND_S);
}
END_TEST

/* Of those older than USAGE_RESEND_NEW_S the newest are known still, once another has come. */
START_TEST(of_old_requests_few_are_known)
{
    static char row[USAGE_TEXT_MAX];
    struct usage_limits limits = one_limit(60, 200);
    struct usage_over over;
    int64_t later = START + USAGE_RESEND_NEW_S + 1;
    enum { KEYS = 20 };

    for (uint64_t key = 1; key <= KEYS; key++)
        ck_assert_int_eq(add(row, &limits, 1, key, START, &over), OK);
    ck_assert_int_eq(add(row, &limits, 1, 1, later, &over), NOT_FOUND);
    ck_assert_int_eq(add(row, &limits, 1, KEYS + 1, later, &over), OK);
    for (uint64_t key = KEYS + 1; key > KEYS - USAGE_RESENDS_OLD; key--)
        ck_assert_int_eq(add(row, &limits, 1, key, later, &over), NOT_FOUND);
    ck_assert_int_eq(add(row, &limits, 1, KEYS - USAGE_RESENDS_OLD, later, &over), OK);
}
END_TEST

/* Sums never wrap, and the fullest row has room. */
START_TEST(huge_numbers)
{
    static char row[USAGE_TEXT_MAX];
    struct usage_limits limits = { USAGE_WINDOWS_MAX, { { 0 } } };
    struct usage_over over;
    struct usage u;

    for (unsigned i = 0; i < USAGE_WINDOWS_MAX; i++)
        limits.limit[i] = (struct usage_limit){ USAGE_WINDOW_S_MAX - i * USAGE_BUCKETS,
                                                { USAGE_UNLIMITED, USAGE_UNLIMITED, USAGE_UNLIMITED } };
    for (unsigned i = 0; i < 100; i++)
        ck_assert_int_eq(add(row, &limits, INT64_MAX, UINT64_MAX - i, START + (int64_t)i * 3, &over), OK);
    for (unsigned i = 0; i < USAGE_SLOTS; i++)
        ck_assert_int_eq(
            add(row, &limits, INT64_MAX, 0, START + (int64_t)i * USAGE_WINDOW_S_MAX / USAGE_BUCKETS, &over),
            OK);
    limits.limit[0].most[USAGE_MESSAGES] = INT64_MAX;
    ck_assert_int_eq(add(row, &limits, 1, 0, START + USAGE_WINDOW_S_MAX, &over), LIMIT);
    ck_assert_int_eq(usage_parse(row, &u), OK);
    ck_packed(&u, row, true);
}
END_TEST

START_TEST(the_longest_fits_packed)
{
    static unsigned char packed[USAGE_PACKED_MAX + 1];
    static struct usage u;

    memset(&u, 0xff, sizeof u);
    u.windows = USAGE_WINDOWS_MAX;
    u.resends = USAGE_RESENDS_MAX;
    packed[USAGE_PACKED_MAX] = 0x5a;
    ck_assert_uint_le(usage_pack(&u, packed), USAGE_PACKED_MAX);
    ck_assert_uint_eq(packed[USAGE_PACKED_MAX], 0x5a);
    ck_assert_int_eq(usage_unpack((struct span){ (const char *)packed, USAGE_PACKED_MAX }, &u), BAD);
    ck_assert_uint_eq(u.windows, 0);
}
END_TEST

static const char *const damaged[] = {
    "x",
    "60",
    "60@",
    "60@1",
    "60@1:1",
    "60@1:1,2",
    "60@1:1,2,",
    "60@1:a",
    "0@1:1,1,1",
    "60@1:;;;;;;;;;;;;;1,1,1",
    "60@1:1,1,1x",
    "!",
    "!1",
    "!1-",
    "!1-2:a",
    "!5-0:",
    "!5-0:g",
    "60@1: 60@1: 60@1: 60@1: 60@1: 60@1: 60@1:",
    "9999999@1:",
    "60@99999999999999999999:",
    "!5-0:11111111111111111",
};

START_TEST(damaged_rows)
{
    struct usage u;

    ck_assert_int_eq(usage_parse(damaged[_i], &u), BAD);
    ck_assert_uint_eq(u.windows, 0);
    ck_assert_uint_eq(u.resends, 0);
}
END_TEST

static const struct {
    const char *text, *canonical; /* NULL: it is none */
} limit_texts[] = {
    { "messages=30/1m", "messages=30/1m" },
    { "recipients=500,messages=200/3600s", "messages=200,recipients=500/1h" },
    { "bytes=2048K/24h", "bytes=2M/1d" },
    { "bytes=1025/90s", "bytes=1025/90s" },
    { "messages=0/31d", "messages=0/31d" },
    { "messages=1,recipients=2,bytes=1T/2w", "messages=1,recipients=2,bytes=1T/2w" },
    { "messages=30/0m", NULL },
    { "messages=30/32d", NULL },
    { "messages=30", NULL },
    { "messages=30/", NULL },
    { "messages=3K/1h", NULL },
    { "messages=-1/1h", NULL },
    { "messages=1,messages=2/1h", NULL },
    { "messages=1,/1h", NULL },
    { "/1h", NULL },
    { "mails=3/1h", NULL },
    { "messages=3/1y", NULL },
    { "bytes=9999999999T/1h", NULL },
    { "", NULL },
};

START_TEST(limits_as_people_write_them)
{
    struct usage_limit limit;
    struct error e = { "" };
    char text[128];
    struct strbuf b;
    enum result r = usage_limit_parse(span_of(limit_texts[_i].text), &limit, &e);

    ck_assert_int_eq(r, limit_texts[_i].canonical ? OK : BAD);
    if (r != OK) {
        ck_assert_ptr_nonnull(strstr(e.text, "is no limit: write messages=100"));
        return;
    }
    strbuf_init(&b, text, sizeof text);
    usage_limit_format(&limit, &b);
    ck_assert_str_eq(text, limit_texts[_i].canonical);
}
END_TEST

static const char *const bad_limits[] = { "x",
                                          "60",
                                          "60:1",
                                          "60:1:2",
                                          "60:1:2:3x",
                                          "0:1::",
                                          "60:1::;60:2::",
                                          "60:1::;;",
                                          "1:::;2:::;3:::;4:::;5:::;6:::;7:::" };

START_TEST(limits_in_a_change)
{
    static const char text[] = "60:30::;3600:200:500:;86400:::1073741824";
    struct usage_limits limits;
    char again[USAGE_LIMITS_TEXT_MAX];
    struct strbuf b;

    ck_assert_int_eq(usage_limits_parse(text, &limits), OK);
    ck_assert_uint_eq(limits.count, 3);
    strbuf_init(&b, again, sizeof again);
    usage_limits_format(&limits, &b);
    ck_assert_str_eq(again, text);
    ck_assert_int_eq(usage_limits_parse("", &limits), OK);
    ck_assert_uint_eq(limits.count, 0);
    for (size_t i = 0; i < sizeof bad_limits / sizeof *bad_limits; i++)
        ck_assert_msg(usage_limits_parse(bad_limits[i], &limits) == BAD, "%s", bad_limits[i]);
}
END_TEST

static const struct {
    const char *limit;
    enum usage_unit unit;
    uint64_t used, add;
    int64_t wait;
    const char *text;
} sayings[] = {
    { "messages=30/1m", USAGE_MESSAGES, 30, 1, 45,
      "x may send 30 messages in 1 minute and has sent 30: try again in "
      "45 seconds" },
    { "recipients=500/1h", USAGE_RECIPIENTS, 499, 2, 121,
      "x may send 500 recipients in 1 hour and has sent 499: try "
      "again in 3 minutes" },
    { "bytes=50M/90s", USAGE_BYTES, 1024, 1, 1,
      "x may send 50M bytes in 90 seconds and has sent 1K: try again in 1 "
      "second" },
    { "messages=3/2w", USAGE_MESSAGES, 3, 1, 86401,
      "x may send 3 messages in 2 weeks and has sent 3: try again in 25 "
      "hours" },
    { "recipients=5/1d", USAGE_RECIPIENTS, 0, 6, 0, "x may send 5 recipients in 1 day, and this is more: 6" },
};

START_TEST(what_is_said)
{
    struct usage_over over = { .unit = sayings[_i].unit, .used = sayings[_i].used, .add = sayings[_i].add };
    char text[200];
    struct strbuf b;

    ck_assert_int_eq(usage_limit_parse(span_of(sayings[_i].limit), &over.limit, NULL), OK);
    over.frees_at = sayings[_i].wait > 0 ? START + sayings[_i].wait : INT64_MAX;
    strbuf_init(&b, text, sizeof text);
    usage_over_text(&over, "x", START, &b);
    ck_assert_str_eq(text, sayings[_i].text);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("usage");
    Suite *suite = suite_create("usage");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, t);
    tcase_set_timeout(t, 60); /* on a machine that is busy */
    tcase_add_test(t, never_more_than_the_limit);
    tcase_add_test(t, frees_when_it_says);
    tcase_add_test(t, several_windows_and_units);
    tcase_add_test(t, limits_that_change);
    tcase_add_test(t, a_request_that_comes_again);
    tcase_add_test(t, of_old_requests_few_are_known);
    tcase_add_test(t, a_refusal_is_not_remembered);
    tcase_add_test(t, the_clock_jumps);
    tcase_add_test(t, expires_behind_its_last_window);
    tcase_add_test(t, huge_numbers);
    tcase_add_test(t, the_longest_fits_packed);
    tcase_add_loop_test(t, damaged_rows, 0, sizeof damaged / sizeof *damaged);
    tcase_add_loop_test(t, limits_as_people_write_them, 0, sizeof limit_texts / sizeof *limit_texts);
    tcase_add_test(t, limits_in_a_change);
    tcase_add_loop_test(t, what_is_said, 0, sizeof sayings / sizeof *sayings);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
