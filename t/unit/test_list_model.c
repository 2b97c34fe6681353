/* SPDX-License-Identifier: MIT */
/*
 * Which list entry decides, against a model: the manual's words, applied to every entry one
 * after the other.  Entries and requests are drawn from few names, so that many of them
 * match, and equals meet; the model shares no code with what it tests.
 */
#include "policyd/facts.h"
#include "policyd/list_filter.h"

#include <arpa/inet.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "t/unit/checked_world.h"

enum { SEEDS = 24, ENTRIES_EACH = 5, ENTRIES = SEEDS * ENTRIES_EACH, REQUESTS = 400, TEXT = 128 };

/* ---- chance ---- */

static uint64_t state;

static unsigned below(unsigned limit)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(state >> 33) % limit;
}

static const char *const hosts[] = { "a.example", "b.a.example", "c.b.a.example", "d.example", "example" };
static const char *const locals[] = { "ann", "ann+x", "bob", "bob+x+y" };
static const char *const networks[] = {
    "0.0.0.0/0", "192.0.2.0/24", "192.0.2.0/25", "192.0.2.1", "192.0.2.128/25", "192.0.0.0/16", "2001:db8::/32",
    "2001:db8::/33", "2001:db8::1", "2001:db8::/127", "::/0", "2001:db8:8000::/33",
};
static const char *const clients[] = { "192.0.2.1", "192.0.2.200", "192.0.3.1", "198.51.100.1", "2001:db8::1",
                                       "2001:db8::", "2001:db8:8000::9", "2001:db9::1", "::ffff:192.0.2.1", "unknown" };

#define PICK(array) ((array)[below(sizeof(array) / sizeof *(array))])

/* ---- an entry, as its author has it ---- */

struct entry {
    bool allow;
    char recipient[TEXT], sender[TEXT], name[TEXT], helo[TEXT], client[TEXT], domain[TEXT];
    int64_t until; /* 0: without end */
};

static struct entry entries[ENTRIES];
static struct list_filter *filter; /* NULL: the table is asked for every key */

static void draw_host(char *text, bool may_be_suffix)
{
    snprintf(text, TEXT, "%s%s", may_be_suffix && below(2) ? "." : "", PICK(hosts));
}

static void draw_address_pattern(char *text)
{
    switch (below(4)) {
    case 0:
        snprintf(text, TEXT, "%s@%s", PICK(locals), PICK(hosts));
        break;
    case 1:
        snprintf(text, TEXT, "@%s", PICK(hosts));
        break;
    case 2:
        snprintf(text, TEXT, ".%s", PICK(hosts));
        break;
    default:
        snprintf(text, TEXT, "%s@", PICK(locals));
    }
}

static void draw_entry(struct entry *e)
{
    unsigned parts = 1 + below(31);

    if (below(2))
        parts = 1u << below(5);
    *e = (struct entry){ .allow = below(2) };
    if (parts & 1)
        draw_address_pattern(e->recipient);
    if (parts & 2)
        draw_address_pattern(e->sender);
    if (parts & 4)
        draw_host(e->name, true);
    if (parts & 8)
        draw_host(e->helo, true);
    if (parts & 16)
        snprintf(e->client, TEXT, "%s", PICK(networks));
    if (below(4) == 0)
        draw_host(e->domain, false);
    if (below(6) == 0)
        e->until = world.now + (below(2) ? 0 : 1);
}

/* Whether the table took it: it refuses the same twice. */
static bool add_entry(const struct entry *e)
{
    char line[8 * TEXT], until[32] = "";
    struct error error;

    if (e->until)
        snprintf(until, sizeof until, " until=%lld", (long long)e->until);
    snprintf(line, sizeof line, "list-add action=%s%s%s%s%s%s%s%s%s%s%s%s%s%s", e->allow ? "allow" : "deny",
             *e->recipient ? " list_recipient=" : "", e->recipient, *e->sender ? " sender=" : "", e->sender,
             *e->name ? " client_name=" : "", e->name, *e->helo ? " helo=" : "", e->helo,
             *e->client ? " client=" : "", e->client, *e->domain ? " scope=" : "", e->domain, until);
    enum result r = world_change(&world, span_of(line), &error);
    ck_assert_msg(r == OK || strstr(error.text, "exists already"), "%s: %s", line, error.text);
    return r == OK;
}

