/* SPDX-License-Identifier: MIT */
/*
 * What an entry of the allow and deny lists names, and which of several entries is the
 * most specific.  Layer 1.
 *
 * An entry names one or more parts of a request.  Its shape says which, and how closely:
 * all entries of one shape are found by one exact key, so that a look-up costs a probe for
 * each shape that there is, however many entries have it (tuple space search: Srinivasan,
 * Suri, Varghese, "Packet Classification Using Tuple Space Search", SIGCOMM 1999).
 */
#ifndef POSTERN_LIST_ENTRY_H
#define POSTERN_LIST_ENTRY_H

#include <stdbool.h>

#include "address.h"
#include "network.h"

/* In the order in which they are compared: of two entries that match, the one that names
 * the first of these more closely wins. */
enum list_part {
    LIST_RECIPIENT,   /* an address, @domain, .suffix or local@ */
    LIST_SENDER,      /* the same */
    LIST_CLIENT_NAME, /* a host name or .suffix */
    LIST_HELO,        /* the same */
    LIST_CLIENT,      /* a network */
    LIST_SCOPE,       /* the recipient's domain */
    LIST_PARTS
};

extern const char *const list_part_names[LIST_PARTS]; /* "client-name": as options of policyctl */

/* How closely a part is named. Suffixes count their labels, networks their bits. */
enum list_rank {
    LIST_ABSENT = 0,
    LIST_LOCAL_BARE = 1,     /* local@ of an address without its extension */
    LIST_LOCAL = 2,          /* local@ */
    LIST_SUFFIX = 2,         /* and a label each: 3, 4, ... */
    LIST_NETWORK = 1,        /* and a bit each */
    LIST_DOMAIN = 253,       /* @domain */
    LIST_ADDRESS_BARE = 254, /* an address without its extension */
    LIST_WHOLE = 255         /* an address, a host name, the domain of the scope */
};

struct list_shape {
    unsigned char rank[LIST_PARTS]; /* enum list_rank */
    bool v6;                        /* the client's network */
};

/* In octets of a part's canonical text, and of a shape as text, with its NUL. */
enum { LIST_TEXT_MAX = ADDRESS_MAX + 2, LIST_SHAPE_MAX = 40 };

/* The canonical form of what a person wrote. BAD or LIMIT, with a line. */
enum result list_part_check(enum list_part, const char *text, char text_r[static LIST_TEXT_MAX],
                            struct error *) MUST_CHECK;

/* Of an entry's parts, each canonical, "" where it is not named. BAD: no part but the scope
 * is named, or one is not canonical. */
enum result list_shape_of(const char *const text[LIST_PARTS], struct list_shape *shape_r) MUST_CHECK;

/* "r255c25d": what stands in the table. */
void list_shape_text(const struct list_shape *, char text_r[static LIST_SHAPE_MAX]);
enum result list_shape_parse(const char *text, struct list_shape *shape_r) MUST_CHECK;

/* The last `labels` labels of a name with the dot before them; empty where the name has no
 * more than these. */
struct span list_suffix(const char *name, unsigned labels);

/* "client 192.0.2.0/24, recipient abuse@": for people. */
void list_entry_text(const char *const text[LIST_PARTS], struct strbuf *out);

#endif
