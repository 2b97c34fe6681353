/* SPDX-License-Identifier: MIT */
/*
 * How one account sends: what it did lately, and what is usual for it.  Of bounded size,
 * made of counts and hashes; told of one thing at a time, in the order of time.  What it
 * means is judged elsewhere (signals.h).  Pure: time is an argument.  Layer 4.
 *
 * A network here is what one operator has: the /16 of an IPv4 address, the /32 of an IPv6
 * address, so that a telephone that gets another address every hour stays where it is.
 */
#ifndef POSTERN_BEHAVIOUR_H
#define POSTERN_BEHAVIOUR_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/network.h"
#include "lib/signal_info.h"
#include "lib/str.h"

enum {
    SLIDING_BUCKETS = 12,
    BEHAVIOUR_NETWORKS = 24,
    BEHAVIOUR_OPEN = 32,   /* mail transactions under way */
    BEHAVIOUR_SENDERS = 8, /* refused ones that are told apart */
    BEHAVIOUR_RECIPIENTS = 768,
    BEHAVIOUR_LEVEL_MAX = 12,
    BEHAVIOUR_PACES = 2,
    BEHAVIOUR_EVERYWHERE_S = 3600,
    BEHAVIOUR_ELSEWHERE_S = 3 * 86400,
    /* Until then nothing is known of what is usual, and everything is new. */
    BEHAVIOUR_LEARN_S = 14 * 86400,
    BEHAVIOUR_FAMILIAR_S = 7 * 86400 /* a network that was first used so long ago is no news */
};

/* A count over a window that moves with time, by a twelfth of it: there is no edge at which
 * twice as much goes through. */
struct sliding {
    int64_t slot; /* the newest bucket's: time / (window / SLIDING_BUCKETS) */
    uint16_t count[SLIDING_BUCKETS];
};

struct behaviour_network {
    uint32_t key;        /* 0: none */
    int64_t first, last; /* use: a login or a message */
    int64_t sent;        /* last message; 0: none */
};

struct behaviour_open {
    int64_t began;
    uint32_t instance, connection; /* hashes; instance 0: none */
    uint32_t recipient;            /* the last one's: the same is asked in several contexts */
    uint16_t requests, strangers, known; /* recipients; the last two are estimates */
};

/* Recipients it had never written to, and had. */
struct behaviour_mix {
    struct sliding strangers, known;
};

/* Recipients over a window, and over the busiest such one of a usual day on which it sends. */
struct behaviour_pace {
    struct sliding recipients;
    unsigned peak; /* of this day */
    float usual;
};

struct behaviour {
    int64_t since;                              /* first told of anything; 0: never */
    int64_t day;                                /* the last one told of, in days since 1970 */
    struct sliding window[SIGNAL_COUNT];        /* each signal's count, over its window */
    struct behaviour_mix everywhere, elsewhere; /* elsewhere: from networks that are new */
    struct behaviour_pace pace[BEHAVIOUR_PACES];
    float strangers, recipients; /* of which it learned what share is usual; older days count less */
    unsigned day_strangers, day_recipients; /* of this day */
    bool day_suspect;                       /* so nothing is learned from it */
    struct behaviour_network network[BEHAVIOUR_NETWORKS];
    struct behaviour_open open[BEHAVIOUR_OPEN]; /* not kept over a restart */
    uint32_t refused_sender[BEHAVIOUR_SENDERS]; /* hashes, the latest first */
    /* Recipients it wrote to, the latest first: 24 bits of each hash, and of all that there
     * are those whose hash ends in `level` zeros. */
    unsigned recipient_count, level;
    uint32_t recipient[BEHAVIOUR_RECIPIENTS]; /* last: most have few */
};

/* Of the recipients, those that there are. */
void behaviour_copy(struct behaviour *to, const struct behaviour *from);

extern const unsigned behaviour_pace_s[BEHAVIOUR_PACES]; /* their windows; the last one is an hour */

void sliding_add(struct sliding *, unsigned window_s, int64_t now, unsigned count);
unsigned sliding_sum(const struct sliding *, unsigned window_s, int64_t now);

/* ---- what happens; client: NULL where it is unknown or trusted (webmail), which says
 * nothing about networks. now: seconds since 1970 ---- */

void behaviour_login(struct behaviour *, const struct network *client, int64_t now);

/* RCPT TO was not refused by us. instance: of Postfix's request; recipient: canonical. */
void behaviour_recipient(struct behaviour *, struct span instance, struct span recipient, int64_t now);

/* The message ends, with that many of the recipients asked for left. */
void behaviour_message(struct behaviour *, struct span instance, const struct network *client,
                       unsigned recipients, int64_t now);

/* It ends and was refused: that is told by other functions. */
void behaviour_refused_message(struct behaviour *, struct span instance, int64_t now);

void behaviour_refused_sender(struct behaviour *, struct span sender, int64_t now);
void behaviour_limit_hit(struct behaviour *, int64_t now);

/* Its score was high: nothing of today becomes usual. With `held`, nor do the networks
 * that are new today. */
void behaviour_suspect(struct behaviour *, bool held, int64_t now);

/* The administrator has released it: what it did lately counts no more. */
void behaviour_forgive(struct behaviour *);

/* ---- what is known ---- */

bool behaviour_is_young(const struct behaviour *, int64_t now);
unsigned behaviour_new_networks(const struct behaviour *, unsigned window_s, int64_t now); /* that sent */
float behaviour_stranger_share(const struct behaviour *, int64_t now);                     /* usual, 0 to 1 */

/* ---- in state.db (behaviour_text.c): one line of printable ASCII ---- */

enum { BEHAVIOUR_TEXT_MAX = 6144 };
void behaviour_format(const struct behaviour *, struct strbuf *out);
enum result behaviour_parse(struct span text, struct behaviour *behaviour_r) MUST_CHECK; /* BAD: it is none */

/* ---- in memory, where many are kept (behaviour_pack.c): with what is under way ---- */

enum { BEHAVIOUR_SLIDINGS = SIGNAL_COUNT + BEHAVIOUR_PACES + 4, BEHAVIOUR_RECIPIENT_OCTETS = 3 };

/* What every packed one begins with. */
struct behaviour_packed {
    int64_t since, day;
    uint32_t peak[BEHAVIOUR_PACES];
    float usual[BEHAVIOUR_PACES];
    float strangers, recipients;
    uint32_t day_strangers, day_recipients;
    uint16_t slidings; /* a bit for each that follows */
    uint16_t recipient_count;
    uint8_t networks, open, senders, level;
    bool day_suspect; /* last */
};

enum {
    BEHAVIOUR_PACKED_MAX = sizeof(struct behaviour_packed) + BEHAVIOUR_SLIDINGS * sizeof(struct sliding) +
                           BEHAVIOUR_NETWORKS * sizeof(struct behaviour_network) +
                           BEHAVIOUR_OPEN * sizeof(struct behaviour_open) + BEHAVIOUR_SENDERS * sizeof(uint32_t) +
                           BEHAVIOUR_RECIPIENTS * BEHAVIOUR_RECIPIENT_OCTETS
};
/* The octets written. Transactions that are under way come to stand first; a count over a
 * window that is 0 forgets when that was. */
size_t behaviour_pack(struct behaviour *, unsigned char packed_r[static BEHAVIOUR_PACKED_MAX]);
/* What is not of behaviour_pack's begins anew. Recipients that there are not are left as they are. */
void behaviour_unpack(const unsigned char *packed, size_t size, struct behaviour *behaviour_r);

#endif
