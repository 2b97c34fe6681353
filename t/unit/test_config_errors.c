/* SPDX-License-Identifier: MIT */
/*
 * lib/config: every way to get a file wrong, with its line, and every limit: the
 * last value that is taken and the first that is not.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_file.h"

/* In the place of read(2), by the linker. */
ssize_t __real_read(int fd, void *array, size_t size);
ssize_t __wrap_read(int fd, void *array, size_t size);

static enum { READ, READ_FAILS, READ_ENDS } reading;

ssize_t __wrap_read(int fd, void *array, size_t size)
{
    if (reading == READ)
        return __real_read(fd, array, size);
    errno = EIO;
    return reading == READ_FAILS ? -1 : 0;
}

static void assert_refused(const char *text, size_t len, const char *error)
{
    struct config *config = (struct config *)config_file_path;
    struct error e = { "" };

    config_file_write(text, len);
    ck_assert_msg(config_load(config_file_path, &config, &e) == BAD, "taken:\n%s", text);
    ck_assert_ptr_null(config);
    ck_assert_msg(strncmp(e.text, config_file_path, strlen(config_file_path)) == 0 &&
                      e.text[strlen(config_file_path)] == ':',
                  "%s", e.text);
    ck_assert_str_eq(e.text + strlen(config_file_path) + 1, error);
    ck_assert_ptr_null(strchr(e.text, '\n'));
}

