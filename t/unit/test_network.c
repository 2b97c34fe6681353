/* SPDX-License-Identifier: MIT */
/*
 * lib/network: parsing, canonical text, containment at every kind of edge.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/network.h"

static struct network parsed(const char *text)
{
    struct network n;
    struct error e = { "" };

    ck_assert_msg(network_parse(span_of(text), &n, &e) == OK, "%s: %s", text, e.text);
    return n;
}

START_TEST(canonical_text)
{
    static const char *const rows[][2] = {
        { "192.0.2.1", "192.0.2.1" },
        { "192.0.2.0/24", "192.0.2.0/24" },
        { "192.0.2.1/32", "192.0.2.1" },
        { "0.0.0.0/0", "0.0.0.0/0" },
        { "192.0.2.160/29", "192.0.2.160/29" },
        { "2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1" },
        { "2001:db8::/32", "2001:db8::/32" },
        { "2001:db8:8000::/33", "2001:db8:8000::/33" },
        { "::/0", "::/0" },
        { "::1", "::1" },
        { "::ffff:192.0.2.1", "192.0.2.1" },
        { "::ffff:192.0.2.0/120", "192.0.2.0/24" },
        { "::ffff:0:0/96", "0.0.0.0/0" },
        { "::/64", "::/64" },
        { "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[NETWORK_TEXT_MAX];
        struct network n = parsed(rows[i][0]);
        network_text(&n, text);
        ck_assert_str_eq(text, rows[i][1]);
    }
}
END_TEST

START_TEST(refused)
{
    static const struct {
        const char *text, *error;
    } rows[] = {
        { "", "is no IP address or network" },
        { "example.com", "is no IP address or network" },
        { "192.0.2", "is no IP address or network" },
        { "192.0.2.256", "is no IP address or network" },
        { "192.0.02.1", "is no IP address or network" },
        { " 192.0.2.1", "is no IP address or network" },
        { "192.0.2.1 ", "is no IP address or network" },
        { "[::1]", "is no IP address or network" },
        { "fe80::1%eth0", "is no IP address or network" },
        { "1:2:3:4:5:6:7:8:9", "is no IP address or network" },
        { "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255.", "is no IP address or network" },
        { "192.0.2.0/", "from 0 to 32" },
        { "192.0.2.0/33", "from 0 to 32" },
        { "192.0.2.0/-1", "from 0 to 32" },
        { "192.0.2.0/24/24", "from 0 to 32" },
        { "2001:db8::/129", "from 0 to 128" },
        { "192.0.2.1/24", "the network is 192.0.2.0/24" },
        { "192.0.2.1/0", "the network is 0.0.0.0/0" },
        { "2001:db8::1/64", "the network is 2001:db8::/64" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct network n;
        struct error e = { "" };
        ck_assert_msg(network_parse(span_of(rows[i].text), &n, &e) == BAD, "'%s' was taken", rows[i].text);
        ck_assert_msg(strstr(e.text, rows[i].error), "'%s': %s", rows[i].text, e.text);
    }
}
END_TEST

START_TEST(ip_only)
{
    struct network n;

    ck_assert_int_eq(network_parse_ip(SPAN("::ffff:198.51.100.7"), &n), OK);
    ck_assert(!n.v6);
    ck_assert_uint_eq(n.bits, 32);
    ck_assert_int_eq(network_parse_ip(SPAN("192.0.2.0/24"), &n), BAD);
    ck_assert_int_eq(network_parse_ip(SPAN("192.0.2.1\0"), &n), BAD);
    ck_assert_int_eq(network_parse_ip((struct span){ NULL, 0 }, &n), BAD);
}
END_TEST

START_TEST(containment)
{
    static const struct {
        const char *network, *ip;
        bool inside;
    } rows[] = {
        { "192.0.2.0/24", "192.0.2.255", true },
        { "192.0.2.0/24", "192.0.3.0", false },
        { "192.0.2.160/29", "192.0.2.167", true },
        { "192.0.2.160/29", "192.0.2.168", false },
        { "192.0.2.1", "192.0.2.1", true },
        { "192.0.2.1", "192.0.2.0", false },
        { "128.0.0.0/1", "255.255.255.255", true },
        { "128.0.0.0/1", "127.255.255.255", false },
        { "0.0.0.0/0", "203.0.113.9", true },
        { "0.0.0.0/0", "::1", false },
        { "::/0", "192.0.2.1", false },
        { "::/0", "2001:db8::1", true },
        { "2001:db8::/33", "2001:db8:7fff::1", true },
        { "2001:db8::/33", "2001:db8:8000::1", false },
        { "::1", "::1", true },
        { "127.0.0.0/8", "::ffff:127.0.0.1", true },
        { "192.0.2.0/24", "192.0.2.0/25", true },
        { "192.0.2.0/25", "192.0.2.0/24", false },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct network n = parsed(rows[i].network), ip = parsed(rows[i].ip);
        ck_assert_msg(network_contains(&n, &ip) == rows[i].inside, "%s in %s", rows[i].ip, rows[i].network);
    }
}
END_TEST

START_TEST(lists)
{
    struct network list[] = { parsed("192.0.2.0/24"), parsed("2001:db8::/32") };
    struct network inside = parsed("2001:db8:1::1"), outside = parsed("198.51.100.1");

    ck_assert(networks_contain(list, 2, &inside));
    ck_assert(!networks_contain(list, 1, &inside));
    ck_assert(!networks_contain(list, 2, &outside));
    ck_assert(!networks_contain(NULL, 0, &inside));
}
END_TEST

/* Every prefix length: the network of an address contains it, and no address that
 * differs in the last bit of the prefix. */
START_TEST(every_prefix_length)
{
    static const char *const addresses[] = { "203.0.113.181", "2001:db8:5a5a:a5a5:1234:5678:9abc:def1" };

    for (size_t a = 0; a < 2; a++) {
        struct network ip = parsed(addresses[a]);
        for (unsigned bits = 0; bits <= ip.bits; bits++) {
            struct network n = network_of(&ip, bits), other = ip, again;
            char text[NETWORK_TEXT_MAX];
            ck_assert(network_contains(&n, &ip));
            network_text(&n, text);
            again = parsed(text);
            ck_assert_mem_eq(&again, &n, sizeof n);
            if (bits == 0)
                continue;
            other.bytes[(bits - 1) / 8] ^= (unsigned char)(0x80 >> (bits - 1) % 8);
            ck_assert(!network_contains(&n, &other));
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("network");
    TCase *t = tcase_create("network");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, t);
    tcase_add_test(t, canonical_text);
    tcase_add_test(t, refused);
    tcase_add_test(t, ip_only);
    tcase_add_test(t, containment);
    tcase_add_test(t, lists);
    tcase_add_test(t, every_prefix_length);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
