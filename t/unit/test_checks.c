/* SPDX-License-Identifier: MIT */
/*
 * policyd/checks/, each check alone: what cannot be told by whole requests (t/cases/), since
 * others decide before it, and what would take hundreds of these.
 */
#include "policyd/check.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policyd/policy.h"
#include "t/unit/checked_world.h"

/* A DNS that says the same of every name, by type. */
struct scripted_dns {
    struct dns_source source; /* first */
    enum dns_status status[DNS_TXT + 1];
};

static enum dns_status ask(struct dns_source *source, struct span name, enum dns_type type,
                           struct dns_waiter *waiter, struct dns_answer *answer_r)
{
    (void)name, (void)waiter;
    *answer_r = (struct dns_answer){ .status = ((struct scripted_dns *)source)->status[type], .count = 1 };
    memcpy(answer_r->address[0], (const unsigned char[]){ 127, 0, 0, 2 }, 4);
    return answer_r->status;
}

static void cancel(struct dns_source *source, struct dns_waiter *waiter)
{
    (void)source, (void)waiter;
}

static struct scripted_dns scripted = { .source = { ask, cancel } };
static struct request request;
static struct finding finding;
static struct proposals proposed;

static void set_up(void)
{
    checked_world_open();
    change("domain-add domain=example.com kind=mailbox");
    change("account-add address=john@example.com kind=user password={X}x");
    memset(&request, 0, sizeof request);
    memset(&finding, 0, sizeof finding);
    finding.mode = MODE_ENFORCE;
    finding.explain = true;
    proposals_clear(&proposed);
}

static void set(enum attribute a, const char *value)
{
    request.attr[a] = span_of(value);
}

static enum verdict run(enum check_id id)
{
    request_prepare(&request, world.config);
    struct facts *f = world_facts(&world);
    struct check_ctx c = { id, &request, world.config, f, NULL, &proposed };

    finding.row[0] = '\0';
    enum verdict v = checks[id].run(&c, &finding);
    rows_turn_end(world.rows);
    return v;
}

/* ---- HELO names ---- */

