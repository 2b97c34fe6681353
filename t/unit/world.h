/* SPDX-License-Identifier: MIT */
/*
 * What a decision is made from, for tests: an account table in memory, a
 * configuration from a text, a fake DNS, and a time.  Nothing here asserts: the unit
 * tests and the cases runner both use it.
 */
#ifndef POSTERN_T_WORLD_H
#define POSTERN_T_WORLD_H

#include "lib/config.h"
#include "lib/store.h"
#include "policyd/facts.h"
#include "policyd/load.h"
#include "policyd/policy.h"
#include "t/unit/fake_dns.h"

struct world {
    struct store *store, *state, *fail;
    bool state_fails;
    struct rows *rows;
    struct config *config;
    struct fake_dns dns;
    struct dns_waiter waiter;
    unsigned woken;
    int64_t now;
    struct load load; /* for Postfix's stress=yes alone: world_samples */
    struct facts facts;
};

/* With an empty table, the default configuration (hostname "mx.example.com") and the
 * time 1800000000. */
enum result world_open(struct world *, struct error *) MUST_CHECK;
void world_close(struct world *);

/* Applies a line as change_line.h has it. */
enum result world_change(struct world *, struct span line, struct error *) MUST_CHECK;

/* Replaces the configuration; hostname is "mx.example.com" where text sets none. */
enum result world_configure(struct world *, const char *text, struct error *) MUST_CHECK;

/* From now on the account table cannot be read, or can again. */
void world_fail(struct world *, bool on);

/* From now on state.db cannot be written, or can again. */
void world_fail_state(struct world *, bool on);

/* Commits what a decision carries, as the daemon does. */
void world_commit(struct world *, const struct request *, struct decision *);

/* So many seconds go by, each with a sample of the load, as the daemon takes them. */
void world_pass(struct world *, uint64_t seconds);

/* world->facts for a new request: as in the daemon, it keeps the modes it knows. */
struct facts *world_facts(struct world *);

#endif
