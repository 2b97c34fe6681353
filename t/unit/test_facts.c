/* SPDX-License-Identifier: MIT */
/* policyd/facts: modes by scope and time, list entries by rank, DNS questions. */
#include "policyd/facts.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "t/unit/checked_world.h"
#include "t/unit/odd_store.h"

static void set_up(void)
{
    checked_world_open();
    change("domain-add domain=example.com kind=mailbox");
    change("account-add address=john@example.com kind=user password={X}x");
}

static const char *mode(const char *account, const char *domain)
{
    static char text[64];
    struct address a;
    enum mode m;
    const char *scope;

    if (account)
        a = address_of(account);
    enum result r = facts_mode(world_facts(&world), CHECK_SENDER_LOGIN, account ? &a : NULL, span_of(domain), &m, &scope);
    snprintf(text, sizeof text, "%s %s (%s)", result_name(r), mode_name(m), scope ? scope : "default");
    rows_turn_end(world.rows);
    return text;
}

START_TEST(the_narrowest_scope_wins)
{
    ck_assert_str_eq(mode("john@example.com", "example.com"), "OK observe (default)");
    change("policy-set check=sender_login mode=enforce");
    ck_assert_str_eq(mode("john@example.com", "example.com"), "OK enforce ()");
    change("policy-set check=sender_login mode=off scope=example.com");
    ck_assert_str_eq(mode("john@example.com", "example.com"), "OK off (example.com)");
    ck_assert_str_eq(mode(NULL, "example.com"), "OK off (example.com)");
    ck_assert_str_eq(mode(NULL, ""), "OK enforce ()");
    change("policy-set check=sender_login mode=observe scope=john@example.com");
    ck_assert_str_eq(mode("john@example.com", "example.com"), "OK observe (john@example.com)");
    ck_assert_str_eq(mode("anna@example.com", "example.com"), "OK off (example.com)");
    change("policy-set check=account_status mode=off scope=john@example.com");
    ck_assert_str_eq(mode("john@example.com", "example.com"), "OK observe (john@example.com)");
    change("policy-unset check=sender_login scope=john@example.com");
    ck_assert_str_eq(mode("john@example.com", "example.com"), "OK off (example.com)");
}
END_TEST

START_TEST(more_grants_than_are_read_at_once)
{
    struct address john = address_of("john@example.com"), listed = address_of("s0007@x.example"),
                   other = address_of("t0007@x.example");
    struct grant_row row;
    char line[128];

    for (int i = 0; i < 1200; i++) {
        snprintf(line, sizeof line, "grant-add grantee=john@example.com sender=s%04d@x.example", i);
        change(line);
    }
    ck_assert_int_eq(facts_grant(world_facts(&world), &john, &listed, &row), OK);
    ck_assert_str_eq(row.grantee, "john@example.com");
    ck_assert_str_eq(row.sender, "s0007@x.example");
    ck_assert_int_eq(facts_grant(world_facts(&world), &john, &other, &row), NOT_FOUND);
    change("grant-add grantee=@example.com sender=@x.example");
    ck_assert_int_eq(facts_grant(world_facts(&world), &john, &other, &row), OK);
    ck_assert_str_eq(row.sender, "@x.example");
}
END_TEST

START_TEST(rows_expire)
{
    change("policy-set check=sender_login mode=enforce until=1800000100");
    change("policy-set check=sender_login mode=off scope=example.com until=1800000050");
    ck_assert_str_eq(mode(NULL, "example.com"), "OK off (example.com)");
    world.now = 1800000049;
    ck_assert_str_eq(mode(NULL, "example.com"), "OK off (example.com)");
    world.now = 1800000050;
    ck_assert_str_eq(mode(NULL, "example.com"), "OK enforce ()");
    world.now = 1800000099;
    ck_assert_str_eq(mode(NULL, "example.com"), "OK enforce ()");
    world.now = 1800000100;
    ck_assert_str_eq(mode(NULL, "example.com"), "OK observe (default)");
}
END_TEST

