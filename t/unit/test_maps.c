/* SPDX-License-Identifier: MIT */
/*
 * policyd/maps: each of Postfix's look-ups; and smtpd_sender_login_maps against the
 * rule that the policy service has, for every pair of a fixture.
 */
#include "policyd/maps.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policyd/ownership.h"
#include "t/unit/checked_world.h"

static const char *const table[] = {
    "domain-add domain=example.com kind=mailbox",
    "domain-add domain=example.org kind=alias target=example.com",
    "domain-add domain=b.example kind=mailbox",
    "domain-add domain=relay.example kind=relay",
    "domain-add domain=relay2.example kind=alias target=relay.example",
    "account-add address=john@example.com kind=user password={X}x",
    "account-add address=anna@example.com kind=user password={X}x",
    "account-add address=eve@b.example kind=user password={X}x",
    "account-add address=smart@b.example kind=relay password={X}x",
    "account-add address=in@relay.example kind=relay password={X}x",
    "account-add address=a/b@b.example kind=user password={X}x",
    "account-add address=a%2Fb@b.example kind=user password={X}x",
    "account-suspend address=anna@example.com reason=spam",
    "alias-add alias=info@example.com members_send=1",
    "alias-member alias=info@example.com destination=john@example.com",
    "alias-member alias=info@example.com destination=far@away.example",
    "alias-add alias=team@example.com",
    "alias-member alias=team@example.com destination=john@example.com",
    "alias-member alias=team@example.com destination=anna@example.com",
    "alias-add alias=nested@example.com",
    "alias-member alias=nested@example.com destination=info+x@example.org",
    "alias-add alias=only@example.org",
    "alias-member alias=only@example.org destination=anna@example.com",
    "alias-add alias=loop@example.com",
    "alias-member alias=loop@example.com destination=loop@example.com",
    "alias-add alias=@example.com",
    "alias-member alias=@example.com destination=anna@example.com",
    "grant-add grantee=eve@b.example sender=john@example.com",
    "grant-add grantee=@b.example sender=@away.example",
    "grant-add grantee=john@example.com sender=news+x@away.example",
    "grant-add grantee=smart@b.example sender=@example.org",
    "grant-add grantee=anna@example.com sender=*",
    NULL,
};

static void set_up(void)
{
    checked_world_open();
    configure("recipient_delimiter = \"+\"");
    changes(table);
}

static const char *look_up(enum map_id id, const char *key, enum result *r)
{
    static char value[ROWS_TEXT_MAX];
    struct strbuf b;

    strbuf_init(&b, value, sizeof value);
    *r = maps_lookup(world_facts(&world), id, span_of(key), &b);
    rows_turn_end(world.rows);
    return value;
}

