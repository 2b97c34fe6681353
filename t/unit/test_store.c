/* SPDX-License-Identifier: MIT */
/*
 * The contract of lib/store.h, the same for every backend: each change and how it
 * fails, each query's columns, sets that are done as a whole or not at all.
 */
#include "lib/store.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "t/unit/change_line.h"
#include "t/unit/store_fixture.h"

static const char *const backends[] = { "sqlite", "memory" };
enum { BACKENDS = 2 };

static struct store *open_backend(int i, enum database database)
{
    return store_opened(backends[i], database, STORE_CREATE);
}

#define ROWS(store, query, ...)                                                                              \
    store_rows(store, query, (const char *const[]){ __VA_ARGS__ },                                           \
               sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))
#define ALL_ROWS(store, query) store_rows(store, query, NULL, 0)

/* In this order: each line, how it ends, and what the error line holds. */
static const struct {
    const char *line;
    enum result result;
    const char *error;
} steps[] = {
    { "domain-add domain=Example.COM kind=mailbox", OK, NULL },
    { "domain-add domain=example.com kind=relay", BAD, "domain example.com exists already" },
    { "domain-add domain=relay.example kind=relay", OK, NULL },
    { "domain-add domain=example.org kind=alias target=example.com", OK, NULL },
    { "domain-add domain=x.example kind=alias target=y.example", NOT_FOUND, "domain y.example is not known" },
    { "domain-add domain=x.example kind=alias target=example.org", NOT_FOUND, "is itself an alias" },
    { "domain-add domain=x.example kind=alias target=x.example", NOT_FOUND, "x.example is not known" },
    { "domain-add domain=x.example kind=alias", BAD, "names the domain it stands for" },
    { "domain-add domain=x.example kind=mailbox target=example.com", BAD, "names the domain it stands for" },
    { "policy-set check=helo_fqdn mode=off scope=a@example.com", BAD, "goes by the recipient's domain" },
    { "policy-set check=sender_auth mode=off scope=a@example.com", BAD, "goes by the sender's domain" },
    { "domain-add domain=x.example kind=user", BAD, "a domain's kind is mailbox, relay or alias" },
    { "domain-add domain=x.example", BAD, "domain-add: kind is missing" },

    { "account-add address=John@Example.com kind=user password={X}1", OK, NULL },
    { "account-add address=john@example.com kind=user password={X}2", BAD, "account john@example.com exists" },
    { "account-add address=anna@example.com kind=user password={X}3", OK, NULL },
    { "account-add address=smart@relay.example kind=relay password={X}4", OK, NULL },
    { "account-add address=a@nowhere.example kind=user password={X}5", BAD, "nowhere.example is not known" },
    { "account-add address=a@example.org kind=user password={X}5", NOT_FOUND, "example.org is an alias domain" },
    { "account-add address=a@example.com kind=mailbox password={X}5", BAD, "kind is user or relay" },
    { "account-password address=anna@example.com password={X}6", OK, NULL },
    { "account-password address=nobody@example.com password={X}6", NOT_FOUND, "no account nobody@example.com" },
    { "account-status address=anna@example.com status=disabled", OK, NULL },
    { "account-status address=nobody@example.com status=active", NOT_FOUND, "no account" },
    { "account-release address=anna@example.com", NOT_FOUND, "no suspended account anna@example.com" },
    { "account-suspend address=anna@example.com services=smtp,imap reason=\"stolen password\" until=1900000000",
      OK, NULL },
    { "account-suspend address=nobody@example.com reason=x", NOT_FOUND, "no account" },
    { "account-release address=anna@example.com", OK, NULL },
    { "account-suspend address=anna@example.com reason=spam", OK, NULL },

    { "alias-add alias=info@example.com members_send=1", OK, NULL },
    { "alias-add alias=@example.com", OK, NULL },
    { "alias-add alias=info@nowhere.example", BAD, "domain nowhere.example is not known" },
    { "alias-member alias=info@example.com destination=john@example.com", OK, NULL },
    { "alias-member alias=info@example.com destination=john@example.com", BAD, "goes to john@example.com already" },
    { "alias-member alias=info@example.com destination=far@away.example", OK, NULL },
    { "alias-member alias=@example.com destination=anna@example.com", OK, NULL },
    { "alias-member alias=none@example.com destination=anna@example.com", BAD, "no alias none@example.com" },
    { "alias-add alias=info@example.com", OK, NULL }, /* keeps members_send */
    { "alias-set alias=info@example.com members_send=0", OK, NULL },
    { "alias-set alias=info@example.com", OK, NULL },
    { "alias-set alias=info@example.com members_send=1", OK, NULL },
    { "alias-set alias=none@example.com members_send=1", NOT_FOUND, "no alias none@example.com" },
    { "alias-member-remove alias=info@example.com destination=far@away.example", OK, NULL },
    { "alias-member-remove alias=info@example.com destination=far@away.example", NOT_FOUND, "does not go to" },

    { "grant-add grantee=john@example.com sender=*", OK, NULL },
    { "grant-add grantee=john@example.com sender=*", BAD, "may send as * already" },
    { "grant-add grantee=smart@relay.example sender=@customer.example", OK, NULL },
    { "grant-add grantee=@example.com sender=list@example.net", OK, NULL },
    { "grant-add grantee=nobody@example.com sender=@x.example", NOT_FOUND, "no account or domain nobody@" },
    { "grant-add grantee=@nowhere.example sender=@x.example", NOT_FOUND, "no account or domain @nowhere" },
    { "grant-remove grantee=anna@example.com sender=*", NOT_FOUND, "has no grant for *" },

    { "policy-set check=helo_fqdn mode=enforce", OK, NULL },
    { "policy-set check=helo_fqdn mode=observe until=1900000000", OK, NULL }, /* takes its place */
    { "policy-set check=helo_fqdn mode=off scope=example.com", OK, NULL },
    { "policy-set check=sender_login mode=enforce scope=john@example.com", OK, NULL },
    { "policy-set check=helo_fqdn mode=off scope=nowhere.example", NOT_FOUND, "no account or domain nowhere" },
    { "policy-set check=helo mode=off", BAD, "no check 'helo': there are access, " },
    { "policy-unset check=helo_local", NOT_FOUND, "no policy row for helo_local" },

    { "list-add action=allow client=192.0.2.0/24 sender=app@example.com note=\"the shop\"", OK, NULL },
    { "list-add action=deny helo=.spam.example", OK, NULL },
    { "list-add action=deny client=2001:DB8::/32 scope=example.com until=1900000000", OK, NULL },
    { "list-add action=deny helo=.spam.example", BAD, "such an entry exists already" },
    { "list-add action=deny", BAD, "needs a client, a client name, a HELO name, a sender or a recipient" },
    { "list-add action=deny scope=example.com", BAD, "needs a client, a client name, a HELO name, a sender or a recip" },
    { "list-add action=deny sender=*", BAD, "leave the sender out" },
    { "grant-add grantee=john@example.com sender=.example.net", BAD, "a grant is for an address, @domain or *" },
    { "grant-add grantee=john@example.com sender=john@", BAD, "a grant is for an address, @domain or *" },
    { "list-add action=deny client=192.0.2.1 scope=john@example.com", BAD, "scope" },
    { "list-remove id=99", NOT_FOUND, "no list entry 99" },
    { "list-remove id=2", OK, NULL },
    { "list-add action=deny client=192.0.2.77 sender=a@example.net", OK, NULL },
    { "list-remove-entry action=deny client=192.0.2.77", NOT_FOUND, "no such entry" },
    { "list-remove-entry action=deny client=192.0.2.77 sender=a@example.net", OK, NULL },
    { "list-add action=deny client_name=.Dyn.Example list_recipient=@Example.com note=pool", OK, NULL },
    { "list-set action=deny client_name=.dyn.example list_recipient=@example.com until=1900000000 note=dial-in", OK,
      NULL },
    { "list-set action=deny client_name=.dyn.example list_recipient=@example.com until=1900000000", OK, NULL },
    { "list-set action=deny client_name=.dyn.example", NOT_FOUND, "no such entry" },
    { "list-add action=allow client_name=.dyn.example list_recipient=@example.com", OK, NULL },

    { "observe check=helo_fqdn subject=s cause=c number=1 sample=x", BAD, "not in this database" },
};