START_TEST(rows_begin)
{
    change("policy-set check=sender_login mode=off");
    change("policy-set check=sender_login mode=enforce start=1800000100 until=1800000200");
    change("policy-set check=sender_login mode=observe scope=example.com start=1800000150");
    ck_assert_str_eq(mode(NULL, "example.com"), "OK off ()");
    world.now = 1800000099;
    ck_assert_str_eq(mode(NULL, "example.com"), "OK off ()");
    world.now = 1800000100;
    ck_assert_str_eq(mode(NULL, "example.com"), "OK enforce ()");
    world.now = 1800000150;
    ck_assert_str_eq(mode(NULL, "example.com"), "OK observe (example.com)");
    ck_assert_str_eq(mode(NULL, "example.net"), "OK enforce ()");
    world.now = 1800000200;
    ck_assert_str_eq(mode(NULL, "example.net"), "OK off ()");
}
END_TEST

/* A wider row never stands in for a narrower one that cannot be read. */
START_TEST(unreadable_modes)
{
    change("policy-set check=sender_login mode=enforce");
    change("policy-set check=sender_login mode=off scope=john@example.com");
    ck_assert_str_eq(mode(NULL, ""), "OK enforce ()");
    world_fail(&world, true);
    ck_assert_str_eq(mode(NULL, ""), "OK enforce ()"); /* the last good row */
    ck_assert_ptr_nonnull(strstr(mode("john@example.com", ""), "TRY_AGAIN"));
    world.now += ROWS_LAST_GOOD_S;
    ck_assert_str_eq(mode(NULL, ""), "OK enforce ()");
    world.now += 1;
    ck_assert_ptr_nonnull(strstr(mode(NULL, ""), "TRY_AGAIN"));
    world_fail(&world, false);
    ck_assert_str_eq(mode("john@example.com", ""), "OK off (john@example.com)");
}
END_TEST

START_TEST(accounts_and_domains)
{
    struct account_row account;
    struct domain_row domain;
    struct facts *f = world_facts(&world);

    ck_assert_int_eq(facts_domain(f, SPAN("example.com"), &domain), OK);
    ck_assert_int_eq(domain.kind, DOMAIN_MAILBOX);
    ck_assert_int_eq(facts_domain(f, SPAN(""), &domain), NOT_FOUND);
    ck_assert_int_eq(facts_account(f, "nobody@example.com", &account), NOT_FOUND);
    ck_assert_int_eq(facts_account(f, "john@example.com", &account), OK);
    ck_assert(!account.relay && !account.disabled && !account.has_policy);
    ck_assert_str_eq(account.suspended, "");
    ck_assert_int_eq(account.suspended_until, 0);
    change("account-suspend address=john@example.com services=smtp,imap reason=\"stolen password\" until=1800000500");
    change("account-status address=john@example.com status=disabled");
    change("policy-set check=account_status mode=off scope=john@example.com");
    ck_assert_int_eq(facts_account(world_facts(&world), "john@example.com", &account), OK);
    ck_assert(account.disabled && account.has_policy);
    ck_assert_str_eq(account.suspended, "smtp,imap");
    ck_assert_str_eq(account.reason, "stolen password");
    ck_assert_int_eq(account.suspended_until, 1800000500);
}
END_TEST

/* ---- list entries ---- */

static const char *const entries[] = {
    "list-add action=deny client=192.0.2.0/24",
    "list-add action=allow client=192.0.2.128/25",
    "list-add action=deny client=192.0.2.200",
    "list-add action=deny client=2001:db8::/33",
    "list-add action=allow client=2001:db8:8000::/35",
    "list-add action=deny helo=.spam.example",
    "list-add action=allow helo=good.spam.example",
    "list-add action=deny sender=@away.example",
    "list-add action=allow sender=news@away.example",
    "list-add action=allow sender=app@example.com client=203.0.113.0/24",
    "list-add action=deny client=198.51.100.1 scope=example.com",
    "list-add action=deny client=198.51.100.2",
    "list-add action=allow client=198.51.100.2 helo=relay.example",
    "list-add action=deny client=198.51.100.3 until=1800000100",
    "list-add action=deny client=198.51.100.4/31",
    "list-add action=allow client=198.51.100.4/31 scope=example.com",
    "list-add action=deny helo=exact.example",
    NULL,
};

