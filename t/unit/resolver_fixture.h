/* SPDX-License-Identifier: MIT */
/*
 * A resolver, two scripted servers and clients in one event loop, for the tests of
 * the resolver.  Real time with short time-outs; clock_skew_ms moves what the
 * resolver takes for the time.
 */
#ifndef POSTERN_T_RESOLVER_FIXTURE_H
#define POSTERN_T_RESOLVER_FIXTURE_H

#include "policyd/resolver.h"
#include "t/unit/dns_server.h"

struct client {
    struct dns_waiter waiter;
    unsigned woken;
};

extern struct event_base *base;
extern struct scripted_server *first, *second;
extern struct resolver *resolver;
extern struct dns_source *source;
extern uint64_t clock_skew_ms;
extern enum result random_result; /* of the resolver's random numbers */

void fixture_setup(void); /* for tcase_add_checked_fixture */
void fixture_teardown(void);

/* Opens the resolver on the first `servers` of the two; limits of 0: the defaults. */
void open_resolver(const struct script_row *rows, size_t servers, unsigned timeout_ms, unsigned in_flight);

void client_init(struct client *client);
enum dns_status ask(struct client *client, const char *name, enum dns_type type, struct dns_answer *answer_r);

/* Runs the loop until *counter is at least `least`, for 10 s at most: then fails. */
void run_until(const unsigned *counter, unsigned least);
void run_until_idle(void); /* nothing in flight */
void run_for(unsigned ms);

/* Asks, waits, asks again. */
enum dns_status resolve(const char *name, enum dns_type type, struct dns_answer *answer_r);

uint64_t real_ms(void);

/* libevent counts from the time that its loop last read, off a coarse clock. */
enum { TIMER_EARLY_MS = 20 };
struct resolver_stats stats(void);

#endif