static void fill(struct store *s)
{
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct error e = { "" };
        enum result r = change_line_apply(s, span_of(steps[i].line), NOW, &e);
        ck_assert_msg(r == steps[i].result, "%s: %s: %s", steps[i].line, result_name(r), e.text);
        if (steps[i].error)
            ck_assert_msg(strstr(e.text, steps[i].error), "%s: '%s'", steps[i].line, e.text);
        else
            ck_assert_str_eq(e.text, "");
    }
}

START_TEST(each_change_and_query)
{
    struct store *s = open_backend(_i, DATABASE_ACCOUNTS);

    fill(s);
    ck_assert_str_eq(ROWS(s, QUERY_DOMAIN, "example.org"), "example.org|alias|example.com");
    ck_assert_str_eq(ROWS(s, QUERY_DOMAIN, "example.com"), "example.com|mailbox|-");
    ck_assert_str_eq(ROWS(s, QUERY_DOMAIN, "Example.com"), "");
    ck_assert_str_eq(ALL_ROWS(s, QUERY_DOMAINS),
                     "example.com|mailbox|-|2|2\nexample.org|alias|example.com|0|0\nrelay.example|relay|-|1|0");
    ck_assert_str_eq(ROWS(s, QUERY_ACCOUNT, "john@example.com"), "user|active|-|-|-|1|-|0");
    ck_assert_str_eq(ROWS(s, QUERY_ACCOUNT, "anna@example.com"), "user|disabled|all|spam|-|0|-|0");
    ck_assert_str_eq(ROWS(s, QUERY_ACCOUNT, "nobody@example.com"), "");
    ck_assert_str_eq(ROWS(s, QUERY_ACCOUNT_ALL, "john@example.com"),
                     "john@example.com|user|active|-|-|-|-|1800000000|1800000000|-|-|-");
    ck_assert_str_eq(ROWS(s, QUERY_ACCOUNTS, "relay.example"),
                     "smart@relay.example|relay|active|-|-|-|-|1800000000|1800000000|-|-|-");
    ck_assert_str_eq(ROWS(s, QUERY_ACCOUNTS, ""),
                     "anna@example.com|user|disabled|all|spam|1800000000|-|1800000000|1800000000|-||\n"
                     "john@example.com|user|active|-|-|-|-|1800000000|1800000000|-|-|-\n"
                     "smart@relay.example|relay|active|-|-|-|-|1800000000|1800000000|-|-|-");
    ck_assert_str_eq(ROWS(s, QUERY_ACCOUNT_NAMES, "example.com"), "anna@example.com\njohn@example.com");
    ck_assert_str_eq(ROWS(s, QUERY_ACCOUNT_PASSWORD, "anna@example.com"), "{X}6|-");
    ck_assert_str_eq(ROWS(s, QUERY_ALIAS, "info@example.com"), "1|1|john@example.com");
    ck_assert_str_eq(ROWS(s, QUERY_BEARER, "info@example.com"), "0|1|1|john@example.com");
    ck_assert_str_eq(ROWS(s, QUERY_BEARER, "john@example.com"), "1|-|0|-");
    ck_assert_str_eq(ROWS(s, QUERY_BEARER, "nobody@example.com"), "0|-|0|-");
    ck_assert_str_eq(ROWS(s, QUERY_ALIASES, ""),
                     "@example.com|0|anna@example.com\ninfo@example.com|1|john@example.com");
    ck_assert_str_eq(ROWS(s, QUERY_ALIASES, "relay.example"), "");
    ck_assert_str_eq(ROWS(s, QUERY_ALIAS_DESTINATIONS, "info@example.com"), "john@example.com");
    ck_assert_str_eq(ROWS(s, QUERY_ALIAS_MEMBER, "info@example.com", "john@example.com"), "john@example.com");
    ck_assert_str_eq(ROWS(s, QUERY_ALIAS_MEMBER, "info@example.com", "anna@example.com"), "");
    ck_assert_str_eq(ROWS(s, QUERY_GRANTS, ""),
                     "@example.com|list@example.net\njohn@example.com|*\nsmart@relay.example|@customer.example");
    ck_assert_str_eq(ROWS(s, QUERY_GRANTS, "john@example.com"), "john@example.com|*");
    ck_assert_str_eq(ROWS(s, QUERY_GRANTS_OF, "john@example.com", "@example.com"),
                     "john@example.com|*\n@example.com|list@example.net");
    ck_assert_str_eq(ROWS(s, QUERY_GRANTEES, "list@example.net", "@example.net"), "@example.com\njohn@example.com");
    ck_assert_str_eq(ROWS(s, QUERY_POLICY, ""), "helo_fqdn|observe|1900000000|0");
    ck_assert_str_eq(ALL_ROWS(s, QUERY_POLICIES),
                     "|helo_fqdn|observe|1900000000|1800000000|0\nexample.com|helo_fqdn|off|-|1800000000|0\n"
                     "john@example.com|sender_login|enforce|-|1800000000|0");
    ck_assert_str_eq(ROWS(s, QUERY_LISTED, "s255c25", "", "app@example.com", "", "", "192.0.2.0/24", ""),
                     "1|allow|-|the shop");
    ck_assert_str_eq(ROWS(s, QUERY_LISTED, "C33d", "", "", "", "", "2001:db8::/32", "example.com"),
                     "3|deny|1900000000|");
    ck_assert_str_eq(ROWS(s, QUERY_LISTED, "r253n4", "@example.com", "", ".dyn.example", "", "", ""),
                     "6|allow|-|\n5|deny|1900000000|dial-in");
    ck_assert_str_eq(ROWS(s, QUERY_LISTED, "C33", "", "", "", "", "2001:db8::/32", ""), "");
    ck_assert_str_eq(ALL_ROWS(s, QUERY_LIST_SHAPES), "C33d\nr253n4\ns255c25");
    ck_assert_str_eq(ALL_ROWS(s, QUERY_LIST_ENTRIES),
                     "1|allow|192.0.2.0/24|||app@example.com|||-|the shop\n"
                     "3|deny|2001:db8::/32|||||example.com|1900000000|\n"
                     "5|deny||.dyn.example|||@example.com||1900000000|dial-in\n"
                     "6|allow||.dyn.example|||@example.com||-|");
    ck_assert_str_eq(ALL_ROWS(s, QUERY_ACCOUNT_COUNTS), "3|1|3|2|3|3|4");
    store_close(&s);
    ck_assert_ptr_null(s);
}
END_TEST

