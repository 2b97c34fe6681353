/* SPDX-License-Identifier: MIT */
/*
 * dovecot-plugin/auth_core: what Dovecot is told of an account, by account, domain and
 * configuration, and a password that must not be used again.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth_fixture.h"

#define USER "user@example.com"

static struct auth_user user;

static void set_field(const char *scope, const char *name, const char *value)
{
    auth_change(CHANGE_ACCOUNT_FIELD_SET, FIELD_SCOPE, scope, FIELD_NAME, name, FIELD_VALUE, value, FIELD_COUNT);
}

static void unset_field(const char *scope, const char *name)
{
    auth_change(CHANGE_ACCOUNT_FIELD_UNSET, FIELD_SCOPE, scope, FIELD_NAME, name, FIELD_COUNT);
}

static void look_up(const char *name)
{
    struct error e = { "" };

    memset(&user, 0x55, sizeof user);
    ck_assert_msg(auth_core_user(auth_core, name, &user, &e) == AUTH_OK, "%s", e.text);
}

static const char *user_field(const char *name)
{
    return auth_field(&user.fields, name);
}

/* ---- the userdb ---- */

START_TEST(account_then_domain_then_configuration)
{
    static const char *const names[] = { "home", "mail", "uid", "gid", "quota" };
    static const char *const of_config[] = { "/config/{local}", "maildir:/c", "c", "cg", "1G" };
    static const char *const of_domain[] = { "/domain/{local}", "maildir:/d/{domain}", "d", "dg", "2G" };
    static const char *const of_account[] = { "/account", "maildir:/a/{user}", "a", "ag", "0" };
    char lines[256];

    snprintf(lines, sizeof lines, "dovecot { home = \"%s\" mail = \"%s\" uid = %s gid = %s quota = %s }\n", of_config[0],
             of_config[1], of_config[2], of_config[3], of_config[4]);
    auth_configure(lines);
    look_up(USER);
    ck_assert_uint_eq(user.fields.count, 5);
    ck_assert_str_eq(user_field("home"), "/config/user");
    ck_assert_str_eq(user_field("quota"), "1G");
    for (size_t i = 0; i < 5; i++)
        set_field("example.com", names[i], of_domain[i]);
    look_up(USER);
    ck_assert_uint_eq(user.fields.count, 5);
    ck_assert_str_eq(user_field("home"), "/domain/user");
    ck_assert_str_eq(user_field("mail"), "maildir:/d/example.com");
    ck_assert_str_eq(user_field("uid"), "d");
    for (size_t i = 0; i < 5; i++)
        set_field(USER, names[i], of_account[i]);
    look_up(USER);
    ck_assert_uint_eq(user.fields.count, 5);
    ck_assert_str_eq(user_field("home"), "/account");
    ck_assert_str_eq(user_field("mail"), "maildir:/a/" USER);
    ck_assert_str_eq(user_field("gid"), "ag");
    ck_assert_str_eq(user_field("quota"), "0");
    unset_field(USER, "uid"); /* each by itself */
    unset_field("example.com", "uid");
    unset_field(USER, "gid");
    look_up(USER);
    ck_assert_str_eq(user_field("uid"), "c");
    ck_assert_str_eq(user_field("gid"), "dg");
    ck_assert_str_eq(user_field("home"), "/account");
}
END_TEST

START_TEST(others_have_their_own)
{
    auth_change(CHANGE_ACCOUNT_ADD, FIELD_ADDRESS, "other@example.com", FIELD_KIND, "user", FIELD_PASSWORD, "{PLAIN}x",
                FIELD_COUNT);
    auth_change(CHANGE_ACCOUNT_ADD, FIELD_ADDRESS, "user@example.net", FIELD_KIND, "user", FIELD_PASSWORD, "{PLAIN}x",
                FIELD_COUNT);
    set_field(USER, "quota", "1G");
    set_field("example.com", "uid", "vmail");
    look_up("other@example.com");
    ck_assert_str_eq(user_field("quota"), "");
    ck_assert_str_eq(user_field("uid"), "vmail");
    look_up("user@example.net");
    ck_assert_str_eq(user_field("quota"), "");
    ck_assert_str_eq(user_field("uid"), "");
}
END_TEST

