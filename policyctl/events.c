/* SPDX-License-Identifier: MIT */
/* policyctl events: what happened, and what happens. */
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "lib/address.h"
#include "lib/event_follow.h"
#include "policyctl/command.h"
#include "policyctl/date.h"
#include "policyctl/table.h"

enum { DAY_S = 86400, SINCE_DAYS = 7, EVENT_LINE_MAX = 2048 };

struct show {
    bool json;
};

/* "all: stolen password; 7 networks in an hour; until 2027-01-31 00:00 (by root)" */
static void add_details(struct strbuf *b, const char *const *column)
{
    const char *parts[] = { column[EVENT_REASON], column[EVENT_EVIDENCE] };
    const char *between = "";
    char date[DATE_TEXT_MAX];
    uint64_t until;

    if (column[EVENT_SERVICES])
        strbuf_addf(b, "%s: ", column[EVENT_SERVICES]);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (parts[i] && *parts[i]) {
            strbuf_addf(b, "%s%s", between, parts[i]);
            between = "; ";
        }
    if (column[EVENT_UNTIL] && str_number(span_of(column[EVENT_UNTIL]), 0, INT64_MAX, &until) == OK) {
        date_text((int64_t)until, date);
        strbuf_addf(b, "%suntil %s", between, date);
    }
    if (column[EVENT_BY] && *column[EVENT_BY])
        strbuf_addf(b, " (by %s)", column[EVENT_BY]);
}

static bool show_event(const char *const column[static EVENT_COLUMNS], void *context)
{
    const struct show *s = context;
    char line[EVENT_LINE_MAX], date[DATE_TEXT_MAX];
    struct strbuf b;
    uint64_t time = 0;

    if (s->json) {
        event_json(column, stdout);
        return !ferror(stdout);
    }
    (void)!str_number(span_of(column[EVENT_TIME]), 0, INT64_MAX, &time);
    date_text((int64_t)time, date);
    strbuf_init(&b, line, sizeof line);
    strbuf_addf(&b, "%s  %-18s  ", date, column[EVENT_KIND]);
    for (unsigned i = EVENT_ACCOUNT; i <= EVENT_SUBJECT; i++)
        if (column[i] && *column[i])
            strbuf_addf(&b, "%s  ", column[i]);
    add_details(&b, column);
    print_clean(line);
    putchar('\n');
    return !ferror(stdout);
}

/* Until standard output is closed, or a signal comes. A database that is away is waited
 * for: policyd may be restarting. */
static void follow(struct event_follow *f, struct show *s)
{
    const struct timespec pause = { 0, EVENT_POLL_MS * 1000000L };
    struct error e;
    bool away = false;

    while (!ferror(stdout)) {
        enum result r = event_follow_poll(f, show_event, s, &e);
        if (r == TRY_AGAIN && !away)
            (void)fail_error(STATUS_UNREACHABLE, &e);
        away = r == TRY_AGAIN;
        fflush(stdout);
        nanosleep(&pause, NULL);
    }
}

static enum status set_since(const struct ctl *ctl, const struct args *a, struct event_follow *f)
{
    struct error e;

    f->since = ctl->now - SINCE_DAYS * DAY_S;
    if (a->option[OPT_SINCE])
        return date_since(a->option[OPT_SINCE], ctl->now, &f->since, &e) == OK ? STATUS_DONE
                                                                               : fail_error(STATUS_INPUT, &e);
    if (a->option[OPT_FOLLOW] && event_follow_skip(f, &e) != OK)
        return fail_error(STATUS_UNREACHABLE, &e);
    return STATUS_DONE;
}

static enum status run_events(struct ctl *ctl, const struct args *a)
{
    struct event_follow f = { .state_db = ctl->config->state_db, .account = "" };
    struct show show = { .json = a->option[OPT_JSON] != NULL };
    struct address address;
    struct error e;

    if (a->option[OPT_ACCOUNT]) {
        if (address_check(a->option[OPT_ACCOUNT], false, &address, &e) != OK)
            return fail_error(STATUS_INPUT, &e);
        f.account = address.text;
    }
    enum status status = set_since(ctl, a, &f);
    if (status == STATUS_DONE && event_follow_poll(&f, show_event, &show, &e) == TRY_AGAIN)
        status = fail_error(STATUS_UNREACHABLE, &e);
    if (status == STATUS_DONE && a->option[OPT_FOLLOW])
        follow(&f, &show);
    event_follow_close(&f);
    return status;
}

const struct command events_commands[] = {
    { .name = "events",
      .operands = "",
      .optional = OPT(ACCOUNT) | OPT(FOLLOW) | OPT(JSON) | OPT(SINCE),
      .run = run_events,
      .help = "Shows what happened: suspensions, limits, outages",
      .example = "policyctl events --since 1d --account user@example.com" },
    { 0 },
};
