/* SPDX-License-Identifier: MIT */
/* Lines as Postfix 3.7 and 3.10, Dovecot 2.3 and 2.4 and policyd wrote them. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "policyctl/explain/log_line.h"

#define POSTFIX "Nov 24 02:18:09 mx postfix/smtpd[1158]: "
#define SUBMIT  "Nov 24 02:18:09 mx postfix/submission/smtpd[1181]: "
#define CLIENT  "client2.sender.net[192.0.2.2]"
#define REJECT  "NOQUEUE: reject: RCPT from " CLIENT ": "

enum { EXPECTED_MAX = 9 };

struct expected {
    enum log_field field;
    const char *value;
};

static const struct {
    const char *line;
    enum line_kind kind;
    struct expected field[EXPECTED_MAX]; /* up to a NULL value */
} lines[] = {
    /* Postfix: what smtpd refused */
    { POSTFIX REJECT "554 5.7.1 <x.local>: Helo command rejected: Go away, bad guy (.local).; from=<anna@sender.net> "
                     "to=<user@example.com> proto=ESMTP helo=<x.local>",
      LINE_REJECT,
      { { LOG_TIME, "Nov 24 02:18:09" }, { LOG_PROGRAM, "postfix/smtpd" }, { LOG_CLIENT_NAME, "client2.sender.net" },
        { LOG_CLIENT, "192.0.2.2" }, { LOG_SENDER, "anna@sender.net" }, { LOG_RECIPIENT, "user@example.com" },
        { LOG_HELO, "x.local" }, { LOG_STATE, "RCPT" },
        { LOG_REPLY, "554 5.7.1 <x.local>: Helo command rejected: Go away, bad guy (.local)." } } },
    { "2026-11-24T02:18:09.123456+00:00 mx postfix/submission/smtpd[7262]: CFCEA1AB: reject: END-OF-MESSAGE from " CLIENT
      ": 554 5.7.1 <END-OF-MESSAGE>: End-of-data rejected: Account suspended: stolen: it's; from=<x>; "
      "from=<user@example.com> to=<a@elsewhere.net> proto=ESMTP helo=<laptop.home> sasl_method=PLAIN "
      "sasl_username=user@example.com",
      LINE_REJECT,
      { { LOG_TIME, "2026-11-24T02:18:09.123456+00:00" }, { LOG_QUEUE_ID, "CFCEA1AB" }, { LOG_STATE, "END-OF-MESSAGE" },
        { LOG_SENDER, "user@example.com" }, { LOG_LOGIN_NAME, "user@example.com" }, { LOG_MECHANISM, "PLAIN" },
        { LOG_REPLY, "554 5.7.1 <END-OF-MESSAGE>: End-of-data rejected: Account suspended: stolen: it's; from=<x>" } } },
    { POSTFIX REJECT "454 4.7.1 <odd > to=<a@b>@example.com>: Relay access denied; from=<anna@sender.net> "
                     "to=<\"odd > to=<a@b>\"@example.com> proto=ESMTP helo=<mail.sender.net>",
      LINE_REJECT, { { LOG_SENDER, "anna@sender.net" }, { LOG_RECIPIENT, "\"odd > to=<a@b>\"@example.com" } } },
    { POSTFIX REJECT "554 5.7.1 <x.local>: Helo command rejected: Go away, bad guy (.local).; "
                     "from=<\"odd > name: x; from=\"@sender.net> to=<user@example.com> proto=ESMTP helo=<x.local>",
      LINE_REJECT, { { LOG_SENDER, "\"odd > name: x; from=\"@sender.net" }, { LOG_HELO, "x.local" } } },
    { POSTFIX REJECT "553 5.7.1 <x; from=<a@b.net> to=<c@d.net> proto=SMTP helo=<e>@f.net>: Sender address rejected: no; "
                     "from=<\"x; from=<a@b.net> to=<c@d.net> proto=SMTP helo=<e>\"@f.net> to=<user@example.com> "
                     "proto=ESMTP helo=<mail.f.net>",
      LINE_REJECT,
      { { LOG_SENDER, "\"x; from=<a@b.net> to=<c@d.net> proto=SMTP helo=<e>\"@f.net" },
        { LOG_RECIPIENT, "user@example.com" }, { LOG_HELO, "mail.f.net" } } },
    { POSTFIX "NOQUEUE: reject: HELO from " CLIENT ": 554 5.7.1 <x.local>: Helo command rejected: no; proto=SMTP "
              "helo=<x.local>",
      LINE_REJECT, { { LOG_STATE, "HELO" }, { LOG_HELO, "x.local" }, { LOG_SENDER, "" } } },
    { POSTFIX "NOQUEUE: reject: RCPT from unknown[2001:db8::1]:49152: 450 4.7.1 <mail>: no; from=<> to=<a@b.net> "
              "proto=ESMTP helo=<mail>",
      LINE_REJECT, { { LOG_CLIENT, "2001:db8::1" }, { LOG_SENDER, "" }, { LOG_HELO, "mail" } } },
    { "NOQUEUE: reject: RCPT from " CLIENT ": 450 4.7.1 <mail>: no; from=<a@b.net> to=<c@d.net> proto=SMTP helo=<mail>",
      LINE_REJECT, { { LOG_TIME, "" }, { LOG_PROGRAM, "" }, { LOG_SENDER, "a@b.net" } } }, /* without its head */
    { "Nov 24 02:18:09 mx postfix/cleanup[9]: 3A5F1186: milter-reject: END-OF-MESSAGE from " CLIENT
      ": 5.7.1 Spam; from=<a@b.net> to=<c@d.net> proto=ESMTP helo=<mail.b.net>",
      LINE_REJECT, { { LOG_STATUS, "milter-reject" }, { LOG_REPLY, "5.7.1 Spam" } } },
    { "Nov 24 02:18:09 mx postfix/postscreen[9]: NOQUEUE: reject: RCPT from [192.0.2.2]:49152: 550 5.5.1 Protocol error; "
      "from=<a@b.net>, to=<c@d.net>, proto=ESMTP, helo=<mail.b.net>",
      LINE_REJECT,
      { { LOG_CLIENT, "192.0.2.2" }, { LOG_CLIENT_NAME, "" }, { LOG_SENDER, "a@b.net" }, { LOG_RECIPIENT, "c@d.net" },
        { LOG_HELO, "mail.b.net" }, { LOG_REPLY, "550 5.5.1 Protocol error" } } },
    /* SASL */
    { SUBMIT "warning: " CLIENT ": SASL PLAIN authentication failed: Account suspended: stolen: it's; from=<x>, "
             "sasl_username=user@example.com",
      LINE_SASL_FAILED,
      { { LOG_CLIENT, "192.0.2.2" }, { LOG_MECHANISM, "PLAIN" }, { LOG_LOGIN_NAME, "user@example.com" },
        { LOG_REASON, "Account suspended: stolen: it's; from=<x>" } } },
    { POSTFIX "warning: unknown[192.0.2.2]: SASL LOGIN authentication failed: UGFzc3dvcmQ6", LINE_SASL_FAILED,
      { { LOG_MECHANISM, "LOGIN" }, { LOG_REASON, "UGFzc3dvcmQ6" }, { LOG_LOGIN_NAME, "" } } },
    /* a message's way */
    { SUBMIT "B1911A863DC: client=" CLIENT ", sasl_method=PLAIN, sasl_username=user@example.com", LINE_ACCEPTED,
      { { LOG_QUEUE_ID, "B1911A863DC" }, { LOG_CLIENT, "192.0.2.2" }, { LOG_LOGIN_NAME, "user@example.com" },
        { LOG_MECHANISM, "PLAIN" } } },
    { POSTFIX "4gD5yb1Fx9z3Kq: client=" CLIENT, LINE_ACCEPTED, { { LOG_QUEUE_ID, "4gD5yb1Fx9z3Kq" }, { LOG_LOGIN_NAME, "" } } },
    { "Nov 24 02:18:09 mx postfix/qmgr[1156]: A45C8A863DC: from=<>, size=212, nrcpt=1 (queue active)", LINE_QUEUED,
      { { LOG_SENDER, "" }, { LOG_SIZE, "212" }, { LOG_RECIPIENTS, "1" } } },
    { "Nov 24 02:18:23 mx postfix/error[1239]: 725B1A863F1: to=<user@example.com>, orig_to=<info@example.com>, "
      "relay=none, delay=0.01, delays=0/0.01/0/0, dsn=4.3.0, status=deferred (address resolver failure)",
      LINE_DELIVERY,
      { { LOG_RECIPIENT, "user@example.com" }, { LOG_STATUS, "deferred" }, { LOG_REASON, "address resolver failure" } } },
    { "Nov 24 02:18:23 mx postfix/smtp[9]: 725B1A863F1: to=<a@b.net>, relay=b.net[192.0.2.9]:25, delay=1, "
      "delays=0/0/1/0, dsn=5.1.1, status=bounced (host b.net[192.0.2.9] said: 550 status=sent (no) (in reply to RCPT TO))",
      LINE_DELIVERY,
      { { LOG_STATUS, "bounced" },
        { LOG_REASON, "host b.net[192.0.2.9] said: 550 status=sent (no) (in reply to RCPT TO)" } } },
    { "Nov 24 02:18:09 mx postfix/qmgr[1156]: B1911A863DC: removed", LINE_REMOVED, { { LOG_EVENT, "removed" } } },
    { "Nov 24 02:18:09 mx postfix/cleanup[1179]: B1911A863DC: message-id=<1@x>", LINE_QUEUE,
      { { LOG_EVENT, "message-id=<1@x>" } } },
    { POSTFIX "connect from " CLIENT, LINE_OTHER, { { LOG_PROGRAM, "postfix/smtpd" } } },
    { POSTFIX "warning: connect to postern/policy: Connection refused", LINE_OTHER, { { LOG_FIELDS, NULL } } },
    /* Dovecot 2.3, 2.4 */
    { "Nov 24 02:18:10 imap-login: Info: Disconnected: Connection closed (user disabled): user=<user@example.com>, "
      "method=PLAIN, rip=192.0.2.2, lip=127.0.0.1, TLS: Connection closed, session=<LslfUvxgHep/AAAC>",
      LINE_LOGIN_FAILED,
      { { LOG_LOGIN_NAME, "user@example.com" }, { LOG_MECHANISM, "PLAIN" }, { LOG_CLIENT, "192.0.2.2" },
        { LOG_SERVICE, "imap" }, { LOG_SECURITY, "TLS" }, { LOG_SESSION, "LslfUvxgHep/AAAC" },
        { LOG_STATUS, "user disabled" } } },
    { "2026-11-24T02:19:10.5+00:00 mx dovecot: managesieve-login: Login aborted: Connection closed (auth failed, 1 attempts "
      "in 0 secs) (auth_failed): user=<weird>, rip=9> name@x>, method=PLAIN, rip=192.0.2.2, lip=127.0.0.1, "
      "session=<gHwCVvxg38R/AAAC>",
      LINE_LOGIN_FAILED,
      { { LOG_PROGRAM, "managesieve-login" }, { LOG_LOGIN_NAME, "weird>, rip=9> name@x" }, { LOG_CLIENT, "192.0.2.2" },
        { LOG_SERVICE, "sieve" }, { LOG_SECURITY, "" }, { LOG_STATUS, "auth failed" } } },
    { "Nov 24 02:19:10 mx dovecot[812]: pop3-login: Logged in: user=<user@example.com>, method=PLAIN, rip=192.0.2.2, "
      "lip=127.0.0.1, mpid=7284, TLS, session=<JwECVvxg86V/AAAC>",
      LINE_LOGIN, { { LOG_SERVICE, "pop3" }, { LOG_SECURITY, "TLS" }, { LOG_STATUS, "ok" } } },
    { "Nov 24 02:18:09 imap-login: Info: Disconnected: Connection closed (disconnected before auth was ready, waited 0 "
      "secs): user=<>, rip=127.0.0.1, lip=127.0.0.1, secured, session=<GvNVUvxgzol/AAAB>",
      LINE_LOGIN_FAILED, { { LOG_STATUS, "no login" }, { LOG_SECURITY, "secured" }, { LOG_LOGIN_NAME, "" } } },
    { "Nov 24 02:18:12 auth-worker(1183): Info: conn unix:auth-worker (pid=1175,uid=105): auth-worker<8>: "
      "postern(user@example.com,192.0.2.2,<qW1+UvxgB4h/AAAC>): refused: starttls",
      LINE_DRIVER,
      { { LOG_PROGRAM, "auth-worker" }, { LOG_LOGIN_NAME, "user@example.com" }, { LOG_CLIENT, "192.0.2.2" },
        { LOG_SESSION, "qW1+UvxgB4h/AAAC" }, { LOG_STATUS, "refused" }, { LOG_CHECK, "starttls" } } },
    { "Nov 24 02:19:11 mx dovecot: auth-worker(a): request [1], name,2001:db8::1)<7263><GHMAVvxgFdZ/AAAC>: request [15]: "
      "postern: unknown user",
      LINE_DRIVER,
      { { LOG_LOGIN_NAME, "a): request [1], name" }, { LOG_CLIENT, "2001:db8::1" }, { LOG_SESSION, "GHMAVvxgFdZ/AAAC" },
        { LOG_STATUS, "unknown" } } },
    { "Nov 24 02:19:10 auth-worker(user@example.com,192.0.2.2)<7263>: request [2]: Info: postern: would be refused if it "
      "were enforced: starttls",
      LINE_DRIVER,
      { { LOG_SESSION, "" }, { LOG_STATUS, "observed" }, { LOG_CHECK, "starttls" }, { LOG_CLIENT, "192.0.2.2" } } },
    { "Nov 24 02:19:10 auth: Warning: Weak password schemes are allowed", LINE_OTHER, { { LOG_FIELDS, NULL } } },
    /* policyd */
    { "2026-11-24T02:18:09+0000 policyd: decision=refuse check=helo_local observed=helo_fqdn,sender_auth state=RCPT "
      "client=192.0.2.2 helo=\"a\\\"b \\x1b\\\\.local\" sender=anna@sender.net recipient=user@example.com "
      "reply=\"554 5.7.1 Go away\" us=120",
      LINE_DECISION,
      { { LOG_STATUS, "refuse" }, { LOG_CHECK, "helo_local" }, { LOG_OBSERVED, "helo_fqdn,sender_auth" },
        { LOG_HELO, "a\"b \x1b\\.local" }, { LOG_SENDER, "anna@sender.net" }, { LOG_REPLY, "554 5.7.1 Go away" } } },
    { "Nov 24 02:18:09 mx policyd[77]: decision=pass state=END-OF-MESSAGE client=192.0.2.2 login=user@example.com "
      "queue_id=B1911A863DC us=9",
      LINE_DECISION,
      { { LOG_STATUS, "pass" }, { LOG_LOGIN_NAME, "user@example.com" }, { LOG_QUEUE_ID, "B1911A863DC" } } },
    { "2026-11-24T02:18:09+0000 policyd: ready", LINE_OTHER, { { LOG_FIELDS, NULL } } },
    /* nothing, and what breaks off */
    { "", LINE_OTHER, { { LOG_FIELDS, NULL } } },
    { "decision=refuse helo=\"\\", LINE_DECISION, { { LOG_STATUS, "refuse" } } },
    { POSTFIX REJECT, LINE_OTHER, { { LOG_FIELDS, NULL } } },
    { POSTFIX REJECT "554 5.7.1 no; from=<a@b.net> to=<", LINE_OTHER, { { LOG_FIELDS, NULL } } },
};