START_TEST(a_name_never_leaves_a_folder_of_its_row)
{
    struct error e = { "" };

    auth_change(CHANGE_ACCOUNT_ADD, FIELD_ADDRESS, "a/b@example.com", FIELD_KIND, "user", FIELD_PASSWORD, "{PLAIN}x",
                FIELD_COUNT);
    set_field("example.com", "home", "/srv/{local}");
    ck_assert_int_eq(auth_core_user(auth_core, "a/b@example.com", &user, &e), AUTH_UNAVAILABLE);
    ck_assert_ptr_nonnull(strstr(e.text, "a/b@example.com: the name cannot be part of a path"));
    set_field("a/b@example.com", "home", "/srv/ab");
    look_up("a/b@example.com");
    ck_assert_str_eq(user_field("home"), "/srv/ab");
}
END_TEST

/* ---- extra fields ---- */

START_TEST(each_database_has_its_extra_fields)
{
    struct auth_login login = auth_login_of(USER, "imap", AUTH_SECURED_TLS, 143);
    char password[AUTH_PASSWORD_MAX];

    set_field(USER, "allow_nets", "192.0.2.0/24");
    set_field(USER, "userdb_nice", "{local}%u");
    set_field("example.com", "nodelay", "y");
    set_field("example.com", "userdb_nice", "10");
    ck_assert_int_eq(auth_try(&login, "secret"), AUTH_OK);
    ck_assert_uint_eq(auth_answer.fields.count, 2);
    ck_assert_str_eq(auth_field(&auth_answer.fields, "allow_nets"), "192.0.2.0/24");
    ck_assert_str_eq(auth_field(&auth_answer.fields, "nodelay"), "y");
    ck_assert_int_eq(auth_core_credentials(auth_core, &login, password, &auth_answer), AUTH_OK);
    ck_assert_uint_eq(auth_answer.fields.count, 2);
    look_up(USER);
    ck_assert_str_eq(user_field("nice"), "{local}%u"); /* as it is */
    ck_assert_str_eq(user_field("allow_nets"), "");
    ck_assert_str_eq(user_field("home"), "/var/vmail/example.com/user");
}
END_TEST

static void set_many(const char *prefix, unsigned count, const char *value)
{
    char name[32];

    for (unsigned i = 0; i < count; i++) {
        snprintf(name, sizeof name, "%s%u", prefix, i);
        set_field(USER, name, value);
    }
}

START_TEST(as_many_as_fit)
{
    struct auth_login login = auth_login_of(USER, "imap", AUTH_SECURED_TLS, 143);

    set_many("x", ACCOUNT_FIELDS_MAX, "y");
    ck_assert_int_eq(auth_try(&login, "secret"), AUTH_OK);
    ck_assert_uint_eq(auth_answer.fields.count, ACCOUNT_FIELDS_MAX);
    set_field(USER, "one_more", "y");
    ck_assert_int_eq(auth_try(&login, "secret"), AUTH_UNAVAILABLE); /* half of them might let in too many */
    ck_assert_str_eq(auth_answer.error.text, USER ": too many extra fields");
}
END_TEST

START_TEST(as_long_as_fit)
{
    struct error e = { "" };
    char value[401];

    memset(value, 'v', 400);
    value[400] = '\0';
    set_many("userdb_x", 15, value);
    look_up(USER);
    ck_assert_uint_eq(user.fields.count, 16);
    ck_assert_str_eq(user_field("x14"), value);
    set_field(USER, "userdb_x15", value);
    ck_assert_int_eq(auth_core_user(auth_core, USER, &user, &e), AUTH_UNAVAILABLE);
    ck_assert_str_eq(e.text, USER ": too many extra fields");
}
END_TEST

/* ---- another password ---- */

#define REFUSAL "Account suspended: this password must not be used any more, set a new one"

static void demand(void)
{
    auth_change(CHANGE_ACCOUNT_RELEASE, FIELD_ADDRESS, USER, FIELD_NEW_PASSWORD, "1", FIELD_COUNT);
}