/* grantee, sender of the row that is found; the rows are added in the order that
 * would win if the first were taken. */
START_TEST(the_most_specific_grant_is_found)
{
    struct store *s = open_backend(_i, DATABASE_ACCOUNTS);
    static const char *const grants[][2] = {
        { "@example.com", "*" },        { "john@example.com", "*" },        { "@example.com", "@x.example" },
        { "john@example.com", "@x.example" }, { "@example.com", "a@x.example" }, { "john@example.com", "a@x.example" },
    };

    fill(s);
    store_done(s, "grant-remove grantee=john@example.com sender=*");
    for (size_t i = 0; i < sizeof grants / sizeof *grants; i++) {
        char line[128], expected[128];
        snprintf(line, sizeof line, "grant-add grantee=%s sender=%s", grants[i][0], grants[i][1]);
        store_done(s, line);
        const char *found = ROWS(s, QUERY_GRANT, "john@example.com", "@example.com", "a@x.example", "@x.example");
        snprintf(expected, sizeof expected, "|%s", grants[i][1]);
        ck_assert_msg(strstr(found, expected) && !strchr(found, '\n'), "%s: %s", line, found);
    }
    ck_assert_str_eq(ROWS(s, QUERY_GRANT, "eve@x.example", "@x.example", "a@x.example", "@x.example"), "");
    store_close(&s);
}
END_TEST

