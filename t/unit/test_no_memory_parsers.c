/* SPDX-License-Identifier: MIT */
/*
 * Every allocation of every parser fails in turn, alone and with all that follow, those within
 * the libraries among them (scarce_libraries.c): it says that memory is short and nothing else,
 * and afterwards it reads the same as before. Most of them allocate nothing at all.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/address.h"
#include "lib/change_text.h"
#include "lib/dnsbl_zone.h"
#include "lib/greylist.h"
#include "lib/list_entry.h"
#include "lib/login_event.h"
#include "lib/network.h"
#include "lib/password.h"
#include "lib/usage.h"
#include "policyctl/explain/log_line.h"
#include "policyd/behaviour.h"
#include "policyd/dns_packet.h"
#include "policyd/list_filter.h"
#include "policyd/netstring.h"
#include "policyd/protocol.h"
#include "policyd/recipients.h"
#include "t/unit/dns_reply.h"
#include "t/unit/scarce.h"

enum { NUMBER_MAX = 1000, TEXT_MAX = 9000 };

/* Parses something and writes what it read; TRY_AGAIN: there was no memory. */
typedef enum result parse_fn(struct strbuf *text_r);

static enum result address(struct strbuf *b)
{
    struct address a;
    enum result r = address_parse(SPAN("J\xc3\xb6hn@B\xc3\xbc" "cher.example"), &a);

    strbuf_adds(b, r == OK ? a.text : "");
    return r;
}

static enum result address_by_a_person(struct strbuf *b)
{
    struct address a;
    struct error e;
    enum result r = address_check("J\xc3\xb6hn@b\xc3\xbc" "cher.example", false, &a, &e);

    strbuf_adds(b, r == OK ? a.text : "");
    return r;
}

/* IDNA refuses one label, so each is tried alone. */
static enum result domain(struct strbuf *b)
{
    char name[DOMAIN_MAX + 1];
    enum result r = domain_parse(SPAN("b\xc3\xbc" "cher.-\xc3\xbc-.example"), name);

    strbuf_adds(b, name);
    return r;
}

static enum result list_part(struct strbuf *b)
{
    char text[LIST_TEXT_MAX];
    struct error e;
    enum result r = list_part_check(LIST_SENDER, "@b\xc3\xbc" "cher.example", text, &e);

    strbuf_adds(b, r == OK ? text : "");
    return r;
}

static enum result dns_question(struct strbuf *b)
{
    struct dns_query query = { .type = DNS_TXT };
    struct dns_packet packet = { .length = 0 };
    enum result r = dns_name_set(SPAN("list.example"), &query.name);

    r = r == OK ? dns_packet_build(&query, 4711, true, &packet) : r;
    strbuf_addu(b, packet.length);
    return r;
}

/* What cannot be read is taken for no reply, or for a useless one: the next server is asked. */
static enum result dns_reply(struct strbuf *b)
{
    static const struct reply_text text = { .question = "a.example. A", .answer = "a.example. 60 IN A 192.0.2.1\n" };
    static unsigned char octets[REPLY_OCTETS_MAX];
    static size_t length;
    struct dns_query query = { .type = DNS_A };
    struct dns_reply reply;
    enum result r = dns_name_set(SPAN("a.example"), &query.name);

    scarce_pause();
    if (length == 0)
        length = reply_build(&text, 4711, octets);
    scarce_go_on();
    dns_packet_read(octets, length, &query, 4711, &reply);
    if (r == OK && reply.kind != DNS_REPLY_ANSWER)
        r = reply.kind == DNS_REPLY_OTHER || reply.kind == DNS_REPLY_USELESS ? TRY_AGAIN : BAD;
    strbuf_addu(b, reply.answer.count);
    return r;
}

static enum result password(struct strbuf *b)
{
    char hash[PASSWORD_HASH_MAX];
    struct error e;
    enum result r = password_hash("secret", "bcrypt", hash, &e);

    strbuf_adds(b, r == OK ? "a hash" : "");
    return r;
}

