/* SPDX-License-Identifier: MIT */
#include "usage.h"

#include <string.h>

static uint32_t bucket_s(uint32_t window_s)
{
    return (window_s + USAGE_BUCKETS - 1) / USAGE_BUCKETS;
}

/* As many buckets as a span of the window's length can touch. */
static unsigned slots_of(uint32_t window_s)
{
    uint32_t width = bucket_s(window_s);

    return (unsigned)((window_s + width - 1) / width) + 1;
}

static uint64_t add_up(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static void sum(const struct usage_window *w, uint64_t sum_r[static USAGE_UNITS])
{
    unsigned slots = slots_of(w->window_s);

    memset(sum_r, 0, USAGE_UNITS * sizeof *sum_r);
    for (unsigned i = 0; i < slots; i++)
        for (unsigned unit = 0; unit < USAGE_UNITS; unit++)
            sum_r[unit] = add_up(sum_r[unit], w->slot[i][unit]);
}

/* Makes the first slot that of `now`. */
static void move_to(struct usage_window *w, int64_t now)
{
    int64_t bucket = now / bucket_s(w->window_s), steps = bucket - w->newest;
    unsigned slots = slots_of(w->window_s);
    uint64_t all[USAGE_UNITS];

    w->newest = bucket;
    if (steps == 0)
        return;
    if (steps >= slots || -steps >= slots)
        memset(w->slot, 0, sizeof w->slot); /* also of a future that the clock was wrong about */
    else if (steps < 0) { /* set back by less than the window: nothing is forgotten for that */
        sum(w, all);
        memset(w->slot, 0, sizeof w->slot);
        memcpy(w->slot[0], all, sizeof w->slot[0]);
    } else {
        memmove(w->slot[steps], w->slot[0], (slots - (size_t)steps) * sizeof w->slot[0]);
        memset(w->slot[0], 0, (size_t)steps * sizeof w->slot[0]);
    }
}

static const struct usage_window *find_window(const struct usage *u, uint32_t window_s)
{
    for (size_t i = 0; i < u->windows; i++)
        if (u->window[i].window_s == window_s)
            return &u->window[i];
    return NULL;
}

static void window_at(const struct usage *u, uint32_t window_s, int64_t now, struct usage_window *w_r)
{
    const struct usage_window *w = find_window(u, window_s);

    if (w)
        *w_r = *w;
    else
        *w_r = (struct usage_window){ .window_s = window_s, .newest = now / bucket_s(window_s) };
    move_to(w_r, now);
}

/* ---- limits ---- */

static bool is_over(uint64_t most, uint64_t used, uint64_t add)
{
    return most != USAGE_UNLIMITED && (add > most || used > most - add);
}

/* When enough of the oldest has left for `add` more to pass. */
static int64_t frees_at(const struct usage_window *w, enum usage_unit unit, uint64_t most, uint64_t add)
{
    unsigned slots = slots_of(w->window_s);
    uint64_t used = 0;

    if (add > most)
        return INT64_MAX;
    for (unsigned i = 0; i < slots; i++) {
        used = add_up(used, w->slot[i][unit]);
        if (is_over(most, used, add))
            return (w->newest - i + slots) * bucket_s(w->window_s);
    }
    return 0;
}

/* Takes the limit where it holds longer than what was found before. */
static void check_limit(const struct usage_window *w, const struct usage_limit *limit,
                        const struct usage_event *event, struct usage_over *over)
{
    uint64_t used[USAGE_UNITS];

    sum(w, used);
    for (unsigned unit = 0; unit < USAGE_UNITS; unit++) {
        if (!is_over(limit->most[unit], used[unit], event->add[unit]))
            continue;
        int64_t at = frees_at(w, unit, limit->most[unit], event->add[unit]);
        if (at > over->frees_at)
            *over = (struct usage_over){ *limit, unit, used[unit], event->add[unit], at };
    }
}

/* ---- requests that come again ---- */

static bool is_within(int64_t at, int64_t now, int64_t seconds)
{
    return at - now <= seconds && now - at <= seconds;
}

static bool was_added(const struct usage *u, uint64_t key, int64_t now)
{
    for (size_t i = 0; i < u->resends; i++)
        if (u->resend[i].key == key && is_within(u->resend[i].at, now, USAGE_RESEND_S))
            return true;
    return false;
}

/* Puts it first; the oldest goes where there is no room, and what is too old goes anyway. Of
 * what was answered seconds ago little can come again: after a stop that held all of them up. */
static void remember(struct usage *u, uint64_t key, int64_t now)
{
    size_t kept = 0, old = 0;

    for (size_t i = 0; i < u->resends && kept < USAGE_RESENDS_MAX - 1; i++)
        if (is_within(u->resend[i].at, now, USAGE_RESEND_NEW_S) ||
            (is_within(u->resend[i].at, now, USAGE_RESEND_S) && old++ < USAGE_RESENDS_OLD))
            u->resend[kept++] = u->resend[i];
    memmove(&u->resend[1], &u->resend[0], kept * sizeof u->resend[0]);
    u->resend[0].at = now;
    u->resend[0].key = key;
    u->resends = kept + 1;
}

enum result usage_add(struct usage *u, const struct usage_limits *limits, const struct usage_event *event,
                      int64_t now, struct usage_over *over_r)
{
    struct usage_window window[USAGE_WINDOWS_MAX];

    if (event->resend && was_added(u, event->resend, now))
        return NOT_FOUND;
    over_r->frees_at = INT64_MIN;
    for (size_t i = 0; i < limits->count; i++) {
        window_at(u, limits->limit[i].window_s, now, &window[i]);
        check_limit(&window[i], &limits->limit[i], event, over_r);
        for (unsigned unit = 0; unit < USAGE_UNITS; unit++)
            window[i].slot[0][unit] = add_up(window[i].slot[0][unit], event->add[unit]);
    }
    if (over_r->frees_at != INT64_MIN)
        return LIMIT;
    u->windows = limits->count;
    memcpy(u->window, window, limits->count * sizeof *window);
    if (event->resend)
        remember(u, event->resend, now);
    return OK;
}

void usage_used(const struct usage *u, uint32_t window_s, int64_t now, uint64_t used_r[static USAGE_UNITS])
{
    struct usage_window w;

    window_at(u, window_s, now, &w);
    sum(&w, used_r);
}

unsigned usage_slots_used(const struct usage_window *w)
{
    static const uint64_t nothing[USAGE_UNITS];
    unsigned slots = USAGE_SLOTS;

    while (slots > 0 && memcmp(w->slot[slots - 1], nothing, sizeof nothing) == 0)
        slots--;
    return slots;
}

int64_t usage_expires(const struct usage *u)
{
    int64_t last = u->resends > 0 ? u->resend[0].at + USAGE_RESEND_S : 0;

    for (size_t i = 0; i < u->windows; i++) {
        const struct usage_window *w = &u->window[i];
        int64_t end = (w->newest + slots_of(w->window_s)) * bucket_s(w->window_s);
        last = end > last ? end : last;
    }
    return last;
}