static void parse(const char *line, size_t len, struct log_line *l)
{
    static char text[2 * LOG_TEXT_MAX];

    memcpy(text, line, len);
    log_line_parse(text, len, l);
}

START_TEST(taken_apart)
{
    struct log_line l;

    parse(lines[_i].line, strlen(lines[_i].line), &l);
    ck_assert_msg(l.kind == lines[_i].kind, "%s: %s", line_kind_name(l.kind), lines[_i].line);
    for (size_t i = 0; i < EXPECTED_MAX && lines[_i].field[i].value; i++) {
        struct span value = l.field[lines[_i].field[i].field];
        ck_assert_msg(span_equal(value, span_of(lines[_i].field[i].value)), "%s is '%.*s': %s",
                      log_field_names[lines[_i].field[i].field], (int)value.len, value.ptr, lines[_i].line);
    }
}
END_TEST

/* Wherever a line is cut, and whichever octet of it is another: every field lies within it. */
START_TEST(fields_lie_within)
{
    const char *whole = lines[_i].line;
    struct log_line l;

    for (size_t len = 0; len <= strlen(whole); len++)
        for (const char *octet = "<>\"\\,:= "; *octet; octet++) {
            char *text = malloc(len + 1); /* exactly: a sanitizer sees what lies beyond */
            memcpy(text, whole, len);
            if (len > 0)
                text[len * 7 % len] = *octet, text[len - 1] = *octet;
            log_line_parse(text, len, &l);
            for (size_t f = 0; f < LOG_FIELDS; f++)
                if (l.field[f].len > 0 && f != LOG_STATUS && f != LOG_SERVICE)
                    ck_assert(l.field[f].ptr >= text && l.field[f].ptr + l.field[f].len <= text + len);
            free(text);
        }
}
END_TEST

