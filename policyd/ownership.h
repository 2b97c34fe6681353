/* SPDX-License-Identifier: MIT */
/*
 * Who may send as whom: one rule for the check sender_login and for Postfix's own
 * smtpd_sender_login_maps (socketmap).  Layer 5.
 *
 * A login owns a sender when any of these holds: it is the login; an alias of it
 * (one with several destinations only where it is marked for sending), directly or
 * through other aliases; either of them in an alias domain; the catch-all's owner,
 * where nothing else bears the address; a grant to the login or to its domain for
 * the address, its "@domain" or "*".  Each with an extension too, unless the full
 * address is an account or alias of its own.  BATV and SRS wrappings are taken off
 * first.
 */
#ifndef POSTERN_OWNERSHIP_H
#define POSTERN_OWNERSHIP_H

#include "policyd/facts.h"

enum { OWNERSHIP_TEXT_MAX = 300, ALIAS_DEPTH_MAX = 8, ALIAS_WALK_MAX = 64 };

/* OK: it may; NOT_FOUND: it may not; TRY_AGAIN. why_r, where not NULL, is
 * given the row that decided, in words. */
enum result ownership_check(struct facts *, const struct address *login, const struct address *sender,
                            char why_r[OWNERSHIP_TEXT_MAX]) MUST_CHECK;

/* What an address is here: the entry that bears it, after alias domain and extension
 * were resolved. */
struct bearer {
    struct address address; /* the entry's own */
    bool account, alias;    /* one of them or both */
    struct alias_row alias_row;
};

/* NOT_FOUND: neither account nor alias, in whatever form. */
enum result ownership_bearer(struct facts *, const struct address *, struct bearer *bearer_r) MUST_CHECK;

/* The catch-all that gets the mail of an address which nothing else bears: of its own
 * domain, else of the one that an alias domain stands for. bearer_r->address is
 * "@domain". */
enum result ownership_catchall(struct facts *, const struct address *, struct bearer *bearer_r) MUST_CHECK;

/* The forms in which a grant may name a sender: as it came, without its extension, each
 * in the domain that an alias domain stands for. bearer: of the sender, NULL for none. */
struct ownership_forms {
    struct address form[4];
    size_t count;
};
enum result ownership_forms(struct facts *, const struct address *sender, const struct bearer *,
                            struct ownership_forms *forms_r) MUST_CHECK;

/* The address in the domain that its alias domain stands for; itself elsewhere. */
enum result ownership_real_domain(struct facts *, const struct address *,
                                  struct address *address_r) MUST_CHECK;

#endif
