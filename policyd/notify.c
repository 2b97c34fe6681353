/* SPDX-License-Identifier: MIT */
#include "policyd/notify.h"

#ifdef HAVE_SYSTEMD

#include <stdint.h>
#include <systemd/sd-daemon.h>
#include <time.h>

enum { PINGS = 4, US_PER_S = 1000000 };

static struct {
    struct event *timer;
    bool (*alive)(void);
} watchdog;

void notify_ready(void)
{
    sd_notify(0, "READY=1");
}

/* The time lets systemd tell this reload from an earlier one (Type=notify-reload). */
void notify_reloading(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu",
               (unsigned long long)ts.tv_sec * US_PER_S + (unsigned long long)ts.tv_nsec / 1000);
}

void notify_stopping(void)
{
    sd_notify(0, "STOPPING=1");
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what, (void)arg;
    if (watchdog.alive())
        sd_notify(0, "WATCHDOG=1");
}

enum result notify_watch(struct event_base *base, bool (*alive)(void), struct error *e)
{
    uint64_t us = 0;

    if (sd_watchdog_enabled(0, &us) <= 0)
        return OK;
    struct timeval tv = { (time_t)(us / PINGS / US_PER_S), (suseconds_t)(us / PINGS % US_PER_S) };
    watchdog.alive = alive;
    watchdog.timer = event_new(base, -1, EV_PERSIST, on_timer, NULL);
    if (!watchdog.timer || event_add(watchdog.timer, &tv) != 0)
        return error_set(e, TRY_AGAIN, "watchdog: no timer");
    return OK;
}

void notify_close(void)
{
    if (watchdog.timer)
        event_free(watchdog.timer);
    watchdog.timer = NULL;
}

#else

void notify_ready(void)
{
}

void notify_reloading(void)
{
}

void notify_stopping(void)
{
}

enum result notify_watch(struct event_base *base, bool (*alive)(void), struct error *e)
{
    (void)base, (void)alive, (void)e;
    return OK;
}

void notify_close(void)
{
}

#endif
