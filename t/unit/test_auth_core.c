/* SPDX-License-Identifier: MIT */
/*
 * dovecot-plugin/auth_core: who may log in, what he is told, and that a store which
 * cannot be read never lets anyone in.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "auth_fixture.h"

#define USER "user@example.com"

static const struct auth_login starttls = { .user = USER,
                                            .service = "imap",
                                            .mechanism = "PLAIN",
                                            .server_name = "",
                                            .client = "192.0.2.1",
                                            .secured = AUTH_SECURED_TLS,
                                            .local_port = 143,
                                            .now = AUTH_NOW };

/* ---- who it is ---- */

static const struct {
    const char *user, *password, *canonical;
    enum auth_result result;
} names[] = {
    { USER, "secret", USER, AUTH_OK },
    { USER, "secreT", USER, AUTH_MISMATCH },
    { USER, "", USER, AUTH_MISMATCH },
    { "USER@Example.COM", "secret", USER, AUTH_OK },
    { "user", "secret", USER, AUTH_OK }, /* default_domain */
    { "nobody", "secret", "nobody@example.com", AUTH_UNKNOWN },
    { "nobody@example.com", "secret", "nobody@example.com", AUTH_UNKNOWN },
    { "user@example.net", "secret", "user@example.net", AUTH_UNKNOWN },
    { "user@", "secret", NULL, AUTH_UNKNOWN },
    { "@example.com", "secret", NULL, AUTH_UNKNOWN },
    { "", "secret", "", AUTH_UNKNOWN },
    { "user@example.com\xff", "secret", "", AUTH_UNKNOWN },
    { "user\n@example.com", "secret", "", AUTH_UNKNOWN },
    { "' OR 1=1 --@example.com", "secret", NULL, AUTH_UNKNOWN },
    { "%u%n%d@example.com", "secret", NULL, AUTH_UNKNOWN },
};

START_TEST(user_names)
{
    struct auth_login login = auth_login_of(names[_i].user, "imap", AUTH_SECURED_TLS, 143);

    auth_configure("default_domain = example.com\n");
    ck_assert_int_eq(auth_try(&login, names[_i].password), names[_i].result);
    if (names[_i].canonical)
        ck_assert_str_eq(auth_answer.user, names[_i].canonical);
    ck_assert_uint_eq(auth_checked.count, 1); /* whether there is an account or not */
    ck_assert_int_eq(auth_checked.quiet, names[_i].result == AUTH_UNKNOWN);
    ck_assert_str_eq(auth_answer.reason, "");
    ck_assert_str_eq(auth_answer.cause, "");
}
END_TEST

START_TEST(bare_name_without_default_domain)
{
    struct auth_login login = auth_login_of("user", "imap", AUTH_SECURED_TLS, 143);

    ck_assert_int_eq(auth_try(&login, "secret"), AUTH_UNKNOWN);
}
END_TEST

START_TEST(dummy_has_the_configured_scheme)
{
    struct auth_login login = auth_login_of("nobody@example.com", "imap", AUTH_SECURED_TLS, 143);

    ck_assert_int_eq(auth_try(&login, "secret"), AUTH_UNKNOWN);
    ck_assert_int_eq(strncmp(auth_checked.stored, "{CRYPT}$y$", 10), 0);
    auth_configure("password_scheme = bcrypt\n");
    ck_assert_int_eq(auth_try(&login, "secret"), AUTH_UNKNOWN);
    ck_assert_int_eq(strncmp(auth_checked.stored, "{CRYPT}$2b$", 11), 0);
}
END_TEST

START_TEST(same_password_is_another_user)
{
    struct auth_login other = auth_login_of("other@example.com", "imap", AUTH_SECURED_TLS, 143);

    auth_change(CHANGE_ACCOUNT_ADD, FIELD_ADDRESS, "other@example.com", FIELD_KIND, "user", FIELD_PASSWORD,
                "{PLAIN}secret", FIELD_COUNT);
    ck_assert_int_eq(auth_try(&starttls, "secret"), AUTH_OK);
    ck_assert_str_eq(auth_answer.user, USER);
    ck_assert_int_eq(auth_try(&other, "secret"), AUTH_OK);
    ck_assert_str_eq(auth_answer.user, "other@example.com");
}
END_TEST

