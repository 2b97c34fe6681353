/* SPDX-License-Identifier: MIT */
/*
 * What thieves do with a password: twenty shapes, each on an account of a fitting kind,
 * whose owner goes on as before.
 */
#include "traffic.h"

enum kind_index {
    OFFICE_WORKER = 0,
    PHONE_USER = 1,
    COMMUTER = 2,
    TRAVELLER = 3,
    WEEKLY_NEWSLETTER = 4,
    SCHOOL = 6,
    TEACHER = 7,
    SHOP = 8,
    SHARED = 10,
    MISTYPER = 11,
    LIST_OWNER = 12,
    CLUB = 13,
    GREETINGS = 14,
    MACHINE = 16,
    SALESMAN = 17,
    SLEEPING = NORMAL_KINDS /* its telephone looks for mail, and it sends none */
};

enum networks { ONE, FEW, EACH_ANOTHER, THE_OWNERS };

struct shape {
    const char *name;
    enum kind_index victim;
    unsigned gap_s;       /* between two messages, more or less; 0: ten a second */
    unsigned least, most; /* recipients of a message */
    enum networks networks;
    unsigned begin_hour;
    unsigned wrong;         /* percent of recipients that do not exist */
    unsigned contacts;      /* percent of recipients that the owner knows */
    unsigned spoofed;       /* percent of messages under other senders */
    unsigned looks_first_h; /* reads the mail that long before */
    unsigned burst;         /* messages at once, then nothing until the hour is over */
};

static const struct shape shapes[THIEF_SHAPES] = {
    /* with these the presets were set */
    { "flood from one network", OFFICE_WORKER, 1, 1, 1, ONE, 11, 0, 0, 0, 0, 0 },
    { "botnet", OFFICE_WORKER, 20, 1, 2, EACH_ANOTHER, 14, 0, 0, 0, 0, 0 },
    { "ten a second over many connections", TEACHER, 0, 1, 1, FEW, 10, 0, 0, 0, 0, 0 },
    { "dictionary of recipients", MISTYPER, 15, 10, 30, ONE, 12, 60, 0, 0, 0, 0 },
    { "at night", CLUB, 90, 1, 2, ONE, 2, 0, 0, 0, 0, 0 },
    { "on a sleeping account", SLEEPING, 150, 1, 1, ONE, 15, 0, 0, 0, 0, 0 },
    { "waits three days after the first login", GREETINGS, 3, 1, 1, ONE, 10, 0, 0, 0, 72, 0 },
    { "to the owner's own contacts", OFFICE_WORKER, 5, 1, 5, ONE, 10, 0, 95, 0, 0, 0 },
    { "hundreds in the first message", TEACHER, 60, 300, 500, ONE, 16, 0, 0, 0, 0, 0 },
    { "on a school's account, many recipients", SCHOOL, 20, 40, 90, ONE, 3, 0, 0, 0, 0, 0 },
    { "on a newsletter account, at its pace", WEEKLY_NEWSLETTER, 2, 1, 1, ONE, 11, 0, 0, 0, 0, 0 },
    { "from the owner's infected computer", OFFICE_WORKER, 2, 1, 1, THE_OWNERS, 20, 0, 0, 0, 0, 0 },
    { "flood on a shop's account", SHOP, 1, 1, 1, ONE, 10, 0, 0, 0, 0, 0 },
    { "on a shared account", SHARED, 10, 1, 1, ONE, 19, 10, 0, 0, 0, 0 },
    /* with these they are judged */
    { "slow drip, one recipient", PHONE_USER, 400, 1, 1, ONE, 9, 0, 0, 0, 0, 0 },
    { "many recipients a message", PHONE_USER, 30, 50, 100, ONE, 10, 0, 0, 0, 0, 0 },
    { "spoofed senders", COMMUTER, 20, 1, 3, FEW, 13, 0, 0, 90, 0, 0 },
    { "reads the mail first, from another country", TRAVELLER, 90, 1, 3, ONE, 12, 0, 0, 0, 6, 0 },
    { "bursts over three networks", PHONE_USER, 0, 1, 1, FEW, 9, 0, 0, 0, 0, 15 },
    { "slow botnet", CLUB, 300, 1, 1, EACH_ANOTHER, 8, 0, 0, 0, 0, 0 },
    { "on a list owner's account through proxies", LIST_OWNER, 45, 1, 2, EACH_ANOTHER, 9, 0, 0, 0, 0, 0 },
    { "on a scanner's account", MACHINE, 2, 1, 1, ONE, 4, 0, 0, 0, 0, 0 },
    { "on a salesman's account, a steady stream", SALESMAN, 30, 1, 2, ONE, 11, 0, 0, 0, 0, 0 },
    { "few recipients a message in the evening", TRAVELLER, 60, 2, 5, FEW, 19, 0, 20, 0, 2, 0 },
};

enum { STOLEN_DAY = 35, MESSAGES = 5000, LASTS_S = 6 * DAY };

static void sleeping(struct traffic *t)
{
    for (unsigned day = 0; day < TRAFFIC_DAYS; day++)
        for (unsigned i = 0; i < 8; i++)
            login(t, traffic_start + day * DAY + pick(t, DAY), i % 2 ? phone_network(t) : t->home);
}

static uint32_t thief_network(struct traffic *t, const struct shape *s, const uint32_t base[3])
{
    switch (s->networks) {
    case ONE:
        return base[0];
    case FEW:
        return base[pick(t, 3)];
    case EACH_ANOTHER:
        return any_network(t);
    case THE_OWNERS:
        break;
    }
    return t->home;
}

static int64_t next_time(struct traffic *t, const struct shape *s, unsigned sent, int64_t when)
{
    if (s->burst)
        return sent % s->burst == 0 ? when + HOUR : when + pick(t, 4);
    return s->gap_s ? when + between(t, s->gap_s * 2 / 3, s->gap_s * 4 / 3) : when + (sent % 10 == 0);
}

static void steal(struct traffic *t, const struct shape *s)
{
    const uint32_t base[3] = { any_network(t), any_network(t), any_network(t) };
    int64_t begin = traffic_start + (int64_t)STOLEN_DAY * DAY + s->begin_hour * HOUR, when = begin;

    t->thief = true;
    for (unsigned h = s->looks_first_h; h > 0; h--)
        login(t, begin - h * HOUR, base[0]);
    for (unsigned sent = 1; sent <= MESSAGES && when < begin + LASTS_S; sent++) {
        uint32_t network = thief_network(t, s, base);
        struct recipients to = { .count = between(t, s->least, s->most),
                                 .strangers = 100 - s->contacts,
                                 .wrong = s->wrong };
        if (chance(t, s->spoofed))
            refused_sender(t, when, network, pick(t, 1000));
        message(t, when, network, &to);
        when = next_time(t, s, sent, when);
    }
}

void traffic_thief(struct traffic *t, unsigned shape, uint64_t seed)
{
    const struct shape *s = &shapes[shape];

    traffic_begin(t, s->name, seed * 64 + shape + 32);
    if (s->victim == SLEEPING)
        sleeping(t);
    else
        normal_account(t, s->victim);
    steal(t, s);
    traffic_sort(t);
}
