/* SPDX-License-Identifier: MIT */
/*
 * Bytes to requests and back: the policy protocol and socketmap's netstrings, split at
 * every octet, at each limit and one past it.
 */
#include "policyd/protocol.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policyd/netstring.h"

enum { ATTRIBUTES = 256 };

static struct request request;

static enum result parse(struct span frame, struct error *e)
{
    memset(&request, 0xa5, sizeof request);
    return protocol_parse(frame, ATTRIBUTES, &request, e);
}

static void ck_attr(enum attribute a, const char *text)
{
    ck_assert_msg(span_equal(request.attr[a], span_of(text)), "%u: '%.*s'", a, (int)request.attr[a].len,
                  request.attr[a].ptr);
}

/* What Postfix 3.7 sends at RCPT. */
static const char postfix[] =
    "request=smtpd_access_policy\nprotocol_state=RCPT\nprotocol_name=ESMTP\nclient_address=192.0.2.1\n"
    "client_name=mail.example.net\nclient_port=50000\nreverse_client_name=mail.example.net\n"
    "server_address=192.0.2.25\nserver_port=25\nhelo_name=mail.example.net\nsender=a@example.net\n"
    "recipient=john@example.com\nrecipient_count=0\nqueue_id=\ninstance=1f2.5c.1\nsize=1234\netrn_domain=\n"
    "stress=\nsasl_method=\nsasl_username=\nsasl_sender=\nccert_subject=\nccert_issuer=\n"
    "ccert_fingerprint=\nccert_pubkey_fingerprint=\nencryption_protocol=TLSv1.3\n"
    "encryption_cipher=TLS_AES_256_GCM_SHA384\nencryption_keysize=256\npolicy_context=helo\n\n";

START_TEST(split_at_every_octet)
{
    size_t len = sizeof postfix - 1;

    for (size_t first = 0; first < len; first++) {
        size_t scanned = 0;
        if (first > 0)
            ck_assert_uint_eq(protocol_frame((struct span){ postfix, first }, &scanned), 0);
        ck_assert_uint_eq(protocol_frame((struct span){ postfix, len }, &scanned), len);
    }
    size_t scanned = 0;
    for (size_t n = 1; n < len; n++)
        ck_assert_uint_eq(protocol_frame((struct span){ postfix, n }, &scanned), 0);
    ck_assert_uint_eq(protocol_frame((struct span){ postfix, len }, &scanned), len);
}
END_TEST

START_TEST(what_postfix_sends)
{
    struct error e;

    ck_assert_int_eq(parse(SPAN(postfix), &e), OK);
    ck_attr(ATTR_REQUEST, "smtpd_access_policy");
    ck_attr(ATTR_HELO_NAME, "mail.example.net");
    ck_attr(ATTR_QUEUE_ID, "");
    ck_attr(ATTR_POLICY_CONTEXT, "helo");
    ck_attr(ATTR_MAIL_VERSION, "");
    ck_attr(ATTR_TLS_SNI, "");
}
END_TEST

START_TEST(several_in_one_buffer)
{
    static const char two[] = "a=1\n\nb=2\n\nc=3\n";
    size_t scanned = 0;

    ck_assert_uint_eq(protocol_frame(SPAN(two), &scanned), 5);
    scanned = 0;
    ck_assert_uint_eq(protocol_frame((struct span){ two + 5, sizeof two - 6 }, &scanned), 5);
    scanned = 0;
    ck_assert_uint_eq(protocol_frame((struct span){ two + 10, sizeof two - 11 }, &scanned), 0);
}
END_TEST

START_TEST(odd_ends_of_frames)
{
    size_t scanned = 0;

    ck_assert_uint_eq(protocol_frame(SPAN("\n"), &scanned), 1);
    ck_assert_uint_eq(protocol_frame(SPAN("\na=1\n\n"), &scanned), 1);
    ck_assert_uint_eq(protocol_frame(SPAN("a=1\r\n\r\n"), &scanned), 0); /* Postfix sends no CR */
    scanned = 0;
    ck_assert_uint_eq(protocol_frame(SPAN("a=1\n\n\n"), &scanned), 5);
    scanned = 0;
    ck_assert_uint_eq(protocol_frame(SPAN("a=\0\n\n"), &scanned), 5);
}
END_TEST

#define R "request=smtpd_access_policy\n"