static const struct {
    enum map_id id;
    const char *key, *value; /* NULL: NOT_FOUND */
} rows[] = {
    { MAP_VIRTUAL_MAILBOX_DOMAINS, "example.com", "example.com" },
    { MAP_VIRTUAL_MAILBOX_DOMAINS, "Example.COM", "example.com" },
    { MAP_VIRTUAL_MAILBOX_DOMAINS, "example.org", "example.org" },
    { MAP_VIRTUAL_MAILBOX_DOMAINS, "relay.example", NULL },
    { MAP_VIRTUAL_MAILBOX_DOMAINS, "nowhere.example", NULL },
    { MAP_VIRTUAL_MAILBOX_DOMAINS, ".example.com", NULL },
    { MAP_VIRTUAL_MAILBOX_DOMAINS, "", NULL },
    { MAP_RELAY_DOMAINS, "relay.example", "relay.example" },
    { MAP_RELAY_DOMAINS, "relay2.example", "relay2.example" },
    { MAP_RELAY_DOMAINS, "example.com", NULL },
    { MAP_RELAY_DOMAINS, "example.org", NULL },

    { MAP_VIRTUAL_MAILBOX_MAPS, "john@example.com", "example.com/john/" },
    { MAP_VIRTUAL_MAILBOX_MAPS, "anna@example.com", "example.com/anna/" }, /* suspended: mail arrives */
    { MAP_VIRTUAL_MAILBOX_MAPS, "a/b@b.example", "b.example/a%2Fb/" },
    { MAP_VIRTUAL_MAILBOX_MAPS, "a%2Fb@b.example", "b.example/a%252fb/" },
    { MAP_VIRTUAL_MAILBOX_MAPS, "john@example.org", NULL }, /* virtual_alias_maps leads there */
    { MAP_VIRTUAL_MAILBOX_MAPS, "smart@b.example", NULL },
    { MAP_VIRTUAL_MAILBOX_MAPS, "info@example.com", NULL },
    { MAP_VIRTUAL_MAILBOX_MAPS, "@example.com", NULL },
    { MAP_VIRTUAL_MAILBOX_MAPS, "john", NULL },

    { MAP_VIRTUAL_ALIAS_MAPS, "info@example.com", "far@away.example,john@example.com" },
    { MAP_VIRTUAL_ALIAS_MAPS, "info@example.org", "far@away.example,john@example.com" },
    { MAP_VIRTUAL_ALIAS_MAPS, "only@example.org", "anna@example.com" },
    { MAP_VIRTUAL_ALIAS_MAPS, "john@example.org", "john@example.com" },
    { MAP_VIRTUAL_ALIAS_MAPS, "john@example.com", "john@example.com" }, /* or the catch-all takes it */
    { MAP_VIRTUAL_ALIAS_MAPS, "whoever@example.com", "anna@example.com" },
    { MAP_VIRTUAL_ALIAS_MAPS, "whoever@example.org", "anna@example.com" },
    { MAP_VIRTUAL_ALIAS_MAPS, "whoever@b.example", NULL },
    { MAP_VIRTUAL_ALIAS_MAPS, "@example.com", "anna@example.com" },
    { MAP_VIRTUAL_ALIAS_MAPS, "@example.org", "anna@example.com" },
    { MAP_VIRTUAL_ALIAS_MAPS, "@b.example", NULL },
    { MAP_VIRTUAL_ALIAS_MAPS, "@nowhere.example", NULL },
    { MAP_VIRTUAL_ALIAS_MAPS, "john+x@example.com", "john+x@example.com" },
    { MAP_VIRTUAL_ALIAS_MAPS, "john+x@example.org", "john+x@example.com" },
    { MAP_VIRTUAL_ALIAS_MAPS, "info+x@example.org", "far+x@away.example,john+x@example.com" },
    { MAP_VIRTUAL_ALIAS_MAPS, "john", NULL },
    { MAP_VIRTUAL_ALIAS_MAPS, "", NULL },
    { MAP_VIRTUAL_ALIAS_MAPS, "@", NULL },

    { MAP_SENDER_LOGIN_MAPS, "eve@b.example", "eve@b.example,anna@example.com" },
    { MAP_SENDER_LOGIN_MAPS, "team@example.com", "anna@example.com" },
    { MAP_SENDER_LOGIN_MAPS, "john", NULL },
    { MAP_SENDER_LOGIN_MAPS, "", NULL },
};

START_TEST(each_map)
{
    enum result r;
    const char *value = look_up(rows[_i].id, rows[_i].key, &r);

    ck_assert_msg(r == (rows[_i].value ? OK : NOT_FOUND), "%s %s: %s %s", map_names[rows[_i].id], rows[_i].key,
                  result_name(r), value);
    if (rows[_i].value)
        ck_assert_str_eq(value, rows[_i].value);
}
END_TEST

static bool holds(const char *list, const char *login)
{
    size_t len = strlen(login);

    for (const char *p = list; (p = strstr(p, login)) != NULL; p++)
        if ((p == list || p[-1] == ',') && (p[len] == ',' || p[len] == '\0'))
            return true;
    return false;
}

static const char *const logins[] = {
    "john@example.com", "anna@example.com", "eve@b.example",     "smart@b.example", "a/b@b.example",
    "in@relay.example", "far@away.example", "nobody@c.example", "only@example.org",
};
static const char *const locals[] = {
    "john", "anna", "eve", "smart", "a/b", "info", "team", "nested", "only", "loop", "far", "news", "in",
    "whoever", "john+x", "info+x", "news+x", "whoever+x", "prvs=0123456789=john", "prvs=0123456789=whoever",
    "SRS0=HHH=TT=example.com=john", "SRS0=HHH=TT=b.example=eve", "SRS0=HHH=TT=away.example=x",
    "SRS0=HHH=TT=example.org=info",
};
static const char *const domains[] = {
    "example.com", "example.org", "b.example", "relay.example", "relay2.example", "away.example", "c.example",
};
enum { LOCALS = sizeof locals / sizeof *locals, DOMAINS = sizeof domains / sizeof *domains };