/* ---- the model: how closely one entry names a request; -1: it does not match ---- */

struct asked {
    char recipient[TEXT], sender[TEXT], name[TEXT], helo[TEXT], client[TEXT];
};

static int labels(const char *text)
{
    int dots = 0;

    for (; *text; text++)
        dots += *text == '.';
    return dots;
}

static bool ends_in(const char *text, const char *end)
{
    size_t a = strlen(text), b = strlen(end);

    return a > b && strcmp(text + a - b, end) == 0;
}

/* By the whole name, or by a suffix: the more labels the closer. */
static int model_name(const char *entry, const char *name)
{
    if (*entry == '\0')
        return 0;
    if (*entry == '.')
        return ends_in(name, entry) ? labels(entry) : -1;
    return strcmp(entry, name) == 0 ? 1000 : -1;
}

static void without_extension(const char *address, char bare[TEXT])
{
    const char *plus = strchr(address, '+'), *at = strchr(address, '@');

    if (plus && at)
        snprintf(bare, TEXT, "%.*s%s", (int)(plus - address), address, at);
    else
        snprintf(bare, TEXT, "%s", address);
}

/* As access(5) goes: the address, the address without its extension, the domain, suffixes,
 * the local part with and without. */
static int model_address(const char *entry, const char *address)
{
    const char *at = strchr(address, '@');
    size_t length = strlen(entry);
    char bare[TEXT];

    if (*entry == '\0')
        return 0;
    if (!at)
        return -1;
    without_extension(address, bare);
    if (strcmp(entry, address) == 0)
        return 2000;
    if (strcmp(entry, bare) == 0)
        return 1999;
    if (*entry == '@')
        return strcmp(entry, at) == 0 ? 1998 : -1;
    if (*entry == '.')
        return ends_in(at + 1, entry) ? 10 + labels(entry) : -1;
    if (entry[length - 1] != '@')
        return -1;
    if (strncmp(entry, address, length) == 0)
        return 2;
    return strncmp(entry, bare, length) == 0 ? 1 : -1;
}

/* The prefix length plus one. */
static int model_client(const char *entry, const char *client)
{
    unsigned char network[16], address[16];
    bool v6 = strchr(entry, ':') != NULL;
    char text[TEXT];
    int bits = v6 ? 128 : 32;

    if (*entry == '\0')
        return 0;
    if (strncmp(client, "::ffff:", 7) == 0)
        client += 7;
    if (sscanf(entry, "%127[^/]/%d", text, &bits) < 1 || inet_pton(v6 ? AF_INET6 : AF_INET, text, network) != 1 ||
        inet_pton(v6 ? AF_INET6 : AF_INET, client, address) != 1)
        return -1;
    for (int i = 0; i < bits; i++)
        if ((network[i / 8] ^ address[i / 8]) & (0x80 >> i % 8))
            return -1;
    return bits + 1;
}

static int model_domain(const char *entry, const char *recipient)
{
    const char *at = strchr(recipient, '@');

    if (*entry == '\0')
        return 0;
    return at && strcmp(entry, at + 1) == 0 ? 1 : -1;
}

enum { COMPARED = 7 };

static bool model_matches(const struct entry *e, const struct asked *q, int rank[COMPARED])
{
    rank[0] = model_address(e->recipient, q->recipient);
    rank[1] = model_address(e->sender, q->sender);
    rank[2] = model_name(e->name, q->name);
    rank[3] = model_name(e->helo, q->helo);
    rank[4] = model_client(e->client, q->client);
    rank[5] = model_domain(e->domain, q->recipient);
    rank[6] = e->allow;
    for (int i = 0; i < COMPARED; i++)
        if (rank[i] < 0)
            return false;
    return e->until == 0 || e->until > world.now;
}

