/* SPDX-License-Identifier: MIT */
/*
 * The fields of a change: each type's canonical form, what it refuses, and its limit
 * and one past it; names and what takes what.
 */
#include "lib/store_schema.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/check_info.h"
#include "lib/store.h"

/* A change that takes the field, with all the others filled in. */
static struct change change_with(enum change_kind kind, enum field field, const char *text)
{
    static const char *const good[FIELD_COUNT] = {
        [FIELD_ADDRESS] = "a@example.com",   [FIELD_CATCHALL] = "a@example.com",
        [FIELD_DOMAIN] = "example.com",      [FIELD_KIND] = "mailbox",
        [FIELD_PASSWORD] = "{X}x",           [FIELD_STATUS] = "active",
        [FIELD_REASON] = "why",              [FIELD_DESTINATION] = "b@example.com",
        [FIELD_GRANTEE] = "a@example.com",   [FIELD_SENDER] = "b@example.com",
        [FIELD_CHECK] = "access",            [FIELD_MODE] = "off",
        [FIELD_ACTION] = "allow",            [FIELD_ID] = "1",
        [FIELD_CLIENT] = "192.0.2.9",
        [FIELD_NUMBER] = "1",                [FIELD_DELIVERED] = "0",
        [FIELD_START] = "0",                 [FIELD_OUTCOME] = "accepted",
        [FIELD_SECURITY] = "none",           [FIELD_NAME] = "quota",
        [FIELD_VALUE] = "2G",                [FIELD_EVENT] = "limit_hit",
    };
    struct change c = { .kind = kind };

    for (unsigned f = 0; f < FIELD_COUNT; f++)
        c.field[f] = good[f];
    c.field[field] = text;
    return c;
}

#define X64  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X256 X64 X64 X64 X64
#define X400 X256 X64 X64 "xxxxxxxxxxxxxxxx"

