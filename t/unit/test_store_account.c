/* SPDX-License-Identifier: MIT */
/*
 * The contract of lib/store.h for what Dovecot is told of accounts and for passwords that
 * must not be used again, the same for every backend; and a database of the first version
 * brought up to date.
 */
#include "lib/store.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "t/unit/change_line.h"
#include "t/unit/store_fixture.h"

#ifndef SQL_DIR /* the build says where; else as seen from the top */
#define SQL_DIR "sql"
#endif

static const char *const backends[] = { "sqlite", "memory" };
enum { BACKENDS = 2 };

static struct store *with_accounts(int i)
{
    struct store *s = store_opened(backends[i], DATABASE_ACCOUNTS, STORE_CREATE);

    store_done(s, "domain-add domain=example.com kind=mailbox");
    store_done(s, "domain-add domain=example.net kind=mailbox");
    store_done(s, "account-add address=john@example.com kind=user password={X}1");
    store_done(s, "account-add address=anna@example.com kind=user password={X}2");
    return s;
}

static const char *rows1(struct store *s, enum query q, const char *param)
{
    return store_rows(s, q, &param, 1);
}

static void refused(struct store *s, const char *line, enum result result, const char *text)
{
    struct error e = { "" };

    ck_assert_int_eq(change_line_apply(s, span_of(line), NOW, &e), result);
    ck_assert_str_eq(e.text, text);
}

/* ---- fields ---- */

static const char *fields(struct store *s, const char *address, const char *domain)
{
    const char *const params[] = { address, domain };

    return store_rows(s, QUERY_ACCOUNT_FIELDS, params, 2);
}

START_TEST(the_narrower_field_counts)
{
    struct store *s = with_accounts(_i);

    ck_assert_str_eq(fields(s, "john@example.com", "example.com"), "");
    store_done(s, "account-field-set scope=Example.com name=quota value=2g");
    store_done(s, "account-field-set scope=example.com name=uid value=vmail");
    store_done(s, "account-field-set scope=John@example.com name=quota value=500M");
    store_done(s, "account-field-set scope=john@example.com name=allow_nets value=192.0.2.0/24");
    ck_assert_str_eq(fields(s, "john@example.com", "example.com"),
                     "allow_nets|192.0.2.0/24|john@example.com\nquota|500M|john@example.com\n"
                     "uid|vmail|example.com");
    ck_assert_str_eq(fields(s, "anna@example.com", "example.com"), "quota|2G|example.com\nuid|vmail|example.com");
    ck_assert_str_eq(fields(s, "", "example.com"), "quota|2G|example.com\nuid|vmail|example.com");
    ck_assert_str_eq(fields(s, "x@example.net", "example.net"), "");
    store_done(s, "account-field-set scope=john@example.com name=quota value=0");
    store_done(s, "account-field-unset scope=john@example.com name=allow_nets");
    ck_assert_str_eq(fields(s, "john@example.com", "example.com"),
                     "quota|0|john@example.com\nuid|vmail|example.com");
    store_done(s, "account-field-unset scope=john@example.com name=quota");
    ck_assert_str_eq(fields(s, "john@example.com", "example.com"), "quota|2G|example.com\nuid|vmail|example.com");
    store_close(&s);
}
END_TEST

START_TEST(fields_that_cannot_be)
{
    struct store *s = with_accounts(_i);

    refused(s, "account-field-set scope=example.org name=quota value=2G", NOT_FOUND, "no account or domain example.org");
    refused(s, "account-field-set scope=x@example.com name=quota value=2G", NOT_FOUND,
            "no account or domain x@example.com");
    refused(s, "account-field-set name=quota value=2G", NOT_FOUND, "no account or domain ");
    refused(s, "account-field-set scope=example.com name=quota value=2X", BAD,
            "quota: '2X' is no size; write 500M or 2G (K, M, G, T), or 0 for unlimited");
    refused(s, "account-field-set scope=example.com name=nopassword value=y", BAD,
            "field nopassword: who a login is, and whether it passes, is no extra field");
    refused(s, "account-field-unset scope=example.com name=quota", NOT_FOUND, "example.com has no quota of its own");
    ck_assert_str_eq(fields(s, "", "example.com"), "");
    store_close(&s);
}
END_TEST

/* Or whoever has the name next would have them. */
START_TEST(fields_go_with_their_owner)
{
    struct store *s = with_accounts(_i);

    store_done(s, "account-field-set scope=john@example.com name=home value=/srv/john");
    store_done(s, "account-field-set scope=anna@example.com name=home value=/srv/anna");
    store_done(s, "account-field-set scope=example.net name=home value=/srv/net");
    store_done(s, "account-remove address=john@example.com");
    store_done(s, "account-add address=john@example.com kind=user password={X}3");
    ck_assert_str_eq(fields(s, "john@example.com", "example.com"), "");
    ck_assert_str_eq(fields(s, "anna@example.com", "example.com"), "home|/srv/anna|anna@example.com");
    store_done(s, "domain-remove domain=example.net");
    ck_assert_str_eq(fields(s, "", "example.net"), "");
    store_close(&s);
}
END_TEST

