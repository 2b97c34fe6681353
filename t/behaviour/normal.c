/* SPDX-License-Identifier: MIT */
/*
 * Accounts that nobody stole: twenty kinds, each with its own measures by the seed.
 */
#include "traffic.h"

/* A day from 0 on; day 0 is a Monday. */
static int64_t at(struct traffic *t, unsigned day, unsigned from_hour, unsigned to_hour)
{
    return traffic_start + (int64_t)day * DAY + from_hour * HOUR + pick(t, (to_hour - from_hour) * HOUR);
}

static bool is_weekend(unsigned day)
{
    return day % 7 >= 5;
}

static void know(struct traffic *t, unsigned contacts)
{
    for (unsigned i = 0; i < contacts && t->contacts < CONTACTS_MAX; i++, t->contacts++)
        t->contact[t->contacts] = 1000 + t->contacts;
}

/* A program that looks for mail now and then. */
static void poll_mail(struct traffic *t, unsigned day, unsigned from_hour, unsigned to_hour, uint32_t network)
{
    for (unsigned i = 0; i < 6; i++)
        login(t, at(t, day, from_hour, to_hour), network);
}

/* Mail as people write it: mostly to one, sometimes to a few. */
static void letters(struct traffic *t, unsigned day, unsigned hours[2], unsigned number, unsigned strangers,
                    unsigned wrong, uint32_t network)
{
    for (unsigned i = 0; i < number; i++) {
        struct recipients to = { .count = chance(t, 80) ? 1 : between(t, 2, 8),
                                 .strangers = strangers,
                                 .wrong = wrong };
        message(t, at(t, day, hours[0], hours[1]), network, &to);
    }
}

static unsigned working[2] = { 8, 18 }, evening[2] = { 18, 23 }, waking[2] = { 7, 23 };

static void office_worker(struct traffic *t)
{
    unsigned most = between(t, 5, 30), vacation = between(t, 7, 40);

    know(t, between(t, 60, 300));
    for (unsigned day = 0; day < TRAFFIC_DAYS; day++) {
        if (day >= vacation && day < vacation + 9)
            continue;
        poll_mail(t, day, 7, 22, t->home);
        if (chance(t, 30))
            letters(t, day, evening, between(t, 1, 3), 10, 1, t->home);
        if (is_weekend(day))
            continue;
        poll_mail(t, day, 8, 18, t->office);
        letters(t, day, working, between(t, 1, most), 12, 1, t->office);
    }
}

static void phone_user(struct traffic *t)
{
    know(t, between(t, 15, 80));
    for (unsigned day = 0; day < TRAFFIC_DAYS; day++) {
        poll_mail(t, day, 7, 23, t->home);
        for (unsigned i = 0; i < 10; i++)
            login(t, at(t, day, 7, 23), phone_network(t));
        if (chance(t, 50))
            letters(t, day, evening, between(t, 1, 3), 15, 2, t->home);
        for (unsigned i = between(t, 0, 3); i > 0; i--)
            letters(t, day, waking, 1, 15, 3, chance(t, 85) ? phone_network(t) : any_network(t));
    }
}

/* By train: another network every few minutes, some of them seen for the first time. */
static void commuter(struct traffic *t)
{
    unsigned ride[2] = { 7, 8 }, back[2] = { 17, 18 };

    know(t, between(t, 60, 200));
    for (unsigned day = 0; day < TRAFFIC_DAYS; day++) {
        poll_mail(t, day, 18, 23, t->home);
        if (is_weekend(day))
            continue;
        letters(t, day, working, between(t, 3, 15), 12, 1, t->office);
        for (unsigned i = between(t, 1, 6); i > 0; i--) {
            uint32_t network = chance(t, 80) ? phone_network(t) : any_network(t);
            login(t, at(t, day, 7, 8), network);
            letters(t, day, chance(t, 50) ? ride : back, 1, 10, 2, network);
        }
    }
}