/* ---- disabled, suspended ---- */

static const struct {
    const char *services, *service;
    bool refused;
} scopes[] = {
    { "all", "imap", true },          { "all", "pop3", true },
    { "all", "smtp", true },          { "all", "sieve", true },
    { "all", "something", true },     { "all", "lmtp", false }, /* mail still arrives */
    { "imap", "imap", true },         { "imap", "pop3", false },
    { "smtp", "submission", true },   { "smtp", "imap", false },
    { "imap,pop3", "pop3", true },    { "imap,pop3", "smtp", false },
    { "sieve", "managesieve", true }, { "pop3", "pop", false },
};

START_TEST(suspended)
{
    struct auth_login login = auth_login_of(USER, scopes[_i].service, AUTH_SECURED_TLS, 0);
    char password[AUTH_PASSWORD_MAX];

    auth_change(CHANGE_ACCOUNT_SUSPEND, FIELD_ADDRESS, USER, FIELD_SERVICES, scopes[_i].services, FIELD_REASON,
                "spam was sent", FIELD_COUNT);
    ck_assert_int_eq(auth_try(&login, "wrong"), AUTH_MISMATCH);
    ck_assert_str_eq(auth_answer.reason, "");
    ck_assert_int_eq(auth_try(&login, "secret"), scopes[_i].refused ? AUTH_REFUSED : AUTH_OK);
    ck_assert_str_eq(auth_answer.reason, scopes[_i].refused ? "Account suspended: spam was sent" : "");
    ck_assert_str_eq(auth_answer.cause, scopes[_i].refused ? "suspended" : "");
    ck_assert_int_eq(auth_core_credentials(auth_core, &login, password, &auth_answer),
                     scopes[_i].refused ? AUTH_REFUSED : AUTH_OK);
    ck_assert_str_eq(password, scopes[_i].refused ? "" : "{PLAIN}secret");
    ck_assert_str_eq(auth_answer.reason, "");
}
END_TEST

START_TEST(suspension_ends)
{
    auth_change(CHANGE_ACCOUNT_SUSPEND, FIELD_ADDRESS, USER, FIELD_SERVICES, "all", FIELD_REASON, "x",
                FIELD_UNTIL, "1001", FIELD_COUNT);
    ck_assert_int_eq(auth_try(&starttls, "secret"), AUTH_REFUSED);
    struct auth_login later = starttls;
    later.now = 1001;
    ck_assert_int_eq(auth_try(&later, "secret"), AUTH_OK);
    auth_change(CHANGE_ACCOUNT_RELEASE, FIELD_ADDRESS, USER, FIELD_COUNT);
    ck_assert_int_eq(auth_try(&starttls, "secret"), AUTH_OK);
}
END_TEST

START_TEST(disabled)
{
    auth_change(CHANGE_ACCOUNT_STATUS, FIELD_ADDRESS, USER, FIELD_STATUS, "disabled", FIELD_COUNT);
    ck_assert_int_eq(auth_try(&starttls, "wrong"), AUTH_MISMATCH);
    ck_assert_int_eq(auth_try(&starttls, "secret"), AUTH_REFUSED);
    ck_assert_str_eq(auth_answer.cause, "disabled");
    ck_assert_str_eq(auth_answer.reason, "Account suspended: disabled by the administrator");
}
END_TEST

START_TEST(new_password_counts_at_once)
{
    ck_assert_int_eq(auth_try(&starttls, "secret"), AUTH_OK);
    auth_change(CHANGE_ACCOUNT_PASSWORD, FIELD_ADDRESS, USER, FIELD_PASSWORD, "{PLAIN}other", FIELD_COUNT);
    ck_assert_int_eq(auth_try(&starttls, "secret"), AUTH_MISMATCH);
    ck_assert_int_eq(auth_try(&starttls, "other"), AUTH_OK);
}
END_TEST

/* ---- the way the password came ---- */

