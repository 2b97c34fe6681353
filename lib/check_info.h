/* SPDX-License-Identifier: MIT */
/*
 * The checks as everybody names them: daemon, command, plugin and manual.  One
 * row each; what a check does stands in policyd/checks/.  Layer 1.
 */
#ifndef POSTERN_CHECK_INFO_H
#define POSTERN_CHECK_INFO_H

#include <stdbool.h>

#include "result.h"
#include "str.h"

/* In the order in which they run: the first refusal is the reply. */
enum check_id {
    CHECK_ACCESS,
    CHECK_ACCOUNT_STATUS,
    CHECK_STARTTLS,
    CHECK_IMPLICIT_TLS,
    CHECK_SENDER_LOGIN,
    CHECK_SENDER_AUTH,
    CHECK_HELO_LOCAL,
    CHECK_HELO_FQDN,
    CHECK_HELO_SELF,
    CHECK_HELO_RESOLVE,
    CHECK_DNSBL,
    CHECK_GREYLIST,
    CHECK_SEND_LIMIT,
    CHECK_COMPROMISE,
    CHECK_COUNT
};

/* Ordered: a smaller mode never does more than a larger one. */
enum mode {
    MODE_OFF,
    MODE_OBSERVE,
    MODE_HOLD, /* taken, and kept in Postfix's queue (HOLD, access(5)): for checks that hold */
    MODE_ENFORCE
};

/* Whose policy rows count. */
enum check_subject { SUBJECT_LOGIN, SUBJECT_SENDER_DOMAIN, SUBJECT_RECIPIENT_DOMAIN };
enum { SUBJECT_COUNT = SUBJECT_RECIPIENT_DOMAIN + 1 };

struct check_info {
    const char *name;
    const char *help;    /* one line: what it refuses */
    enum mode mode;      /* where no policy row says otherwise */
    enum check_subject subject;
    const char *action;  /* reply codes as Postfix takes them: "553 5.7.1", "REJECT", "450 4.7.1" */
    const char *text;    /* reply text; {login} {sender} {recipient} {helo} {suffix} {reason} are filled in */
    bool holds;          /* mode hold is one of its modes */
};

extern const struct check_info check_infos[CHECK_COUNT];

const char *mode_name(enum mode m); /* "off", "observe", "hold", "enforce" */
enum result mode_parse(struct span name, enum mode *mode_r) MUST_CHECK;
enum result check_parse(struct span name, enum check_id *id_r) MUST_CHECK; /* NOT_FOUND: no such check */

#endif