static void traveller(struct traffic *t)
{
    unsigned begins = between(t, 10, 30), length = between(t, 7, 15);

    know(t, between(t, 40, 150));
    for (unsigned day = 0; day < TRAFFIC_DAYS; day++) {
        bool away = day >= begins && day < begins + length;
        uint32_t hotel = away ? any_network(t) : t->home;
        for (unsigned i = 0; i < (away ? 1u + (day - begins) % 4 : 4u); i++)
            login(t, at(t, day, 7, 23), hotel);
        letters(t, day, waking, between(t, 0, away ? 6 : 8), away ? 20 : 12, 2, hotel);
        if (away && chance(t, 50))
            letters(t, day, waking, 2, 20, 2, any_network(t));
    }
}

/* To a list of contacts, a message for each or some together, by one program. */
static void mailing(struct traffic *t, int64_t when, uint32_t network, unsigned from, unsigned to,
                    unsigned together, unsigned gap_ms)
{
    for (unsigned i = from; i < to; i += together) {
        struct recipients some = {
            .count = to - i < together ? to - i : together, .first = i, .list = true, .wrong = 1
        };
        message(t, when + (int64_t)(i - from) / together * gap_ms / 1000, network, &some);
    }
}

static void newsletter(struct traffic *t, unsigned every, unsigned least, unsigned most)
{
    unsigned weekday = pick(t, 5), gap = between(t, 200, 3000), away = between(t, 20, 48);

    know(t, between(t, least, most));
    for (unsigned day = 0; day < TRAFFIC_DAYS; day++) {
        uint32_t from = day >= away ? t->carrier[0] : t->office; /* moved, or on holiday */
        poll_mail(t, day, 8, 18, from);
        letters(t, day, working, between(t, 0, 6), 20, 1, from);
        if (day % every != weekday)
            continue;
        mailing(t, at(t, day, 9, 16), from, 0, t->contacts, 1, gap);
        know(t, t->contacts / 100);
    }
}

static void weekly_newsletter(struct traffic *t)
{
    newsletter(t, 7, 150, 2500);
}

static void monthly_newsletter(struct traffic *t)
{
    newsletter(t, 21, 300, 5000);
}

static void school(struct traffic *t)
{
    unsigned together = between(t, 30, 100);

    know(t, between(t, 150, 500));
    for (unsigned day = 0; day < TRAFFIC_DAYS; day++) {
        if (is_weekend(day) || (day >= 28 && day < 35)) /* autumn holidays */
            continue;
        poll_mail(t, day, 7, 16, t->office);
        letters(t, day, working, between(t, 3, 20), 20, 3, t->office);
        if (chance(t, 25) || day == 2)
            mailing(t, at(t, day, 9, 15), t->office, 0, t->contacts, together, 5000);
        if (day == 35) /* a new term */
            know(t, t->contacts / 6);
    }
}

static void teacher(struct traffic *t)
{
    know(t, between(t, 30, 90));
    for (unsigned day = 0; day < TRAFFIC_DAYS; day++) {
        uint32_t network = chance(t, 60) ? t->home : t->office;
        poll_mail(t, day, 7, 22, network);
        letters(t, day, waking, between(t, 0, 5), 10, 3, network);
        if (chance(t, 12))
            mailing(t, at(t, day, 14, 21), t->home, 0, 28, chance(t, 50) ? 28 : 1, 1000);
    }
}

static void shop_orders(struct traffic *t, unsigned least, unsigned most, unsigned mails)
{
    for (unsigned day = 0; day < TRAFFIC_DAYS; day++) {
        unsigned orders = between(t, least, most) * (day >= 21 && day < 26 ? 5 : 1); /* Black Friday */
        login(t, at(t, day, 8, 18), t->home);
        for (unsigned i = 0; i < orders; i++) {
            struct recipients to = { .count = 1, .strangers = 80, .wrong = 1 };
            int64_t when = at(t, day, 7, 23);
            for (unsigned k = 0; k < mails; k++)
                message(t, when + k * 20000, t->office, &to);
        }
    }
}