static void set_mode(const char *check, const char *scope, const char *mode, const char *until)
{
    auth_change(CHANGE_POLICY_SET, FIELD_CHECK, check, FIELD_SCOPE, scope, FIELD_MODE, mode, FIELD_UNTIL, until,
                FIELD_COUNT);
}

static const struct {
    const char *check, *host, *domain, *account, *until; /* modes; until: of the narrowest */
    enum auth_secured secured;
    unsigned port;
    enum auth_result result;
    const char *observed;
} rules[] = {
    /* defaults */
    { "starttls", NULL, NULL, NULL, "", AUTH_SECURED_NONE, 143, AUTH_REFUSED, "" },
    { "starttls", NULL, NULL, NULL, "", AUTH_SECURED_TRUSTED, 143, AUTH_OK, "" },
    { "starttls", NULL, NULL, NULL, "", AUTH_SECURED_TLS, 143, AUTH_OK, "" },
    { "starttls", NULL, NULL, NULL, "", AUTH_SECURED_TLS, 993, AUTH_OK, "" },
    { "starttls", NULL, NULL, NULL, "", AUTH_SECURED_NONE, 0, AUTH_REFUSED, "" },
    /* scopes: the narrowest counts */
    { "starttls", "off", NULL, NULL, "", AUTH_SECURED_NONE, 143, AUTH_OK, "" },
    { "starttls", "observe", NULL, NULL, "", AUTH_SECURED_NONE, 143, AUTH_OK, "starttls" },
    { "starttls", "off", "enforce", NULL, "", AUTH_SECURED_NONE, 143, AUTH_REFUSED, "" },
    { "starttls", "enforce", "enforce", "off", "", AUTH_SECURED_NONE, 143, AUTH_OK, "" },
    { "starttls", "off", "off", "enforce", "", AUTH_SECURED_NONE, 143, AUTH_REFUSED, "" },
    { "starttls", "enforce", "off", "observe", "", AUTH_SECURED_NONE, 143, AUTH_OK, "starttls" },
    { "starttls", "observe", NULL, NULL, "", AUTH_SECURED_TLS, 143, AUTH_OK, "" },
    /* an exception ends */
    { "starttls", NULL, NULL, "off", "1001", AUTH_SECURED_NONE, 143, AUTH_OK, "" },
    { "starttls", NULL, NULL, "off", "1000", AUTH_SECURED_NONE, 143, AUTH_REFUSED, "" },
    { "starttls", "off", "enforce", "off", "1000", AUTH_SECURED_NONE, 143, AUTH_REFUSED, "" },
    /* implicit TLS */
    { "implicit_tls", "enforce", NULL, NULL, "", AUTH_SECURED_TLS, 993, AUTH_REFUSED, "" },
    { "implicit_tls", "enforce", NULL, NULL, "", AUTH_SECURED_TLS, 143, AUTH_OK, "" },
    { "implicit_tls", "enforce", NULL, NULL, "", AUTH_SECURED_TLS, 0, AUTH_OK, "" },
    { "implicit_tls", "enforce", NULL, "off", "", AUTH_SECURED_TLS, 993, AUTH_OK, "" },
    { "implicit_tls", "observe", NULL, NULL, "", AUTH_SECURED_TLS, 995, AUTH_OK, "implicit_tls" },
    { "implicit_tls", "observe", NULL, NULL, "", AUTH_SECURED_NONE, 143, AUTH_REFUSED, "" },
};

START_TEST(a_mode_that_begins)
{
    struct auth_login login = auth_login_of(USER, "imap", AUTH_SECURED_NONE, 143);
    static const char *const starts[] = { "1000", "1001" };

    set_mode("starttls", "", "off", "");
    auth_change(CHANGE_POLICY_SET, FIELD_CHECK, "starttls", FIELD_SCOPE, "example.com", FIELD_MODE, "enforce",
                FIELD_START, starts[_i], FIELD_COUNT);
    ck_assert_int_eq(auth_try(&login, "secret"), _i == 0 ? AUTH_REFUSED : AUTH_OK);
}
END_TEST

