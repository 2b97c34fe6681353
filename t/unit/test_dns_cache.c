/* SPDX-License-Identifier: MIT */
/* What is kept of answers, for how long, and what goes first. */
#include "policyd/dns_cache.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t seed[2] = { 0x0123456789abcdef, 0xfedcba9876543210 };
static struct dns_cache *cache;

enum { START = 1000000 }; /* ms */

static void open_cache(size_t entries)
{
    ck_assert_int_eq(dns_cache_new(entries, seed, &cache), OK);
}

static void close_cache(void)
{
    dns_cache_free(&cache);
    ck_assert_ptr_null(cache);
}

static struct dns_query query_of(const char *name, enum dns_type type)
{
    struct dns_query query = { .type = type };

    ck_assert_int_eq(dns_name_set(span_of(name), &query.name), OK);
    return query;
}

static void put(const char *name, enum dns_type type, enum dns_status status, uint32_t ttl, uint64_t now)
{
    struct dns_query query = query_of(name, type);
    struct dns_answer answer = { .status = status };

    ck_assert_int_eq(dns_cache_put(cache, &query, &answer, ttl, now), OK);
}

static bool has(const char *name, enum dns_type type, uint64_t now)
{
    struct dns_query query = query_of(name, type);
    struct dns_answer answer;

    return dns_cache_get(cache, &query, now, &answer) == OK;
}

START_TEST(answers_come_back_whole)
{
    static const size_t octets[] = { [DNS_A] = 4, [DNS_AAAA] = 16 };
    enum dns_type type = _i % 2 ? DNS_AAAA : DNS_A;
    size_t count = _i < 2 ? 1 : DNS_RECORDS_MAX;
    struct dns_query query = query_of("mail.example", type);
    struct dns_answer answer = { .status = DNS_FOUND, .count = count }, got;

    open_cache(4);
    for (size_t i = 0; i < count; i++)
        memset(answer.address[i], (int)i + 1, 16);
    ck_assert_int_eq(dns_cache_put(cache, &query, &answer, 60, START), OK);
    memset(&got, 0xff, sizeof got);
    ck_assert_int_eq(dns_cache_get(cache, &query, START, &got), OK);
    ck_assert_int_eq(got.status, DNS_FOUND);
    ck_assert_uint_eq(got.count, count);
    ck_assert_str_eq(got.text, "");
    for (size_t i = 0; i < count; i++)
        ck_assert_mem_eq(got.address[i], answer.address[i], octets[type]);
    close_cache();
}
END_TEST

START_TEST(texts_come_back_whole)
{
    static const size_t lengths[] = { 0, 1, DNS_TEXT_MAX };
    struct dns_query query = query_of("2.0.0.127.list.example", DNS_TXT);
    struct dns_answer answer = { .status = DNS_FOUND }, got;

    open_cache(4);
    memset(answer.text, 't', lengths[_i]);
    ck_assert_int_eq(dns_cache_put(cache, &query, &answer, 60, START), OK);
    memset(&got, 0xff, sizeof got);
    ck_assert_int_eq(dns_cache_get(cache, &query, START, &got), OK);
    ck_assert_str_eq(got.text, answer.text);
    ck_assert_uint_eq(got.count, 0);
    close_cache();
}
END_TEST

START_TEST(type_and_name_are_the_key)
{
    open_cache(8);
    put("mail.example", DNS_A, DNS_FOUND, 60, START);
    ck_assert(has("MAIL.example.", DNS_A, START));
    ck_assert(!has("mail.example", DNS_AAAA, START));
    ck_assert(!has("mail2.example", DNS_A, START));
    ck_assert(!has("example", DNS_A, START));
    close_cache();
}
END_TEST

static const struct {
    enum dns_status status;
    uint32_t ttl, kept; /* s */
} ttls[] = {
    { DNS_FOUND, 300, 300 },
    { DNS_FOUND, 0, DNS_TTL_MIN },
    { DNS_FOUND, DNS_TTL_MIN + 1, DNS_TTL_MIN + 1 },
    { DNS_FOUND, DNS_TTL_MAX, DNS_TTL_MAX },
    { DNS_FOUND, DNS_TTL_MAX + 1, DNS_TTL_MAX },
    { DNS_FOUND, UINT32_MAX, DNS_TTL_MAX },
    { DNS_NODATA, 300, 300 },
    { DNS_NODATA, 0, DNS_TTL_MIN },
    { DNS_NODATA, 86400, DNS_TTL_MAX_NEGATIVE },
    { DNS_NXDOMAIN, 300, 300 },
    { DNS_NXDOMAIN, 86400, DNS_TTL_MAX_NEGATIVE },
    { DNS_FAILED, 0, DNS_TTL_FAILED },
    { DNS_FAILED, 86400, DNS_TTL_FAILED },
};

START_TEST(ttl_bounds)
{
    uint64_t end = START + (uint64_t)ttls[_i].kept * 1000;

    open_cache(4);
    put("mail.example", DNS_A, ttls[_i].status, ttls[_i].ttl, START);
    ck_assert(has("mail.example", DNS_A, end - 1));
    ck_assert(!has("mail.example", DNS_A, end));
    ck_assert_uint_eq(dns_cache_count(cache), 0);
    ck_assert_uint_eq(dns_cache_octets(cache), 0);
    close_cache();
}
END_TEST

START_TEST(newer_answer_takes_the_place)
{
    struct dns_query query = query_of("mail.example", DNS_A);
    struct dns_answer got;

    open_cache(4);
    put("mail.example", DNS_A, DNS_FOUND, 60, START);
    put("mail.example", DNS_A, DNS_NXDOMAIN, 120, START);
    ck_assert_uint_eq(dns_cache_count(cache), 1);
    ck_assert_int_eq(dns_cache_get(cache, &query, START + 60000, &got), OK);
    ck_assert_int_eq(got.status, DNS_NXDOMAIN);
    close_cache();
}
END_TEST

