/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdlib.h>

#include "policyctl/explain/reply_text.h"
#include "t/unit/config_file.h"

static const struct {
    const char *config, *code, *text;
    int check; /* -1: none of ours */
    const char *login, *sender;
} replies[] = {
    { "", "553 5.7.1", "You are logged in as a@x.net, which may not send as b@y.net", CHECK_SENDER_LOGIN, "a@x.net",
      "b@y.net" },
    { "", "", "You are logged in as a@x.net, which may not send as b@y.net", CHECK_SENDER_LOGIN, "a@x.net", "b@y.net" },
    { "", "554 5.7.1", "You are logged in as a@x.net, which may not send as b@y.net", -1, "", "" },
    { "", "554 5.7.1", "SMTP AUTH is required for users under this sender domain", CHECK_SENDER_AUTH, "", "" },
    { "", "554 5.7.1", "Go away, bad guy (.local).", CHECK_HELO_LOCAL, "", "" },
    { "", "554 5.7.1", "Go away, bad guy (.local)", -1, "", "" },
    { "", "554 5.7.1", "Account suspended: it's; from=<x>", CHECK_ACCOUNT_STATUS, "", "" },
    { "", "554 5.7.1", "Access denied", CHECK_ACCESS, "", "" },
    { "", "450 4.7.1", "Host not found", CHECK_HELO_RESOLVE, "", "" },
    { "", "450 4.7.1", "Greylisted", -1, "", "" },
    { "", "554 5.7.1", "", -1, "", "" },
    { "help_url = \"https://h.net/\"\n", "554 5.7.1", "Account suspended: x https://h.net/", CHECK_ACCOUNT_STATUS, "", "" },
    { "help_url = \"https://h.net/\"\n", "554 5.7.1", "Go away, bad guy (.lan). https://h.net/", CHECK_HELO_LOCAL, "", "" },
    /* of two that fit, the one with more words of its own */
    { "access { text = \"{reason}\" }\n", "554 5.7.1", "Go away, bad guy (.lan).", CHECK_HELO_LOCAL, "", "" },
    { "sender_login { text = \"{sender}{login}\" }\n", "553 5.7.1", "ab", CHECK_SENDER_LOGIN, "ab", "" },
};

START_TEST(whose_words)
{
    struct config *config = config_file_load(replies[_i].config);
    struct reply_values values = { .login = { NULL, 0 } };
    enum check_id id = CHECK_COUNT;
    enum result r = reply_text_check(config, span_of(replies[_i].code), span_of(replies[_i].text), &id, &values);

    ck_assert_int_eq(r, replies[_i].check < 0 ? NOT_FOUND : OK);
    if (r == OK) {
        ck_assert_int_eq((int)id, replies[_i].check);
        ck_assert(span_equal(values.login, span_of(replies[_i].login)));
        ck_assert(span_equal(values.sender, span_of(replies[_i].sender)));
    }
    config_free(&config);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("reply_text");
    TCase *t = tcase_create("replies");
    SRunner *runner = srunner_create(suite);

    tcase_add_checked_fixture(t, config_file_create, config_file_remove);
    tcase_add_loop_test(t, whose_words, 0, sizeof replies / sizeof *replies);
    suite_add_tcase(suite, t);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