START_TEST(encryption)
{
    struct auth_login login = auth_login_of(USER, "imap", rules[_i].secured, rules[_i].port);
    const char *const modes[] = { rules[_i].host, rules[_i].domain, rules[_i].account };
    static const char *const scope[] = { "", "example.com", USER };

    for (size_t i = 0; i < 3; i++)
        if (modes[i])
            set_mode(rules[_i].check, scope[i], modes[i], i == 2 ? rules[_i].until : "");
    ck_assert_int_eq(auth_try(&login, "wrong"), AUTH_MISMATCH);
    ck_assert_str_eq(auth_answer.reason, "");
    ck_assert_int_eq(auth_try(&login, "secret"), rules[_i].result);
    ck_assert_str_eq(auth_answer.observed, rules[_i].observed);
    ck_assert_int_eq(auth_answer.reason[0] != '\0', rules[_i].result == AUTH_REFUSED);
}
END_TEST

static const struct {
    const char *service;
    unsigned port;
    const char *setting;
} settings[] = {
    { "imap", 143, "Set Encryption to STARTTLS on port 143" },
    { "pop3", 1110, "Set Encryption to STARTTLS on port 1110" },
    { "pop3", 0, "Set Encryption to STARTTLS on port 110" },
    { "smtp", 0, "Set Encryption to STARTTLS on port 587" },
    { "other", 0, "Set Encryption to STARTTLS" },
};

START_TEST(reason_names_the_setting)
{
    struct auth_login login =
        auth_login_of(USER, settings[_i].service, AUTH_SECURED_NONE, settings[_i].port);
    char expected[AUTH_REASON_MAX];

    ck_assert_int_eq(auth_try(&login, "secret"), AUTH_REFUSED);
    snprintf(expected, sizeof expected, "This server takes no password without encryption. %s",
             settings[_i].setting);
    ck_assert_str_eq(auth_answer.reason, expected);
}
END_TEST

START_TEST(reason_is_configurable)
{
    struct auth_login login = auth_login_of(USER, "imap", AUTH_SECURED_NONE, 143);
    struct auth_login implicit = auth_login_of(USER, "imap", AUTH_SECURED_TLS, 10993);

    auth_configure("starttls { text = \"{login}{helo}: {reason}!\" }\nhelp_url = \"https://example.com/tls\"\n"
                   "dovecot { implicit_tls_ports = {10993} }\n");
    ck_assert_int_eq(auth_try(&login, "secret"), AUTH_REFUSED);
    ck_assert_str_eq(auth_answer.reason,
                     USER ": Set Encryption to STARTTLS on port 143! https://example.com/tls");
    set_mode("implicit_tls", "", "enforce", "");
    ck_assert_int_eq(auth_try(&implicit, "secret"), AUTH_REFUSED);
    ck_assert_str_eq(auth_answer.reason, "This server takes no password on this port. "
                                         "Set Encryption to STARTTLS on port 143 https://example.com/tls");
}
END_TEST

START_TEST(proof_without_the_password_needs_no_tls)
{
    struct auth_login login = auth_login_of(USER, "imap", AUTH_SECURED_NONE, 143);
    char password[AUTH_PASSWORD_MAX];

    ck_assert_int_eq(auth_core_credentials(auth_core, &login, password, &auth_answer), AUTH_OK);
    ck_assert_str_eq(password, "{PLAIN}secret");
    login.user = "nobody@example.com";
    ck_assert_int_eq(auth_core_credentials(auth_core, &login, password, &auth_answer), AUTH_UNKNOWN);
    ck_assert_str_eq(password, "");
}
END_TEST

/* ---- the store ---- */

static long elapsed_ms(const struct timespec *since)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec - since->tv_sec) * 1000 + (now.tv_nsec - since->tv_nsec) / 1000000;
}

static void move_away(void)
{
    static const char *const suffixes[] = { "", "-wal", "-shm" };
    char from[96], to[96];

    for (size_t i = 0; i < 3; i++) {
        snprintf(from, sizeof from, "%s%s", auth_database, suffixes[i]);
        snprintf(to, sizeof to, "%s.old%s", auth_database, suffixes[i]);
        rename(from, to);
    }
}