static const struct {
    const char *text, *error;
} wrong[] = {
    /* options that are none, or twice */
    { "nothing = 1\n", "1: no such option 'nothing'; see policyd.conf(5)" },
    { "# one\n# two\n/* three\nfour */ // still\n\nnothing = 1\n",
      "6: no such option 'nothing'; see policyd.conf(5)" },
    { "dns {\n# one\n  timeout = 1\n}\n", "3: no such option 'timeout' in section dns; see policyd.conf(5)" },
    { "timeout_ms = 2000\n", "1: no such option 'timeout_ms'; see policyd.conf(5)" },
    { "helo_resolved { text = x }\n", "1: no such option 'helo_resolved'; see policyd.conf(5)" },
    { "include(\"/etc/passwd\")\n", "1: no such option 'include'; see policyd.conf(5)" },
    { "log = stderr\nuser = x\nlog = syslog\n", "3: log: is set in line 1 already; keep one of the two" },
    { "dns {\n lookups = 1 }\n\ndns {\n lookups = 2 }\n",
      "5: lookups: is set in line 2 already; keep one of the two" },
    { "submission_ports = {1}\nsubmission_ports = {2}\n",
      "2: submission_ports: is set in line 1 already; keep one of the two" },
    { "submission_ports = {1}\nsubmission_ports = {}\n",
      "1: submission_ports: is emptied again further down; keep one of the two" },

    /* syntax */
    { "log stderr\n", "1: missing equal sign after option 'log'; see policyd.conf(5)" },
    { "log =\n", "2: premature end of file; see policyd.conf(5)" },
    { "log = {stderr}\n", "1: unexpected token '{'; see policyd.conf(5)" },
    { "log += x\n", "1: attempt to append to non-list option 'log'; see policyd.conf(5)" },
    { "submission_ports = {1 2}\n", "1: unexpected token '2'; see policyd.conf(5)" },
    { "dns = {lookups = 1}\n", "1: missing opening brace for section 'dns'; see policyd.conf(5)" },
    { "log = stderr;\n", "1: $, * and ; stand inside quotation marks only; no ; ends a line" },
    { "user = ${HOME}\n", "1: $, * and ; stand inside quotation marks only; no ; ends a line" },
    { "trusted_networks = {*}\n", "1: $, * and ; stand inside quotation marks only; no ; ends a line" },
    { "user = \"${HOME}\"\n", "1: ${...} would be taken from the environment; write \\${" },
    { "\nuser = \"postern\nlog = stderr\n",
      "2: the text that begins here is not closed; add the quotation mark on the same line" },
    { "user = 'postern",
      "1: the text that begins here is not closed; add the quotation mark on the same line" },
    { "user = \"postern\\",
      "1: the text that begins here is not closed; add the quotation mark on the same line" },
    { "\n\n/* hidden\nuser = x\n", "3: the comment that begins here is not closed; add */" },
    { "/*", "1: the comment that begins here is not closed; add */" },
    { "\ndns {\n lookups = 1\n\n", "2: the { of this line is not closed; add }" },
    { "dns {\n}\n}\n", "3: this } closes nothing" },
    { "{{{{{{{{{", "1: sections do not nest so deep" },
    { "log = \"std\x01"
      "err\"\n",
      "1: holds a control character; remove it" },
    { "\n# caf\xe9\n", "2: malformed UTF-8; save the file as UTF-8" },
    { "user = \"a\\x01\"\n", "1: user: holds a control character or malformed UTF-8" },
    { "user = \"a\\nb\"\n", "1: user: holds a control character or malformed UTF-8" },
    { "user = \"\\xff\"\n", "1: user: holds a control character or malformed UTF-8" },
    { "user = \"\\777\"\n", "1: invalid octal number '\\777'; see policyd.conf(5)" },

    /* types and bounds */
    { "dns { timeout_ms = 99 }\n", "1: dns.timeout_ms: '99' is no number from 100 to 10000" },
    { "dns { timeout_ms = 10001 }\n", "1: dns.timeout_ms: '10001' is no number from 100 to 10000" },
    { "dns {\ntimeout_ms = 2s\n}\n", "2: dns.timeout_ms: '2s' is no number from 100 to 10000" },
    { "dns { lookups = -1 }\n", "1: dns.lookups: '-1' is no number from 1 to 16" },
    { "dns { lookups = 0x1 }\n", "1: dns.lookups: '0x1' is no number from 1 to 16" },
    { "limits { connections = \"\" }\n", "1: limits.connections: '' is no number from 1 to 65536" },
    { "limits { connections = 99999999999999999999 }\n",
      "1: limits.connections: '99999999999999999999' is no number from 1 to 65536" },
    { "submission_ports = {587,\n0}\n", "2: submission_ports: '0' is no number from 1 to 65535" },
    { "submission_ports = {65536}\n", "1: submission_ports: '65536' is no number from 1 to 65535" },
    { "sender_login { refuse_null_sender = yes }\n",
      "1: sender_login.refuse_null_sender: 'yes' is not true or false" },
    { "account_status { unknown_login = defer }\n",
      "1: account_status.unknown_login: 'defer' is not pass or refuse" },
    { "password_scheme = md5\n", "1: password_scheme: 'md5' is not yescrypt or bcrypt" },

    /* listeners and paths */
    { "listen = {\"/tmp/x\"}\n",
      "1: listen: '/tmp/x' is no listener; write unix:/path, inet:127.0.0.1:10040 or inet:[::1]:10040" },
    { "listen = {\"unix:x\"}\n", "1: listen: 'x' is no absolute path of a file" },
    { "listen = {inet:localhost:25}\n",
      "1: listen: 'inet:localhost:25' is no listener; write unix:/path, inet:127.0.0.1:10040 or "
      "inet:[::1]:10040" },
    { "listen = {inet:::1:25}\n",
      "1: listen: 'inet:::1:25' is no listener; write unix:/path, inet:127.0.0.1:10040 or inet:[::1]:10040" },
    { "listen = {inet:127.0.0.1}\n", "1: listen: 'inet:127.0.0.1' is no listener; write unix:/path, "
                                     "inet:127.0.0.1:10040 or inet:[::1]:10040" },
    { "listen = {inet:127.0.0.1:0}\n",
      "1: listen: 'inet:127.0.0.1:0' is no listener; write unix:/path, inet:127.0.0.1:10040 or "
      "inet:[::1]:10040" },
    { "listen = {\"inet:[::1\"}\n",
      "1: listen: 'inet:[::1' is no listener; write unix:/path, inet:127.0.0.1:10040 or inet:[::1]:10040" },
    { "listen = {\"inet:\"}\n",
      "1: listen: 'inet:' is no listener; write unix:/path, inet:127.0.0.1:10040 or inet:[::1]:10040" },
    { "state_db = state.db\n", "1: state_db: 'state.db' is no absolute path of a file" },
    { "state_db = /var/lib/\n", "1: state_db: '/var/lib/' is no absolute path of a file" },
    { "log = file\n", "1: log: 'file' is neither syslog nor stderr nor an absolute path" },
    { "listen = {\"unix:/run/p\"}\n\ncontrol_socket = /run/p\n",
      "3: control_socket: /run/p is that of listen too; each needs one of its own" },
    { "listen = {unix:/run/p,\nunix:/run/p}\n",
      "2: listen: /run/p is that of listen too; each needs one of its own" },
    { "state_db = /var/lib/postern/accounts.db\n",
      "1: state_db: /var/lib/postern/accounts.db is that of accounts_db too; each needs one of its own" },

    /* addresses and names */
    { "trusted_networks = {\"127.0.0.0/8\",\n\"192.0.2.1/24\"}\n",
      "2: trusted_networks: '192.0.2.1/24' has bits set behind its prefix; the network is 192.0.2.0/24" },
    { "trusted_networks = {example.com}\n",
      "1: trusted_networks: 'example.com' is no IP address or network; write 192.0.2.0/24 or 2001:db8::/32" },
    { "dns { servers = {ns.example.com} }\n",
      "1: dns.servers: 'ns.example.com' is no name server; write 127.0.0.1, 127.0.0.1@5353 or ::1@5353" },
    { "dns { servers = {127.0.0.1@} }\n",
      "1: dns.servers: '127.0.0.1@' is no name server; write 127.0.0.1, 127.0.0.1@5353 or ::1@5353" },
    { "dns { servers = {\"127.0.0.1@53@53\"} }\n",
      "1: dns.servers: '127.0.0.1@53@53' is no name server; write 127.0.0.1, 127.0.0.1@5353 or ::1@5353" },
    { "hostname = \"a b\"\n", "1: hostname: 'a b' is no host name or domain" },
    { "hostname = a..b\n", "1: hostname: 'a..b' is no host name or domain" },
    { "default_domain = \"@example.com\"\n", "1: default_domain: '@example.com' is no host name or domain" },
    { "helo_local { enforce = {local} }\n",
      "1: helo_local.enforce: 'local' is no suffix; write one with its dot, such as .local" },
    { "helo_local { observe = {\".\"} }\n",
      "1: helo_local.observe: '.' is no suffix; write one with its dot, such as .local" },
    { "helo_self { names = {\"[192.0.2.1\"} }\n",
      "1: helo_self.names: '[192.0.2.1' is neither a host name nor an address" },
    { "user = \"a b\"\n", "1: user: 'a b' is no name of a user or group" },
    { "dovecot { home = mail }\n", "1: dovecot.home: 'mail' is no absolute path" },
    { "letter { template = letter.txt }\n", "1: letter.template: 'letter.txt' is no absolute path of a file" },
    { "letter { imap = \"imap.example.net:\" }\n", "1: letter.imap: 'imap.example.net:' is no host name or NAME:PORT" },
    { "letter { pop3 = \"a b\" }\n", "1: letter.pop3: 'a b' is no host name or NAME:PORT" },
    { "act { notice_to = {admin} }\n", "1: act.notice_to: the address has no domain: admin" },
    { "act { notice_events = {account} }\n", "1: act.notice_events: no event 'account': policyctl(1) names them" },
    { "act { queue = keep }\n", "1: act.queue: 'keep' is not none, list or hold" },
    { "act { sendmail = sendmail }\n",
      "1: act.sendmail: 'sendmail' is no command: it begins with the absolute path of a program" },
    { "act { command = {\"/bin/x {account} {password}\"} }\n",
      "1: act.command: '{password}' is no placeholder; there are {domain} and the members of an event" },
    { "act { command = {\"/bin/x {account\"} }\n",
      "1: act.command: '{account' is no placeholder; there are {domain} and the members of an event" },
    { "act { deadline_s = 0 }\n", "1: act.deadline_s: '0' is no number from 1 to 600" },
    { "dovecot { mail = \"maildir:%h\" }\n",
      "1: dovecot.mail: '%h' is no placeholder; there are {user}, {local} and {domain}" },
    { "dovecot { gid = a/b }\n", "1: dovecot.gid: 'a/b' is no name of a user or group" },
    { "dovecot { quota = 2 }\n",
      "1: dovecot.quota: '2' is no size; write 500M or 2G (K, M, G, T), or 0 for unlimited" },
    { "help_url = example.com\n",
      "1: help_url: 'example.com' is no URL; write https://..., in ASCII, at most 150 characters" },
    { "recipient_delimiter = a\n",
      "1: recipient_delimiter: 'a' is no delimiter; take punctuation, such as \"+\" or \"+-\"" },
    { "recipient_delimiter = \"@\"\n",
      "1: recipient_delimiter: '@' is no delimiter; take punctuation, such as \"+\" or \"+-\"" },
    { "recipient_delimiter = \"+-_=.!%^|\"\n", "1: recipient_delimiter: more than 8 characters" },

    /* reply texts */
    { "helo_fqdn { text = \" \" }\n", "1: helo_fqdn.text: a reply needs a text" },
    { "helo_fqdn { text = \"{user} is wrong\" }\n",
      "1: helo_fqdn.text: '{user} is wrong' is no placeholder; there are {login}, {sender}, {recipient}, "
      "{helo}, {suffix} and {reason}" },
    { "helo_fqdn { text = \"{helo\" }\n",
      "1: helo_fqdn.text: '{helo' is no placeholder; there are {login}, {sender}, {recipient}, {helo}, "
      "{suffix} and {reason}" },
};