/* ---- another password ---- */

static bool is_demanded(struct store *s)
{
    return strstr(rows1(s, QUERY_ACCOUNT, "john@example.com"), "|1800000000") != NULL;
}

START_TEST(release_demands_another_password)
{
    struct store *s = with_accounts(_i);

    store_done(s, "account-suspend address=john@example.com reason=stolen");
    store_done(s, "account-release address=john@example.com new_password=1");
    ck_assert_str_eq(rows1(s, QUERY_ACCOUNT, "john@example.com"), "user|active|-|-|-|0|1800000000|0");
    ck_assert_str_eq(rows1(s, QUERY_ACCOUNT_PASSWORD, "john@example.com"), "{X}1|{X}1");
    ck_assert_str_eq(rows1(s, QUERY_ACCOUNT_PASSWORD, "anna@example.com"), "{X}2|-");
    ck_assert_ptr_nonnull(strstr(rows1(s, QUERY_ACCOUNT_ALL, "john@example.com"), "|1800000000|1800000000|1800000000"));
    store_done(s, "account-password address=john@example.com password={X}1");
    ck_assert(is_demanded(s));
    store_done(s, "account-password address=john@example.com password={X}4");
    ck_assert(!is_demanded(s));
    ck_assert_str_eq(rows1(s, QUERY_ACCOUNT_PASSWORD, "john@example.com"), "{X}4|{X}1");
    store_close(&s);
}
END_TEST

START_TEST(release_as_ever_demands_none)
{
    struct store *s = with_accounts(_i);

    store_done(s, "account-suspend address=john@example.com reason=stolen");
    store_done(s, "account-release address=john@example.com");
    ck_assert(!is_demanded(s));
    ck_assert_str_eq(rows1(s, QUERY_ACCOUNT_PASSWORD, "john@example.com"), "{X}1|-");
    refused(s, "account-release address=john@example.com", NOT_FOUND, "no suspended account john@example.com");
    store_done(s, "account-release address=john@example.com new_password=1"); /* also afterwards */
    ck_assert(is_demanded(s));
    store_done(s, "account-suspend address=john@example.com reason=again");
    store_done(s, "account-release address=john@example.com"); /* takes nothing back */
    ck_assert(is_demanded(s));
    refused(s, "account-release address=x@example.com new_password=1", NOT_FOUND, "no suspended account x@example.com");
    store_close(&s);
}
END_TEST

/* ---- suspending ---- */

START_TEST(a_check_suspends_once)
{
    struct store *s = with_accounts(_i);

    store_done(s, "account-suspend address=john@example.com reason=stolen by=compromise evidence=1");
    store_done(s, "account-suspend address=john@example.com reason=stolen by=compromise evidence=2");
    ck_assert_str_eq(rows1(s, QUERY_ACCOUNT_EVENTS, "0"),
                     "1|1800000000|account_suspended|john@example.com|all|stolen|-|compromise|1");
    store_done(s, "account-suspend address=john@example.com services=smtp reason=stolen by=root evidence=3");
    store_done(s, "account-suspend address=john@example.com services=smtp reason=stolen by=root evidence=4");
    ck_assert_str_eq(rows1(s, QUERY_ACCOUNT_EVENTS, "1"),
                     "2|1800000000|account_suspended|john@example.com|smtp|stolen|-|root|3\n"
                     "3|1800000000|account_suspended|john@example.com|smtp|stolen|-|root|4");
    store_done(s, "account-suspend address=john@example.com reason=stolen by=compromise evidence=5");
    ck_assert_str_eq(rows1(s, QUERY_ACCOUNT_EVENTS, "3"),
                     "4|1800000000|account_suspended|john@example.com|all|stolen|-|compromise|5");
    store_done(s, "account-release address=john@example.com");
    store_done(s, "account-suspend address=john@example.com reason=stolen by=compromise evidence=6");
    ck_assert_ptr_nonnull(strstr(rows1(s, QUERY_ACCOUNT_EVENTS, "5"), "|all|stolen|-|compromise|6"));
    refused(s, "account-suspend address=x@example.com reason=stolen by=compromise", NOT_FOUND, "no account x@example.com");
    store_close(&s);
}
END_TEST

/* ---- from the first version ---- */