/* In any order, repeated, unknown, empty; values that hold anything. */
START_TEST(odd_attributes)
{
    struct error e;

    ck_assert_int_eq(parse(SPAN("policy_context=sender\nsender=\nfoo=bar\n" R
                                "helo_name=a=b==c d\nsender=late@example.com\nRequest=x\n"
                                "recipient=\"x y\"@a@b \xff\xc3\xa9\r\nclient_address =1\n\n"), &e), OK);
    ck_attr(ATTR_POLICY_CONTEXT, "sender");
    ck_attr(ATTR_SENDER, ""); /* the first of two */
    ck_attr(ATTR_HELO_NAME, "a=b==c d");
    ck_attr(ATTR_RECIPIENT, "\"x y\"@a@b \xff\xc3\xa9\r");
    ck_attr(ATTR_CLIENT_ADDRESS, ""); /* names are exact */
}
END_TEST

START_TEST(each_attribute_in_any_order)
{
    for (int reverse = 0; reverse < 2; reverse++) {
        char text[4096];
        struct strbuf b;
        struct error e;
        strbuf_init(&b, text, sizeof text);
        for (int i = 0; i < ATTR_COUNT; i++) {
            int a = reverse ? ATTR_COUNT - 1 - i : i;
            strbuf_add(&b, attribute_names[a]);
            strbuf_addf(&b, "=%s%d\n", a == ATTR_REQUEST ? "smtpd_access_policy\nx=" : "", a);
        }
        strbuf_addc(&b, '\n');
        ck_assert_msg(parse((struct span){ text, b.len }, &e) == OK, "%s", e.text);
        for (int a = ATTR_REQUEST + 1; a < ATTR_COUNT; a++) {
            char value[8];
            snprintf(value, sizeof value, "%d", a);
            ck_attr((enum attribute)a, value);
        }
    }
}
END_TEST

static const struct {
    struct span frame;
    const char *error;
} malformed[] = {
    { SPAN("\n"), "request is not" },
    { SPAN("protocol_state=RCPT\n\n"), "request is not 'request=smtpd_access_policy'" },
    { SPAN("request=junk\n\n"), "request is not" },
    { SPAN("request=junk\n" R "\n"), "request is not" },
    { SPAN(R "sender\n\n"), "no name=value" },
    { SPAN(R "=x\n\n"), "no name=value" },
    { SPAN(R "sender=a\0b\n\n"), "NUL" },
    { SPAN(R "sen\0der=ab\n\n"), "NUL" },
    { SPAN(R " \n\n"), "no name=value" },
    { SPAN(R "\r\n\n"), "no name=value" },
    { SPAN(R "sender=x"), "no name=value" }, /* no whole frame */
};

START_TEST(malformed_requests)
{
    struct error e = { "" };

    ck_assert_int_eq(parse(malformed[_i].frame, &e), BAD);
    ck_assert_msg(strstr(e.text, malformed[_i].error), "%s", e.text);
}
END_TEST

static struct span many(unsigned count)
{
    static char text[16384];
    struct strbuf b;

    strbuf_init(&b, text, sizeof text);
    strbuf_adds(&b, R);
    for (unsigned i = 1; i < count; i++)
        strbuf_addf(&b, "%s=%u\n", i % 2 ? "sender" : "x", i);
    strbuf_addc(&b, '\n');
    ck_assert(!b.cut);
    return (struct span){ text, b.len };
}

START_TEST(as_many_attributes_as_may_be)
{
    struct error e;

    ck_assert_int_eq(parse(many(ATTRIBUTES), &e), OK);
    ck_attr(ATTR_SENDER, "1");
    ck_assert_int_eq(parse(many(ATTRIBUTES + 1), &e), LIMIT);
    ck_assert_str_eq(e.text, "request with more than 256 attributes");
}
END_TEST

START_TEST(a_value_of_64_kilobytes)
{
    enum { LEN = 65536 };
    char *text = malloc(LEN);
    size_t scanned = 0;
    struct error e;

    ck_assert_ptr_nonnull(text);
    memset(text, 'x', LEN);
    memcpy(text, R "helo_name=", sizeof R "helo_name=" - 1);
    memcpy(text + LEN - 2, "\n\n", 2);
    ck_assert_uint_eq(protocol_frame((struct span){ text, LEN }, &scanned), LEN);
    ck_assert_int_eq(parse((struct span){ text, LEN }, &e), OK);
    ck_assert_uint_eq(request.attr[ATTR_HELO_NAME].len, LEN - 2 - (sizeof R "helo_name=" - 1));
    free(text);
}
END_TEST