static const struct {
    const char *helo;
    bool passes;
} helo_names[] = {
    { "mail.example.net", true },
    { "MAIL.Example.NET.", true },
    { "my_host.example.net", true },
    { "9.example", true },
    { "localhost", false },
    { "192.0.2.1", false },
    { "1.2", false },
    { "-x.example.net", false },
    { "x-.example.net", false },
    { "x-y.example.net", true },
    { "a..example.net", false },
    { ".example.net", false },
    { "a{.example.net", false },
    { "a^.example.net", false },
    { "a:.example.net", false },
    { "a/.example.net", false },
    { "a`.example.net", false },
    { "@.example.net", false },
    { "a.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", true },
    { "a.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false },
    { "[192.0.2.1]", true },
    { "[192.0.2.001]", true },
    { "[192.0.2.256]", false },
    { "[192.0.2.x]", false },
    { "[192.0.2]", false },
    { "[192.0.2.1.1]", false },
    { "[192.0.2.1", false },
    { "192.0.2.1]", false },
    { "[]", false },
    { "[x]", false },
    { "[IPv6:]", false },
    { "[IPv6:::]", true },
    { "[ipv6:2001:DB8::1]", true },
    { "[IPv7:2001:db8::1]", false },
    { "[2001:db8::1]", false },
    { "[IPv6:1:2:3:4:5]", false },
    { "[IPv6:1:2:3:4:5:6]", true }, /* as Postfix: too few are not for a policy to refuse */
    { "[IPv6:1:2:3:4:5:6:7:8]", true },
    { "[IPv6:1:2:3:4:5:6:7:8:9]", false },
    { "[IPv6:1::3:4:5:6:7:8]", true },
    { "[IPv6:1::3:4:5:6:7:8:9]", false },
    { "[IPv6:1::2::3]", false },
    { "[IPv6:1:::3]", false },
    { "[IPv6::1:2:3:4:5:6:7]", false },
    { "[IPv6:1:2:3:4:5:6:7:]", false },
    { "[IPv6:12345::1]", false },
    { "[IPv6:1g::1]", false },
    { "[IPv6:::g]", false },
    { "[IPv6:g]", false },
    { "[IPv6:::192.0.2.1]", true },
    { "[IPv6:1:2:3:4:5:6:192.0.2.1]", true },
    { "[IPv6:192.0.2.1]", false },
    { "[IPv6:::192.0.2]", false },
};

START_TEST(helo_names_as_postfix_takes_them)
{
    set(ATTR_HELO_NAME, helo_names[_i].helo);
    ck_assert_msg(run(CHECK_HELO_FQDN) == (helo_names[_i].passes ? VERDICT_PASS : VERDICT_REFUSE), "%s",
                  helo_names[_i].helo);
}
END_TEST

START_TEST(a_nul_is_no_digit)
{
    static const char helo[] = "[IPv6:::\0]";

    request.attr[ATTR_HELO_NAME] = (struct span){ helo, sizeof helo - 1 };
    ck_assert_int_eq(run(CHECK_HELO_FQDN), VERDICT_REFUSE);
}
END_TEST

static const struct {
    const char *server, *helo;
    bool own;
} own_names[] = {
    { "192.0.2.25", "192.0.2.25", true },          { "192.0.2.25", "[192.0.2.25]", true },
    { "192.0.2.25", "[192.0.2.25", false },        { "192.0.2.25", "[]", false },
    { "192.0.2.25", "[192.0.2.250]", false },      { "2001:db8::25", "ipv6:2001:db8::25", true },
    { "2001:db8::25", "[IPv6:2001:db8::25]", true }, { "", "192.0.2.25", false },
    { "192.0.2.25", "", false },
};

START_TEST(own_addresses)
{
    set(ATTR_SERVER_ADDRESS, own_names[_i].server);
    set(ATTR_HELO_NAME, own_names[_i].helo);
    ck_assert_msg(run(CHECK_HELO_SELF) == (own_names[_i].own ? VERDICT_REFUSE : VERDICT_PASS), "%s on %s",
                  own_names[_i].helo, own_names[_i].server);
}
END_TEST

/* Whatever the three questions are answered. */
START_TEST(each_answer_to_each_question)
{
    set(ATTR_HELO_NAME, "mail.example.net");
    world.facts.dns = &scripted.source;
    for (int a = 0; a < DNS_STATUS_COUNT; a++)
        for (int aaaa = 0; aaaa < DNS_STATUS_COUNT; aaaa++)
            for (int mx = 0; mx < DNS_STATUS_COUNT; mx++) {
                bool more = a == DNS_NODATA, found = a == DNS_FOUND || (more && (aaaa == DNS_FOUND || mx == DNS_FOUND));
                bool waits = a == DNS_PENDING || (more && (aaaa == DNS_PENDING || mx == DNS_PENDING));
                bool failed = a == DNS_FAILED || (more && (aaaa == DNS_FAILED || mx == DNS_FAILED));
                scripted.status[DNS_A] = (enum dns_status)a;
                scripted.status[DNS_AAAA] = (enum dns_status)aaaa;
                scripted.status[DNS_MX] = (enum dns_status)mx;
                ck_assert_int_eq(run(CHECK_HELO_RESOLVE), found    ? VERDICT_PASS
                                                          : waits  ? VERDICT_PENDING
                                                          : failed ? VERDICT_TRY_AGAIN
                                                                   : VERDICT_REFUSE);
            }
    set(ATTR_HELO_NAME, "[192.0.2.1]");
    ck_assert_int_eq(run(CHECK_HELO_RESOLVE), VERDICT_PASS);
    set(ATTR_HELO_NAME, "");
    ck_assert_int_eq(run(CHECK_HELO_RESOLVE), VERDICT_PASS);
}
END_TEST

/* ---- DNS lists ---- */

START_TEST(the_text_of_a_list)
{
    static const struct {
        enum dns_status text;
        enum verdict verdict;
    } rows[] = {
        { DNS_PENDING, VERDICT_PENDING },
        { DNS_FAILED, VERDICT_REFUSE }, /* the reply is shorter */
        { DNS_FOUND, VERDICT_REFUSE },  /* and empty */
    };

    configure("dnsbl { zones = {\"list.example\"} }");
    set(ATTR_CLIENT_ADDRESS, "192.0.2.1");
    world.facts.dns = &scripted.source;
    scripted.status[DNS_A] = DNS_FOUND;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        scripted.status[DNS_TXT] = rows[i].text;
        ck_assert_int_eq(run(CHECK_DNSBL), rows[i].verdict);
    }
    ck_assert_str_eq(finding.reply, "554 5.7.1 Service unavailable; client [192.0.2.1] blocked using list.example");
}
END_TEST