static const struct {
    const char *client, *helo, *sender, *recipient, *found; /* "allow 2", NULL: none */
} requests[] = {
    { "192.0.2.1", "h.example", "a@b.example", "x@example.com", "deny 1" },
    { "192.0.2.129", "h.example", "", "x@example.com", "allow 2" },
    { "192.0.2.200", "h.example", "", "x@example.com", "deny 3" },
    { "192.0.3.0", "h.example", "", "x@example.com", NULL },
    { "2001:db8:7fff::1", "h.example", "", "x@example.com", "deny 4" },
    { "2001:db8:8000::1", "h.example", "", "x@example.com", "allow 5" },
    { "2001:db8:a000::1", "h.example", "", "x@example.com", NULL },
    { "203.0.113.9", "bad.spam.example", "", "x@example.com", "deny 6" },
    { "203.0.113.9", "a.b.c.d.e.f.g.h.i.j.spam.example", "", "x@example.com", "deny 6" },
    { "203.0.113.9", "Good.Spam.example", "", "x@example.com", "allow 7" },
    { "203.0.113.9", "spam.example", "", "x@example.com", NULL },
    { "203.0.113.9", "xspam.example", "", "x@example.com", NULL },
    { "203.0.113.9", "h.example", "x@away.example", "x@example.com", "deny 8" },
    { "203.0.113.9", "h.example", "News@Away.example", "x@example.com", "allow 9" },
    { "203.0.113.9", "h.example", "x@sub.away.example", "x@example.com", NULL },
    { "203.0.113.9", "h.example", "app@example.com", "x@example.com", "allow 10" },
    { "192.0.2.1", "h.example", "app@example.com", "x@example.com", "deny 1" },
    { "198.51.100.1", "h.example", "", "x@example.com", "deny 11" },
    { "198.51.100.1", "h.example", "", "x@b.example", NULL },
    { "198.51.100.1", "h.example", "", "", NULL },
    { "198.51.100.2", "h.example", "", "x@b.example", "deny 12" },
    { "198.51.100.2", "relay.example", "", "x@b.example", "allow 13" },
    { "198.51.100.3", "h.example", "", "x@b.example", "deny 14" },
    { "198.51.100.5", "h.example", "", "x@b.example", "deny 15" },
    { "198.51.100.5", "h.example", "", "x@example.com", "allow 16" },
    { "2001:db8:8000::1", "exact.example", "", "x@example.com", "deny 17" }, /* a name before any network */
    { "unknown", "h.example", "", "x@example.com", NULL },
    { "", "", "", "", NULL },
    { "::ffff:192.0.2.1", "h.example", "", "x@example.com", "deny 1" },
};

static const char *listed(int i)
{
    static char text[32];
    struct request q = { 0 };
    struct listed_row row;

    q.attr[ATTR_CLIENT_ADDRESS] = span_of(requests[i].client);
    q.attr[ATTR_HELO_NAME] = span_of(requests[i].helo);
    q.attr[ATTR_SENDER] = span_of(requests[i].sender);
    q.attr[ATTR_RECIPIENT] = span_of(requests[i].recipient);
    request_prepare(&q, world.config);
    enum result r = facts_listed(world_facts(&world), &q, &row);
    rows_turn_end(world.rows);
    if (r != OK)
        return r == NOT_FOUND ? NULL : result_name(r);
    snprintf(text, sizeof text, "%s %s", row.allow ? "allow" : "deny", row.id);
    return text;
}

START_TEST(the_most_specific_entry)
{
    ck_assert_ptr_null(listed(_i));
    changes(entries);
    const char *found = listed(_i);
    ck_assert_msg(found && requests[_i].found ? strcmp(found, requests[_i].found) == 0 : found == requests[_i].found,
                  "%d: %s, expected %s", _i, found, requests[_i].found);
    world_fail(&world, true);
    world.now += ROWS_LAST_GOOD_S + 1;
    ck_assert_str_eq(listed(_i), "TRY_AGAIN");
}
END_TEST