/* value: the canonical form; NULL with OK: SQL NULL. */
static const struct {
    enum change_kind kind;
    enum field field;
    const char *text;
    enum result result;
    const char *value;
} rows[] = {
    { CHANGE_ACCOUNT_STATUS, FIELD_ADDRESS, "John@EXAMPLE.com.", OK, "john@example.com" },
    { CHANGE_ACCOUNT_STATUS, FIELD_ADDRESS, "o'brien@x.example", OK, "o'brien@x.example" },
    { CHANGE_ACCOUNT_STATUS, FIELD_ADDRESS, "user@b\xc3\xbc" "cher.example", OK, "user@xn--bcher-kva.example" },
    { CHANGE_ACCOUNT_STATUS, FIELD_ADDRESS, "\"x y\"@x.example", OK, "\"x y\"@x.example" },
    { CHANGE_ACCOUNT_STATUS, FIELD_ADDRESS, "john", BAD, NULL },
    { CHANGE_ACCOUNT_STATUS, FIELD_ADDRESS, "@example.com", BAD, NULL },
    { CHANGE_ACCOUNT_STATUS, FIELD_ADDRESS, "x y@example.com", BAD, NULL },
    { CHANGE_ACCOUNT_STATUS, FIELD_ADDRESS, "x@example..com", BAD, NULL },
    { CHANGE_ACCOUNT_STATUS, FIELD_ADDRESS, "", BAD, NULL },
    { CHANGE_ACCOUNT_STATUS, FIELD_ADDRESS, NULL, BAD, NULL },
    { CHANGE_ALIAS_ADD, FIELD_CATCHALL, "@Example.COM", OK, "@example.com" },
    { CHANGE_ALIAS_ADD, FIELD_CATCHALL, "Info@example.com", OK, "info@example.com" },
    { CHANGE_ALIAS_ADD, FIELD_CATCHALL, "@", BAD, NULL },
    { CHANGE_ALIAS_ADD, FIELD_CATCHALL, "@a@b", BAD, NULL },
    { CHANGE_ALIAS_ADD, FIELD_CATCHALL, "*", BAD, NULL },
    { CHANGE_DOMAIN_REMOVE, FIELD_DOMAIN, "B\xc3\x9c" "CHER.example.", OK, "xn--bcher-kva.example" },
    { CHANGE_DOMAIN_REMOVE, FIELD_DOMAIN, "-x.example", BAD, NULL },
    { CHANGE_DOMAIN_REMOVE, FIELD_DOMAIN, X64 ".example", BAD, NULL },
    { CHANGE_DOMAIN_REMOVE, FIELD_DOMAIN, "a b", BAD, NULL },
    { CHANGE_DOMAIN_ADD, FIELD_KIND, "mailbox", OK, "mailbox" },
    { CHANGE_DOMAIN_ADD, FIELD_KIND, "Mailbox", BAD, NULL },
    { CHANGE_DOMAIN_ADD, FIELD_KIND, "mailbox|relay", BAD, NULL },
    { CHANGE_DOMAIN_ADD, FIELD_TARGET, "", OK, NULL },
    { CHANGE_ACCOUNT_PASSWORD, FIELD_PASSWORD, "{CRYPT}$2y$x", OK, "{CRYPT}$2y$x" },
    { CHANGE_ACCOUNT_PASSWORD, FIELD_PASSWORD, "secret", BAD, NULL },
    { CHANGE_ACCOUNT_PASSWORD, FIELD_PASSWORD, "{CRYPT}", BAD, NULL },
    { CHANGE_ACCOUNT_PASSWORD, FIELD_PASSWORD, "{}x", BAD, NULL },
    { CHANGE_ACCOUNT_PASSWORD, FIELD_PASSWORD, "{CRYPT", BAD, NULL },
    { CHANGE_ACCOUNT_PASSWORD, FIELD_PASSWORD, "{X}a\nb", BAD, NULL },
    { CHANGE_ACCOUNT_STATUS, FIELD_STATUS, "disabled", OK, "disabled" },
    { CHANGE_ACCOUNT_STATUS, FIELD_STATUS, "suspended", BAD, NULL },
    { CHANGE_ACCOUNT_SUSPEND, FIELD_SERVICES, "", OK, "all" },
    { CHANGE_ACCOUNT_SUSPEND, FIELD_SERVICES, "all", OK, "all" },
    { CHANGE_ACCOUNT_SUSPEND, FIELD_SERVICES, "smtp,imap,pop3,sieve", OK, "smtp,imap,pop3,sieve" },
    { CHANGE_ACCOUNT_SUSPEND, FIELD_SERVICES, "smtp,smtp", BAD, NULL },
    { CHANGE_ACCOUNT_SUSPEND, FIELD_SERVICES, "smtp,", BAD, NULL },
    { CHANGE_ACCOUNT_SUSPEND, FIELD_SERVICES, ",smtp", BAD, NULL },
    { CHANGE_ACCOUNT_SUSPEND, FIELD_SERVICES, "all,smtp", BAD, NULL },
    { CHANGE_ACCOUNT_SUSPEND, FIELD_SERVICES, "smtps", BAD, NULL },
    { CHANGE_ACCOUNT_SUSPEND, FIELD_REASON, "gestohlen \xe2\x80\x93 ja", OK, "gestohlen \xe2\x80\x93 ja" },
    { CHANGE_ACCOUNT_SUSPEND, FIELD_REASON, X400, OK, X400 },
    { CHANGE_ACCOUNT_SUSPEND, FIELD_REASON, X400 "x", LIMIT, NULL },
    { CHANGE_ACCOUNT_SUSPEND, FIELD_REASON, "two\nlines", BAD, NULL },
    { CHANGE_ACCOUNT_SUSPEND, FIELD_REASON, "\xff", BAD, NULL },
    { CHANGE_ACCOUNT_SUSPEND, FIELD_REASON, "", BAD, NULL },
    { CHANGE_ACCOUNT_SUSPEND, FIELD_UNTIL, "", OK, NULL },
    { CHANGE_ACCOUNT_SUSPEND, FIELD_UNTIL, "9223372036854775807", OK, "9223372036854775807" },
    { CHANGE_ACCOUNT_SUSPEND, FIELD_UNTIL, "9223372036854775808", BAD, NULL },
    { CHANGE_ACCOUNT_SUSPEND, FIELD_UNTIL, "2027-01-31", BAD, NULL },
    { CHANGE_ACCOUNT_SUSPEND, FIELD_UNTIL, "-1", BAD, NULL },
    { CHANGE_ACCOUNT_RELEASE, FIELD_NEW_PASSWORD, "", OK, "0" },
    { CHANGE_ACCOUNT_RELEASE, FIELD_NEW_PASSWORD, "yes", BAD, NULL },
    { CHANGE_ACCOUNT_FIELD_SET, FIELD_NAME, "userdb_nice", OK, "userdb_nice" },
    { CHANGE_ACCOUNT_FIELD_SET, FIELD_NAME, "nopassword", BAD, NULL },
    { CHANGE_ACCOUNT_FIELD_SET, FIELD_VALUE, "2g", OK, "2G" },
    { CHANGE_ACCOUNT_FIELD_SET, FIELD_VALUE, "2", BAD, NULL },
    { CHANGE_ACCOUNT_FIELD_SET, FIELD_VALUE, "", BAD, NULL },
    { CHANGE_ACCOUNT_FIELD_SET, FIELD_VALUE, "2G\n", BAD, NULL },
    { CHANGE_ALIAS_MEMBER, FIELD_DESTINATION, "Far@Away.example", OK, "far@away.example" },
    { CHANGE_ALIAS_MEMBER, FIELD_DESTINATION, "@example.com", BAD, NULL },
    { CHANGE_ALIAS_ADD, FIELD_SEND, "", OK, NULL },
    { CHANGE_ALIAS_ADD, FIELD_SEND, "1", OK, "1" },
    { CHANGE_ALIAS_ADD, FIELD_SEND, "2", BAD, NULL },
    { CHANGE_GRANT_ADD, FIELD_GRANTEE, "@Example.com", OK, "@example.com" },
    { CHANGE_GRANT_ADD, FIELD_GRANTEE, "*", BAD, NULL },
    { CHANGE_GRANT_ADD, FIELD_SENDER, "*", OK, "*" },
    { CHANGE_GRANT_ADD, FIELD_SENDER, "@Example.com", OK, "@example.com" },
    { CHANGE_GRANT_ADD, FIELD_SENDER, "**", BAD, NULL },
    { CHANGE_GRANT_ADD, FIELD_SENDER, "", BAD, NULL },
    { CHANGE_POLICY_SET, FIELD_CHECK, "helo_resolve", OK, "helo_resolve" },
    { CHANGE_POLICY_SET, FIELD_CHECK, "all", BAD, NULL },
    { CHANGE_POLICY_SET, FIELD_SCOPE, "", OK, "" },
    { CHANGE_POLICY_SET, FIELD_SCOPE, "Example.com", OK, "example.com" },
    { CHANGE_POLICY_SET, FIELD_SCOPE, "A@Example.com", OK, "a@example.com" },
    { CHANGE_POLICY_SET, FIELD_SCOPE, "@example.com", BAD, NULL },
    { CHANGE_POLICY_SET, FIELD_MODE, "enforce", OK, "enforce" },
    { CHANGE_POLICY_SET, FIELD_MODE, "on", BAD, NULL },
    { CHANGE_LIST_ADD, FIELD_ACTION, "deny", OK, "deny" },
    { CHANGE_LIST_ADD, FIELD_ACTION, "reject", BAD, NULL },
    { CHANGE_LIST_REMOVE_ENTRY, FIELD_CLIENT, "", OK, "" },
    { CHANGE_LIST_ADD, FIELD_CLIENT, "192.0.2.1/32", OK, "192.0.2.1" },
    { CHANGE_LIST_ADD, FIELD_CLIENT, "2001:DB8:0::/33", OK, "2001:db8::/33" },
    { CHANGE_LIST_ADD, FIELD_CLIENT, "::ffff:192.0.2.0/120", OK, "192.0.2.0/24" },
    { CHANGE_LIST_ADD, FIELD_CLIENT, "192.0.2.1/24", BAD, NULL },
    { CHANGE_LIST_ADD, FIELD_CLIENT, "192.0.2.0/33", BAD, NULL },
    { CHANGE_LIST_ADD, FIELD_HELO, "Mail.Example.com.", OK, "mail.example.com" },
    { CHANGE_LIST_ADD, FIELD_HELO, ".Example.com", OK, ".example.com" },
    { CHANGE_LIST_ADD, FIELD_HELO, ".", BAD, NULL },
    { CHANGE_LIST_ADD, FIELD_HELO, "a b", BAD, NULL },
    { CHANGE_LIST_ADD, FIELD_CLIENT_NAME, ".DSL.Example.net.", OK, ".dsl.example.net" },
    { CHANGE_LIST_ADD, FIELD_CLIENT_NAME, "unknown", OK, "unknown" },
    { CHANGE_LIST_ADD, FIELD_CLIENT_NAME, ".", BAD, NULL },
    { CHANGE_LIST_ADD, FIELD_SENDER, "@Example.com", OK, "@example.com" },
    { CHANGE_LIST_ADD, FIELD_SENDER, ".Example.com", OK, ".example.com" },
    { CHANGE_LIST_ADD, FIELD_LIST_RECIPIENT, "Postmaster@", OK, "postmaster@" },
    { CHANGE_LIST_ADD, FIELD_LIST_RECIPIENT, "\"a b\"@", OK, "\"a b\"@" },
    { CHANGE_LIST_ADD, FIELD_LIST_RECIPIENT, "John@Example.com", OK, "john@example.com" },
    { CHANGE_LIST_ADD, FIELD_LIST_RECIPIENT, "a b@", BAD, NULL },
    { CHANGE_LIST_ADD, FIELD_LIST_RECIPIENT, "@", BAD, NULL },
    { CHANGE_LIST_ADD, FIELD_LIST_RECIPIENT, "..example.com", BAD, NULL },
    { CHANGE_LIST_ADD, FIELD_LIST_RECIPIENT, "example.com", BAD, NULL },
    { CHANGE_LIST_ADD, FIELD_LIST_RECIPIENT, "*", BAD, NULL },
    { CHANGE_LIST_ADD, FIELD_SENDER, "", OK, "" },
    { CHANGE_LIST_ADD, FIELD_SCOPE, "Example.com", OK, "example.com" },
    { CHANGE_LIST_ADD, FIELD_SCOPE, "a@example.com", BAD, NULL },
    { CHANGE_LIST_ADD, FIELD_NOTE, "", OK, "" },
    { CHANGE_LIST_ADD, FIELD_NOTE, X400, OK, X400 },
    { CHANGE_LIST_REMOVE, FIELD_ID, "7", OK, "7" },
    { CHANGE_LIST_REMOVE, FIELD_ID, "7; DROP TABLE account", BAD, NULL },
    { CHANGE_OBSERVE, FIELD_SUBJECT, "", OK, "" },
    { CHANGE_OBSERVE, FIELD_CAUSE, ".local", OK, ".local" },
    { CHANGE_OBSERVE, FIELD_SAMPLE, "a\tb", BAD, NULL },
    { CHANGE_OBSERVE, FIELD_NUMBER, "x", BAD, NULL },
    { CHANGE_OBSERVE, FIELD_CLIENT, "192.0.2.1/24", BAD, NULL },
    { CHANGE_TALLY, FIELD_CHECK, "", OK, "" },
    { CHANGE_TALLY, FIELD_OUTCOME, "lost", OK, "lost" },
    { CHANGE_LOGIN, FIELD_PORT, "", OK, "0" },
    { CHANGE_LOGIN, FIELD_BARE, "2", BAD, NULL },
};