static const struct {
    parse_fn *fn;
    const char *text;
} parsers[] = {
    { address, "j\xc3\xb6hn@xn--bcher-kva.example" },
    { address_by_a_person, "j\xc3\xb6hn@xn--bcher-kva.example" },
    { domain, "xn--bcher-kva.-\xc3\xbc-.example" },
    { list_part, "@xn--bcher-kva.example" },
    { dns_question, "41" },
    { dns_reply, "1" },
    { password, "a hash" },
};

START_TEST(each_that_allocates)
{
    char text[TEXT_MAX];
    struct strbuf b;
    enum result r = OK;

    for (int all = 0; all <= 1; all++) {
        unsigned n = 0;
        bool failed = true;
        while (failed) {
            ck_assert_uint_lt(++n, NUMBER_MAX);
            strbuf_init(&b, text, sizeof text);
            scarce_begin(n, all != 0);
            r = parsers[_i].fn(&b);
            failed = scarce_end();
            ck_assert_msg(failed ? r == TRY_AGAIN : r == OK, "number %u: %s", n, result_name(r));
        }
        ck_assert_uint_gt(n, 1);
        ck_assert_str_eq(text, parsers[_i].text);
    }
}
END_TEST

/* ---- those that need no memory: none is left, and they read all the same ---- */

static enum result policy_request(struct strbuf *b)
{
    static const char frame[] = "request=smtpd_access_policy\nprotocol_state=RCPT\nsender=john@example.com\n\n";
    struct request q = { .state = STATE_OTHER };
    struct error e;
    size_t scanned = 0, length = protocol_frame(span_of(frame), &scanned);
    enum result r = protocol_parse((struct span){ frame, length }, 256, &q, &e);

    strbuf_add(b, q.attr[ATTR_SENDER]);
    protocol_format("DUNNO", b);
    return r;
}

static enum result look_up(struct strbuf *b)
{
    struct span map, key;
    struct error e;
    size_t length;
    enum result r = netstring_frame(SPAN("9:relay key,"), &length, &e);

    r = r == OK ? socketmap_parse(SPAN("relay key"), &map, &key) : r;
    if (r == OK)
        netstring_add(b, key);
    return r;
}

static enum result network(struct strbuf *b)
{
    char text[NETWORK_TEXT_MAX];
    struct network n;
    struct error e;
    enum result r = network_parse(SPAN("2001:DB8::/32"), &n, &e);

    if (r == OK)
        network_text(&n, text);
    strbuf_adds(b, r == OK ? text : "");
    return r;
}

static enum result zone(struct strbuf *b)
{
    struct dnsbl_zone z;
    struct error e;
    enum result r = dnsbl_zone_parse(SPAN("list.example=127.0.0.[2;4..6]*2"), &z, &e);

    strbuf_adds(b, r == OK ? z.text : "");
    return r;
}

static enum result shape(struct strbuf *b)
{
    char text[LIST_SHAPE_MAX];
    struct list_shape s;
    enum result r = list_shape_parse("r255c25", &s);

    if (r == OK)
        list_shape_text(&s, text);
    strbuf_adds(b, r == OK ? text : "");
    return r;
}

static enum result limits(struct strbuf *b)
{
    struct usage_limit limit;
    struct error e;
    enum result r = usage_limit_parse(SPAN("messages=2,recipients=9/1h"), &limit, &e);

    if (r == OK)
        usage_limit_format(&limit, b);
    return r;
}

static enum result greylist(struct strbuf *b)
{
    struct greylist_rule rule;
    enum result r = greylist_rule_parse("300 172800 3600 5", &rule);

    if (r == OK)
        greylist_rule_format(&rule, b);
    return r;
}

static enum result changes(struct strbuf *b)
{
    static struct change_text text;
    struct change change;
    struct error e;
    enum result r;

    change_text_open(&text, SPAN("change=account-suspend\naddress=john@example.com\nreason=a b\n"));
    r = change_text_next(&text, &change, &e);
    strbuf_adds(b, r == OK ? change.field[FIELD_REASON] : "");
    return r;
}

static enum result login(struct strbuf *b)
{
    struct login_event event;
    struct error e;
    char first[LOGIN_EVENT_MAX];
    struct strbuf datagram;
    struct login_event sent = { .account = "john@example.com", .service = "imap" };