START_TEST(what_an_account_takes_with_it)
{
    struct store *s = open_backend(_i, DATABASE_ACCOUNTS);

    fill(s);
    store_done(s, "grant-add grantee=anna@example.com sender=john@example.com");
    store_done(s, "list-add action=deny list_recipient=john@example.com sender=x@example.net");
    store_done(s, "account-remove address=john@example.com");
    ck_assert_str_eq(ALL_ROWS(s, QUERY_LIST_SHAPES), "C33d\nr253n4\ns255c25");
    ck_assert_str_eq(ROWS(s, QUERY_ACCOUNT, "john@example.com"), "");
    ck_assert_str_eq(ROWS(s, QUERY_GRANTS, "john@example.com"), "");
    ck_assert_str_eq(ROWS(s, QUERY_GRANTS, "anna@example.com"), "");
    ck_assert_str_eq(ROWS(s, QUERY_POLICY, "john@example.com"), "");
    ck_assert_str_eq(ROWS(s, QUERY_ALIAS, "info@example.com"), ""); /* it had no other destination */
    ck_assert_str_eq(ROWS(s, QUERY_ALIAS, "@example.com"), "0|1|anna@example.com");
    store_close(&s);
}
END_TEST

START_TEST(what_a_domain_takes_with_it)
{
    struct store *s = open_backend(_i, DATABASE_ACCOUNTS);
    struct error e;

    fill(s);
    ck_assert_int_eq(change_line_apply(s, SPAN("domain-remove domain=example.com"), NOW, &e), BAD);
    ck_assert_str_eq(e.text, "domain example.com still has accounts, aliases or alias domains: remove them first");
    ck_assert_int_eq(change_line_apply(s, SPAN("domain-remove domain=nowhere.example"), NOW, &e), NOT_FOUND);
    store_done(s, "domain-remove domain=example.org");
    store_done(s, "account-remove address=john@example.com");
    store_done(s, "account-remove address=anna@example.com");
    store_done(s, "grant-add grantee=smart@relay.example sender=@example.com");
    store_done(s, "grant-add grantee=smart@relay.example sender=boss@example.com");
    store_done(s, "domain-remove domain=example.com");
    ck_assert_str_eq(ROWS(s, QUERY_POLICY, "example.com"), "");
    /* or they would be good for whoever has the domain next */
    ck_assert_str_eq(ROWS(s, QUERY_GRANTS, ""), "smart@relay.example|@customer.example");
    ck_assert_str_eq(ALL_ROWS(s, QUERY_LIST_SHAPES), "s255c25");
    store_close(&s);
}
END_TEST