START_TEST(each_field)
{
    struct change c = change_with(rows[_i].kind, rows[_i].field, rows[_i].text);
    struct change_values v;
    struct error e = { "" };

    ck_assert(change_takes(rows[_i].kind, rows[_i].field));
    if (rows[_i].kind == CHANGE_DOMAIN_ADD && rows[_i].field == FIELD_TARGET)
        c.field[FIELD_KIND] = "mailbox";
    if (rows[_i].kind == CHANGE_POLICY_SET && rows[_i].field == FIELD_SCOPE)
        c.field[FIELD_CHECK] = "sender_login"; /* others have no row for an account */
    enum result r = change_check(&c, 1800000000, &v, &e);
    ck_assert_msg(r == rows[_i].result, "%s '%s': %s %s", field_name(rows[_i].field), rows[_i].text, result_name(r),
                  e.text);
    if (r != OK) {
        ck_assert_str_ne(e.text, "");
        return;
    }
    const char *value = change_value(&v, field_name(rows[_i].field));
    if (rows[_i].value)
        ck_assert_str_eq(value, rows[_i].value);
    else
        ck_assert_ptr_null(value);
    ck_assert_str_eq(change_value(&v, "now"), "1800000000");
}
END_TEST

START_TEST(no_hash_in_an_error_line)
{
    struct change c = change_with(CHANGE_ACCOUNT_PASSWORD, FIELD_PASSWORD, "{X}topsecret\x01");
    struct change_values v;
    struct error e = { "" };

    ck_assert_int_eq(change_check(&c, 0, &v, &e), BAD);
    ck_assert_ptr_null(strstr(e.text, "topsecret"));
    c.field[FIELD_PASSWORD] = "topsecret";
    ck_assert_int_eq(change_check(&c, 0, &v, &e), BAD);
    ck_assert_ptr_null(strstr(e.text, "topsecret"));
}
END_TEST