START_TEST(replies)
{
    char array[64];
    struct strbuf b;

    strbuf_init(&b, array, sizeof array);
    protocol_format("DUNNO", &b);
    protocol_format("554 5.7.1 no", &b);
    ck_assert_str_eq(array, "action=DUNNO\n\naction=554 5.7.1 no\n\n");
}
END_TEST

/* ---- netstrings ---- */

static const struct {
    struct span text;
    enum result result;
    size_t length;
} frames[] = {
    { SPAN(""), OK, 0 },
    { SPAN("5"), OK, 0 },
    { SPAN("5:"), OK, 0 },
    { SPAN("5:hello"), OK, 0 },
    { SPAN("5:hello,"), OK, 8 },
    { SPAN("5:hello,3:abc,"), OK, 8 },
    { SPAN("0:,"), OK, 3 },
    { SPAN("1:,,"), OK, 4 },
    { SPAN("999999:"), OK, 0 },
    { SPAN("1000000:"), BAD, 0 },
    { SPAN("9999999"), BAD, 0 },
    { SPAN("05:hello,"), BAD, 0 },
    { SPAN("00:,"), BAD, 0 },
    { SPAN("5:helloX"), BAD, 0 },
    { SPAN(":"), BAD, 0 },
    { SPAN("x"), BAD, 0 },
    { SPAN("-1:,"), BAD, 0 },
    { SPAN(" 1:x,"), BAD, 0 },
    { SPAN("5 :hello,"), BAD, 0 },
    { SPAN("\n"), BAD, 0 },
};

START_TEST(netstring_frames)
{
    struct error e = { "" };
    size_t length = 77;

    ck_assert_int_eq(netstring_frame(frames[_i].text, &length, &e), frames[_i].result);
    ck_assert_uint_eq(length, frames[_i].length);
    ck_assert_int_eq(*e.text != '\0', frames[_i].result == BAD);
}
END_TEST

START_TEST(netstrings_there_and_back)
{
    for (size_t len = 0; len < 2000; len = len * 3 + 1) {
        char payload[2000], array[2100];
        struct strbuf b;
        size_t length;
        memset(payload, ',', len);
        strbuf_init(&b, array, sizeof array);
        netstring_add(&b, (struct span){ payload, len });
        for (size_t n = 0; n < b.len; n++) {
            ck_assert_int_eq(netstring_frame((struct span){ array, n }, &length, NULL), OK);
            ck_assert_uint_eq(length, 0);
        }
        ck_assert_int_eq(netstring_frame((struct span){ array, b.len }, &length, NULL), OK);
        ck_assert_uint_eq(length, b.len);
        ck_assert(span_equal(netstring_payload((struct span){ array, b.len }), (struct span){ payload, len }));
    }
}
END_TEST

static const struct {
    const char *payload, *map, *key; /* NULL: BAD */
} questions[] = {
    { "virtual_alias_maps a@b", "virtual_alias_maps", "a@b" },
    { "m \"x y\"@b c", "m", "\"x y\"@b c" },
    { "m ", "m", "" },
    { "m", NULL, NULL },
    { " key", NULL, NULL },
    { "", NULL, NULL },
};

START_TEST(socketmap_questions)
{
    struct span map, key;
    enum result r = socketmap_parse(span_of(questions[_i].payload), &map, &key);

    ck_assert_int_eq(r, questions[_i].map ? OK : BAD);
    if (r == OK)
        ck_assert(span_equal(map, span_of(questions[_i].map)) && span_equal(key, span_of(questions[_i].key)));
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("protocol");
    Suite *suite = suite_create("protocol");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, t);
    tcase_add_test(t, split_at_every_octet);
    tcase_add_test(t, what_postfix_sends);
    tcase_add_test(t, several_in_one_buffer);
    tcase_add_test(t, odd_ends_of_frames);
    tcase_add_test(t, odd_attributes);
    tcase_add_test(t, each_attribute_in_any_order);
    tcase_add_loop_test(t, malformed_requests, 0, sizeof malformed / sizeof *malformed);
    tcase_add_test(t, as_many_attributes_as_may_be);
    tcase_add_test(t, a_value_of_64_kilobytes);
    tcase_add_test(t, replies);
    tcase_add_loop_test(t, netstring_frames, 0, sizeof frames / sizeof *frames);
    tcase_add_test(t, netstrings_there_and_back);
    tcase_add_loop_test(t, socketmap_questions, 0, sizeof questions / sizeof *questions);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