START_TEST(removing)
{
    struct store *s = open_backend(_i, DATABASE_ACCOUNTS);

    fill(s);
    store_done(s, "alias-remove alias=info@example.com");
    ck_assert_str_eq(ROWS(s, QUERY_ALIAS_DESTINATIONS, "info@example.com"), "");
    store_done(s, "alias-member-remove alias=@example.com destination=anna@example.com");
    ck_assert_str_eq(ROWS(s, QUERY_ALIAS, "@example.com"), "");
    store_done(s, "grant-remove grantee=john@example.com sender=*");
    store_done(s, "policy-unset check=helo_fqdn scope=example.com");
    store_done(s, "list-remove id=1");
    store_done(s, "list-remove id=0003");
    ck_assert_str_eq(ALL_ROWS(s, QUERY_ACCOUNT_COUNTS), "3|1|3|0|2|2|2");
    store_close(&s);
}
END_TEST

static struct change_set set_of(struct change_line *lines, struct change *changes, const char *const *text,
                                size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct error e;
        ck_assert_int_eq(change_line_parse(span_of(text[i]), &lines[i], &e), OK);
        changes[i] = lines[i].change;
    }
    return (struct change_set){ .change = changes, .count = count, .result = BAD };
}

START_TEST(a_set_is_done_as_a_whole_or_not_at_all)
{
    static const char *const texts[3][3] = {
        { "domain-add domain=a.example kind=mailbox", "account-add address=x@a.example kind=user password={X}x",
          "alias-add alias=y@a.example" },
        { "domain-add domain=b.example kind=mailbox", "account-add address=x@b.example kind=user password={X}x",
          "account-add address=x@c.example kind=user password={X}x" },
        { "account-add address=z@a.example kind=user password={X}x", "alias-add alias=w@a.example",
          "policy-set check=helo_fqdn mode=off scope=a.example" },
    };
    struct store *s = open_backend(_i, DATABASE_ACCOUNTS);
    static struct change_line lines[3][3];
    struct change changes[3][3];
    struct change_set sets[3];
    struct change_set *const pointers[] = { &sets[0], &sets[1], &sets[2] };

    for (size_t i = 0; i < 3; i++)
        sets[i] = set_of(lines[i], changes[i], texts[i], 3);
    ck_assert_int_eq(store_apply(s, pointers, 3, NOW), OK);
    ck_assert_int_eq(sets[0].result, OK);
    ck_assert_int_eq(sets[1].result, BAD);
    ck_assert_str_eq(sets[1].error.text, "domain c.example is not known: policyctl domain add c.example");
    ck_assert_int_eq(sets[2].result, OK);
    ck_assert_str_eq(sets[2].error.text, "");
    ck_assert_str_eq(ALL_ROWS(s, QUERY_DOMAINS), "a.example|mailbox|-|2|2");
    ck_assert_str_eq(ROWS(s, QUERY_POLICY, "a.example"), "helo_fqdn|off|-|0");
    store_close(&s);
}
END_TEST

