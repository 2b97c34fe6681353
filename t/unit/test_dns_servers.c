/* SPDX-License-Identifier: MIT */
/* Which servers are asked, and in which order. */
#include "policyd/dns_servers.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *text;
    int family; /* 0: BAD */
    const char *host;
    unsigned port;
} texts[] = {
    { "192.0.2.1", AF_INET, "192.0.2.1", 53 },
    { "192.0.2.1@5353", AF_INET, "192.0.2.1", 5353 },
    { "2001:db8::1", AF_INET6, "2001:db8::1", 53 },
    { "2001:db8::1@65535", AF_INET6, "2001:db8::1", 65535 },
    { "fe80::1%lo@1", AF_INET6, "fe80::1", 1 },
    { "", 0, NULL, 0 },
    { "@53", 0, NULL, 0 },
    { "192.0.2.1@", 0, NULL, 0 },
    { "192.0.2.1@0", 0, NULL, 0 },
    { "192.0.2.1@65536", 0, NULL, 0 },
    { "192.0.2.1@53x", 0, NULL, 0 },
    { "192.0.2.1:53", 0, NULL, 0 },
    { "192.0.2", 0, NULL, 0 },
    { "127.1", 0, NULL, 0 },
    { "[2001:db8::1]", 0, NULL, 0 },
    { "fe80::1%nosuchif", 0, NULL, 0 },
    { "dns.example.org", 0, NULL, 0 },
    { "2001:0db8:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0001", 0, NULL, 0 },
};

static unsigned port_of(const struct dns_server *server)
{
    const struct sockaddr_in *in = (const struct sockaddr_in *)&server->address;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&server->address;

    return ntohs(in->sin_family == AF_INET ? in->sin_port : in6->sin6_port);
}

static void host_of(const struct dns_server *server, char host_r[INET6_ADDRSTRLEN])
{
    const struct sockaddr_in *in = (const struct sockaddr_in *)&server->address;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&server->address;
    const void *octets = in->sin_family == AF_INET ? (const void *)&in->sin_addr : &in6->sin6_addr;

    ck_assert_ptr_nonnull(inet_ntop(in->sin_family, octets, host_r, INET6_ADDRSTRLEN));
}

START_TEST(address_forms)
{
    struct dns_server server;
    struct error error = { .text = "" };
    char host[INET6_ADDRSTRLEN];
    enum result result = dns_server_parse(texts[_i].text, &server, &error);

    if (texts[_i].family == 0) {
        ck_assert_int_eq(result, BAD);
        ck_assert_ptr_nonnull(strstr(error.text, texts[_i].text));
        return;
    }
    ck_assert_int_eq(result, OK);
    ck_assert_int_eq(server.address.ss_family, texts[_i].family);
    host_of(&server, host);
    ck_assert_str_eq(host, texts[_i].host);
    ck_assert_uint_eq(port_of(&server), texts[_i].port);
}
END_TEST

START_TEST(number_of_servers)
{
    const char *list[DNS_SERVERS_MAX + 1];
    struct dns_servers servers;
    struct error error;

    for (size_t i = 0; i <= DNS_SERVERS_MAX; i++)
        list[i] = "192.0.2.1";
    ck_assert_int_eq(dns_servers_set(list, DNS_SERVERS_MAX, &servers, &error), OK);
    ck_assert_uint_eq(servers.count, DNS_SERVERS_MAX);
    ck_assert_int_eq(dns_servers_set(list, DNS_SERVERS_MAX + 1, &servers, &error), BAD);
}
END_TEST

static const struct {
    const char *text; /* NULL: no file */
    size_t count;
    const char *first;
} files[] = {
    { NULL, 1, "127.0.0.1" },
    { "", 1, "127.0.0.1" },
    { "# nameserver 192.0.2.1\nsearch example.org\n", 1, "127.0.0.1" },
    { "nameserver 192.0.2.1\n", 1, "192.0.2.1" },
    { "search a.example\n\tnameserver\t2001:db8::1  # ours\nnameserver 192.0.2.2", 2, "2001:db8::1" },
    { "nameserver nonsense\nnameserver\nnameservers 192.0.2.9\nnameserver 192.0.2.3\n", 1, "192.0.2.3" },
    { "nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\nnameserver 192.0.2.4\n", 3,
      "192.0.2.1" },
};

START_TEST(resolv_conf)
{
    char path[] = "/tmp/resolv.conf.XXXXXX", host[INET6_ADDRSTRLEN];
    struct dns_servers servers;
    struct error error;
    int fd = mkstemp(path);

    ck_assert_int_ge(fd, 0);
    if (files[_i].text)
        ck_assert_int_eq(write(fd, files[_i].text, strlen(files[_i].text)), (ssize_t)strlen(files[_i].text));
    else
        unlink(path);
    close(fd);
    ck_assert_int_eq(dns_servers_read(path, &servers, &error), OK);
    ck_assert_uint_eq(servers.count, files[_i].count);
    host_of(&servers.list[0], host);
    ck_assert_str_eq(host, files[_i].first);
    ck_assert_uint_eq(port_of(&servers.list[0]), 53);
    unlink(path);
}
END_TEST

START_TEST(resolv_conf_unreadable)
{
    struct dns_servers servers;
    struct error error;

    ck_assert_int_eq(dns_servers_read("/proc/self", &servers, &error), BAD);
    ck_assert_ptr_nonnull(strstr(error.text, "/proc/self"));
}
END_TEST

static void check_order(struct dns_servers *servers, uint64_t now, const char *expected)
{
    unsigned char order[DNS_SERVERS_MAX];
    char text[DNS_SERVERS_MAX + 1] = "";

    dns_servers_order(servers, now, order);
    for (size_t i = 0; i < servers->count; i++)
        text[i] = (char)('0' + order[i]);
    ck_assert_str_eq(text, expected);
}

START_TEST(living_servers_come_first)
{
    struct dns_servers servers = { .count = 4 };

    check_order(&servers, 1000, "0123");
    servers.list[0].dead_until = 2000;
    servers.list[2].dead_until = 2000;
    check_order(&servers, 1000, "1302");
    check_order(&servers, 1999, "1302");
    check_order(&servers, 2000, "0123"); /* one lookup tries */
    check_order(&servers, 2001, "1302"); /* the others do not */
    servers.list[0].dead_until = 0;      /* it answered */
    check_order(&servers, 2001, "0132");
    for (size_t i = 0; i < 4; i++)
        servers.list[i].dead_until = 9000;
    check_order(&servers, 3000, "0123");
}
END_TEST

#define COUNT(array) (int)(sizeof(array) / sizeof(array)[0])

int main(void)
{
    Suite *suite = suite_create("dns_servers");
    TCase *tests = tcase_create("all");
    SRunner *runner = srunner_create(suite);
    int failed;

    suite_add_tcase(suite, tests);
    tcase_add_loop_test(tests, address_forms, 0, COUNT(texts));
    tcase_add_test(tests, number_of_servers);
    tcase_add_loop_test(tests, resolv_conf, 0, COUNT(files));
    tcase_add_test(tests, resolv_conf_unreadable);
    tcase_add_test(tests, living_servers_come_first);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