/* What each kind of zone is asked, where the DNS says of each name that it is listed. */
static const struct {
    const char *zones, *client, *client_name, *helo, *sender;
    const char *subject; /* who is refused; NULL: nobody is asked about */
} questions[] = {
    { "list.example", "192.0.2.1", "", "", "", "192.0.2.1" },
    { "list.example", "", "", "mail.example.net", "", NULL },
    { "helo:list.example", "", "", "mail.example.net", "", "mail.example.net" },
    { "helo:list.example", "192.0.2.1", "", "", "", NULL },
    { "helo:list.example", "192.0.2.1", "", "[192.0.2.1]", "", NULL },
    { "helo:list.example", "192.0.2.1", "", "localhost", "", NULL },
    { "sender:list.example", "192.0.2.1", "", "", "a@b.example", "192.0.2.1" },
    { "sender:list.example", "192.0.2.1", "", "", "a\x01@b.example", NULL },
    { "sender:list.example", "192.0.2.1", "", "", "", NULL },
    { "name:list.example", "192.0.2.1", "mail.example.net", "", "", "192.0.2.1" },
    { "name:list.example", "192.0.2.1", "unknown", "", "", NULL },
    { "name:list.example", "192.0.2.1", "", "", "", NULL },
};

START_TEST(what_a_list_is_asked)
{
    char text[128];

    snprintf(text, sizeof text, "dnsbl { zones = {\"%s\"} }", questions[_i].zones);
    configure(text);
    set(ATTR_CLIENT_ADDRESS, questions[_i].client);
    set(ATTR_CLIENT_NAME, questions[_i].client_name);
    set(ATTR_HELO_NAME, questions[_i].helo);
    set(ATTR_SENDER, questions[_i].sender);
    world.facts.dns = &scripted.source;
    scripted.status[DNS_A] = DNS_FOUND;
    scripted.status[DNS_TXT] = DNS_NODATA;
    ck_assert_int_eq(run(CHECK_DNSBL), questions[_i].subject ? VERDICT_REFUSE : VERDICT_PASS);
    if (questions[_i].subject)
        ck_assert_str_eq(finding.subject, questions[_i].subject);
}
END_TEST