START_TEST(allow_before_deny_and_expiry)
{
    change("list-add action=deny client=192.0.2.0/24");
    ck_assert_str_eq(listed(0), "deny 1");
    change("list-add action=allow client=192.0.2.0/24 until=1800000010");
    ck_assert_str_eq(listed(0), "allow 2");
    world.now = 1800000009;
    ck_assert_str_eq(listed(0), "allow 2");
    world.now = 1800000010;
    ck_assert_str_eq(listed(0), "deny 1");
}
END_TEST

/* Every prefix length there is, all at once. */
START_TEST(every_prefix)
{
    static const char *const clients[] = { "192.0.2.1", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff" };
    char line[128], text[NETWORK_TEXT_MAX];

    change("list-add action=deny sender=x@y.example");
    change("list-add action=deny helo=x.y.example");
    for (int c = 0; c < 2; c++) {
        struct request q = { 0 };
        struct listed_row row;
        struct network ip;
        q.attr[ATTR_CLIENT_ADDRESS] = span_of(clients[c]);
        request_prepare(&q, world.config);
        ck_assert_int_eq(network_parse_ip(span_of(clients[c]), &ip), OK);
        for (unsigned bits = 0; bits <= ip.bits; bits++) {
            struct network n = network_of(&ip, bits);
            network_text(&n, text);
            snprintf(line, sizeof line, "list-add action=%s client=%s", bits % 2 ? "allow" : "deny", text);
            change(line);
            ck_assert_int_eq(facts_listed(world_facts(&world), &q, &row), OK);
            ck_assert_msg(row.allow == bits % 2, "%s", line);
        }
    }
}
END_TEST

/* ---- tables that somebody else wrote: what means nothing counts for nothing ---- */

static struct odd_store odd;

static void answer_with(enum query q, size_t columns, const char *const *text)
{
    odd_store_init(&odd, world.store);
    odd.query = q;
    odd.columns = columns;
    odd.text = text;
    rows_use(world.rows, &odd.head);
}

START_TEST(odd_policy_rows)
{
    static const char *const rows[] = { "sender_magic", "enforce", "", "", "sender_login", "often", "", "",
                                        "sender_login", "off", "", "", NULL };

    answer_with(QUERY_POLICY, 4, rows);
    ck_assert_str_eq(mode(NULL, ""), "OK off ()");
    rows_use(world.rows, world.store);
}
END_TEST

START_TEST(a_name_longer_than_any)
{
    struct domain_row row;
    char name[400];

    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    ck_assert_int_eq(facts_domain(world_facts(&world), span_of(name), &row), NOT_FOUND);
    change("policy-set check=sender_login mode=off");
    ck_assert_str_eq(mode(NULL, name), "OK off ()");
}
END_TEST

START_TEST(odd_limits)
{
    static const char *const rows[] = { "0",   "1", "", "", "99999999", "1", "", "", "60",  "1", "", "",
                                        "120", "1", "", "", "180",      "1", "", "", "240", "1", "", "",
                                        "300", "1", "", "", "360",      "1", "", "", "420", "1", "", "", NULL };
    struct usage_limits limits;

    answer_with(QUERY_LIMITS, 4, rows);
    ck_assert_int_eq(facts_limits(world_facts(&world), "", "account", &limits), OK);
    ck_assert_uint_eq(limits.count, USAGE_WINDOWS_MAX);
    ck_assert_uint_eq(limits.limit[0].window_s, 60);
    ck_assert_uint_eq(limits.limit[USAGE_WINDOWS_MAX - 1].window_s, 360);
    rows_use(world.rows, world.store);
}
END_TEST

START_TEST(odd_networks_of_limits)
{
    static const char *const rows[] = { "192.0.2.0/24", "no network", "192.0.0.0/16", "192.0.2.0/28", NULL };
    char text[NETWORK_TEXT_MAX];
    struct network client;

    answer_with(QUERY_LIMIT_NETWORKS, 1, rows);
    ck_assert_int_eq(network_parse_ip(SPAN("192.0.2.1"), &client), OK);
    ck_assert_int_eq(facts_limit_network(world_facts(&world), &client, text), OK);
    ck_assert_str_eq(text, "192.0.2.0/28");
    ck_assert_int_eq(network_parse_ip(SPAN("192.0.2.99"), &client), OK);
    ck_assert_int_eq(facts_limit_network(world_facts(&world), &client, text), OK);
    ck_assert_str_eq(text, "192.0.2.0/24");
    rows_use(world.rows, world.store);
}
END_TEST

START_TEST(odd_shapes)
{
    static const char *const rows[] = { "z", "c100", "c33", NULL };

    change("list-add action=deny client=192.0.2.1");
    answer_with(QUERY_LIST_SHAPES, 1, rows);
    ck_assert_str_eq(listed(0), "deny 1");
    rows_use(world.rows, world.store);
}
END_TEST

/* A recipient without a domain (postmaster) is in none. */
START_TEST(no_domain)
{
    struct request q = { .attr = { [ATTR_RECIPIENT] = SPAN_INIT("postmaster") } };
    struct listed_row row;

    change("list-add action=deny list_recipient=@example.com");
    request_prepare(&q, world.config);
    ck_assert_int_eq(facts_listed(world_facts(&world), &q, &row), NOT_FOUND);
}
END_TEST

/* ---- counting ---- */

START_TEST(each_kind_is_counted)
{
    static const struct {
        enum query query;
        size_t params;
        enum fact_kind kind;
    } rows[] = {
        { QUERY_DOMAIN, 1, FACT_DOMAIN },     { QUERY_ACCOUNT, 1, FACT_ACCOUNT },  { QUERY_GRANT, 4, FACT_GRANT },
        { QUERY_GRANTS_OF, 2, FACT_GRANT },   { QUERY_GRANTEES, 2, FACT_GRANT },   { QUERY_POLICY, 1, FACT_POLICY },
        { QUERY_LIST_SHAPES, 0, FACT_LIST },  { QUERY_LISTED, 7, FACT_LIST },      { QUERY_ALIAS, 1, FACT_ALIAS },
        { QUERY_BEARER, 1, FACT_ALIAS },      { QUERY_ALIAS_MEMBER, 2, FACT_ALIAS },
    };
    static const char *const params[] = { "x", "@x", "y", "@y", "", "", "" };
    static struct facts_counts counts;
    struct facts *f = world_facts(&world);
    uint64_t before[FACT_KINDS] = { 0 };
    struct rowset set;

    f->counts = &counts;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        (void)!facts_query(f, rows[i].query, params, rows[i].params, &set);
        before[rows[i].kind]++;
        for (int kind = 0; kind < FACT_KINDS; kind++)
            ck_assert_uint_eq(counts.row[kind][OK] + counts.row[kind][NOT_FOUND], before[kind]);
    }
    dns("a.example A");
    ck_assert_int_eq(facts_dns(f, SPAN("a.example"), DNS_A, &(struct dns_answer){ 0 }), DNS_FOUND);
    ck_assert_uint_eq(counts.dns[DNS_FOUND], 1);
    f->counts = NULL;
}
END_TEST