START_TEST(refused)
{
    assert_refused(wrong[_i].text, strlen(wrong[_i].text), wrong[_i].error);
}
END_TEST

START_TEST(refused_nul)
{
    assert_refused("log = stderr\n\0", 14, "2: holds a control character; remove it");
}
END_TEST

/* libconfuse's scanner is global: a file that broke it must not harm the next one. */
START_TEST(good_after_bad)
{
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_refused(wrong[i].text, strlen(wrong[i].text), wrong[i].error);
        struct config *c = config_file_load("log = stderr\n");
        ck_assert_str_eq(c->log, "stderr");
        config_free(&c);
    }
}
END_TEST

START_TEST(unreadable)
{
    struct config *config;
    struct error e = { "" };

    ck_assert_int_eq(config_load("/nonexistent/policyd.conf", &config, &e), BAD);
    ck_assert_str_eq(e.text, "/nonexistent/policyd.conf: cannot be read: No such file or directory; name the "
                             "configuration file with -c FILE");
    ck_assert_int_eq(config_load("/tmp", &config, &e), BAD);
    ck_assert_str_eq(e.text, "/tmp: is no regular file of at most 1048576 octets");
    ck_assert_int_eq(config_load("/dev/null", &config, &e), BAD);
    ck_assert_str_eq(e.text, "/dev/null: is no regular file of at most 1048576 octets");
    ck_assert_int_eq(config_load("/nonexistent/policyd.conf", &config, NULL), BAD);
}
END_TEST