/* Zones "a" and "b" answer, or will, or cannot: each with its weight, against a threshold of 3. */
static const struct {
    const char *zones, *a, *b;
    enum verdict verdict;
    const char *cause;
} sums[] = {
    { "\"a.example*3\", \"b.example*2\"", "A=127.0.0.2", "A=127.0.0.2", VERDICT_REFUSE, "a.example" },
    { "\"a.example*2\", \"b.example*3\"", "A=127.0.0.2", "A=127.0.0.2", VERDICT_REFUSE, "b.example" },
    { "\"a.example*4\", \"b.example*-1\"", "A=127.0.0.2", "A=127.0.0.2", VERDICT_REFUSE, "a.example" },
    { "\"a.example*3\", \"b.example*-1\"", "A=127.0.0.2", "A=127.0.0.2", VERDICT_PASS, NULL },
    { "\"a.example*3\", \"b.example*-1\"", "A=127.0.0.2", "NEVER", VERDICT_PENDING, NULL },
    { "\"a.example*4\", \"b.example*-1\"", "A=127.0.0.2", "NEVER", VERDICT_REFUSE, "a.example" },
    { "\"a.example*3\", \"b.example*-1\"", "A=127.0.0.2", "SERVFAIL", VERDICT_TRY_AGAIN, NULL },
    { "\"a.example*2\", \"b.example*1\"", "A=127.0.0.2", "NEVER", VERDICT_PENDING, NULL },
    { "\"a.example*1\", \"b.example*1\"", "A=127.0.0.2", "NEVER", VERDICT_PASS, NULL },
};

START_TEST(sums_of_weights)
{
    char text[128];

    snprintf(text, sizeof text, "dnsbl { zones = {%s} threshold = 3 }", sums[_i].zones);
    configure(text);
    set(ATTR_CLIENT_ADDRESS, "192.0.2.1");
    snprintf(text, sizeof text, "1.2.0.192.a.example %s", sums[_i].a);
    dns(text);
    snprintf(text, sizeof text, "1.2.0.192.b.example %s", sums[_i].b);
    dns(text);
    ck_assert_int_eq(run(CHECK_DNSBL), sums[_i].verdict);
    if (sums[_i].cause)
        ck_assert_str_eq(finding.cause, sums[_i].cause);
}
END_TEST

/* ---- greylisting ---- */

static const struct {
    const char *sender, *kept;
} senders[] = {
    { "john@example.net", "john@example.net" },
    { "john+list@example.net", "john@example.net" },
    { "prvs=0123456789=john@example.net", "john@example.net" },
    { "bounce-17-2a@example.net", "bounce-#-#a@example.net" },
    { "bounce-18-34a@example.net", "bounce-#-#a@example.net" },
    { "", "" },
};

START_TEST(what_is_met_again)
{
    set(ATTR_CLIENT_ADDRESS, "2001:db8:1:2:3::4");
    set(ATTR_RECIPIENT, "john@example.com");
    set(ATTR_SENDER, senders[_i].sender);
    ck_assert_int_eq(run(CHECK_GREYLIST), VERDICT_PASS);
    ck_assert_uint_eq(proposed.count, 1);
    ck_assert_str_eq(proposed.change[0].field[FIELD_ENVELOPE_SENDER], senders[_i].kept);
    ck_assert_str_eq(proposed.change[0].field[FIELD_CLIENT], "2001:db8:1:2::/64");
}
END_TEST

START_TEST(nobody_to_meet)
{
    set(ATTR_SENDER, "john@example.net");
    set(ATTR_CLIENT_ADDRESS, "192.0.2.1");
    ck_assert_int_eq(run(CHECK_GREYLIST), VERDICT_PASS);
    set(ATTR_CLIENT_ADDRESS, "unknown");
    set(ATTR_RECIPIENT, "john@example.com");
    ck_assert_int_eq(run(CHECK_GREYLIST), VERDICT_PASS);
    ck_assert_uint_eq(proposed.count, 0);
}
END_TEST

/* ---- suffixes ---- */