static bool is_closer(const int a[COMPARED], const int b[COMPARED])
{
    for (int i = 0; i < COMPARED; i++)
        if (a[i] != b[i])
            return a[i] > b[i];
    return false;
}

/* The entry's number, -1 for none. */
static int model_decide(size_t count, const struct asked *q)
{
    int best[COMPARED], rank[COMPARED], found = -1;

    for (size_t i = 0; i < count; i++)
        if (model_matches(&entries[i], q, rank) && (found < 0 || is_closer(rank, best))) {
            memcpy(best, rank, sizeof best);
            found = (int)i;
        }
    return found;
}

/* ---- the two side by side ---- */

static void draw_request(struct asked *q)
{
    *q = (struct asked){ .recipient = "" };
    if (below(10))
        snprintf(q->recipient, TEXT, "%s@%s", PICK(locals), PICK(hosts));
    if (below(5))
        snprintf(q->sender, TEXT, "%s@%s", PICK(locals), PICK(hosts));
    snprintf(q->name, TEXT, "%s", below(3) ? PICK(hosts) : "unknown");
    if (below(8))
        draw_host(q->helo, false);
    snprintf(q->client, TEXT, "%s", PICK(clients));
}

static int decide(const struct asked *asked)
{
    struct request q = { 0 };
    struct listed_row row;

    q.attr[ATTR_CLIENT_ADDRESS] = span_of(asked->client);
    q.attr[ATTR_CLIENT_NAME] = span_of(asked->name);
    q.attr[ATTR_HELO_NAME] = span_of(asked->helo);
    q.attr[ATTR_SENDER] = span_of(asked->sender);
    q.attr[ATTR_RECIPIENT] = span_of(asked->recipient);
    request_prepare(&q, world.config);
    struct facts *f = world_facts(&world);
    f->list_filter = filter;
    enum result r = facts_listed(f, &q, &row);
    rows_turn_end(world.rows);
    ck_assert_msg(r == OK || r == NOT_FOUND, "%s", result_name(r));
    if (r == NOT_FOUND)
        return -1;
    int i = (int)strtol(row.id, NULL, 10) - 1;
    ck_assert_int_eq(row.allow, entries[i].allow);
    return i;
}

static void set_up(void)
{
    checked_world_open();
    configure("recipient_delimiter = \"+\"");
}

/* Every second time with the filter that policyd has. */
START_TEST(as_the_model_says)
{
    size_t count = 0, found = 0;
    struct asked q;

    state = 7919u * (unsigned)(_i + 1);
    for (int i = 0; i < (_i + 1) * ENTRIES_EACH; i++) { /* few in which little matches, and many */
        draw_entry(&entries[count]);
        count += add_entry(&entries[count]);
    }
    filter = _i % 2 ? list_filter_open(LIST_FILTER_KEYS_MAX) : NULL;
    if (filter)
        list_filter_step(filter, world.store);
    for (int i = 0; i < REQUESTS; i++) {
        draw_request(&q);
        int expected = model_decide(count, &q), got = decide(&q);
        ck_assert_msg(got == expected, "seed %d: recipient=%s sender=%s name=%s helo=%s client=%s: entry %d, not %d",
                      _i, q.recipient, q.sender, q.name, q.helo, q.client, got + 1, expected + 1);
        found += expected >= 0;
    }
    ck_assert_uint_gt(found, REQUESTS / 10); /* else it shows little */
    list_filter_close(&filter);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("model");
    Suite *suite = suite_create("list entries");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, t);
    tcase_add_checked_fixture(t, set_up, checked_world_close);
    tcase_add_loop_test(t, as_the_model_says, 0, SEEDS);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
