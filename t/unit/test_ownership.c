/* SPDX-License-Identifier: MIT */
/*
 * policyd/ownership: who may send as whom, sentence by sentence of the design, each
 * with its opposite.
 */
#include "policyd/ownership.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "t/unit/checked_world.h"
#include "t/unit/odd_store.h"

static const char *const table[] = {
    "domain-add domain=example.com kind=mailbox",
    "domain-add domain=example.org kind=alias target=example.com",
    "domain-add domain=b.example kind=mailbox",
    "domain-add domain=c.example kind=mailbox",
    "domain-add domain=xn--bcher-kva.example kind=mailbox",
    "domain-add domain=relay.example kind=relay",
    "account-add address=john@example.com kind=user password={X}x",
    "account-add address=anna@example.com kind=user password={X}x",
    "account-add address=john-smith@example.com kind=user password={X}x",
    "account-add address=eve@b.example kind=user password={X}x",
    "account-add address=boss@b.example kind=user password={X}x",
    "account-add address=carl@c.example kind=user password={X}x",
    "account-add address=user@xn--bcher-kva.example kind=user password={X}x",
    "account-add address=smart@relay.example kind=relay password={X}x",

    /* aliases: one destination, several, several that may send */
    "alias-add alias=info@example.com",
    "alias-member alias=info@example.com destination=john@example.com",
    "alias-add alias=team@example.com",
    "alias-member alias=team@example.com destination=john@example.com",
    "alias-member alias=team@example.com destination=anna@example.com",
    "alias-add alias=sales@example.com members_send=1",
    "alias-member alias=sales@example.com destination=john@example.com",
    "alias-member alias=sales@example.com destination=anna@example.com",
    "alias-member alias=sales@example.com destination=far@away.example",

    /* through others: to an alias, into an alias domain, with an extension, loops */
    "alias-add alias=nested@example.com",
    "alias-member alias=nested@example.com destination=info@example.com",
    "alias-add alias=indirect@example.com",
    "alias-member alias=indirect@example.com destination=john+lists@example.org",
    "alias-add alias=via-group@example.com",
    "alias-member alias=via-group@example.com destination=team@example.com",
    "alias-add alias=via-sales@example.com",
    "alias-member alias=via-sales@example.com destination=sales@example.com",
    "alias-add alias=loop1@example.com members_send=1",
    "alias-add alias=loop2@example.com members_send=1",
    "alias-member alias=loop1@example.com destination=loop2@example.com",
    "alias-member alias=loop1@example.com destination=loop1@example.com",
    "alias-member alias=loop2@example.com destination=loop1@example.com",
    "alias-member alias=loop2@example.com destination=anna@example.com",

    /* an alias of the alias domain's own, and catch-alls */
    "alias-add alias=only@example.org",
    "alias-member alias=only@example.org destination=anna@example.com",
    "alias-add alias=@b.example",
    "alias-member alias=@b.example destination=boss@b.example",
    "alias-add alias=@example.com",
    "alias-member alias=@example.com destination=anna@example.com",

    "grant-add grantee=john@example.com sender=news@away.example",
    "grant-add grantee=eve@b.example sender=@c.example",
    "grant-add grantee=@c.example sender=office@c.example",
    "grant-add grantee=@c.example sender=@away.example",
    "grant-add grantee=boss@b.example sender=*",
    "grant-add grantee=anna@example.com sender=john@example.com",
    "grant-add grantee=eve@b.example sender=anna@example.org",
    "grant-add grantee=smart@relay.example sender=@relay.example",
    "grant-add grantee=smart@relay.example sender=@customer.example",
    NULL,
};

static void set_up(void)
{
    checked_world_open();
    configure("recipient_delimiter = \"+\"");
    changes(table);
}

static enum result check(const char *login, const char *sender, char why[OWNERSHIP_TEXT_MAX])
{
    struct address l = address_of(login), s = address_of(sender);
    enum result r = ownership_check(world_facts(&world), &l, &s, why);

    rows_turn_end(world.rows);
    return r;
}

