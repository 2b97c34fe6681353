/* SPDX-License-Identifier: MIT */
/*
 * policyd.conf: an options table, read by libconfuse.  One row an option, with
 * its name, type, default, bounds and help (config_option.c); policyd.conf(5) is
 * checked against the table.  Layer 2.
 */
#ifndef POSTERN_CONFIG_H
#define POSTERN_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "check_info.h"
#include "dnsbl_zone.h"
#include "network.h"
#include "result.h"
#include "signal_info.h"
#include "usage.h"

struct string_list {
    char **item;
    size_t count;
};

struct port_list {
    unsigned short *item;
    size_t count;
};

bool port_list_has(const struct port_list *, unsigned port);

struct network_list {
    struct network *item;
    size_t count;
};

enum { CONFIG_DNSBL_ZONES_MAX = 24 };

struct zone_list {
    struct dnsbl_zone *item;
    size_t count; /* at most CONFIG_DNSBL_ZONES_MAX */
};

/* All strings are non-NULL and owned by the configuration. */
struct config {
    char *path; /* the file it was read from */

    struct string_list listen;           /* policy protocol: unix:PATH, inet:ADDRESS:PORT */
    struct string_list socketmap_listen; /* likewise */
    struct string_list metrics_listen;   /* likewise */
    char *control_socket, *observe_socket;
    char *accounts_db, *state_db;
    char *user, *socket_group, *control_group; /* "": as the process is */
    bool sandbox;                              /* give up what the daemon's work does not need */
    char *observe_user;                        /* whose datagrams are believed, besides root's */
    char *log;                                 /* "stderr", "syslog" or a path */
    char *hostname;                            /* canonical; by default gethostname(2) */
    char *default_domain;                      /* canonical; "" where bare logins stay bare */
    char *recipient_delimiter;
    char *help_url;
    char *password_scheme;
    struct network_list trusted_networks;
    struct port_list submission_ports;

    struct {
        struct string_list servers; /* ADDRESS or ADDRESS@PORT; none: /etc/resolv.conf */
        unsigned timeout_ms, lookups, in_flight, cache_entries;
    } dns;
    struct {
        unsigned request_bytes, attributes, connections, deadline_ms, idle_timeout_s, keep_days;
    } limits;
    struct {
        unsigned cpu_pressure, io_pressure, run_queue, lag_ms, lookups; /* 0: does not count */
        bool stress;
        unsigned hold_s;
    } load;

    struct {
        char *home, *mail, *uid, *gid, *quota; /* userdb fields; "": Dovecot's own settings */
        struct port_list implicit_tls_ports;
        unsigned store_timeout_ms;
    } dovecot;
    struct {
        char *template_file;              /* "": the English words that are built in */
        char *imap, *pop3, *smtp, *sieve; /* NAME or NAME:PORT; "": hostname */
    } letter;

    struct {
        char *cursor;                 /* a file; its directory is postern-act's own */
        struct string_list notice_to; /* addresses; none: no notices */
        char *notice_from;            /* "": postmaster at hostname */
        bool notice_contact;
        struct string_list notice_events;
        char *template_file; /* "": the English one that is built in */
        unsigned notices_per_hour, account_notices_per_hour;
        bool kick;
        char *queue; /* "none", "list", "hold" */
        struct string_list command, command_events;
        unsigned deadline_s;
        char *sendmail, *doveadm, *postqueue, *postcat, *postsuper; /* with their first arguments */
    } act;

    char *text[CHECK_COUNT]; /* reply text of each check: option `text` of its section */
    struct {
        bool refuse_null_sender;
    } sender_login;
    struct {
        bool refuse_unknown_login; /* option unknown_login = "pass" | "refuse" */
    } account_status;
    struct {
        struct string_list enforce, observe; /* ".suffix", canonical; in both: enforced */
    } helo_local;
    struct {
        struct string_list user, relay, client; /* as usage_limit_format has them */
        struct usage_limits user_limits, relay_limits, client_limits; /* the same */
        bool at_rcpt; /* option count_at = "end-of-message" | "rcpt" */
        bool count_local;
    } send_limit;
    struct {
        unsigned score; /* from which on an account is taken for stolen */
        struct signal_config signal[SIGNAL_COUNT];
    } compromise;
    struct {
        struct string_list names; /* besides hostname; canonical names and addresses */
    } helo_self;
    struct {
        struct zone_list zones;
        unsigned threshold; /* the sum of weights that refuses */
        unsigned retry_s;   /* until a zone that was switched off is tested again, the first time */
    } dnsbl;
    struct {
        unsigned delay_s, window_s, lifetime_s, client_passes;
        unsigned bits_v4, bits_v6; /* of a client's network */
    } greylist;
};

/* Reads and checks the file, one thread at a time (libconfuse's scanner is one for
 * the whole process).  BAD, with "FILE:LINE: what and the remedy": unknown option,
 * wrong type, out of bounds; with "FILE: ..." where it cannot be read.  TRY_AGAIN:
 * out of memory.  The caller frees it. */
enum result config_load(const char *path, struct config **config_r, struct error *) MUST_CHECK;
void config_free(struct config **);

/* Writes the effective configuration in the file's own syntax (policyd -T): what
 * it prints loads again to the same. */
void config_dump(const struct config *, FILE *out);

/* A row of the options table, for the manual's check. */
struct config_option {
    const char *section; /* "" at the top */
    const char *name;
    const char *type;   /* in words: "number", "list of networks" */
    const char *preset; /* the default; the items of a list stand apart by spaces */
    unsigned min, max;  /* of numbers; 0 and 0 elsewhere */
    const char *help;   /* one line */
};

/* The i-th option; false past the end. */
bool config_option(size_t i, struct config_option *option_r);

#endif