static void shop(struct traffic *t)
{
    shop_orders(t, between(t, 2, 10), between(t, 10, 60), 1);
}

static void shop_with_dispatch(struct traffic *t)
{
    shop_orders(t, between(t, 2, 10), between(t, 10, 60), 2);
}

/* info@: several people behind one address translator, and at home. */
static void shared_account(struct traffic *t)
{
    know(t, between(t, 100, 600));
    for (unsigned day = 0; day < TRAFFIC_DAYS; day++) {
        if (is_weekend(day))
            continue;
        poll_mail(t, day, 7, 19, t->office);
        letters(t, day, working, between(t, 20, 80), 40, 2, t->office);
        for (unsigned i = 0; i < 3; i++)
            letters(t, day, waking, between(t, 0, 4), 40, 2, t->carrier[i]);
    }
}

static void mistyper(struct traffic *t)
{
    know(t, between(t, 20, 80));
    for (unsigned day = 0; day < TRAFFIC_DAYS; day++) {
        poll_mail(t, day, 7, 22, t->home);
        letters(t, day, waking, between(t, 0, 12), 15, 15, t->home);
        if (chance(t, 3)) { /* a list that is long out of date */
            struct recipients to = { .count = between(t, 15, 30), .strangers = 30, .wrong = 50 };
            message(t, at(t, day, 9, 20), t->home, &to);
        }
    }
}

static void list_owner(struct traffic *t)
{
    know(t, between(t, 5, 40));
    for (unsigned day = 0; day < TRAFFIC_DAYS; day++) {
        poll_mail(t, day, 8, 22, t->home);
        letters(t, day, waking, between(t, 3, 40), 5, 1, t->home);
    }
}

static void club_secretary(struct traffic *t)
{
    unsigned members = between(t, 40, 150);

    know(t, members + between(t, 10, 40));
    for (unsigned day = 0; day < TRAFFIC_DAYS; day++) {
        poll_mail(t, day, 8, 22, t->home);
        letters(t, day, evening, between(t, 0, 6), 15, 2, t->home);
        if (day % 14 == 9)
            mailing(t, at(t, day, 19, 22), chance(t, 85) ? t->home : any_network(t), 0, members,
                    chance(t, 50) ? 50 : 1, 2000);
    }
}

/* One evening with greetings or an invitation to everybody, some of whom were never written to. */
static void greetings(struct traffic *t)
{
    unsigned evening_of = between(t, 2, 47), number = between(t, 40, 90), alone = chance(t, 50);

    know(t, between(t, 40, 120));
    for (unsigned day = 0; day < TRAFFIC_DAYS; day++) {
        poll_mail(t, day, 8, 22, t->home);
        letters(t, day, waking, between(t, 0, 6), 12, 2, t->home);
        if (day != evening_of)
            continue;
        for (unsigned i = 0; i < number; i += alone ? 1 : 30) {
            struct recipients to = { .count = alone ? 1 : 30, .strangers = 35, .wrong = 4 };
            message(t, traffic_start + day * DAY + 20 * HOUR + i * 25, t->home, &to);
        }
    }
}

/* It tells everybody its address, then writes to one after the other for the first time. */
static void new_account(struct traffic *t)
{
    unsigned first = between(t, 5, 44);

    know(t, between(t, 60, 150));
    for (unsigned day = first; day < TRAFFIC_DAYS; day++) {
        uint32_t network = chance(t, 60) ? t->home : t->office;
        poll_mail(t, day, 8, 22, network);
        letters(t, day, waking, between(t, 4, 20), 40, 3, network);
        if (day == first + 1)
            mailing(t, at(t, day, 10, 20), t->home, 0, 60, chance(t, 50) ? 60 : 1, 3000);
    }
}