START_TEST(the_longest_suffix_counts)
{
    configure("helo_local { enforce = {\".lan\", \".office.lan\", \".n\"} observe = {\".home\"} }");
    set(ATTR_HELO_NAME, "pc.office.lan");
    ck_assert_int_eq(run(CHECK_HELO_LOCAL), VERDICT_REFUSE);
    ck_assert_str_eq(finding.cause, ".office.lan");
    configure("helo_local { enforce = {\".office.lan\", \".lan\"} observe = {\".home\"} }");
    ck_assert_int_eq(run(CHECK_HELO_LOCAL), VERDICT_REFUSE);
    ck_assert_str_eq(finding.cause, ".office.lan");
    ck_assert_int_eq(finding.mode, MODE_ENFORCE);
    set(ATTR_HELO_NAME, "pc.home");
    ck_assert_int_eq(run(CHECK_HELO_LOCAL), VERDICT_REFUSE);
    ck_assert_int_eq(finding.mode, MODE_OBSERVE); /* lowered */
    ck_assert_int_eq(run(CHECK_HELO_LOCAL), VERDICT_REFUSE);
    ck_assert_int_eq(finding.mode, MODE_OBSERVE); /* and left */
}
END_TEST

/* ---- how a login came ---- */

static const struct {
    enum check_id check;
    const char *client, *server, *port, *method, *encryption;
    enum verdict verdict;
} logins[] = {
    { CHECK_STARTTLS, "192.0.2.1", "192.0.2.25", "25", "PLAIN", "", VERDICT_REFUSE },
    { CHECK_STARTTLS, "", "192.0.2.25", "25", "PLAIN", "", VERDICT_REFUSE },
    { CHECK_STARTTLS, "192.0.2.25", "192.0.2.25", "25", "PLAIN", "", VERDICT_PASS },
    { CHECK_STARTTLS, "192.0.2.1", "192.0.2.25", "25", "SCRAM-SHA-256", "", VERDICT_PASS },
    { CHECK_STARTTLS, "192.0.2.1", "192.0.2.25", "25", "PLAIN", "TLSv1.3", VERDICT_PASS },
    { CHECK_STARTTLS, "192.0.2.1", "192.0.2.25", "25", "PLAIN", NULL, VERDICT_NONE },
    { CHECK_IMPLICIT_TLS, "192.0.2.1", "192.0.2.25", "465", "PLAIN", "TLSv1.3", VERDICT_REFUSE },
    { CHECK_IMPLICIT_TLS, "192.0.2.1", "192.0.2.25", "587", "PLAIN", "TLSv1.3", VERDICT_PASS },
    { CHECK_IMPLICIT_TLS, "192.0.2.1", "192.0.2.25", "", "PLAIN", "TLSv1.3", VERDICT_PASS },
    { CHECK_IMPLICIT_TLS, "192.0.2.1", "192.0.2.25", "465", "EXTERNAL", "TLSv1.3", VERDICT_PASS },
    { CHECK_IMPLICIT_TLS, "192.0.2.1", "192.0.2.25", "465", "PLAIN", "", VERDICT_NONE },
};

START_TEST(how_a_login_came)
{
    set(ATTR_CLIENT_ADDRESS, logins[_i].client);
    set(ATTR_SERVER_ADDRESS, logins[_i].server);
    set(ATTR_SERVER_PORT, logins[_i].port);
    set(ATTR_SASL_METHOD, logins[_i].method);
    set(ATTR_SASL_USERNAME, "john@example.com");
    if (logins[_i].encryption)
        set(ATTR_ENCRYPTION_PROTOCOL, logins[_i].encryption);
    ck_assert_int_eq(run(logins[_i].check), logins[_i].verdict);
}
END_TEST

/* Whatever SASL let in under a name that is no address. */
START_TEST(a_login_that_is_no_address)
{
    set(ATTR_PROTOCOL_STATE, "END-OF-MESSAGE");
    set(ATTR_SASL_USERNAME, "john\x01@example.com");
    set(ATTR_SENDER, "john@example.com");
    set(ATTR_RECIPIENT_COUNT, "1");
    ck_assert_int_eq(run(CHECK_ACCOUNT_STATUS), VERDICT_PASS); /* other databases may know it */
    configure("account_status { unknown_login = \"refuse\" }");
    ck_assert_int_eq(run(CHECK_ACCOUNT_STATUS), VERDICT_REFUSE);
    ck_assert_str_eq(finding.cause, "unknown_login");
    ck_assert_int_eq(run(CHECK_SENDER_LOGIN), VERDICT_REFUSE);
    ck_assert_str_eq(finding.row, "the login is no valid address");
    ck_assert_int_eq(run(CHECK_COMPROMISE), VERDICT_NONE);
    ck_assert_int_eq(run(CHECK_SEND_LIMIT), VERDICT_PASS); /* it counts for whoever it is */
    ck_assert_uint_eq(proposed.count, 1);
    set(ATTR_SASL_USERNAME, "john@example.com");
    set(ATTR_SENDER, "john\x01@example.com");
    ck_assert_int_eq(run(CHECK_SENDER_LOGIN), VERDICT_REFUSE);
    ck_assert_str_eq(finding.row, "the sender is no valid address");
}
END_TEST

