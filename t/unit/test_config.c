/* SPDX-License-Identifier: MIT */
/*
 * lib/config: what a file sets, the dump, and the sample file against the options
 * table.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_file.h"

static char *dumped(const struct config *config)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    ck_assert_ptr_nonnull(out);
    config_dump(config, out);
    ck_assert_int_eq(fclose(out), 0);
    return text;
}

START_TEST(defaults)
{
    struct config *c = config_file_load("");

    ck_assert_str_eq(c->path, config_file_path);
    ck_assert_uint_eq(c->listen.count, 1);
    ck_assert_str_eq(c->listen.item[0], "unix:/var/spool/postfix/postern/policy");
    ck_assert_str_eq(c->log, "syslog");
    ck_assert_uint_gt(strlen(c->hostname), 0);
    ck_assert_uint_eq(c->trusted_networks.count, 2);
    ck_assert(!c->trusted_networks.item[0].v6 && c->trusted_networks.item[0].bits == 8);
    ck_assert(c->trusted_networks.item[1].v6 && c->trusted_networks.item[1].bits == 128);
    ck_assert_uint_eq(c->submission_ports.count, 2);
    ck_assert_uint_eq(c->submission_ports.item[1], 465);
    ck_assert_uint_eq(c->dns.servers.count, 0);
    ck_assert_uint_eq(c->dns.timeout_ms, 2000);
    ck_assert_uint_eq(c->limits.connections, 4096);
    for (size_t i = 0; i < CHECK_COUNT; i++)
        ck_assert_str_eq(c->text[i], check_infos[i].text);
    ck_assert(!c->account_status.refuse_unknown_login && !c->sender_login.refuse_null_sender);
    ck_assert_uint_eq(c->helo_local.enforce.count, 4);
    ck_assert_uint_eq(c->helo_local.observe.count, 8);
    config_free(&c);
    ck_assert_ptr_null(c);
    config_free(&c);
}
END_TEST

START_TEST(values)
{
    struct config *c = config_file_load(
        "# comment with { and \" and '\n"
        "listen = {\"inet:127.0.0.1:10040\", \"inet:[0:0::1]:10040\", 'unix:/tmp/p'} // more\n"
        "socketmap_listen = {}\n"
        "trusted_networks += {192.0.2.0/24}\n"
        "submission_ports = {\n    587 /* STARTTLS\n    only */\n}\n"
        "hostname = MAIL.B\xc3\xbc"
        "cher.Example.\n"
        "log=/var/log/policyd.log user = \"\"\n"
        "help_url = https://example.com/help\n"
        "recipient_delimiter = \"+-\"\n"
        "dns { servers = {127.0.0.1@5353, ::1} timeout_ms = 100 }\n"
        "dns { lookups = 16 }\n"
        "account_status { unknown_login = refuse }\n"
        "sender_login { refuse_null_sender = true text = 'No \"{sender}\" for $10' }\n"
        "helo_local { enforce += {\".LAN.\"} observe = {} }\n"
        "helo_self { names = {mx.Example.com, \"[192.0.2.1]\", 2001:DB8::1} }");

    ck_assert_uint_eq(c->listen.count, 3);
    ck_assert_str_eq(c->listen.item[1], "inet:[::1]:10040");
    ck_assert_str_eq(c->listen.item[2], "unix:/tmp/p");
    ck_assert_uint_eq(c->socketmap_listen.count, 0);
    ck_assert_uint_eq(c->trusted_networks.count, 3);
    ck_assert_uint_eq(c->trusted_networks.item[2].bits, 24);
    ck_assert_uint_eq(c->submission_ports.count, 1);
    ck_assert_str_eq(c->hostname, "mail.xn--bcher-kva.example");
    ck_assert_str_eq(c->log, "/var/log/policyd.log");
    ck_assert_str_eq(c->user, "");
    ck_assert_uint_eq(c->dns.servers.count, 2);
    ck_assert_str_eq(c->dns.servers.item[0], "127.0.0.1@5353");
    ck_assert_uint_eq(c->dns.timeout_ms, 100);
    ck_assert_uint_eq(c->dns.lookups, 16);
    ck_assert(c->account_status.refuse_unknown_login && c->sender_login.refuse_null_sender);
    ck_assert_str_eq(c->text[CHECK_SENDER_LOGIN], "No \"{sender}\" for $10");
    ck_assert_uint_eq(c->helo_local.enforce.count, 5);
    ck_assert_str_eq(c->helo_local.enforce.item[4], ".lan");
    ck_assert_uint_eq(c->helo_local.observe.count, 0);
    ck_assert_str_eq(c->helo_self.names.item[0], "mx.example.com");
    ck_assert_str_eq(c->helo_self.names.item[1], "192.0.2.1");
    ck_assert_str_eq(c->helo_self.names.item[2], "2001:db8::1");
    config_free(&c);
}
END_TEST