static const struct {
    const char *login, *sender;
    enum result result;
    const char *why; /* part of it */
} rows[] = {
    /* the login itself */
    { "john@example.com", "john@example.com", OK, "is the login" },
    { "john@example.com", "JOHN@Example.COM", OK, "is the login" },
    { "john@example.com", "john@b.example", NOT_FOUND, "no address here" },
    { "john@example.com", "eve@b.example", NOT_FOUND, "is another account" },
    { "eve@b.example", "john@example.com", NOT_FOUND, "another account" },
    { "stranger@elsewhere.example", "john@example.com", NOT_FOUND, NULL },
    { "stranger@elsewhere.example", "stranger@elsewhere.example", OK, "is the login" },

    /* its aliases; with several destinations only where marked */
    { "john@example.com", "info@example.com", OK, "alias info@example.com goes to john@example.com" },
    { "anna@example.com", "info@example.com", NOT_FOUND, "an alias for others" },
    { "john@example.com", "team@example.com", NOT_FOUND, NULL },
    { "john@example.com", "sales@example.com", OK, NULL },
    { "anna@example.com", "sales@example.com", OK, NULL },
    { "eve@b.example", "sales@example.com", NOT_FOUND, NULL },
    { "john@example.com", "nested@example.com", OK, NULL },
    { "john@example.com", "indirect@example.com", OK, NULL },
    { "john@example.com", "via-group@example.com", NOT_FOUND, NULL },
    { "anna@example.com", "via-sales@example.com", OK, NULL },
    { "anna@example.com", "loop1@example.com", OK, NULL },
    { "john@example.com", "loop1@example.com", NOT_FOUND, NULL },
    { "far@away.example", "sales@example.com", OK, NULL }, /* a login of another passdb */

    /* the same local part in an alias domain */
    { "john@example.com", "john@example.org", OK, "is an address of the login" },
    { "john@example.com", "info@example.org", OK, NULL },
    { "john@example.com", "anna@example.org", NOT_FOUND, NULL },
    { "anna@example.com", "only@example.org", OK, NULL },
    { "john@example.com", "only@example.org", NOT_FOUND, NULL },

    /* catch-all: only what does not exist otherwise */
    { "boss@b.example", "anything@b.example", OK, NULL },
    { "anna@example.com", "whoever@example.com", OK, NULL },
    { "anna@example.com", "whoever@example.org", OK, NULL },
    { "anna@example.com", "john-smith@example.com", NOT_FOUND, NULL },
    { "anna@example.com", "info@example.com", NOT_FOUND, NULL },
    { "john@example.com", "whoever@example.com", NOT_FOUND, NULL },

    /* grants: an address, @domain, *; to the login or its domain */
    { "john@example.com", "news@away.example", OK, "grant to john@example.com for news@away.example" },
    { "john@example.com", "other@away.example", NOT_FOUND, NULL },
    { "eve@b.example", "carl@c.example", OK, "grant to eve@b.example for @c.example" },
    { "eve@b.example", "anyone@c.example", OK, NULL },
    { "eve@b.example", "x@sub.c.example", NOT_FOUND, NULL },
    { "carl@c.example", "office@c.example", OK, "grant to @c.example for office@c.example" },
    { "carl@c.example", "x@away.example", OK, "grant to @c.example for @away.example" },
    { "boss@b.example", "ceo@anywhere.example", OK, "grant to boss@b.example for *" },
    { "boss@b.example", "john@example.com", OK, "for *" },
    { "anna@example.com", "john@example.com", OK, NULL }, /* a delegated mailbox */
    { "anna@example.com", "john@example.org", OK, NULL },
    { "anna@example.com", "john+x@example.com", OK, NULL },
    { "anna@example.com", "john+x@example.org", OK, NULL },
    { "eve@b.example", "anna@example.org", OK, NULL },
    { "eve@b.example", "anna@example.com", NOT_FOUND, NULL },
    { "eve@b.example", "anna+x@example.org", OK, NULL },
    { "eve@b.example", "anna+x@example.com", NOT_FOUND, NULL },
    { "john@example.com", "news+x@away.example", OK, NULL },

    /* S16: a customer's smart host sends as any address of its own domains */
    { "smart@relay.example", "any@relay.example", OK, NULL },
    { "smart@relay.example", "any@customer.example", OK, NULL },
    { "smart@relay.example", "john@example.com", NOT_FOUND, NULL },

    /* extensions */
    { "john@example.com", "john+shop@example.com", OK, NULL },
    { "john@example.com", "john+shop@example.org", OK, NULL },
    { "john@example.com", "info+x@example.com", OK, NULL },
    { "john@example.com", "+x@example.com", NOT_FOUND, NULL },
    { "john@example.com", "john-smith@example.com", NOT_FOUND, NULL },
    { "john-smith@example.com", "john-smith+x@example.com", OK, NULL },

    /* wrappings */
    { "john@example.com", "prvs=0123456789=john@example.com", OK, NULL },
    { "john@example.com", "prvs=0123456789=anna@example.com", NOT_FOUND, NULL },
    { "john@example.com", "prvs=0123456789=john+x@example.org", OK, NULL },
    { "john@example.com", "SRS0=HHH=TT=example.com=john@forwarder.example", OK, NULL },
    { "john@example.com", "SRS0=HHH=TT=example.com=anna@forwarder.example", NOT_FOUND, NULL },
    { "anna@example.com", "SRS0=HHH=TT=example.com=john@b.example", NOT_FOUND, NULL }, /* one of ours */
    { "boss@b.example", "SRS0=HHH=TT=example.com=john@b.example", OK, NULL },
    { "eve@b.example", "SRS0=HHH=TT=c.example=carl@b.example", OK, NULL },
    { "eve@b.example", "SRS0=HHH=TT=example.com=john@b.example", NOT_FOUND, NULL },
    { "john@example.com", "SRS0=HHH=TT=away.example=news@example.com", OK, NULL },

    /* letters alike */
    { "user@xn--bcher-kva.example", "user@b\xc3\xbc" "cher.example", OK, NULL },
    { "user@b\xc3\x9c" "CHER.example", "User@xn--BCHER-kva.example", OK, NULL },
    { "john@example.com", "\"john\"@example.com", OK, NULL },
};