/* The longest of everything that a list entry takes. */
START_TEST(the_longest_values_have_room)
{
    static const char d63[] = "dxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
    char domain[256], sender[512], helo[256], shape[64];
    struct change c = change_with(CHANGE_LIST_ADD, FIELD_NOTE, X400);
    struct change_values v;
    struct error e = { "" };

    snprintf(domain, sizeof domain, "%s.%s.%s.%.61s", d63, d63, d63, d63);
    ck_assert_uint_eq(strlen(domain), 253);
    snprintf(sender, sizeof sender, "%.255s@%s", X256, domain);
    snprintf(helo, sizeof helo, ".%s", domain);
    c.field[FIELD_SENDER] = sender;
    c.field[FIELD_HELO] = c.field[FIELD_CLIENT_NAME] = helo;
    c.field[FIELD_LIST_RECIPIENT] = sender;
    c.field[FIELD_SCOPE] = domain;
    c.field[FIELD_CLIENT] = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127";
    c.field[FIELD_UNTIL] = "9223372036854775807";
    ck_assert_msg(change_check(&c, INT64_MAX, &v, &e) == OK, "%s", e.text);
    snprintf(shape, sizeof shape, "r255s255n6h6C128d");
    ck_assert_str_eq(change_value(&v, "shape"), shape);
    ck_assert_str_eq(change_value(&v, "list_recipient"), sender);
}
END_TEST

