/* SPDX-License-Identifier: MIT */
#include "t/unit/resolver_fixture.h"

#include <check.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

enum { PATIENCE_MS = 60000 };

struct event_base *base;
struct scripted_server *first, *second;
struct resolver *resolver;
struct dns_source *source;
uint64_t clock_skew_ms;
enum result random_result;

static bool asking; /* ask() is running: nobody may be woken */

static const struct script_row no_rows[] = { { .question = NULL } };

uint64_t real_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static uint64_t skewed_ms(void)
{
    return real_ms() + clock_skew_ms;
}

static enum result test_random(void *octets, size_t length)
{
    ck_assert_int_eq(getrandom(octets, length, 0), (ssize_t)length);
    return random_result;
}

void fixture_setup(void)
{
    signal(SIGPIPE, SIG_IGN);
    clock_skew_ms = 0;
    random_result = OK;
    base = event_base_new();
    ck_assert_ptr_nonnull(base);
    first = dns_server_new(base, no_rows);
    second = dns_server_new(base, no_rows);
}

void fixture_teardown(void)
{
    resolver_close(&resolver);
    ck_assert_ptr_null(resolver);
    dns_server_free(&first);
    dns_server_free(&second);
    event_base_free(base);
    libevent_global_shutdown();
}

void open_resolver(const struct script_row *rows, size_t servers, unsigned timeout_ms, unsigned in_flight)
{
    const char *const addresses[] = { dns_server_address(first), dns_server_address(second) };
    struct resolver_config config = {
        .servers = addresses,
        .server_count = servers,
        .timeout_ms = timeout_ms,
        .in_flight = in_flight,
        .now_ms = skewed_ms,
        .random = test_random,
    };
    struct error error;

    dns_server_set_script(first, rows);
    dns_server_set_script(second, rows);
    ck_assert_int_eq(resolver_open(base, &config, &resolver, &error), OK);
    source = resolver_source(resolver);
}

static void wake(struct dns_waiter *waiter)
{
    ck_assert(!asking);
    ((struct client *)waiter)->woken++;
}

void client_init(struct client *client)
{
    *client = (struct client){ .waiter.wake = wake };
}

enum dns_status ask(struct client *client, const char *name, enum dns_type type, struct dns_answer *answer_r)
{
    struct dns_answer answer;
    enum dns_status status;

    asking = true;
    status = source->ask(source, span_of(name), type, &client->waiter, &answer);
    asking = false;
    ck_assert_int_eq(status, answer.status);
    if (answer_r)
        *answer_r = answer;
    return status;
}

/* One turn, of at most 20 ms. */
static void turn(void)
{
    event_base_loopexit(base, &(struct timeval){ .tv_usec = 20000 });
    event_base_loop(base, EVLOOP_ONCE);
}

void run_until(const unsigned *counter, unsigned least)
{
    for (uint64_t end = real_ms() + PATIENCE_MS; *counter < least; turn())
        ck_assert_msg(real_ms() < end, "still %u instead of %u", *counter, least);
}

void run_until_idle(void)
{
    for (uint64_t end = real_ms() + PATIENCE_MS; stats().in_flight > 0; turn())
        ck_assert_msg(real_ms() < end, "still %zu in flight", stats().in_flight);
}

void run_for(unsigned ms)
{
    for (uint64_t end = real_ms() + ms; real_ms() < end;)
        turn();
}

enum dns_status resolve(const char *name, enum dns_type type, struct dns_answer *answer_r)
{
    struct client client;
    enum dns_status status;

    client_init(&client);
    status = ask(&client, name, type, answer_r);
    if (status != DNS_PENDING)
        return status;
    run_until(&client.woken, 1);
    ck_assert_uint_eq(client.woken, 1);
    status = ask(&client, name, type, answer_r);
    ck_assert_int_ne(status, DNS_PENDING);
    return status;
}

struct resolver_stats stats(void)
{
    struct resolver_stats s;

    resolver_get_stats(resolver, &s);
    return s;
}