/* A scanner, a monitor: one recipient, now and then a storm. */
static void machine(struct traffic *t)
{
    unsigned most = between(t, 10, 200);
    struct recipients to = { .count = 1 };

    know(t, between(t, 1, 4));
    for (unsigned day = 0; day < TRAFFIC_DAYS; day++) {
        for (unsigned i = between(t, 0, most); i > 0; i--)
            message(t, at(t, day, 0, 24), t->office, &to);
        for (unsigned i = 0; chance(t, 5) && i < 120; i++)
            message(t, traffic_start + day * DAY + 3 * HOUR + i * 20, t->office, &to);
    }
}

static void salesman(struct traffic *t)
{
    know(t, between(t, 100, 400));
    for (unsigned day = 0; day < TRAFFIC_DAYS; day++) {
        bool away = day % 7 == 2 || day % 7 == 3;
        uint32_t network = away ? any_network(t) : t->office;
        if (is_weekend(day))
            continue;
        poll_mail(t, day, 8, 18, network);
        letters(t, day, working, between(t, 5, 35), 45, 5, network);
        letters(t, day, working, between(t, 0, 4), 30, 5, phone_network(t));
    }
}

/* A ticket system in several data centres of a cloud. */
static void cloud_program(struct traffic *t)
{
    uint32_t cloud[NETWORKS];
    unsigned number = between(t, 3, NETWORKS), most = between(t, 30, 150);

    know(t, between(t, 100, 800));
    for (unsigned i = 0; i < number; i++)
        cloud[i] = any_network(t);
    for (unsigned day = 0; day < TRAFFIC_DAYS; day++) {
        if (day % 20 == 19)
            cloud[pick(t, number)] = any_network(t);
        for (unsigned i = between(t, 10, most); i > 0; i--) {
            struct recipients to = { .count = 1, .strangers = 30, .wrong = 2 };
            message(t, at(t, day, 6, 22), cloud[pick(t, number)], &to);
        }
    }
}

/* A program with another address of its owner's, which asks again and again. */
static void wrong_sender(struct traffic *t)
{
    unsigned identities = between(t, 1, 3);

    know(t, between(t, 30, 100));
    for (unsigned day = 0; day < TRAFFIC_DAYS; day++) {
        poll_mail(t, day, 8, 22, t->home);
        letters(t, day, waking, between(t, 0, 10), 12, 2, t->home);
        for (unsigned i = 0; chance(t, 20) && i < 40; i++)
            refused_sender(t, traffic_start + day * DAY + 9 * HOUR + i * 300, t->home, pick(t, identities));
    }
}

static const struct {
    const char *name;
    void (*make)(struct traffic *);
} kinds[NORMAL_KINDS] = {
    { "office worker", office_worker },
    { "telephone on changing networks", phone_user },
    { "commuter", commuter },
    { "traveller", traveller },
    { "weekly newsletter", weekly_newsletter },
    { "monthly newsletter", monthly_newsletter },
    { "school", school },
    { "teacher", teacher },
    { "shop", shop },
    { "shop with dispatch notes", shop_with_dispatch },
    { "shared account behind NAT", shared_account },
    { "mistyped recipients", mistyper },
    { "mailing list owner", list_owner },
    { "club secretary", club_secretary },
    { "greetings to everybody", greetings },
    { "new account", new_account },
    { "scanner or monitor", machine },
    { "salesman", salesman },
    { "program in a cloud", cloud_program },
    { "program with a wrong sender", wrong_sender },
};

void normal_account(struct traffic *t, unsigned kind)
{
    kinds[kind].make(t);
}

void traffic_normal(struct traffic *t, unsigned kind, uint64_t seed)
{
    traffic_begin(t, kinds[kind].name, seed * 64 + kind);
    normal_account(t, kind);
    traffic_sort(t);
}