START_TEST(least_recently_used_goes_first)
{
    open_cache(3);
    put("a.example", DNS_A, DNS_FOUND, 60, START);
    put("b.example", DNS_A, DNS_FOUND, 60, START);
    put("c.example", DNS_A, DNS_FOUND, 60, START);
    ck_assert_uint_eq(dns_cache_count(cache), 3);
    ck_assert(has("a.example", DNS_A, START)); /* now b is the oldest */
    put("d.example", DNS_A, DNS_FOUND, 60, START);
    ck_assert_uint_eq(dns_cache_count(cache), 3);
    ck_assert(!has("b.example", DNS_A, START));
    ck_assert(has("a.example", DNS_A, START) && has("c.example", DNS_A, START) &&
              has("d.example", DNS_A, START));
    close_cache();
}
END_TEST

/* The defaults: usual names all fit; the longest ones stay under 4 MB. */
START_TEST(octets_are_bounded)
{
    enum { ENTRIES = 16384 };
    struct dns_answer answer = { .status = DNS_FOUND, .count = DNS_RECORDS_MAX };
    char name[DNS_NAME_MAX + 1];
    char label[64];

    open_cache(ENTRIES);
    memset(label, 'x', 63);
    label[63] = '\0';
    for (unsigned i = 0; i < ENTRIES; i++) {
        snprintf(name, sizeof name, "mail-%u.example.com", i);
        put(name, DNS_A, DNS_FOUND, 60, START);
    }
    ck_assert_uint_eq(dns_cache_count(cache), ENTRIES);
    for (unsigned i = 0; i < ENTRIES; i++) {
        struct dns_query query;
        snprintf(name, sizeof name, "%s.%s.%s.%u", label, label, label, i);
        query = query_of(name, DNS_AAAA);
        ck_assert_int_eq(dns_cache_put(cache, &query, &answer, 60, START), OK);
        ck_assert_uint_le(dns_cache_octets(cache), ENTRIES * DNS_CACHE_ENTRY_OCTETS);
    }
    ck_assert_uint_lt(ENTRIES * DNS_CACHE_ENTRY_OCTETS, 4 << 20);
    ck_assert_uint_lt(dns_cache_count(cache), ENTRIES);
    ck_assert(has(name, DNS_AAAA, START));
    close_cache();
}
END_TEST

START_TEST(newest_stays_even_alone)
{
    struct dns_query query = query_of("a.example", DNS_AAAA);
    struct dns_answer answer = { .status = DNS_FOUND, .count = DNS_RECORDS_MAX };

    open_cache(1); /* 192 octets for an entry of more */
    put("b.example", DNS_A, DNS_FOUND, 60, START);
    ck_assert_int_eq(dns_cache_put(cache, &query, &answer, 60, START), OK);
    ck_assert(has("a.example", DNS_AAAA, START));
    ck_assert_uint_eq(dns_cache_count(cache), 1);
    close_cache();
}
END_TEST

/* Names that differ little spread well, whatever the seed. */
START_TEST(hash_spreads)
{
    enum { BITS = 12, NAMES = 1 << BITS };
    static unsigned char used[NAMES];
    const uint64_t other[2] = { (uint64_t)_i * 0x9e3779b97f4a7c15, ~(uint64_t)0 };
    char name[DNS_NAME_MAX + 1];
    unsigned most = 0;

    ck_assert_int_eq(dns_cache_new(1, _i ? other : seed, &cache), OK);
    memset(used, 0, sizeof used);
    for (unsigned i = 0; i < NAMES; i++) {
        struct dns_query query;
        unsigned slot;
        snprintf(name, sizeof name, "host%u.example.org", i);
        query = query_of(name, DNS_A);
        slot = (unsigned)(dns_cache_hash(cache, &query) % NAMES);
        if (++used[slot] > most)
            most = used[slot];
    }
    ck_assert_uint_le(most, 12); /* chance alone: 13 once in millions of such tables */
    close_cache();
}
END_TEST

START_TEST(hash_depends_on_the_seed)
{
    const uint64_t other[2] = { seed[0] + 8, seed[1] };
    struct dns_query query = query_of("mail.example.org", DNS_A);
    uint64_t first;

    open_cache(1);
    first = dns_cache_hash(cache, &query);
    close_cache();
    ck_assert_int_eq(dns_cache_new(1, other, &cache), OK);
    ck_assert_uint_ne(dns_cache_hash(cache, &query), first);
    close_cache();
}
END_TEST

#define COUNT(array) (int)(sizeof(array) / sizeof(array)[0])

int main(void)
{
    Suite *suite = suite_create("dns_cache");
    TCase *tests = tcase_create("all");
    SRunner *runner = srunner_create(suite);
    int failed;

    suite_add_tcase(suite, tests);
    tcase_add_loop_test(tests, answers_come_back_whole, 0, 4);
    tcase_add_loop_test(tests, texts_come_back_whole, 0, 3);
    tcase_add_test(tests, type_and_name_are_the_key);
    tcase_add_loop_test(tests, ttl_bounds, 0, COUNT(ttls));
    tcase_add_test(tests, newer_answer_takes_the_place);
    tcase_add_test(tests, least_recently_used_goes_first);
    tcase_add_test(tests, octets_are_bounded);
    tcase_add_test(tests, newest_stays_even_alone);
    tcase_add_loop_test(tests, hash_spreads, 0, 8);
    tcase_add_test(tests, hash_depends_on_the_seed);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