    strbuf_init(&datagram, first, sizeof first);
    enum result r = login_event_format(&sent, &datagram);
    r = r == OK ? login_event_parse((struct span){ first, datagram.len }, &event, &e) : r;
    strbuf_adds(b, r == OK ? event.account : "");
    return r;
}

static enum result behaviour(struct strbuf *b)
{
    static struct behaviour first, second;
    char text[BEHAVIOUR_TEXT_MAX];
    struct strbuf t;

    behaviour_message(&first, SPAN("1.2.3"), NULL, 3, 1800000000);
    strbuf_init(&t, text, sizeof text);
    behaviour_format(&first, &t);
    enum result r = behaviour_parse((struct span){ text, t.len }, &second);
    strbuf_addu(b, r == OK ? sliding_sum(&second.pace[0].recipients, behaviour_pace_s[0], 1800000000) : 0);
    return r;
}

static enum result log_line(struct strbuf *b)
{
    char text[] = "Nov 26 15:00:00 mx policyd[12]: decision=pass state=RCPT client=192.0.2.1 us=1";
    struct log_line line;

    log_line_parse(text, sizeof text - 1, &line);
    strbuf_add(b, line.field[LOG_CLIENT]);
    return OK;
}

static const struct {
    parse_fn *fn;
    const char *text;
} modest[] = {
    { policy_request, "john@example.comaction=DUNNO\n\n" },
    { look_up, "3:key," },
    { network, "2001:db8::/32" },
    { zone, "list.example=127.0.0.[2;4..6]*2" },
    { shape, "r255c25" },
    { limits, "messages=2,recipients=9/1h" },
    { greylist, "300 172800 3600 5" },
    { changes, "a b" },
    { login, "john@example.com" },
    { behaviour, "3" },
    { log_line, "192.0.2.1" },
};

START_TEST(each_that_needs_none)
{
    char text[TEXT_MAX];
    struct strbuf b;

    strbuf_init(&b, text, sizeof text);
    scarce_begin(1, true);
    enum result r = modest[_i].fn(&b);
    ck_assert(!scarce_end());
    ck_assert_int_eq(r, OK);
    ck_assert_str_eq(text, modest[_i].text);
}
END_TEST

/* ---- requests: not decided as if what came were nobody's ---- */

START_TEST(a_request)
{
    static const enum attribute names[] = { ATTR_SASL_USERNAME, ATTR_SENDER, ATTR_RECIPIENT, ATTR_HELO_NAME,
                                            ATTR_CLIENT_NAME };
    static const char *const texts[] = { "j\xc3\xb6hn@example.com", "a\x01@b\xc3\xbc" "cher.example" };
    static char none[] = "";
    static struct config config;

    config.default_domain = none;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        for (size_t k = 0; k < 2; k++) {
            struct request q = { .attr = { [ATTR_REQUEST] = SPAN_INIT("smtpd_access_policy") } };
            bool failed = true;
            q.attr[names[i]] = span_of(texts[k]);
            for (unsigned n = 1; failed; n++) {
                scarce_begin(n, false);
                request_prepare(&q, &config);
                failed = scarce_end();
                ck_assert_int_eq(q.no_memory, failed);
            }
        }
}
END_TEST

/* ---- what is kept of requests ---- */

START_TEST(tables)
{
    struct recipients *recipients = NULL;

    scarce_begin(1, true);
    enum result r = recipients_open(&recipients);
    ck_assert(scarce_end());
    ck_assert_int_eq(r, TRY_AGAIN);
    ck_assert_ptr_null(recipients);
    for (unsigned n = 1; n <= 2; n++) {
        scarce_begin(n, false);
        struct list_filter *filter = list_filter_open(LIST_FILTER_KEYS_MAX);
        ck_assert(scarce_end());
        ck_assert_ptr_null(filter);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("no_memory_parsers");
    TCase *t = tcase_create("no_memory_parsers");
    SRunner *runner = srunner_create(suite);

    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, each_that_allocates, 0, sizeof parsers / sizeof *parsers);
    tcase_add_loop_test(t, each_that_needs_none, 0, sizeof modest / sizeof *modest);
    tcase_add_test(t, a_request);
    tcase_add_test(t, tables);
    suite_add_tcase(suite, t);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