/* ---- dump, table, sample ---- */

START_TEST(dump_loads_again)
{
    struct config *c = config_file_load(
        "listen = {\"inet:[::1]:1\", \"unix:/tmp/a\\\"b\\\\c\\${d}\"}\n"
        "hostname = mx.example.com\nsocketmap_listen = {}\nsubmission_ports = {1,65535}\n"
        "trusted_networks = {0.0.0.0/0, ::/0, 2001:db8::/33}\n"
        "account_status { unknown_login = refuse text = 'it\\'s {reason}; \\$ * # // /* */' }\n"
        "sender_login { refuse_null_sender = true }\n"
        "dns { servers = {::1@53, 192.0.2.1} }\n");
    char *first = dumped(c);

    ck_assert_ptr_nonnull(strstr(first, "\"unix:/tmp/a\\\"b\\\\c\\${d}\""));
    ck_assert_ptr_nonnull(strstr(first, "unknown_login = refuse"));
    config_free(&c);
    c = config_file_load(first);
    ck_assert_str_eq(c->listen.item[1], "unix:/tmp/a\"b\\c${d}");
    char *second = dumped(c);
    ck_assert_str_eq(first, second);
    config_free(&c);
    free(first);
    free(second);
}
END_TEST

START_TEST(table)
{
    struct config_option o, other;
    size_t i, texts = 0;
    struct config *c = config_file_load("");
    char *dump = dumped(c), line[600];

    for (i = 0; config_option(i, &o); i++) {
        ck_assert_msg(o.type && o.preset && o.help && o.help[0], "%s.%s", o.section, o.name);
        ck_assert_uint_le(strlen(o.help), 90);
        texts += strcmp(o.name, "text") == 0;
        snprintf(line, sizeof line, "\n%s%s = ", o.section[0] ? "    " : "", o.name);
        ck_assert_msg(i == 0 || strstr(dump, line), "%s.%s is not in the dump", o.section, o.name);
        for (size_t j = 0; j < i && config_option(j, &other); j++)
            ck_assert_msg(strcmp(o.section, other.section) != 0 || strcmp(o.name, other.name) != 0,
                          "%s.%s stands twice", o.section, o.name);
    }
    ck_assert_uint_eq(texts, CHECK_COUNT);
    ck_assert(!config_option(i + 1, &o));
    config_free(&c);
    free(dump);
}
END_TEST

/* Takes the comment sign off "#name = value", appends the line to `out` and counts
 * "section.name" as seen. */
static void uncomment(char *line, char *section, char seen[][64], size_t *count, FILE *out)
{
    char name[64], *sign = line + strspn(line, " ");

    if (*sign != '#' && sscanf(line, "%31s {", name) == 1)
        snprintf(section, 32, "%.31s", name[0] == '}' ? "" : name);
    if (*sign == '#' && sscanf(sign, "#%31[a-z0-9_] = ", name) == 1 && sign[1 + strlen(name) + 1] == '=') {
        snprintf(seen[(*count)++], 64, "%.31s.%.31s", section, name);
        *sign = ' ';
    }
    fputs(line, out);
}

START_TEST(sample_file)
{
    char file[256], line[512], section[32] = "", seen[200][64], *text, name[80];
    const char *srcdir = getenv("srcdir");
    size_t size, count = 0, i;
    struct config *c = config_file_load(""), *sample;
    struct config_option o;
    struct error e = { "" };
    char *expected = dumped(c);

    config_free(&c);
    snprintf(file, sizeof file, "%s/doc/policyd.conf", srcdir ? srcdir : ".");
    ck_assert_msg(config_load(file, &sample, &e) == OK, "%s", e.text);
    config_free(&sample);

    FILE *in = fopen(file, "r"), *out = open_memstream(&text, &size);
    while (count < 200 && fgets(line, sizeof line, in))
        uncomment(line, section, seen, &count, out);
    fclose(in);
    fclose(out);
    c = config_file_load(text);
    char *found = dumped(c);
    ck_assert_str_eq(found, expected);
    for (i = 0; config_option(i, &o); i++) {
        size_t j = 0;
        snprintf(name, sizeof name, "%s.%s", o.section, o.name);
        while (j < count && strcmp(seen[j], name) != 0)
            j++;
        ck_assert_msg(j < count, "%s is not in %s", name, file);
    }
    ck_assert_uint_eq(count, i);
    config_free(&c);
    free(text);
    free(found);
    free(expected);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("config");
    TCase *t = tcase_create("config");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, t);
    tcase_add_checked_fixture(t, config_file_create, config_file_remove);
    tcase_add_test(t, defaults);
    tcase_add_test(t, values);
    tcase_add_test(t, dump_loads_again);
    tcase_add_test(t, table);
    tcase_add_test(t, sample_file);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
