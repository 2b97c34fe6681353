/* SPDX-License-Identifier: MIT */
/* policyd/request: states, contexts, canonical forms, what is odd. */
#include "policyd/request.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "t/unit/checked_world.h"

static struct request prepared(enum attribute a, const char *text)
{
    struct request r;

    memset(&r, 0xa5, sizeof r);
    memset(r.attr, 0, sizeof r.attr);
    r.attr[a] = span_of(text);
    request_prepare(&r, world.config);
    return r;
}

START_TEST(states_and_contexts)
{
    static const struct {
        const char *text;
        int value;
    } states[] = {
        { "CONNECT", STATE_OTHER }, { "HELO", STATE_HELO }, { "EHLO", STATE_HELO },
        { "MAIL", STATE_MAIL },     { "RCPT", STATE_RCPT }, { "DATA", STATE_DATA },
        { "BDAT", STATE_DATA },     { "VRFY", STATE_OTHER }, { "ETRN", STATE_OTHER },
        { "END-OF-MESSAGE", STATE_END_OF_MESSAGE }, { "", STATE_OTHER }, { "rcpt", STATE_OTHER },
        { "RCPT ", STATE_OTHER }, { "LUNCH", STATE_OTHER },
    }, contexts[] = {
        { "helo", CONTEXT_HELO }, { "sender", CONTEXT_SENDER }, { "recipient", CONTEXT_RECIPIENT },
        { "end-of-data", CONTEXT_END_OF_DATA }, { "", CONTEXT_ALL }, { "something", CONTEXT_ALL },
    };

    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        ck_assert_int_eq(prepared(ATTR_PROTOCOL_STATE, states[i].text).state, states[i].value);
    for (size_t i = 0; i < sizeof contexts / sizeof *contexts; i++)
        ck_assert_int_eq(prepared(ATTR_POLICY_CONTEXT, contexts[i].text).context, contexts[i].value);
}
END_TEST

START_TEST(clients)
{
    configure("trusted_networks = {\"192.0.2.0/24\", \"2001:db8::/32\"}");
    ck_assert(prepared(ATTR_CLIENT_ADDRESS, "192.0.2.255").trusted);
    ck_assert(!prepared(ATTR_CLIENT_ADDRESS, "192.0.3.0").trusted);
    ck_assert(prepared(ATTR_CLIENT_ADDRESS, "2001:db8:ffff::1").trusted);
    ck_assert(prepared(ATTR_CLIENT_ADDRESS, "::ffff:192.0.2.1").trusted);
    ck_assert(!prepared(ATTR_CLIENT_ADDRESS, "127.0.0.1").trusted); /* the list was replaced */
    ck_assert(!prepared(ATTR_CLIENT_ADDRESS, "unknown").has_client);
    ck_assert(!prepared(ATTR_CLIENT_ADDRESS, "").trusted);
    configure("");
    ck_assert(prepared(ATTR_CLIENT_ADDRESS, "127.255.0.1").trusted);
    ck_assert(prepared(ATTR_CLIENT_ADDRESS, "::1").trusted);
}
END_TEST

START_TEST(submission)
{
    ck_assert(prepared(ATTR_SERVER_PORT, "587").submission);
    ck_assert(prepared(ATTR_SERVER_PORT, "465").submission);
    ck_assert(!prepared(ATTR_SERVER_PORT, "25").submission);
    ck_assert(!prepared(ATTR_SERVER_PORT, "").submission);
    ck_assert(!prepared(ATTR_SERVER_PORT, "0587x").submission);
}
END_TEST

/* PEERS.md, defect 1: what a client may send is an address. */
static const struct {
    const char *text, *canonical;
    bool odd;
    const char *domain;
} senders[] = {
    { "John@Example.COM", "john@example.com", false, "example.com" },
    { "o'brien@x.example", "o'brien@x.example", false, "x.example" },
    { "a?b@x.example", "a?b@x.example", false, "x.example" },
    { "x y@x.example", "\"x y\"@x.example", false, "x.example" },
    { "user@localhost", "user@localhost", false, "localhost" },
    { "user@B\xc3\xbc" "cher.example", "user@xn--bcher-kva.example", false, "xn--bcher-kva.example" },
    { "a@b@x.example", "\"a@b\"@x.example", false, "x.example" },
    { "user@[192.0.2.1]", "user@[192.0.2.1]", false, "[192.0.2.1]" },
    { "postmaster", "postmaster", false, "" },
    { "", "", false, "" },
    { "\xff\xfe@Example.com", NULL, true, "example.com" },
    { "a\x01" "b@example.com", NULL, true, "example.com" },
    { "\xff" "a-longer-local-part@example.com", NULL, true, "example.com" },
    { "a@\xff.example", NULL, true, "" },
    { "\xff", NULL, true, "" },
    { "\xff@", NULL, true, "" },
};