START_TEST(a_null_sender_is_no_missing_one)
{
    struct log_line l;

    parse(lines[6].line, strlen(lines[6].line), &l);
    ck_assert_ptr_nonnull(l.field[LOG_SENDER].ptr);
    parse(lines[5].line, strlen(lines[5].line), &l);
    ck_assert_ptr_null(l.field[LOG_SENDER].ptr);
}
END_TEST

/* A name of many beginnings costs no more than the line is long, squared. */
START_TEST(the_longest_line)
{
    static char text[2 * LOG_TEXT_MAX];
    static const char part[] = "; from=<\"";
    struct log_line l;
    size_t len = strlen(POSTFIX REJECT "554 5.7.1 ");

    memcpy(text, POSTFIX REJECT "554 5.7.1 ", len);
    while (len + sizeof part < sizeof text) {
        memcpy(text + len, part, sizeof part - 1);
        len += sizeof part - 1;
    }
    log_line_parse(text, len, &l);
    ck_assert_int_eq(l.kind, LINE_OTHER);
}
END_TEST

static const struct {
    const char *reply, *sender, *helo;
    const char *list, *text;
} replies[] = {
    { "554 5.7.1 <x.local>: Helo command rejected: Go away", "a@b.net", "x.local", "helo", "Go away" },
    { "553 5.7.1 <a@b.net>: Sender address rejected: no: really", "a@b.net", "x", "sender", "no: really" },
    { "553 5.7.1 <odd > x@b.net>: Sender address rejected: no", "\"odd > x\"@b.net", "x", "sender", "no" },
    { "454 4.7.1 <c@d.net>: Relay access denied", "a@b.net", "x", NULL, "Relay access denied" },
    { "450 4.7.1 <mail[192.0.2.2]>: Client host rejected: cannot find your hostname", "a@b.net", "x", "client",
      "cannot find your hostname" },
    { "554 5.7.1 <END-OF-MESSAGE>: End-of-data rejected: no", "a@b.net", "x", "end-of-data", "no" },
    /* a sender that looks like a reply */
    { "550 5.1.1 <x>: Helo command rejected: Go away@b.net>: Sender address rejected: no",
      "\"x>: Helo command rejected: Go away\"@b.net", "y", "sender", "no" },
    { "421 4.3.0 odd", "a@b.net", "x", NULL, "odd" },
    { "odd", "a@b.net", "x", NULL, "odd" },
};