START_TEST(planned_policy_rows)
{
    struct store *s = open_backend(_i, DATABASE_ACCOUNTS);

    store_done(s, "policy-set check=starttls mode=observe");
    store_done(s, "policy-set check=starttls mode=enforce start=1800000100");
    store_done(s, "policy-set check=starttls mode=enforce start=1799999999 until=1900000000");
    ck_assert_str_eq(ROWS(s, QUERY_POLICY, ""), "starttls|observe|-|0\nstarttls|enforce|1900000000|1799999999\n"
                                                "starttls|enforce|-|1800000100");
    ck_assert_str_eq(ROWS(s, QUERY_POLICIES_NOW, "1799999998"), "|starttls|observe");
    ck_assert_str_eq(ROWS(s, QUERY_POLICIES_NOW, "1799999999"), "|starttls|enforce");
    store_done(s, "policy-set check=starttls mode=off start=1800000100");
    ck_assert_str_eq(ROWS(s, QUERY_POLICIES_NOW, "1800000100"), "|starttls|off");
    /* What has begun gives way to a row that counts at once; what is to come stays. */
    store_done(s, "policy-set check=starttls mode=observe");
    ck_assert_str_eq(ROWS(s, QUERY_POLICY, ""), "starttls|observe|-|0\nstarttls|off|-|1800000100");
    store_done(s, "policy-unplan check=starttls start=1800000100");
    ck_assert_str_eq(ROWS(s, QUERY_POLICY, ""), "starttls|observe|-|0");
    store_done(s, "policy-set check=starttls mode=enforce start=1800000100");
    store_done(s, "policy-unset check=starttls");
    ck_assert_str_eq(ROWS(s, QUERY_POLICY, ""), "");
    store_close(&s);
}
END_TEST

START_TEST(no_sets_and_empty_sets)
{
    struct store *s = open_backend(_i, DATABASE_ACCOUNTS);
    struct change_set empty = { .change = NULL, .count = 0, .result = BAD };
    struct change_set *const sets[] = { &empty };

    ck_assert_int_eq(store_apply(s, NULL, 0, NOW), OK);
    ck_assert_int_eq(store_apply(s, sets, 1, NOW), OK);
    ck_assert_int_eq(empty.result, OK);
    store_close(&s);
}
END_TEST

static bool stop_at_once(const struct row *row, void *context)
{
    (void)row;
    ++*(unsigned *)context;
    return false;
}

START_TEST(a_callback_may_stop)
{
    struct store *s = open_backend(_i, DATABASE_ACCOUNTS);
    unsigned rows = 0;

    fill(s);
    ck_assert_int_eq(store_query(s, QUERY_DOMAINS, NULL, 0, stop_at_once, &rows), OK);
    ck_assert_uint_eq(rows, 1);
    ck_assert_str_eq(ROWS(s, QUERY_ALIAS, "info@example.com"), "1|1|john@example.com");
    store_close(&s);
}
END_TEST

START_TEST(transactions_and_versions_answer)
{
    struct store *s = open_backend(_i, DATABASE_ACCOUNTS);
    uint64_t version, later;

    ck_assert_int_eq(store_version(s, &version), OK);
    ck_assert_int_eq(store_begin(s), OK);
    ck_assert_str_eq(ALL_ROWS(s, QUERY_DOMAINS), "");
    store_end(s);
    store_done(s, "domain-add domain=a.example kind=mailbox");
    ck_assert_int_eq(store_checkpoint(s), OK);
    ck_assert_int_eq(store_version(s, &later), OK);
    ck_assert_uint_eq(later, version); /* it was no other connection */
    store_close(&s);
}
END_TEST

static const char *observations(struct store *s)
{
    const char *since = "0";

    return store_rows(s, QUERY_OBSERVATIONS, &since, 1);
}

