/* SPDX-License-Identifier: MIT */
/* The clock: whether something keeps it right, and whether it was ahead before. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <time.h>

#include "lib/store.h"
#include "policyctl/doctor/doctor.h"

enum { AHEAD_S = 7200 }; /* tallies begin at full hours */

static const struct rule was_ahead = {
    "clock_back", LEVEL_WARNING,
    "The clock was ahead then, or is behind now: suspensions, exceptions and what was observed end at the wrong time."
};
static const struct rule unsynchronised = {
    "clock_unsynchronised", LEVEL_NOTE,
    "Nothing tells the kernel that the clock is right. Suspensions and exceptions end by it."
};

static const char set_clock[] = "timedatectl set-ntp true";

static bool latest_fn(const struct row *row, void *context)
{
    int64_t *latest = context;
    uint64_t start;

    if (str_number(span_of(row->column[0]), 0, INT64_MAX, &start) == OK && (int64_t)start > *latest)
        *latest = (int64_t)start;
    return true;
}

/* When something was last counted, of what is yet to come; 0: nothing. */
static int64_t latest_tally(const struct doctor *d)
{
    struct store_params p = { .path = d->ctl->config->state_db, .database = DATABASE_STATE, .access = STORE_READ,
                              .busy_timeout_ms = 2000 };
    char since[24];
    const char *params[] = { since, "" };
    int64_t latest = 0;
    struct store *store;
    struct error e;

    if (store_open(&p, &store, &e) != OK)
        return 0; /* said where the databases are examined */
    snprintf(since, sizeof since, "%lld", (long long)d->ctl->now + AHEAD_S);
    enum result r = store_query(store, QUERY_TALLIES, params, 2, latest_fn, &latest);
    store_close(&store);
    return r == OK ? latest : 0;
}

static void examine_traces(struct doctor *d)
{
    int64_t latest = latest_tally(d);
    struct stat st;
    char when[32];
    struct tm tm;

    if (stat(d->ctl->config->accounts_db, &st) == 0 && st.st_mtime > latest)
        latest = st.st_mtime;
    time_t t = (time_t)latest;
    if (latest <= d->ctl->now + AHEAD_S || !localtime_r(&t, &tm) ||
        strftime(when, sizeof when, "%Y-%m-%d %H:%M", &tm) == 0)
        return;
    doctor_say(d, &was_ahead, "", set_clock, "the databases were written at %s, which is yet to come", when);
}

void examine_clock(struct doctor *d)
{
    time_t now = (time_t)d->ctl->now;
    struct timex t = { 0 };
    char when[32];
    struct tm tm;

    if (gmtime_r(&now, &tm) && strftime(when, sizeof when, "%Y-%m-%d %H:%M UTC", &tm) > 0)
        doctor_saw(d, when);
    examine_traces(d);
    if (adjtimex(&t) == TIME_ERROR)
        doctor_say(d, &unsynchronised, "", set_clock, "the clock is not synchronised");
}
