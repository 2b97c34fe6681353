/* SPDX-License-Identifier: MIT */
/*
 * fill DIRECTORY ACCOUNTS default|enforce|hold - the databases that the benchmarks use.
 *
 * Makes accounts.db and an empty state.db, which must not exist yet, through the
 * store.  For every account user<I>@d<I mod 1000>.example: an alias alias<I> and a
 * grant for the relay domain @g<I mod 1000>.example; for every tenth a policy row of its
 * own.  Each mailbox domain has an alias domain a<N>.example and an account ceo@,
 * every second one two policy rows.  The host limits what each account may send, in three
 * windows.  Scoped rows have the modes that hold for the
 * host, so that replies do not depend on who asks.  hold: as enforce, and compromise in that mode.
 */
#include <err.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/store.h"

enum { DOMAINS = 1000, BATCH = 65536, ENTRIES = 100, TEXT_ROOM = 16 << 20, TEXT_MAX = 256 };

/* No password has this hash; it has the length of yescrypt's. */
static const char hash[] = "{CRYPT}$y$j9T$......................$...........................................";

struct batch {
    struct store *store;
    struct change change[BATCH];
    size_t count;
    char text[TEXT_ROOM]; /* the fields of the changes */
    size_t used;
    const char *mode;
};

/* A field, which lives until the batch is applied. */
static const char *text(struct batch *b, const char *format, ...) PRINTF(2, 3);
static const char *text(struct batch *b, const char *format, ...)
{
    char *place = b->text + b->used;
    va_list args;

    va_start(args, format);
    b->used += (size_t)vsnprintf(place, TEXT_MAX, format, args) + 1;
    va_end(args);
    return place;
}

static void apply(struct batch *b)
{
    struct change_set set = { .change = b->change, .count = b->count }, *sets[] = { &set };

    if (b->count > 0 && (store_apply(b->store, sets, 1, time(NULL)) != OK || set.result != OK))
        errx(1, "%s", set.error.text);
    if (store_checkpoint(b->store) != OK) /* a long log is slow to read */
        errx(1, "the database cannot be checkpointed");
    b->count = b->used = 0;
}

static void add(struct batch *b, struct change change)
{
    b->change[b->count++] = change;
    if (b->count == BATCH || b->used > TEXT_ROOM - 8 * TEXT_MAX)
        apply(b);
}

static void add_domain(struct batch *b, const char *name, const char *kind, const char *target)
{
    add(b, (struct change){ CHANGE_DOMAIN_ADD,
                            { [FIELD_DOMAIN] = name, [FIELD_KIND] = kind, [FIELD_TARGET] = target } });
}

static void add_account(struct batch *b, const char *address)
{
    add(b, (struct change){ CHANGE_ACCOUNT_ADD,
                            { [FIELD_ADDRESS] = address, [FIELD_KIND] = "user", [FIELD_PASSWORD] = hash } });
}

static void add_policy(struct batch *b, const char *check, const char *scope)
{
    add(b, (struct change){ CHANGE_POLICY_SET,
                            { [FIELD_CHECK] = check, [FIELD_SCOPE] = scope, [FIELD_MODE] = b->mode } });
}

static void fill_domain(struct batch *b, unsigned n)
{
    add_domain(b, text(b, "d%u.example", n), "mailbox", NULL);
    add_domain(b, text(b, "g%u.example", n), "relay", NULL);
    add_domain(b, text(b, "a%u.example", n), "alias", text(b, "d%u.example", n));
    add_account(b, text(b, "ceo@d%u.example", n));
    if (n % 2 == 0) {
        add_policy(b, "sender_login", text(b, "d%u.example", n));
        add_policy(b, "helo_fqdn", text(b, "d%u.example", n));
    }
}

static void fill_account(struct batch *b, uint64_t i, unsigned n)
{
    add_account(b, text(b, "user%" PRIu64 "@d%u.example", i, n));
}

static void fill_alias(struct batch *b, uint64_t i, unsigned n)
{
    const char *alias = text(b, "alias%" PRIu64 "@d%u.example", i, n);

    add(b, (struct change){ CHANGE_ALIAS_ADD, { [FIELD_CATCHALL] = alias } });
    alias = text(b, "alias%" PRIu64 "@d%u.example", i, n); /* the batch may be a new one */
    add(b, (struct change){ CHANGE_ALIAS_MEMBER,
                            { [FIELD_CATCHALL] = alias,
                              [FIELD_DESTINATION] = text(b, "user%" PRIu64 "@d%u.example", i, n) } });
}