START_TEST(observations_are_summed_up)
{
    struct store *s = open_backend(_i, DATABASE_STATE);
    const char *of = "a";

    store_done(s, "observe check=helo_fqdn subject=a cause=c mode=observe number=2 delivered=0 sample=first");
    store_done(s, "observe check=helo_fqdn subject=a cause=c mode=observe number=3 delivered=1 sample=second");
    store_done(s, "observe check=helo_fqdn subject=a cause=c mode=enforce number=1 delivered=0 sample=x");
    store_done(s, "observe check=sender_login subject=u@example.com cause=c envelope_sender=w@example.net"
                  " client=192.0.2.0/24 mode=observe number=1 delivered=1 sample=x");
    store_done(s, "observe check=sender_auth subject= cause= mode=observe number=1 delivered=0 sample=");
    ck_assert_str_eq(observations(s),
                     "|sender_auth||||observe|sender|1|0|1800000000|1800000000|\n"
                     "a|helo_fqdn|c|||enforce|host|1|0|1800000000|1800000000|x\n"
                     "a|helo_fqdn|c|||observe|host|5|1|1800000000|1800000000|second\n"
                     "u@example.com|sender_login|c|w@example.net|192.0.2.0/24|observe|account|1|1|1800000000|"
                     "1800000000|x");
    ck_assert_ptr_nonnull(strstr(store_rows(s, QUERY_OBSERVATIONS_OF, &of, 1), "a|helo_fqdn|c|||enforce"));
    store_close(&s);
}
END_TEST

static void observe_at(struct store *s, int64_t now, const char *subject, const char *cause, int delivered)
{
    char line[160];
    struct error e;

    snprintf(line, sizeof line, "observe check=helo_fqdn subject=%s cause=%s mode=observe number=1 delivered=%d sample=x",
             subject, cause, delivered);
    ck_assert_int_eq(change_line_apply(s, span_of(line), now, &e), OK);
}

START_TEST(observations_are_trimmed_by_kind_and_evidence)
{
    struct store *s = open_backend(_i, DATABASE_STATE);

    store_done(s, "observe check=sender_login subject=u@example.com cause=c mode=observe number=1 delivered=0 sample=x");
    observe_at(s, NOW - 50, "arrived", "c", 1);
    for (int i = 0; i < 5; i++) {
        char subject[16];
        snprintf(subject, sizeof subject, "bot%d", i);
        observe_at(s, NOW + i, subject, "c", 0);
    }
    store_done(s, "state-trim number=2 start=0");
    const char *rows = observations(s);
    ck_assert_ptr_nonnull(strstr(rows, "u@example.com|"));
    ck_assert_ptr_nonnull(strstr(rows, "arrived|"));
    ck_assert_ptr_nonnull(strstr(rows, "bot4|"));
    ck_assert_ptr_null(strstr(rows, "bot3|"));
    char line[64];
    snprintf(line, sizeof line, "state-trim number=9 start=%d", NOW);
    store_done(s, line);
    ck_assert_ptr_null(strstr(observations(s), "arrived|"));
    ck_assert_ptr_nonnull(strstr(observations(s), "bot4|"));
    store_close(&s);
}
END_TEST

START_TEST(one_subject_takes_no_more_than_its_rows)
{
    struct store *s = open_backend(_i, DATABASE_STATE);
    const char *of = "s";

    observe_at(s, NOW - 1, "s", "arrived", 1);
    for (int i = 0; i < 80; i++) {
        char cause[16];
        snprintf(cause, sizeof cause, "c%d", i);
        observe_at(s, NOW + i, "s", cause, 0);
    }
    const char *rows = store_rows(s, QUERY_OBSERVATIONS_OF, &of, 1);
    unsigned lines = 1;
    for (const char *p = rows; (p = strchr(p, '\n')) != NULL; p++)
        lines++;
    ck_assert_uint_eq(lines, 64);
    ck_assert_ptr_nonnull(strstr(rows, "|arrived|"));
    ck_assert_ptr_nonnull(strstr(rows, "|c79|"));
    ck_assert_ptr_null(strstr(rows, "|c0|"));
    store_close(&s);
}
END_TEST

START_TEST(what_accounts_send)
{
    struct store *s = open_backend(_i, DATABASE_STATE);
    const char *of = "u@example.com", *since = "0";

    store_done(s, "sending address=u@example.com envelope_sender= number=1 recipients=2 bytes=30");
    store_done(s, "sending address=u@example.com envelope_sender=u@example.com number=2 recipients=2 bytes=10");
    store_done(s, "sending address=u@example.com envelope_sender=u@example.com number=1 recipients=9 bytes=1");
    ck_assert_str_eq(store_rows(s, QUERY_SENDING_OF, &of, 1), "u@example.com|3|11|11|1800000000|1800000000\n"
                                                              "|1|2|30|1800000000|1800000000");
    ck_assert_str_eq(store_rows(s, QUERY_SENDING_ACCOUNTS, &since, 1), "u@example.com|4");
    store_close(&s);
}
END_TEST

