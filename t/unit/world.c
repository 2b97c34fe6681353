/* SPDX-License-Identifier: MIT */
#include "t/unit/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "t/unit/change_line.h"

static void on_wake(struct dns_waiter *waiter)
{
    struct world *w = (struct world *)((char *)waiter - offsetof(struct world, waiter));

    w->woken++;
}

static struct load_time time_of(const struct world *w)
{
    return (struct load_time){ (uint64_t)w->now * 1000, w->now };
}

enum result world_open(struct world *w, struct error *e)
{
    struct store_params memory = { .backend = "memory", .database = DATABASE_ACCOUNTS };
    struct store_params state = { .backend = "memory", .database = DATABASE_STATE };
    struct store_params fail = { .backend = "fail" };
    enum result r;

    memset(w, 0, sizeof *w);
    w->now = 1800000000;
    load_init(&w->load, time_of(w));
    w->waiter.wake = on_wake;
    fake_dns_init(&w->dns);
    r = store_open(&memory, &w->store, e);
    if (r == OK)
        r = store_open(&state, &w->state, e);
    if (r == OK)
        r = store_open(&fail, &w->fail, e);
    if (r == OK)
        r = rows_open(w->store, 1024, &w->rows);
    if (r == OK)
        r = world_configure(w, "", e);
    if (r == OK)
        facts_init(&w->facts, w->config, w->rows, &w->dns.source);
    return r;
}

void world_close(struct world *w)
{
    rows_close(&w->rows);
    store_close(&w->store);
    store_close(&w->state);
    store_close(&w->fail);
    config_free(&w->config);
}

enum result world_change(struct world *w, struct span line, struct error *e)
{
    rows_changed(w->rows);
    return change_line_apply(w->store, line, w->now, e);
}

static enum result load(const char *text, struct config **config_r, struct error *e)
{
    char path[] = "/tmp/postern-world.XXXXXX";
    int fd = mkstemp(path);
    enum result r;

    if (fd < 0)
        return error_set(e, TRY_AGAIN, "%s cannot be made", path);
    bool named = strncmp(text, "hostname", 8) == 0 || strstr(text, "\nhostname");
    bool written = dprintf(fd, "%s%s\n", named ? "" : "hostname = \"mx.example.com\"\n", text) > 0;
    close(fd);
    r = written ? config_load(path, config_r, e) : error_set(e, TRY_AGAIN, "%s: not written", path);
    unlink(path);
    return r;
}

enum result world_configure(struct world *w, const char *text, struct error *e)
{
    struct config *config;
    enum result r = load(text, &config, e);

    if (r != OK)
        return r;
    config_free(&w->config);
    w->config = config;
    return OK;
}

void world_fail(struct world *w, bool on)
{
    rows_use(w->rows, on ? w->fail : w->store);
}

void world_fail_state(struct world *w, bool on)
{
    w->state_fails = on;
}

void world_commit(struct world *w, const struct request *q, struct decision *d)
{
    struct change_set *sets[PROPOSALS_MAX];
    struct commit commit;

    policy_commit(d, &commit);
    for (size_t i = 0; i < commit.count; i++)
        sets[i] = &commit.set[i];
    if (commit.count == 0)
        return;
    (void)!store_apply(w->state_fails ? w->fail : w->state, sets, commit.count, w->now);
    policy_committed(q, world_facts(w), &commit, d);
}

void world_pass(struct world *w, uint64_t seconds)
{
    const struct load_limits limits = { .limit = { [LOAD_STRESS] = LOAD_STRESS_LIMIT },
                                        .hold_ms = (uint64_t)w->config->load.hold_s * 1000 };
    const struct load_sample none = { { 0 } };

    while (seconds-- > 0) {
        w->now++;
        (void)load_take(&w->load, &limits, &none, time_of(w));
    }
}

struct facts *world_facts(struct world *w)
{
    rows_turn_end(w->rows);
    w->facts.config = w->config;
    w->facts.load_level = w->load.level;
    facts_begin(&w->facts, &w->waiter, w->now);
    return &w->facts;
}