START_TEST(words_of_a_reply)
{
    struct log_line l = { .kind = LINE_REJECT };
    const char *list;

    l.field[LOG_REPLY] = span_of(replies[_i].reply);
    l.field[LOG_SENDER] = span_of(replies[_i].sender);
    l.field[LOG_RECIPIENT] = SPAN("c@d.net");
    l.field[LOG_HELO] = span_of(replies[_i].helo);
    l.field[LOG_CLIENT_NAME] = SPAN("mail");
    l.field[LOG_CLIENT] = SPAN("192.0.2.2");
    struct span text = log_line_reply_text(&l, &list);
    ck_assert_msg(span_equal(text, span_of(replies[_i].text)), "%.*s", (int)text.len, text.ptr);
    ck_assert_pstr_eq(list, replies[_i].list);
}
END_TEST

START_TEST(queue_ids)
{
    ck_assert(log_is_queue_id(SPAN("A3D61A863DB")));
    ck_assert(log_is_queue_id(SPAN("4gD5yb1Fx9z3Kq")));
    ck_assert(!log_is_queue_id(SPAN("")));
    ck_assert(!log_is_queue_id(SPAN("A3D6")));
    ck_assert(!log_is_queue_id(SPAN("warning")));
    ck_assert(!log_is_queue_id(SPAN("A3D61 863DB")));
    ck_assert(!log_is_queue_id(SPAN("A3D61A863DBA3D61A863DB")));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("log_line");
    TCase *t = tcase_create("lines");
    SRunner *runner = srunner_create(suite);

    tcase_add_loop_test(t, taken_apart, 0, sizeof lines / sizeof *lines);
    tcase_add_loop_test(t, fields_lie_within, 0, sizeof lines / sizeof *lines);
    tcase_add_test(t, a_null_sender_is_no_missing_one);
    tcase_add_test(t, the_longest_line);
    tcase_add_loop_test(t, words_of_a_reply, 0, sizeof replies / sizeof *replies);
    tcase_add_test(t, queue_ids);
    suite_add_tcase(suite, t);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