/* ---- what is proposed is proposed whole ---- */

static const struct behaviour *get(struct behaviour_source *source, const char *account, int64_t now)
{
    static struct behaviour b;

    (void)source, (void)account;
    memset(&b, 0, sizeof b);
    behaviour_limit_hit(&b, now);
    return &b;
}

static struct behaviour_source source = { get };

START_TEST(no_room_for_it)
{
    static const enum check_id ids[] = { CHECK_GREYLIST, CHECK_SEND_LIMIT, CHECK_COMPROMISE };

    set(ATTR_CLIENT_ADDRESS, "192.0.2.1");
    set(ATTR_RECIPIENT, "anna@example.com");
    set(ATTR_SASL_USERNAME, "john@example.com");
    set(ATTR_PROTOCOL_STATE, "END-OF-MESSAGE");
    set(ATTR_RECIPIENT_COUNT, "1");
    configure("compromise { score = 1 }");
    world.facts.behaviours = &source;
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        proposals_clear(&proposed);
        proposals_add(&proposed, CHECK_ACCESS, CHANGE_OBSERVE);
        proposed.used = sizeof proposed.text - 40;
        ck_assert_msg(run(ids[i]) == VERDICT_TRY_AGAIN, "%s", check_infos[ids[i]].name);
        proposals_cut(&proposed, 1);
        proposed.used = 0;
        ck_assert_msg(run(ids[i]) != VERDICT_TRY_AGAIN, "%s", check_infos[ids[i]].name);
        ck_assert_uint_gt(proposed.count, 1);
    }
}
END_TEST

/* ---- accounts that cannot be read, where their mode can ---- */

START_TEST(accounts_that_cannot_be_read)
{
    set(ATTR_PROTOCOL_STATE, "END-OF-MESSAGE");
    set(ATTR_SASL_USERNAME, "john@example.com");
    set(ATTR_SENDER, "anna@example.com");
    world_fail(&world, true);
    ck_assert_int_eq(run(CHECK_ACCOUNT_STATUS), VERDICT_TRY_AGAIN);
    ck_assert_int_eq(run(CHECK_SENDER_LOGIN), VERDICT_TRY_AGAIN);
    ck_assert_int_eq(run(CHECK_SENDER_AUTH), VERDICT_TRY_AGAIN);
    ck_assert_int_eq(run(CHECK_SEND_LIMIT), VERDICT_TRY_AGAIN);
}
END_TEST

/* ---- limits ---- */

static uint64_t counted(enum usage_unit unit)
{
    static const enum field fields[USAGE_UNITS] = { FIELD_NUMBER, FIELD_RECIPIENTS, FIELD_BYTES };
    uint64_t value;

    proposals_clear(&proposed);
    ck_assert_int_eq(run(CHECK_SEND_LIMIT), VERDICT_PASS);
    ck_assert_uint_eq(proposed.count, 1);
    ck_assert_int_eq(str_number(span_of(proposed.change[0].field[fields[unit]]), 0, UINT64_MAX, &value), OK);
    return value;
}