/* ---- limits: the last that is taken and the first that is not ---- */

static char *repeated(const char *before, char c, size_t n, const char *after)
{
    size_t size = strlen(before) + n + strlen(after) + 1;
    char *text = malloc(size);

    ck_assert_ptr_nonnull(text);
    snprintf(text, size, "%s", before);
    memset(text + strlen(before), c, n);
    snprintf(text + strlen(before) + n, size - strlen(before) - n, "%s", after);
    return text;
}

static const struct {
    const char *before, *after;
    size_t most;
    const char *error;
} longest[] = {
    { "listen = {\"unix:/", "\"}\n", 106, "1: listen: the path has 108 octets; at most 107 are possible" },
    { "control_socket = \"/", "\"\n", 106,
      "1: control_socket: the path has 108 octets; at most 107 are possible" },
    { "state_db = \"/", "\"\n", 1023, "1: state_db: longer than 1024 octets" },
    { "helo_fqdn { text = \"", "\" }\n", 300,
      "1: helo_fqdn.text: the text has 301 octets; write at most 300" },
};

START_TEST(longest_values)
{
    char *good = repeated(longest[_i].before, 'x', longest[_i].most, longest[_i].after);
    char *bad = repeated(longest[_i].before, 'x', longest[_i].most + 1, longest[_i].after);
    struct config *c = config_file_load(good);

    config_free(&c);
    assert_refused(bad, strlen(bad), longest[_i].error);
    free(good);
    free(bad);
}
END_TEST