START_TEST(who_may_send_as_whom)
{
    char why[OWNERSHIP_TEXT_MAX] = "unset";
    enum result r = check(rows[_i].login, rows[_i].sender, why);

    ck_assert_msg(r == rows[_i].result, "%s as %s: %s: %s", rows[_i].login, rows[_i].sender, result_name(r), why);
    if (rows[_i].why)
        ck_assert_msg(strstr(why, rows[_i].why), "%s as %s: %s", rows[_i].login, rows[_i].sender, why);
    else
        ck_assert_str_ne(why, "");
    ck_assert_int_eq(check(rows[_i].login, rows[_i].sender, NULL), r);
}
END_TEST

START_TEST(other_delimiters)
{
    configure("recipient_delimiter = \"-\"");
    ck_assert_int_eq(check("john@example.com", "john-shop@example.com", NULL), OK);
    ck_assert_int_eq(check("john@example.com", "john-smith@example.com", NULL), NOT_FOUND);
    ck_assert_int_eq(check("john@example.com", "john-smith@example.org", NULL), NOT_FOUND);
    ck_assert_int_eq(check("john@example.com", "john-smith-x@example.com", NULL), OK); /* as Postfix delivers */
    ck_assert_int_eq(check("john@example.com", "john+shop@example.com", NULL), NOT_FOUND);
    change("grant-add grantee=eve@b.example sender=john@example.com");
    ck_assert_int_eq(check("eve@b.example", "john-x@example.com", NULL), OK);
    ck_assert_int_eq(check("eve@b.example", "john-smith@example.com", NULL), NOT_FOUND);
    ck_assert_int_eq(check("eve@b.example", "john-smith@example.org", NULL), NOT_FOUND);
    configure("recipient_delimiter = \"+-\"");
    ck_assert_int_eq(check("john@example.com", "john+shop@example.com", NULL), OK);
    ck_assert_int_eq(check("john@example.com", "john-shop@example.com", NULL), OK);
    configure("recipient_delimiter = \"\"");
    ck_assert_int_eq(check("john@example.com", "john+shop@example.com", NULL), NOT_FOUND);
    change("account-add address=john+shop@example.com kind=user password={X}x");
    configure("recipient_delimiter = \"+\"");
    ck_assert_int_eq(check("john@example.com", "john+shop@example.com", NULL), NOT_FOUND);
    ck_assert_int_eq(check("john+shop@example.com", "john+shop@example.com", NULL), OK);
}
END_TEST

/* The catch-all that gets an alias domain's mail: its own before the other's. */
START_TEST(catch_all_of_an_alias_domain)
{
    change("alias-add alias=@example.org");
    change("alias-member alias=@example.org destination=eve@b.example");
    ck_assert_int_eq(check("eve@b.example", "whoever@example.org", NULL), OK);
    ck_assert_int_eq(check("eve@b.example", "whoever@example.com", NULL), NOT_FOUND);
    ck_assert_int_eq(check("anna@example.com", "whoever@example.org", NULL), NOT_FOUND);
    ck_assert_int_eq(check("anna@example.com", "whoever@example.com", NULL), OK);
}
END_TEST

START_TEST(a_list_of_hundreds)
{
    char line[128];

    change("alias-add alias=all@example.com members_send=1");
    for (int i = 0; i < 500; i++) {
        snprintf(line, sizeof line, "alias-member alias=all@example.com destination=m%d@far-away-from-here.example", i);
        change(line);
    }
    change("alias-member alias=all@example.com destination=john@example.com");
    ck_assert_int_eq(check("john@example.com", "all@example.com", NULL), OK);
    ck_assert_int_eq(check("m499@far-away-from-here.example", "all@example.com", NULL), OK);
    ck_assert_int_eq(check("eve@b.example", "all@example.com", NULL), NOT_FOUND);
}
END_TEST