static void set_password(const char *stored)
{
    auth_change(CHANGE_ACCOUNT_PASSWORD, FIELD_ADDRESS, USER, FIELD_PASSWORD, stored, FIELD_COUNT);
}

START_TEST(the_old_password_is_refused_with_its_reason)
{
    struct auth_login login = auth_login_of(USER, "imap", AUTH_SECURED_TLS, 143);

    demand();
    ck_assert_int_eq(auth_try(&login, "secret"), AUTH_REFUSED);
    ck_assert_str_eq(auth_answer.cause, "new_password");
    ck_assert_str_eq(auth_answer.reason, REFUSAL);
    ck_assert_uint_eq(auth_checked.count, 1); /* the same hash is not checked twice */
    ck_assert_int_eq(auth_try(&login, "wrong"), AUTH_MISMATCH);
    ck_assert_str_eq(auth_answer.reason, "");
    look_up(USER); /* mail still arrives */
    login.service = "lmtp";
    ck_assert_int_eq(auth_try(&login, "secret"), AUTH_OK);
}
END_TEST

START_TEST(a_new_password_is_accepted)
{
    struct auth_login login = auth_login_of(USER, "imap", AUTH_SECURED_TLS, 143);

    demand();
    set_password("{PLAIN}other");
    ck_assert_int_eq(auth_try(&login, "other"), AUTH_OK);
    ck_assert(auth_checked.quiet); /* that it is not the old one is no mismatch to log */
    ck_assert_int_eq(auth_try(&login, "secret"), AUTH_MISMATCH);
    ck_assert_str_eq(auth_answer.reason, "");
}
END_TEST

START_TEST(the_old_password_in_another_hash_is_refused)
{
    struct auth_login login = auth_login_of(USER, "imap", AUTH_SECURED_TLS, 143);

    demand();
    set_password("{CLEARTEXT}secret");
    ck_assert_int_eq(auth_try(&login, "secret"), AUTH_REFUSED);
    ck_assert_str_eq(auth_answer.reason, REFUSAL);
}
END_TEST

START_TEST(a_suspension_comes_first)
{
    struct auth_login login = auth_login_of(USER, "imap", AUTH_SECURED_TLS, 143);

    demand();
    auth_change(CHANGE_ACCOUNT_SUSPEND, FIELD_ADDRESS, USER, FIELD_SERVICES, "all", FIELD_REASON, "spam", FIELD_COUNT);
    ck_assert_int_eq(auth_try(&login, "secret"), AUTH_REFUSED);
    ck_assert_str_eq(auth_answer.cause, "suspended");
}
END_TEST

START_TEST(no_proof_by_the_old_password)
{
    struct auth_login login = auth_login_of(USER, "imap", AUTH_SECURED_NONE, 143);
    char password[AUTH_PASSWORD_MAX];

    demand();
    ck_assert_int_eq(auth_core_credentials(auth_core, &login, password, &auth_answer), AUTH_REFUSED);
    ck_assert_str_eq(auth_answer.cause, "new_password");
    ck_assert_str_eq(auth_answer.reason, "");
    ck_assert_str_eq(password, "");
    set_password("{PLAIN}other");
    ck_assert_int_eq(auth_core_credentials(auth_core, &login, password, &auth_answer), AUTH_OK);
    ck_assert_str_eq(password, "{PLAIN}other");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("auth_account");
    TCase *t = tcase_create("auth_account");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, t);
    tcase_add_checked_fixture(t, auth_create, auth_remove);
    tcase_set_timeout(t, 30);
    tcase_add_test(t, account_then_domain_then_configuration);
    tcase_add_test(t, others_have_their_own);
    tcase_add_test(t, a_name_never_leaves_a_folder_of_its_row);
    tcase_add_test(t, each_database_has_its_extra_fields);
    tcase_add_test(t, as_many_as_fit);
    tcase_add_test(t, as_long_as_fit);
    tcase_add_test(t, the_old_password_is_refused_with_its_reason);
    tcase_add_test(t, a_new_password_is_accepted);
    tcase_add_test(t, the_old_password_in_another_hash_is_refused);
    tcase_add_test(t, a_suspension_comes_first);
    tcase_add_test(t, no_proof_by_the_old_password);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
