/* SPDX-License-Identifier: MIT */
/*
 * All there is about one account or one domain: its row, who it may send as, what Dovecot
 * is told and from where, and its policy rows.  Layer 9.
 */
#ifndef POSTERN_SHOW_H
#define POSTERN_SHOW_H

#include "policyctl/listing.h"

struct shown {
    const char *kind; /* "account", "domain": in the line where there is none */
    const struct listing *listing; /* its row, found by `scope` */
    const char *scope;             /* of its policy rows */
    const char *grantee;
    const char *address, *domain;  /* whose fields hold: address "" for a domain */
};

enum status show_print(struct ctl *, const struct shown *, bool json);

#endif