static void fill_grant(struct batch *b, uint64_t i, unsigned n)
{
    add(b, (struct change){ CHANGE_GRANT_ADD,
                            { [FIELD_GRANTEE] = text(b, "user%" PRIu64 "@d%u.example", i, n),
                              [FIELD_SENDER] = text(b, "@g%u.example", n) } });
}

static void fill_policy(struct batch *b, uint64_t i, unsigned n)
{
    if (i % 10 == 0)
        add_policy(b, "sender_login", text(b, "user%" PRIu64 "@d%u.example", i, n));
}

/* The number that follows i in the order of their decimal texts: a table is filled
 * far faster in the order of its key. */
static uint64_t next_in_text_order(uint64_t i, uint64_t limit)
{
    if (i > 0 && i * 10 < limit)
        return i * 10;
    while (i % 10 == 9 || i + 1 >= limit)
        i /= 10;
    return i + 1;
}

/* Table after table, for the same reason. */
static void fill_users(struct batch *b, uint64_t accounts)
{
    static void (*const tables[])(struct batch *, uint64_t i, unsigned n) = { fill_account, fill_alias,
                                                                              fill_grant, fill_policy };

    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
        for (uint64_t i = 0, done = 0; done < accounts; done++, i = next_in_text_order(i, accounts))
            tables[t](b, i, (unsigned)(i % DOMAINS));
}

/* A host that has been up for a while: networks it denies, and applications that
 * may send unauthenticated.  No request of the shapes meets one. */
static void fill_entries(struct batch *b)
{
    for (unsigned n = 0; n < ENTRIES; n++) {
        add(b, (struct change){ CHANGE_LIST_ADD,
                                { [FIELD_ACTION] = "deny",
                                  [FIELD_CLIENT] = text(b, "198.18.%u.0/24", n) } });
        add(b, (struct change){ CHANGE_LIST_ADD,
                                { [FIELD_ACTION] = "allow",
                                  [FIELD_CLIENT] = text(b, "198.19.%u.0/24", n),
                                  [FIELD_SENDER] = text(b, "app@d%u.example", n) } });
    }
}

/* Three windows for each account, wide enough for any load: they are counted all the same. */
static void fill_limits(struct batch *b)
{
    static const char *const windows[] = { "60", "3600", "86400" };

    for (size_t i = 0; i < sizeof windows / sizeof *windows; i++)
        add(b, (struct change){ CHANGE_LIMIT_SET,
                                { [FIELD_COUNTED_BY] = "account", [FIELD_WINDOW] = windows[i],
                                  [FIELD_MESSAGES] = "100000000", [FIELD_RECIPIENTS] = "100000000",
                                  [FIELD_BYTES] = "1000000000000" } });
}

static void enforce_host(struct batch *b)
{
    static const char *const checks[] = { "account_status", "sender_login", "sender_auth", "helo_local",
                                          "helo_fqdn",      "helo_self",    "helo_resolve", "send_limit" };

    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
        add_policy(b, checks[i], "");
}

static struct store *create(const char *directory, const char *name, enum database database)
{
    char path[4096];
    struct store_params params = { .path = path, .database = database, .access = STORE_CREATE };
    struct store *store;
    struct error error;
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", directory, name);
    if ((file = fopen(path, "r"))) {
        fclose(file);
        errx(1, "%s exists already", path);
    }
    if (store_open(&params, &store, &error) != OK)
        errx(1, "%s", error.text);
    return store;
}

int main(int argc, char **argv)
{
    static struct batch b;
    uint64_t accounts;
    struct store *state;
    const char *profile = argc == 4 ? argv[3] : "";
    bool hold = strcmp(profile, "hold") == 0, enforce = hold || strcmp(profile, "enforce") == 0;

    if (argc != 4 || str_number(span_of(argv[2]), 1, 100000000, &accounts) != OK ||
        (!enforce && strcmp(profile, "default") != 0))
        errx(2, "usage: fill DIRECTORY ACCOUNTS default|enforce|hold");
    b.mode = enforce ? "enforce" : "observe";
    b.store = create(argv[1], "accounts.db", DATABASE_ACCOUNTS);
    state = create(argv[1], "state.db", DATABASE_STATE);
    store_close(&state);
    for (unsigned n = 0; n < DOMAINS; n++)
        fill_domain(&b, n);
    fill_users(&b, accounts);
    fill_entries(&b);
    fill_limits(&b);
    if (enforce)
        enforce_host(&b);
    if (hold) {
        b.mode = "hold";
        add_policy(&b, "compromise", "");
    }
    apply(&b);
    store_close(&b.store);
    return 0;
}