/* Nobody's address, but still somebody's domain. */
START_TEST(odd_senders_keep_their_domain)
{
    struct request r = prepared(ATTR_SENDER, senders[_i].text);

    ck_assert_int_eq(r.sender_odd, senders[_i].odd);
    if (senders[_i].canonical)
        ck_assert_str_eq(r.sender.text, senders[_i].canonical);
    else
        ck_assert_uint_eq(r.sender.local_len, strcspn(senders[_i].text, *senders[_i].domain ? "@" : ""));
    ck_assert_msg(span_equal(address_domain(&r.sender), span_of(senders[_i].domain)), "%s: %s", senders[_i].text,
                  r.sender.text);
    r = prepared(ATTR_RECIPIENT, senders[_i].text);
    ck_assert(span_equal(address_domain(&r.recipient), span_of(senders[_i].domain)));
}
END_TEST

START_TEST(overlong_senders)
{
    char text[70000];
    static const size_t lengths[] = { 255, 256, 1000, 60000 };

    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        memset(text, 'x', lengths[i]);
        memcpy(text + lengths[i], "@Example.com", sizeof "@Example.com");
        struct request r = prepared(ATTR_SENDER, text);
        ck_assert_int_eq(r.sender_odd, lengths[i] > LOCAL_MAX);
        ck_assert(span_equal(address_domain(&r.sender), SPAN("example.com")));
        ck_assert_uint_eq(r.sender.local_len, LOCAL_MAX);
        ck_assert_uint_eq(strlen(r.sender.text), r.sender.len);
    }
    memset(text, 'x', sizeof text);
    text[0] = '@';
    text[sizeof text - 1] = '\0';
    struct request r = prepared(ATTR_SENDER, text);
    ck_assert(r.sender_odd);
    ck_assert_uint_le(r.sender.len, ADDRESS_MAX);
    ck_assert_uint_eq(strlen(r.sender.text), r.sender.len);
    ck_assert_str_eq(prepared(ATTR_HELO_NAME, text).helo, "");
}
END_TEST

START_TEST(logins)
{
    struct request r = prepared(ATTR_SASL_USERNAME, "John@Example.com");

    ck_assert(r.authenticated && !r.login_odd);
    ck_assert_str_eq(r.login.text, "john@example.com");
    ck_assert(!prepared(ATTR_SASL_USERNAME, "").authenticated);
    ck_assert_str_eq(prepared(ATTR_SASL_USERNAME, "John").login.text, "john");
    r = prepared(ATTR_SASL_USERNAME, "\xff@example.com");
    ck_assert(r.authenticated && r.login_odd);
    configure("default_domain = \"Example.com\"");
    ck_assert_str_eq(prepared(ATTR_SASL_USERNAME, "John").login.text, "john@example.com");
    ck_assert_str_eq(prepared(ATTR_SASL_USERNAME, "john@b.example").login.text, "john@b.example");
    ck_assert_str_eq(prepared(ATTR_SASL_USERNAME, "").login.text, "");
}
END_TEST

START_TEST(helo_names)
{
    ck_assert_str_eq(prepared(ATTR_HELO_NAME, "Mail.Example.NET.").helo, "mail.example.net");
    ck_assert_str_eq(prepared(ATTR_HELO_NAME, "[192.0.2.1]").helo, "[192.0.2.1]");
    ck_assert_str_eq(prepared(ATTR_HELO_NAME, "b\xc3\xbc" "cher.example").helo, "xn--bcher-kva.example");
    ck_assert_str_eq(prepared(ATTR_HELO_NAME, "a\rb").helo, "");
    ck_assert_str_eq(prepared(ATTR_HELO_NAME, "").helo, "");
    ck_assert_str_eq(prepared(ATTR_CLIENT_NAME, "Mail.Example.NET").client_name, "mail.example.net");
    ck_assert_str_eq(prepared(ATTR_CLIENT_NAME, "a\rb").client_name, "");
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("request");
    Suite *suite = suite_create("request");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, t);
    tcase_add_checked_fixture(t, checked_world_open, checked_world_close);
    tcase_add_test(t, states_and_contexts);
    tcase_add_test(t, clients);
    tcase_add_test(t, submission);
    tcase_add_loop_test(t, odd_senders_keep_their_domain, 0, sizeof senders / sizeof *senders);
    tcase_add_test(t, overlong_senders);
    tcase_add_test(t, logins);
    tcase_add_test(t, helo_names);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