START_TEST(missing_store_grants_nothing)
{
    struct auth_login unknown = auth_login_of("nobody@example.com", "imap", AUTH_SECURED_TLS, 143);
    struct timespec start;

    ck_assert_int_eq(auth_try(&starttls, "secret"), AUTH_OK); /* it was open before */
    move_away();
    clock_gettime(CLOCK_MONOTONIC, &start);
    auth_checked.count = 0;
    ck_assert_int_eq(auth_try(&starttls, "secret"), AUTH_UNAVAILABLE);
    ck_assert_int_ge(elapsed_ms(&start), 100); /* it tried again */
    ck_assert_int_le(elapsed_ms(&start), 20000); /* but not for ever */
    ck_assert_ptr_nonnull(strstr(auth_answer.error.text, auth_database));
    ck_assert_int_eq(auth_try(&unknown, "secret"), AUTH_UNAVAILABLE); /* not: unknown */
    ck_assert_uint_eq(auth_checked.count, 0);
    ck_assert_int_ne(access(auth_database, F_OK), 0); /* no empty one is made */
    auth_make_database();
    ck_assert_int_eq(auth_try(&starttls, "secret"), AUTH_OK);
}
END_TEST

START_TEST(replaced_store_counts_at_once)
{
    ck_assert_int_eq(auth_try(&starttls, "secret"), AUTH_OK);
    move_away();
    auth_make_database();
    auth_change(CHANGE_ACCOUNT_PASSWORD, FIELD_ADDRESS, USER, FIELD_PASSWORD, "{PLAIN}other", FIELD_COUNT);
    ck_assert_int_eq(auth_try(&starttls, "secret"), AUTH_MISMATCH);
    ck_assert_int_eq(auth_try(&starttls, "other"), AUTH_OK);
}
END_TEST