START_TEST(recipients_that_count)
{
    struct recipients *known;

    set(ATTR_PROTOCOL_STATE, "END-OF-MESSAGE");
    set(ATTR_SASL_USERNAME, "john@example.com");
    set(ATTR_INSTANCE, "1.2");
    set(ATTR_RECIPIENT_COUNT, "3");
    ck_assert_uint_eq(counted(USAGE_RECIPIENTS), 3);
    ck_assert_uint_eq(counted(USAGE_BYTES), 0); /* no size was said */
    configure("send_limit { count_local = false }");
    ck_assert_uint_eq(counted(USAGE_RECIPIENTS), 3); /* it is not known which they are */
    ck_assert_int_eq(recipients_open(&known), OK);
    world.facts.recipients = known;
    recipients_note(known, SPAN("1.2"), SPAN("john@example.com"), true, world.now);
    ck_assert_uint_eq(counted(USAGE_RECIPIENTS), 2);
    configure("send_limit { count_local = true }");
    ck_assert_uint_eq(counted(USAGE_RECIPIENTS), 3);
    recipients_close(&known);
}
END_TEST

START_TEST(a_login_without_a_domain)
{
    set(ATTR_PROTOCOL_STATE, "END-OF-MESSAGE");
    set(ATTR_RECIPIENT_COUNT, "1");
    ck_assert_int_eq(run(CHECK_SEND_LIMIT), VERDICT_NONE); /* nobody: neither a login nor a client */
    set(ATTR_SASL_USERNAME, "john");
    ck_assert_int_eq(run(CHECK_SEND_LIMIT), VERDICT_PASS);
    ck_assert_uint_eq(proposed.count, 1);
    ck_assert_str_eq(proposed.change[0].field[FIELD_KEY], "account john");
}
END_TEST

START_TEST(why_it_counts)
{
    set(ATTR_PROTOCOL_STATE, "END-OF-MESSAGE");
    set(ATTR_SASL_USERNAME, "john@example.com");
    set(ATTR_RECIPIENT_COUNT, "1");
    change("limit-set counted_by=account window=60 messages=2");
    change("limit-set counted_by=host window=60 messages=9");
    ck_assert_int_eq(run(CHECK_SEND_LIMIT), VERDICT_PASS);
    ck_assert_str_eq(finding.row, "john@example.com messages=2/1m; this host messages=9/1m");
    change("limit-set counted_by=account window=0 scope=john@example.com");
    ck_assert_int_eq(run(CHECK_SEND_LIMIT), VERDICT_PASS);
    ck_assert_str_eq(finding.row, "john@example.com no limit; this host messages=9/1m");
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("checks");
    Suite *suite = suite_create("checks");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, t);
    tcase_add_checked_fixture(t, set_up, checked_world_close);
    tcase_add_loop_test(t, helo_names_as_postfix_takes_them, 0, sizeof helo_names / sizeof *helo_names);
    tcase_add_test(t, a_nul_is_no_digit);
    tcase_add_loop_test(t, own_addresses, 0, sizeof own_names / sizeof *own_names);
    tcase_add_test(t, each_answer_to_each_question);
    tcase_add_test(t, the_text_of_a_list);
    tcase_add_loop_test(t, what_a_list_is_asked, 0, sizeof questions / sizeof *questions);
    tcase_add_loop_test(t, sums_of_weights, 0, sizeof sums / sizeof *sums);
    tcase_add_loop_test(t, what_is_met_again, 0, sizeof senders / sizeof *senders);
    tcase_add_test(t, nobody_to_meet);
    tcase_add_test(t, the_longest_suffix_counts);
    tcase_add_loop_test(t, how_a_login_came, 0, sizeof logins / sizeof *logins);
    tcase_add_test(t, a_login_that_is_no_address);
    tcase_add_test(t, no_room_for_it);
    tcase_add_test(t, accounts_that_cannot_be_read);
    tcase_add_test(t, recipients_that_count);
    tcase_add_test(t, a_login_without_a_domain);
    tcase_add_test(t, why_it_counts);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
