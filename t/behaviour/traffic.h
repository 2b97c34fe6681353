/* SPDX-License-Identifier: MIT */
/*
 * Mail traffic of made-up accounts, the same for the same seed: weeks of logins,
 * recipients and messages of one account, in the order of time.  It knows accounts and
 * thieves, and nothing of what looks at the traffic.
 */
#ifndef POSTERN_TRAFFIC_H
#define POSTERN_TRAFFIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum traffic_kind {
    TRAFFIC_LOGIN,          /* IMAP */
    TRAFFIC_RECIPIENT,      /* RCPT TO; refused where the recipient does not exist */
    TRAFFIC_REFUSED_SENDER, /* MAIL FROM an address that is not the account's */
    TRAFFIC_MESSAGE         /* its end, with the recipients that were accepted */
};

struct traffic_event {
    int64_t at;
    uint64_t order; /* of two at the same second */
    enum traffic_kind kind;
    bool thief;
    uint32_t client; /* IPv4 address */
    uint32_t transaction, connection;
    uint32_t number; /* of a recipient or a sender; of a message: how many recipients */
};

enum { DAY = 86400, HOUR = 3600, TRAFFIC_DAYS = 49, NETWORKS = 8, CONTACTS_MAX = 6000 };

struct traffic {
    struct traffic_event *event;
    size_t count, room;
    uint64_t random;
    bool thief; /* whose events are added now */
    uint32_t transactions, strangers;
    uint32_t home, office;          /* /24s of the account */
    uint32_t carrier[3];            /* of its telephone */
    uint32_t contact[CONTACTS_MAX]; /* the account's correspondents, the closest first */
    unsigned contacts;
    const char *name; /* what kind of account, or of thief */
};

enum { NORMAL_KINDS = 20, THIEF_SHAPES = 24, THIEF_SHAPES_KNOWN = 14 };
extern const int64_t traffic_start; /* a Monday */

/* TRAFFIC_DAYS of an account that nobody else uses. */
void traffic_normal(struct traffic *, unsigned kind, uint64_t seed);

/* The same for an account of which a thief has the password since day 35. */
void traffic_thief(struct traffic *, unsigned shape, uint64_t seed);
void traffic_free(struct traffic *);

/* ---- for those that make traffic ---- */

void traffic_begin(struct traffic *, const char *name, uint64_t seed);
void traffic_sort(struct traffic *);
unsigned pick(struct traffic *, unsigned below);                   /* 0 to below - 1 */
unsigned between(struct traffic *, unsigned least, unsigned most); /* both included */
bool chance(struct traffic *, unsigned percent);
uint32_t any_network(struct traffic *);   /* somewhere */
uint32_t phone_network(struct traffic *); /* where its telephone is just now */
uint32_t address_in(struct traffic *, uint32_t network);

void login(struct traffic *, int64_t at, uint32_t client);
void refused_sender(struct traffic *, int64_t at, uint32_t client, uint32_t sender);

/* Whom a message goes to. */
struct recipients {
    unsigned count;
    unsigned strangers; /* percent; the others are contacts, the closer ones more often */
    unsigned wrong;     /* percent that do not exist */
    unsigned first;     /* with `list`: those of the contacts from this one on, in order */
    bool list;
};
void message(struct traffic *, int64_t at, uint32_t client, const struct recipients *);

void normal_account(struct traffic *, unsigned kind);

#endif
