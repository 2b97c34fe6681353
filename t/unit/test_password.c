/* SPDX-License-Identifier: MIT */
/*
 * lib/password: what crypt(3) verifies again, and what is refused.
 */
#include <check.h>
#include <crypt.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/password.h"

enum { SCHEME_LEN = sizeof "{CRYPT}" - 1 };

static bool verifies(const char *password, const char *hash)
{
    struct crypt_data *data = calloc(1, sizeof *data);
    ck_assert_ptr_nonnull(data);
    const char *again = crypt_r(password, hash + SCHEME_LEN, data);
    bool same = again && strcmp(again, hash + SCHEME_LEN) == 0;
    free(data);
    return same;
}

static const struct {
    const char *name, *prefix;
} schemes[] = { { "yescrypt", "{CRYPT}$y$" }, { "bcrypt", "{CRYPT}$2b$" } };

START_TEST(hash_verifies)
{
    char hash[PASSWORD_HASH_MAX], other[PASSWORD_HASH_MAX];
    struct error e = { "" };

    ck_assert_int_eq(password_hash("gr\xc3\xbc\xc3\x9f"
                                   "e, geheim",
                                   schemes[_i].name, hash, &e),
                     OK);
    ck_assert_int_eq(strncmp(hash, schemes[_i].prefix, strlen(schemes[_i].prefix)), 0);
    ck_assert(verifies("gr\xc3\xbc\xc3\x9f"
                       "e, geheim",
                       hash));
    ck_assert(!verifies("gr\xc3\xbc\xc3\x9f"
                        "e, geheiM",
                        hash));
    ck_assert_int_eq(password_hash("gr\xc3\xbc\xc3\x9f"
                                   "e, geheim",
                                   schemes[_i].name, other, &e),
                     OK);
    ck_assert_str_ne(hash, other); /* a salt of its own */
}
END_TEST

START_TEST(refused)
{
    char hash[PASSWORD_HASH_MAX] = "before", long_password[514] = "";
    struct error e = { "" };

    memset(long_password, 'x', 513);
    ck_assert_int_eq(password_hash("", "yescrypt", hash, &e), BAD);
    ck_assert_str_eq(e.text, "the password is empty");
    ck_assert_str_eq(hash, "");
    ck_assert_int_eq(password_hash("a\nb", "yescrypt", hash, &e), BAD);
    ck_assert_int_eq(password_hash("a\r", "yescrypt", hash, &e), BAD);
    ck_assert_str_eq(e.text, "the password holds a line break");
    ck_assert_int_eq(password_hash("secret", "md5", hash, &e), BAD);
    ck_assert_str_eq(e.text, "unknown password scheme 'md5'; take yescrypt or bcrypt");
    ck_assert_int_eq(password_hash(long_password, "yescrypt", hash, &e), BAD);
    ck_assert_int_eq(password_hash("secret", "md5", hash, NULL), BAD);
    ck_assert_str_eq(hash, "");
}
END_TEST

START_TEST(longest)
{
    char hash[PASSWORD_HASH_MAX], password[512] = "";
    struct error e = { "" };

    memset(password, 'x', 511);
    ck_assert_int_eq(password_hash(password, "yescrypt", hash, &e), OK);
    ck_assert(verifies(password, hash));
    password[73] = '\0';
    ck_assert_int_eq(password_hash(password, "bcrypt", hash, &e), BAD);
    ck_assert_str_eq(e.text, "the password has 73 octets; bcrypt takes at most 72");
    password[72] = '\0';
    ck_assert_int_eq(password_hash(password, "bcrypt", hash, &e), OK);
    ck_assert(verifies(password, hash));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("password");
    TCase *t = tcase_create("password");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, t);
    tcase_add_loop_test(t, hash_verifies, 0, sizeof schemes / sizeof schemes[0]);
    tcase_add_test(t, refused);
    tcase_add_test(t, longest);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