/* ---- DNS ---- */

START_TEST(zones_that_are_switched_off)
{
    struct facts *f = world_facts(&world);
    struct dns_answer answer;
    struct zones zones;

    dns("1.2.0.192.list.example SERVFAIL");
    zones_init(&zones, 1, 60, world.now);
    f->zones = &zones;
    for (int i = 0; i < ZONE_FAILURES_MAX + 1; i++)
        ck_assert_int_eq(facts_zone(f, 0, SPAN("1.2.0.192.list.example"), DNS_A, &answer), DNS_FAILED);
    ck_assert_uint_eq(world.dns.questions, ZONE_FAILURES_MAX); /* not asked any more */
    f->zones = NULL;
    ck_assert_int_eq(facts_zone(f, 0, SPAN("1.2.0.192.list.example"), DNS_A, &answer), DNS_FAILED);
    ck_assert_uint_eq(world.dns.questions, ZONE_FAILURES_MAX + 1);
    f->dns = NULL;
    ck_assert_int_eq(facts_zone(f, 0, SPAN("1.2.0.192.list.example"), DNS_A, &answer), DNS_FAILED);
    ck_assert_uint_eq(world.dns.questions, ZONE_FAILURES_MAX + 1);
}
END_TEST

/* Whatever was in that memory: nothing is asked but what its owner sets. */
START_TEST(nothing_but_what_is_set)
{
    struct facts f;

    memset(&f, 0xa5, sizeof f);
    facts_init(&f, world.config, world.rows, NULL);
    facts_begin(&f, NULL, world.now);
    ck_assert_ptr_null(f.recipients);
    ck_assert_ptr_null(f.counts);
    ck_assert_ptr_null(f.zones);
    ck_assert_ptr_null(f.list_filter);
    ck_assert_ptr_null(f.behaviours);
    ck_assert(f.clock_ns == NULL && f.load_level == 0 && !f.expired && f.lookups == 0);
}
END_TEST