START_TEST(tallies)
{
    struct store *s = open_backend(_i, DATABASE_STATE);
    const char *host[] = { "3600", "" }, *domain[] = { "0", "example.com" };

    store_done(s, "tally start=3600 scope= check= outcome=accepted number=2");
    store_done(s, "tally start=3600 scope= check= outcome=accepted number=3");
    store_done(s, "tally start=7200 scope= check=helo_fqdn outcome=refused number=1");
    store_done(s, "tally start=0 scope=example.com check= outcome=accepted number=7");
    ck_assert_str_eq(store_rows(s, QUERY_TALLIES, host, 2), "3600||accepted|5\n7200|helo_fqdn|refused|1");
    ck_assert_str_eq(store_rows(s, QUERY_TALLIES, domain, 2), "0||accepted|7");
    store_done(s, "state-trim number=9 start=7200");
    ck_assert_str_eq(store_rows(s, QUERY_TALLIES, host, 2), "7200|helo_fqdn|refused|1");
    store_close(&s);
}
END_TEST

START_TEST(the_failing_store)
{
    struct store *s = store_opened("fail", DATABASE_ACCOUNTS, STORE_READ);
    const char *const param = "example.com";
    struct change_set set = { 0 };
    struct change_set *const sets[] = { &set };
    unsigned rows = 0;
    uint64_t version;

    for (unsigned q = 0; q < QUERY_COUNT; q++)
        ck_assert_int_eq(store_query(s, (enum query)q, &param, 1, stop_at_once, &rows), TRY_AGAIN);
    ck_assert_uint_eq(rows, 0);
    ck_assert_int_eq(store_begin(s), TRY_AGAIN);
    ck_assert_int_eq(store_apply(s, sets, 1, NOW), TRY_AGAIN);
    ck_assert_int_eq(set.result, TRY_AGAIN);
    ck_assert_str_ne(set.error.text, "");
    ck_assert_int_eq(store_checkpoint(s), TRY_AGAIN);
    ck_assert_int_eq(store_version(s, &version), TRY_AGAIN);
    store_end(s);
    store_close(&s);
    store_close(&s);
}
END_TEST

START_TEST(an_unknown_backend)
{
    struct store_params p = { .backend = "pgsql" };
    struct store *s;
    struct error e;

    ck_assert_int_eq(store_open(&p, &s, &e), BAD);
    ck_assert_str_eq(e.text, "no store backend 'pgsql'");
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("store");
    Suite *suite = suite_create("store");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, t);
    tcase_add_checked_fixture(t, store_fixture_open, store_fixture_close);
    tcase_add_loop_test(t, each_change_and_query, 0, BACKENDS);
    tcase_add_loop_test(t, the_most_specific_grant_is_found, 0, BACKENDS);
    tcase_add_loop_test(t, what_an_account_takes_with_it, 0, BACKENDS);
    tcase_add_loop_test(t, what_a_domain_takes_with_it, 0, BACKENDS);
    tcase_add_loop_test(t, removing, 0, BACKENDS);
    tcase_add_loop_test(t, a_set_is_done_as_a_whole_or_not_at_all, 0, BACKENDS);
    tcase_add_loop_test(t, planned_policy_rows, 0, BACKENDS);
    tcase_add_loop_test(t, no_sets_and_empty_sets, 0, BACKENDS);
    tcase_add_loop_test(t, a_callback_may_stop, 0, BACKENDS);
    tcase_add_loop_test(t, transactions_and_versions_answer, 0, BACKENDS);
    tcase_add_loop_test(t, observations_are_summed_up, 0, BACKENDS);
    tcase_add_loop_test(t, observations_are_trimmed_by_kind_and_evidence, 0, BACKENDS);
    tcase_add_loop_test(t, one_subject_takes_no_more_than_its_rows, 0, BACKENDS);
    tcase_add_loop_test(t, what_accounts_send, 0, BACKENDS);
    tcase_add_loop_test(t, tallies, 0, BACKENDS);
    tcase_add_test(t, the_failing_store);
    tcase_add_test(t, an_unknown_backend);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