/* A chain of aliases as long as is followed, and one longer. */
START_TEST(chains)
{
    char line[128];

    for (int i = 0; i <= ALIAS_DEPTH_MAX + 1; i++) {
        snprintf(line, sizeof line, "alias-add alias=c%d@b.example", i);
        change(line);
        if (i == 0)
            change("alias-member alias=c0@b.example destination=eve@b.example");
        else {
            snprintf(line, sizeof line, "alias-member alias=c%d@b.example destination=c%d@b.example", i, i - 1);
            change(line);
        }
    }
    snprintf(line, sizeof line, "c%d@b.example", ALIAS_DEPTH_MAX);
    ck_assert_int_eq(check("eve@b.example", line, NULL), OK);
    snprintf(line, sizeof line, "c%d@b.example", ALIAS_DEPTH_MAX + 1);
    ck_assert_int_eq(check("eve@b.example", line, NULL), NOT_FOUND);
}
END_TEST

/* Aliases that all go to all: bounded, however it is asked. */
START_TEST(everybody_to_everybody)
{
    char line[128];

    for (int i = 0; i < 30; i++) {
        snprintf(line, sizeof line, "alias-add alias=x%d@b.example members_send=1", i);
        change(line);
    }
    for (int i = 0; i < 30; i++)
        for (int k = 0; k < 30; k++) {
            snprintf(line, sizeof line, "alias-member alias=x%d@b.example destination=x%d@b.example", i, k);
            change(line);
        }
    ck_assert_int_eq(check("eve@b.example", "x7@b.example", NULL), NOT_FOUND);
    rows_changed(world.rows);
    uint64_t before = rows_stats(world.rows).read;
    ck_assert_int_eq(check("eve@b.example", "x8@b.example", NULL), NOT_FOUND);
    ck_assert_uint_lt(rows_stats(world.rows).read - before, 200);
}
END_TEST

/* Of a table that somebody else wrote: an alias that goes to what is no address. */
START_TEST(a_destination_that_is_none)
{
    static const char *const bearer[] = { "0", "0", "1", "\xff", NULL };
    struct odd_store odd;

    odd_store_init(&odd, world.store);
    odd.query = QUERY_BEARER;
    odd.columns = 4;
    odd.text = bearer;
    rows_use(world.rows, &odd.head);
    ck_assert_int_eq(check("john@example.com", "info@example.com", NULL), NOT_FOUND);
    rows_use(world.rows, world.store);
}
END_TEST

/* A fault is never "may not", and never "may". */
START_TEST(unreadable)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct address login = address_of(rows[i].login), sender = address_of(rows[i].sender), plain;
        if (address_equal(&login, address_unwrap(&sender, &plain) == OK ? &plain : &sender))
            continue;
        world_fail(&world, true);
        ck_assert_msg(check(rows[i].login, rows[i].sender, NULL) == TRY_AGAIN, "%s", rows[i].sender);
        world_fail(&world, false);
        ck_assert_int_eq(check(rows[i].login, rows[i].sender, NULL), rows[i].result);
        world.now += 2 * ROWS_LAST_GOOD_S;
    }
}
END_TEST

START_TEST(who_bears_an_address)
{
    static const struct {
        const char *address, *bearer;
        bool account, alias;
    } bearers[] = {
        { "john@example.com", "john@example.com", true, false },
        { "john+x@example.org", "john@example.com", true, false },
        { "info@example.org", "info@example.com", false, true },
        { "only@example.org", "only@example.org", false, true },
        { "whoever@example.com", NULL, false, false },
    };

    for (size_t i = 0; i < sizeof bearers / sizeof *bearers; i++) {
        struct address a = address_of(bearers[i].address);
        struct bearer b;
        enum result r = ownership_bearer(world_facts(&world), &a, &b);
        ck_assert_int_eq(r, bearers[i].bearer ? OK : NOT_FOUND);
        if (r != OK)
            continue;
        ck_assert_str_eq(b.address.text, bearers[i].bearer);
        ck_assert_int_eq(b.account, bearers[i].account);
        ck_assert_int_eq(b.alias, bearers[i].alias);
    }
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("ownership");
    Suite *suite = suite_create("ownership");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, t);
    tcase_add_checked_fixture(t, set_up, checked_world_close);
    tcase_add_loop_test(t, who_may_send_as_whom, 0, sizeof rows / sizeof *rows);
    tcase_add_test(t, other_delimiters);
    tcase_add_test(t, catch_all_of_an_alias_domain);
    tcase_add_test(t, a_list_of_hundreds);
    tcase_add_test(t, chains);
    tcase_add_test(t, everybody_to_everybody);
    tcase_add_test(t, a_destination_that_is_none);
    tcase_add_test(t, unreadable);
    tcase_add_test(t, who_bears_an_address);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