static enum dns_status ask(struct facts *f, const char *name, enum dns_type type)
{
    struct dns_answer answer;

    return facts_dns(f, span_of(name), type, &answer);
}

START_TEST(dns_questions)
{
    struct facts *f;

    configure("dns { lookups = 3 }");
    dns("a.example A MX");
    dns("slow.example SLOW AAAA");
    dns("broken.example SERVFAIL");
    f = world_facts(&world);
    ck_assert_int_eq(ask(f, "a.example", DNS_A), DNS_FOUND);
    ck_assert_int_eq(ask(f, "a.example", DNS_AAAA), DNS_NODATA);
    ck_assert_int_eq(ask(f, "broken.example", DNS_A), DNS_FAILED);
    ck_assert_int_eq(ask(f, "a.example", DNS_A), DNS_FAILED); /* past the limit */
    ck_assert_uint_eq(world.dns.questions, 3);
    f = world_facts(&world);
    ck_assert_int_eq(ask(f, "none.example", DNS_A), DNS_NXDOMAIN);
    ck_assert_int_eq(ask(f, "slow.example", DNS_AAAA), DNS_PENDING);
    f->expired = true;
    ck_assert_int_eq(ask(f, "slow.example", DNS_AAAA), DNS_FAILED);
    ck_assert(fake_dns_answer(&world.dns));
    ck_assert_uint_eq(world.woken, 1);
    ck_assert(!fake_dns_answer(&world.dns));
    f = world_facts(&world);
    ck_assert_int_eq(ask(f, "slow.example", DNS_AAAA), DNS_FOUND);
    facts_init(f, world.config, world.rows, NULL);
    facts_begin(f, NULL, world.now);
    ck_assert_int_eq(ask(f, "a.example", DNS_A), DNS_FAILED); /* nobody to ask */
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("facts");
    Suite *suite = suite_create("facts");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, t);
    tcase_add_checked_fixture(t, set_up, checked_world_close);
    tcase_add_test(t, the_narrowest_scope_wins);
    tcase_add_test(t, more_grants_than_are_read_at_once);
    tcase_add_test(t, rows_expire);
    tcase_add_test(t, rows_begin);
    tcase_add_test(t, unreadable_modes);
    tcase_add_test(t, accounts_and_domains);
    tcase_add_loop_test(t, the_most_specific_entry, 0, sizeof requests / sizeof *requests);
    tcase_add_test(t, allow_before_deny_and_expiry);
    tcase_add_test(t, every_prefix);
    tcase_add_test(t, odd_policy_rows);
    tcase_add_test(t, a_name_longer_than_any);
    tcase_add_test(t, odd_limits);
    tcase_add_test(t, odd_networks_of_limits);
    tcase_add_test(t, odd_shapes);
    tcase_add_test(t, no_domain);
    tcase_add_test(t, each_kind_is_counted);
    tcase_add_test(t, zones_that_are_switched_off);
    tcase_add_test(t, nothing_but_what_is_set);
    tcase_add_test(t, dns_questions);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