START_TEST(largest_file)
{
    char *good = repeated("#", ' ', (1 << 20) - 2, "\n"), *bad = repeated("#", ' ', (1 << 20) - 1, "\n");
    struct config *c = config_file_load(good);

    config_free(&c);
    assert_refused(bad, strlen(bad), " is no regular file of at most 1048576 octets");
    free(good);
    free(bad);
}
END_TEST

/* The disk fails, or somebody writes the file anew meanwhile. */
START_TEST(read_fails)
{
    reading = READ_FAILS;
    assert_refused("log = stderr\n", 13, " cannot be read: Input/output error");
    reading = READ_ENDS;
    assert_refused("log = stderr\n", 13, " cannot be read: Input/output error");
    reading = READ;
    struct config *c = config_file_load("log = stderr\n");
    config_free(&c);
}
END_TEST

START_TEST(bounds)
{
    struct config_option o;
    char text[128], error[128];

    for (size_t i = 0; config_option(i, &o); i++) {
        if (o.max == 0 || strcmp(o.name, "submission_ports") == 0)
            continue;
        snprintf(text, sizeof text, "%s { %s = %u }", o.section, o.name, o.min);
        struct config *c = config_file_load(text);
        config_free(&c);
        snprintf(text, sizeof text, "%s { %s = %u }", o.section, o.name, o.max);
        c = config_file_load(text);
        config_free(&c);
        snprintf(text, sizeof text, "%s { %s = %u }", o.section, o.name, o.min - 1);
        snprintf(error, sizeof error, "1: %s.%s: '%u' is no number from %u to %u", o.section, o.name,
                 o.min - 1, o.min, o.max);
        assert_refused(text, strlen(text), error);
        snprintf(text, sizeof text, "%s { %s = %u }", o.section, o.name, o.max + 1);
        snprintf(error, sizeof error, "1: %s.%s: '%u' is no number from %u to %u", o.section, o.name,
                 o.max + 1, o.min, o.max);
        assert_refused(text, strlen(text), error);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("config_errors");
    TCase *t = tcase_create("config_errors");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, t);
    tcase_add_checked_fixture(t, config_file_create, config_file_remove);
    tcase_add_loop_test(t, refused, 0, sizeof wrong / sizeof wrong[0]);
    tcase_add_test(t, refused_nul);
    tcase_add_test(t, good_after_bad);
    tcase_add_test(t, unreadable);
    tcase_add_loop_test(t, longest_values, 0, sizeof longest / sizeof longest[0]);
    tcase_add_test(t, largest_file);
    tcase_add_test(t, read_fails);
    tcase_add_test(t, bounds);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
