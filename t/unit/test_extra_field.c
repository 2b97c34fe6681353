/* SPDX-License-Identifier: MIT */
/*
 * Fields that Dovecot is told: names that would let somebody in are refused, values have
 * one form.
 */
#include "lib/extra_field.h"

#include <check.h>
#include <stdlib.h>

#define X32 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

/* error: NULL where the name is right. userdb: its name there. */
static const struct {
    const char *name, *error, *userdb;
} names[] = {
    { "home", NULL, "home" },
    { "quota", NULL, "quota" },
    { "allow_nets", NULL, NULL },
    { "nologin", NULL, NULL },
    { "userdb_quota_rule2", NULL, "quota_rule2" },
    { "userdb_namespace/inbox/separator", NULL, "namespace/inbox/separator" },
    { X32 X32, NULL, NULL },
    { X32 X32 "x", "is no name of a field", NULL },
    { "", "is no name", NULL },
    { "userdb_", "is no name", NULL },
    { "a b", "is no name", NULL },
    { "a=b", "is no name", NULL },
    { "a\tb", "is no name", NULL },
    { "password:remove", "is no name", NULL },
    { "user:protected", "is no name", NULL },
    { "userdb_userdb_import", "is no name", NULL },
    { "userdb_userdb_home", "is no name", NULL },
    { "password", "whether it passes", NULL },
    { "password_noscheme", "whether it passes", NULL },
    { "nopassword", "whether it passes", NULL },
    { "noauthenticate", "whether it passes", NULL },
    { "k5principals", "whether it passes", NULL },
    { "user", "whether it passes", NULL },
    { "username", "whether it passes", NULL },
    { "domain", "whether it passes", NULL },
    { "login_user", "whether it passes", NULL },
    { "original_user", "whether it passes", NULL },
    { "auth_user", "whether it passes", NULL },
    { "master_user", "whether it passes", NULL },
    { "anonymous", "whether it passes", NULL },
    { "passdb_import", "whether it passes", NULL },
    { "reason", "whether it passes", NULL },
    { "userdb_user", "whether it passes", NULL },
    { "userdb_uidgid_file", "whether it passes", NULL },
    { "userdb_home", "it is called home here", NULL },
    { "userdb_quota", "it is called quota here", NULL },
    { "userdb_quota_rule", "it is called quota here", NULL },
    { "userdb_quota_storage_size", "it is called quota here", NULL },
    { "userdb_mail_path", "it is called mail here", NULL },
};

START_TEST(each_name)
{
    struct error e = { "" };
    enum result r = extra_field_check_name(names[_i].name, &e);

    ck_assert_msg(r == (names[_i].error ? BAD : OK), "%s: %s", names[_i].name, e.text);
    if (names[_i].error) {
        ck_assert_msg(strstr(e.text, names[_i].error), "%s: %s", names[_i].name, e.text);
        return;
    }
    const char *userdb = extra_field_of_userdb(names[_i].name);
    if (names[_i].userdb)
        ck_assert_str_eq(userdb, names[_i].userdb);
    else
        ck_assert_ptr_null(userdb);
}
END_TEST

/* canonical: NULL where the value is wrong. */
static const struct {
    const char *name, *value, *canonical;
} values[] = {
    { "home", "/var/vmail/{domain}/{local}", "/var/vmail/{domain}/{local}" },
    { "home", "", "" },
    { "home", "var/vmail", NULL },
    { "home", "~/mail", NULL },
    { "home", "/var/%d/%n", NULL },
    { "home", "/var/{dom}", NULL },
    { "home", "/var/{domain", NULL },
    { "home", "/{", NULL },
    { "mail", "maildir:~/Maildir:INDEX=/x/{user}", "maildir:~/Maildir:INDEX=/x/{user}" },
    { "mail", "maildir:%h", NULL },
    { "uid", "vmail", "vmail" },
    { "uid", "5000", "5000" },
    { "uid", "a b", NULL },
    { "gid", "a/b", NULL },
    { "quota", "", "" },
    { "quota", "0", "0" },
    { "quota", "2G", "2G" },
    { "quota", "500m", "500M" },
    { "quota", "1k", "1K" },
    { "quota", "99999999T", "99999999T" },
    { "quota", "100000000T", NULL },
    { "quota", "0G", NULL }, /* there is one way to say it */
    { "quota", "G", NULL },
    { "quota", "2", NULL },
    { "quota", "2GB", NULL },
    { "quota", "-2G", NULL },
    { "quota", "2.5G", NULL },
    { "quota", "unlimited", NULL },
    { "userdb_quota_rule2", "Trash:storage=+10%", "Trash:storage=+10%" },
    { "contact", "Admin@Example.NET", "admin@example.net" },
    { "contact", "admin", NULL },
    { "contact", "a@x.example, b@x.example", NULL },
    { "contact", "a@x.example\nBcc: b@x.example", NULL },
};

START_TEST(each_value)
{
    char canonical[EXTRA_FIELD_VALUE_MAX + 1];
    struct strbuf b;
    struct error e = { "" };

    strbuf_init(&b, canonical, sizeof canonical);
    enum result r = extra_field_check_value(values[_i].name, span_of(values[_i].value), &b, &e);
    ck_assert_msg(r == (values[_i].canonical ? OK : BAD), "%s=%s: %s", values[_i].name, values[_i].value, e.text);
    if (values[_i].canonical)
        ck_assert_str_eq(canonical, values[_i].canonical);
    else
        ck_assert_str_ne(e.text, "");
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("extra_field");
    Suite *suite = suite_create("extra_field");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, t);
    tcase_add_loop_test(t, each_name, 0, sizeof names / sizeof *names);
    tcase_add_loop_test(t, each_value, 0, sizeof values / sizeof *values);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