START_TEST(the_shape_of_a_list_entry)
{
    struct change c = change_with(CHANGE_LIST_ADD, FIELD_SENDER, NULL);
    struct change_values v;
    struct error e = { "" };

    c.field[FIELD_CLIENT] = "2001:db8::/32";
    ck_assert_int_eq(change_check(&c, 0, &v, &e), OK);
    ck_assert_str_eq(change_value(&v, "shape"), "C33");
    c.field[FIELD_CLIENT] = "192.0.2.1";
    ck_assert_int_eq(change_check(&c, 0, &v, &e), OK);
    ck_assert_str_eq(change_value(&v, "shape"), "c33");
    c.field[FIELD_HELO] = "x.example";
    ck_assert_int_eq(change_check(&c, 0, &v, &e), OK);
    ck_assert_str_eq(change_value(&v, "shape"), "h255c33");
}
END_TEST

START_TEST(names)
{
    for (unsigned k = 0; k < CHANGE_COUNT; k++) {
        enum change_kind kind;
        ck_assert_ptr_nonnull(change_name((enum change_kind)k));
        ck_assert_int_eq(change_parse(span_of(change_name((enum change_kind)k)), &kind), OK);
        ck_assert_uint_eq(kind, k);
        ck_assert_int_eq(change_database(kind),
                         kind >= CHANGE_OBSERVE ? DATABASE_STATE : DATABASE_ACCOUNTS);
    }
    for (unsigned f = 0; f < FIELD_NOW; f++) {
        enum field field;
        ck_assert_int_eq(field_parse(span_of(field_name((enum field)f)), &field), OK);
        ck_assert_uint_eq(field, f);
    }
    enum change_kind kind;
    enum field field;
    ck_assert_int_eq(change_parse(SPAN("account-"), &kind), NOT_FOUND);
    ck_assert_int_eq(field_parse(SPAN("now"), &field), NOT_FOUND); /* nobody's to say */
    ck_assert(!change_takes(CHANGE_DOMAIN_REMOVE, FIELD_KIND));
}
END_TEST