/* With a row in each of its tables. */
static void make_version_1(const char *path)
{
    static char sql[16384];
    FILE *f = fopen(SQL_DIR "/accounts-001.sql", "r");

    ck_assert_ptr_nonnull(f);
    sql[fread(sql, 1, sizeof sql - 1, f)] = '\0';
    ck_assert_int_eq(fclose(f), 0);
    run_sql(path, sql);
    run_sql(path, "PRAGMA application_id = 0x50736172; PRAGMA user_version = 1");
    run_sql(path, "INSERT INTO domain VALUES ('example.com', 'mailbox', NULL, 1);"
                  "INSERT INTO account VALUES ('john@example.com', 'example.com', 'user', 'active', 'all', 'why', 2,"
                  " NULL, 1);"
                  "INSERT INTO credential VALUES ('john@example.com', '{X}1', 3);"
                  "INSERT INTO alias VALUES ('info@example.com', 'example.com', 1, 1);"
                  "INSERT INTO alias_destination VALUES ('info@example.com', 'john@example.com');"
                  "INSERT INTO send_grant VALUES ('john@example.com', '*', 1);"
                  "INSERT INTO policy VALUES ('john@example.com', 'starttls', 'off', NULL, 1);"
                  "INSERT INTO list_entry VALUES (7, 'deny', '', '.x', '', '', NULL, '', 1, 'helo', '.x', '')");
}

START_TEST(the_first_version_is_brought_up_to_date)
{
    const char *path = store_path("accounts.db");
    struct store *s = NULL;
    struct error e = { "" };

    make_version_1(path);
    for (int access = STORE_READ; access <= STORE_WRITE; access++) {
        ck_assert_int_eq(store_try(path, DATABASE_ACCOUNTS, (enum store_access)access, &s, &e), BAD);
        ck_assert_ptr_nonnull(strstr(e.text, "schema version 1 is older than this program's 7: policyctl init"));
    }
    s = store_opened("sqlite", DATABASE_ACCOUNTS, STORE_CREATE);
    ck_assert_str_eq(rows1(s, QUERY_ACCOUNT, "john@example.com"), "user|active|all|why|-|1|-|0");
    ck_assert_str_eq(rows1(s, QUERY_ACCOUNT_ALL, "john@example.com"),
                     "john@example.com|user|active|all|why|2|-|3|1|-|-|-");
    ck_assert_str_eq(rows1(s, QUERY_ACCOUNT_PASSWORD, "john@example.com"), "{X}1|-");
    ck_assert_str_eq(store_rows(s, QUERY_ACCOUNT_COUNTS, NULL, 0), "1|1|1|1|1|1|1");
    ck_assert_str_eq(fields(s, "john@example.com", "example.com"), "");
    store_done(s, "account-field-set scope=example.com name=quota value=2G");
    store_done(s, "account-release address=john@example.com new_password=1");
    store_close(&s);
    s = store_opened("sqlite", DATABASE_ACCOUNTS, STORE_READ);
    ck_assert_str_eq(fields(s, "john@example.com", "example.com"), "quota|2G|example.com");
    ck_assert_str_eq(rows1(s, QUERY_ACCOUNT_PASSWORD, "john@example.com"), "{X}1|{X}1");
    store_close(&s);
}
END_TEST

/* As after a kill at any point: what is there is the old version or the new one. */
START_TEST(a_migration_that_fails_leaves_the_old_version)
{
    const char *path = store_path("accounts.db");
    struct store *s = NULL;
    struct error e = { "" };

    make_version_1(path);
    run_sql(path, "ALTER TABLE credential ADD COLUMN spent TEXT"); /* the last statement will fail */
    ck_assert_int_eq(store_try(path, DATABASE_ACCOUNTS, STORE_CREATE, &s, &e), BAD);
    ck_assert_msg(strstr(e.text, "duplicate column name: spent"), "%s", e.text);
    run_sql(path, "ALTER TABLE credential DROP COLUMN spent");
    s = store_opened("sqlite", DATABASE_ACCOUNTS, STORE_CREATE); /* nothing of the first try is in its way */
    ck_assert_str_eq(rows1(s, QUERY_ACCOUNT_PASSWORD, "john@example.com"), "{X}1|-");
    store_close(&s);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("store_account");
    Suite *suite = suite_create("store_account");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, t);
    tcase_add_checked_fixture(t, store_fixture_open, store_fixture_close);
    tcase_add_loop_test(t, the_narrower_field_counts, 0, BACKENDS);
    tcase_add_loop_test(t, fields_that_cannot_be, 0, BACKENDS);
    tcase_add_loop_test(t, fields_go_with_their_owner, 0, BACKENDS);
    tcase_add_loop_test(t, release_demands_another_password, 0, BACKENDS);
    tcase_add_loop_test(t, release_as_ever_demands_none, 0, BACKENDS);
    tcase_add_loop_test(t, a_check_suspends_once, 0, BACKENDS);
    tcase_add_test(t, the_first_version_is_brought_up_to_date);
    tcase_add_test(t, a_migration_that_fails_leaves_the_old_version);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
