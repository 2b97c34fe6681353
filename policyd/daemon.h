/* SPDX-License-Identifier: MIT */
/*
 * What the services share: one of each, owned by main.  Layer 7.
 */
#ifndef POSTERN_DAEMON_H
#define POSTERN_DAEMON_H

#include "lib/config.h"
#include "policyd/aggregate.h"
#include "policyd/answered.h"
#include "policyd/counters.h"
#include "policyd/busiest.h"
#include "policyd/counts.h"
#include "policyd/events.h"
#include "policyd/facts.h"
#include "policyd/habits.h"
#include "policyd/list_filter.h"
#include "policyd/load_watch.h"
#include "policyd/recipients.h"
#include "policyd/resolver.h"
#include "policyd/rows.h"
#include "policyd/server.h"
#include "policyd/transactions.h"
#include "policyd/writer.h"
#include "policyd/zone_watch.h"

struct daemon {
    struct event_base *base;
    struct config *config;
    struct store *accounts; /* read-only; NULL while the file is missing */
    struct rows *rows;
    struct list_filter *list_filter; /* of the entries that rows reads */
    struct resolver *resolver;
    struct zone_watch *zone_watch;
    struct load_files load_files; /* opened by main */
    struct load_watch *load_watch;
    struct writer *writer;
    struct aggregate *aggregate;
    struct events *events;
    struct answered *answered;
    struct counters *counters;
    struct habits *habits;
    struct recipients *recipients;
    struct transactions *transactions;
    struct busiest *busiest;
    struct server *server;
    int64_t started;       /* seconds since 1970 */
    int64_t configured;    /* likewise: the configuration was read */
    struct counts counts;
    struct facts_counts facts_counts;
};

extern struct daemon the_daemon;

extern const struct service policy_service, socketmap_service, control_service;

/* Opens all parts for the_daemon.base and the_daemon.config; daemon_close also after a
 * failure. */
enum result daemon_open(struct error *) MUST_CHECK;
void daemon_close(void);

/* To be called at the end of each turn of the event loop: decides what was woken, ends
 * the read transaction, commits what was proposed, writes the log. */
void daemon_turn(void);

/* At the end of each turn of the loop: decides what was woken. */
void policy_service_turn(void);
void policy_service_record(void); /* what was answered in this turn: after its replies */

/* Seconds since 1970. */
int64_t daemon_now(void);

/* Reads policyd.conf again; where it is wrong, the old one stays. Its error line is
 * also logged. */
enum result daemon_reload(struct error *) MUST_CHECK;

#endif