START_TEST(damaged_store_grants_nothing)
{
    FILE *f;

    auth_configure("");
    move_away();
    f = fopen(auth_database, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_ge(fprintf(f, "%04096d", 0), 4096);
    ck_assert_int_eq(fclose(f), 0);
    ck_assert_int_eq(auth_try(&starttls, "secret"), AUTH_UNAVAILABLE);
}
END_TEST

START_TEST(fork_opens_its_own)
{
    int status;

    ck_assert_int_eq(auth_try(&starttls, "secret"), AUTH_OK);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        bool right = auth_try(&starttls, "secret") == AUTH_OK && auth_try(&starttls, "x") == AUTH_MISMATCH;
        _exit(right ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(auth_try(&starttls, "secret"), AUTH_OK);
}
END_TEST

/* ---- where mail lies ---- */

START_TEST(user_fields)
{
    struct auth_user user;
    struct error e = { "" };

    auth_configure("dovecot { mail = \"maildir:{user}\" uid = vmail gid = \"\" }\ndefault_domain = example.com\n");
    auth_change(CHANGE_ACCOUNT_SUSPEND, FIELD_ADDRESS, USER, FIELD_SERVICES, "all", FIELD_REASON, "x", FIELD_COUNT);
    ck_assert_int_eq(auth_core_user(auth_core, "User", &user, &e), AUTH_OK);
    ck_assert_str_eq(user.name, USER);
    ck_assert_str_eq(auth_field(&user.fields, "home"), "/var/vmail/example.com/user");
    ck_assert_str_eq(auth_field(&user.fields, "mail"), "maildir:" USER);
    ck_assert_str_eq(auth_field(&user.fields, "uid"), "vmail");
    ck_assert_str_eq(auth_field(&user.fields, "gid"), "");
    ck_assert_int_eq(auth_core_user(auth_core, "nobody", &user, &e), AUTH_UNKNOWN);
    move_away();
    ck_assert_int_eq(auth_core_user(auth_core, "user", &user, &e), AUTH_UNAVAILABLE);
}
END_TEST

static void add_account(const char *address)
{
    auth_change(CHANGE_ACCOUNT_ADD, FIELD_ADDRESS, address, FIELD_KIND, "user", FIELD_PASSWORD, "{PLAIN}x",
                FIELD_COUNT);
}

START_TEST(name_never_leaves_its_folder)
{
    struct auth_user user;
    struct error e = { "" };

    add_account("a/b@example.com");
    add_account("\"..\"@example.com");
    auth_configure("");
    ck_assert_int_eq(auth_core_user(auth_core, "\"..\"@example.com", &user, &e), AUTH_OK);
    ck_assert_str_eq(auth_field(&user.fields, "home"), "/var/vmail/example.com/\"..\"");
    ck_assert_int_eq(auth_core_user(auth_core, "a/b@example.com", &user, &e), AUTH_UNAVAILABLE);
    ck_assert_ptr_nonnull(strstr(e.text, "cannot be part of a path"));
    auth_configure("dovecot { home = \"/var/vmail\" }\n");
    ck_assert_int_eq(auth_core_user(auth_core, "a/b@example.com", &user, &e), AUTH_OK);
}
END_TEST

START_TEST(iteration)
{
    static struct auth_page page;
    char name[64], last[ADDRESS_MAX + 1] = "";
    struct error e = { "" };
    size_t found = 0;
    enum auth_result r;

    for (unsigned i = 0; i < AUTH_PAGE + 2; i++) {
        snprintf(name, sizeof name, "u%u@example.net", i);
        add_account(name);
    }
    while ((r = auth_core_users(auth_core, last, &page, &e)) == AUTH_OK)
        for (size_t i = 0; i < page.count; i++, found++) {
            ck_assert_int_gt(strcmp(page.name[i], last), 0);
            snprintf(last, sizeof last, "%s", page.name[i]);
        }
    ck_assert_int_eq(r, AUTH_UNKNOWN);
    ck_assert_uint_eq(found, AUTH_PAGE + 3);
}
END_TEST

START_TEST(wrong_configuration)
{
    struct error e = { "" };

    ck_assert_ptr_null(auth_core_new("/nonexistent/policyd.conf", &e));
    ck_assert_ptr_nonnull(strstr(e.text, "/nonexistent/policyd.conf: cannot be read"));
}
END_TEST

#define COUNT(table) (int)(sizeof(table) / sizeof((table)[0]))

int main(void)
{
    Suite *suite = suite_create("auth_core");
    TCase *t = tcase_create("auth_core"), *apart = tcase_create("apart");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, t);
    tcase_add_checked_fixture(t, auth_create, auth_remove);
    tcase_set_timeout(t, 30);
    tcase_add_loop_test(t, user_names, 0, COUNT(names));
    tcase_add_test(t, bare_name_without_default_domain);
    tcase_add_test(t, dummy_has_the_configured_scheme);
    tcase_add_test(t, same_password_is_another_user);
    tcase_add_loop_test(t, suspended, 0, COUNT(scopes));
    tcase_add_test(t, suspension_ends);
    tcase_add_test(t, disabled);
    tcase_add_test(t, new_password_counts_at_once);
    tcase_add_loop_test(t, a_mode_that_begins, 0, 2);
    tcase_add_loop_test(t, encryption, 0, COUNT(rules));
    tcase_add_loop_test(t, reason_names_the_setting, 0, COUNT(settings));
    tcase_add_test(t, reason_is_configurable);
    tcase_add_test(t, proof_without_the_password_needs_no_tls);
    tcase_add_test(t, missing_store_grants_nothing);
    tcase_add_test(t, replaced_store_counts_at_once);
    tcase_add_test(t, damaged_store_grants_nothing);
    tcase_add_test(t, user_fields);
    tcase_add_test(t, name_never_leaves_its_folder);
    tcase_add_test(t, iteration);
    tcase_add_test(t, wrong_configuration);
    suite_add_tcase(suite, apart);
    tcase_set_tags(apart, "no_valgrind");
    tcase_add_checked_fixture(apart, auth_create, auth_remove);
    tcase_set_timeout(apart, 30);
    tcase_add_test(apart, fork_opens_its_own);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