/* Each statement's parameters are fields that its change takes, or derived values. */
START_TEST(every_row_of_the_schema)
{
    for (unsigned k = 0; k < CHANGE_COUNT; k++) {
        const struct change_type *t = &change_types[k];
        ck_assert_ptr_nonnull(t->sql[0]);
        for (size_t i = 0; i < CHANGE_STATEMENTS_MAX && t->sql[i]; i++)
            for (const char *p = t->sql[i]; (p = strchr(p, ':')) != NULL; p++) {
                static const char *const derived[] = { "domain_of", "shape", "subject_kind", "now", "merged", "expires",
                                                       "known", "client_passes", "client_seen",
                                                       "client_expires" };
                struct span name = { p + 1, strspn(p + 1, "abcdefghijklmnopqrstuvwxyz_") };
                enum field field;
                bool known = field_parse(name, &field) == OK && change_takes((enum change_kind)k, field);
                for (size_t d = 0; d < sizeof derived / sizeof *derived; d++)
                    known |= span_equal(name, span_of(derived[d]));
                ck_assert_msg(known, "%s: :%.*s", t->name, (int)name.len, name.ptr);
            }
    }
    for (unsigned q = 0; q < QUERY_COUNT; q++)
        ck_assert_ptr_nonnull(query_sql[q]);
}
END_TEST

START_TEST(checks_and_modes)
{
    enum check_id id;
    enum mode mode;

    for (unsigned i = 0; i < CHECK_COUNT; i++) {
        ck_assert_int_eq(check_parse(span_of(check_infos[i].name), &id), OK);
        ck_assert_uint_eq(id, i);
        ck_assert_ptr_nonnull(check_infos[i].text);
        ck_assert_str_ne(check_infos[i].text, "");
    }
    ck_assert_int_eq(check_parse(SPAN("helo"), &id), NOT_FOUND);
    ck_assert_int_eq(mode_parse(SPAN("observe"), &mode), OK);
    ck_assert_int_eq(mode, MODE_OBSERVE);
    ck_assert_int_eq(mode_parse(SPAN("Observe"), &mode), BAD);
    ck_assert_str_eq(mode_name(MODE_ENFORCE), "enforce");
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("store_change");
    Suite *suite = suite_create("store_change");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, t);
    tcase_add_loop_test(t, each_field, 0, sizeof rows / sizeof *rows);
    tcase_add_test(t, no_hash_in_an_error_line);
    tcase_add_test(t, the_longest_values_have_room);
    tcase_add_test(t, the_shape_of_a_list_entry);
    tcase_add_test(t, names);
    tcase_add_test(t, every_row_of_the_schema);
    tcase_add_test(t, checks_and_modes);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