/* A login is in the answer exactly where it may send. Only "the login itself" is no row,
 * for logins that are none. */
START_TEST(the_map_agrees_with_the_check)
{
    unsigned owned = 0;

    for (size_t i = 0; i < LOCALS * DOMAINS; i++) {
        char sender[128];
        enum result r;
        snprintf(sender, sizeof sender, "%s@%s", locals[i / DOMAINS], domains[i % DOMAINS]);
        char *value = strdup(look_up(MAP_SENDER_LOGIN_MAPS, sender, &r));
        ck_assert_msg(r == OK || r == NOT_FOUND, "%s: %s", sender, result_name(r));
        for (size_t l = 0; l < sizeof logins / sizeof *logins; l++) {
            struct address login = address_of(logins[l]), address = address_of(sender), plain;
            if (address_unwrap(&address, &plain) != OK)
                plain = address;
            bool listed = r == OK && holds(value, logins[l]);
            bool may = ownership_check(world_facts(&world), &login, &address, NULL) == OK;
            if (!address_equal(&login, &plain))
                ck_assert_msg(listed == may, "%s as %s: %s, map: %s", logins[l], sender, may ? "may" : "may not",
                              value);
            owned += may;
        }
        free(value);
    }
    ck_assert_uint_gt(owned, 200); /* all the senders of one, at least */
}
END_TEST

START_TEST(a_group_of_hundreds)
{
    char line[128];
    enum result r;

    struct address john = address_of("john@example.com"), all = address_of("all@b.example");

    change("alias-add alias=all@b.example members_send=1");
    change("alias-member alias=all@b.example destination=john@example.org");
    ck_assert(holds(look_up(MAP_SENDER_LOGIN_MAPS, "all@b.example", &r), "john@example.com"));
    for (int i = 0; i < 300; i++) {
        snprintf(line, sizeof line, "alias-member alias=all@b.example destination=m%d@c.example", i);
        change(line);
    }
    const char *value = look_up(MAP_SENDER_LOGIN_MAPS, "all@b.example", &r);
    ck_assert_int_eq(r, OK);
    ck_assert(holds(value, "m0@c.example") && holds(value, "m299@c.example"));
    /* too many to look behind each: by both */
    ck_assert(!holds(value, "john@example.com"));
    ck_assert_int_eq(ownership_check(world_facts(&world), &john, &all, NULL), NOT_FOUND);
    for (int i = 0; i < 2000; i++) {
        snprintf(line, sizeof line, "alias-member alias=all@b.example destination=member-%d@c.example", i);
        change(line);
    }
    look_up(MAP_SENDER_LOGIN_MAPS, "all@b.example", &r); /* more than an answer holds */
    ck_assert_int_eq(r, LIMIT);
}
END_TEST

START_TEST(unreadable)
{
    static const char *const keys[] = { "example.com", "john@example.com", "info@example.com", "john@example.com",
                                        "relay.example" };

    world_fail(&world, true);
    for (unsigned id = 0; id < MAP_COUNT; id++) {
        enum result r;
        look_up((enum map_id)id, keys[id], &r);
        ck_assert_int_eq(r, TRY_AGAIN);
    }
}
END_TEST

START_TEST(names)
{
    for (unsigned i = 0; i < MAP_COUNT; i++) {
        enum map_id id;
        ck_assert_int_eq(map_parse(span_of(map_names[i]), &id), OK);
        ck_assert_uint_eq(id, i);
    }
    enum map_id id;
    ck_assert_int_eq(map_parse(SPAN("passwd"), &id), NOT_FOUND);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("maps");
    Suite *suite = suite_create("maps");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, t);
    tcase_add_checked_fixture(t, set_up, checked_world_close);
    tcase_add_loop_test(t, each_map, 0, sizeof rows / sizeof *rows);
    tcase_add_test(t, the_map_agrees_with_the_check);
    tcase_add_test(t, a_group_of_hundreds);
    tcase_add_test(t, unreadable);
    tcase_add_test(t, names);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
