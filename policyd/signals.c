/* SPDX-License-Identifier: MIT */
#include "policyd/signals.h"

/* "Far above": this often the busiest hour of a usual day. */
static const float rate_factor = 3;

/* How much of an account's own mail may go to strangers on a day: by its usual share, and
 * not less than anybody's may; where that is nearly all, strangers say nothing. */
static const float share_factor = 1.5f, share_more = 0.1f, share_least = 0.3f, share_most = 0.92f;

/* So many of its recipients may be out of date. */
static const float refused_share = 0.1f;

/* Of a sample of recipients that many count, so that it is not chance. */
enum { SAMPLED_LEAST = 3 };

/* How much of it there is, and how much it takes: at least the threshold as configured. */
struct measure {
    float value, full;
};

typedef void measure_fn(const struct behaviour *, enum signal, int64_t now, struct measure *);

static float window_sum(const struct behaviour *b, enum signal id, int64_t now)
{
    return (float)sliding_sum(&b->window[id], signal_infos[id].window_s, now);
}

static void measure_window(const struct behaviour *b, enum signal id, int64_t now, struct measure *m)
{
    m->value = window_sum(b, id, now);
}

/* Of the paces the one that is furthest above its own history. */
static void measure_rate(const struct behaviour *b, enum signal id, int64_t now, struct measure *m)
{
    float threshold = m->full, part = 0;

    (void)id;
    for (unsigned i = 0; i < BEHAVIOUR_PACES; i++) {
        float value = (float)sliding_sum(&b->pace[i].recipients, behaviour_pace_s[i], now);
        float usual = b->pace[i].usual * rate_factor, full = usual > threshold ? usual : threshold;
        if (value < part * full)
            continue;
        part = value / full;
        *m = (struct measure){ value, full };
    }
}

static void measure_refused_recipients(const struct behaviour *b, enum signal id, int64_t now,
                                       struct measure *m)
{
    unsigned hour = BEHAVIOUR_PACES - 1;
    float accepted = (float)sliding_sum(&b->pace[hour].recipients, behaviour_pace_s[hour], now);

    m->value = window_sum(b, id, now) - refused_share * accepted;
}

static void measure_many_networks(const struct behaviour *b, enum signal id, int64_t now, struct measure *m)
{
    m->value = (float)behaviour_new_networks(b, signal_infos[id].window_s, now);
}

static void measure_new_network(const struct behaviour *b, enum signal id, int64_t now, struct measure *m)
{
    m->value = behaviour_is_young(b, now) ? 0 : window_sum(b, id, now);
}

/* Of so many strangers and acquaintances at least how many were somebody else's, who writes
 * to strangers only: s = share * (s + k - x) + x. */
static float foreign(const struct behaviour_mix *m, float share, unsigned window_s, int64_t now)
{
    float s = (float)sliding_sum(&m->strangers, window_s, now),
          k = (float)sliding_sum(&m->known, window_s, now);

    return (s - share * (s + k)) / (1 - share);
}

/* In the last hour everywhere, and in three days from new networks: that is looked at apart too, since what
 * the owner goes on sending from the usual ones must not hide it. */
static void measure_strangers(const struct behaviour *b, enum signal id, int64_t now, struct measure *m)
{
    float share = share_factor * behaviour_stranger_share(b, now) + share_more, everywhere, elsewhere;

    (void)id;
    if (share < share_least)
        share = share_least;
    if (share > share_most)
        return;
    everywhere = foreign(&b->everywhere, share, BEHAVIOUR_EVERYWHERE_S, now);
    elsewhere = foreign(&b->elsewhere, share, BEHAVIOUR_ELSEWHERE_S, now);
    m->value = everywhere > elsewhere ? everywhere : elsewhere;
    if (m->full < (float)(SAMPLED_LEAST << b->level))
        m->full = (float)(SAMPLED_LEAST << b->level);
}

static measure_fn *const measures[SIGNAL_COUNT] = {
    [SIGNAL_LIMIT_HIT] = measure_window,
    [SIGNAL_MANY_NETWORKS] = measure_many_networks,
    [SIGNAL_RATE] = measure_rate,
    [SIGNAL_NEW_NETWORK] = measure_new_network,
    [SIGNAL_STRANGERS] = measure_strangers,
    [SIGNAL_REFUSED_SENDERS] = measure_window,
    [SIGNAL_REFUSED_RECIPIENTS] = measure_refused_recipients,
};

void signals_measure(const struct behaviour *b, const struct signal_config config[static SIGNAL_COUNT],
                     int64_t now, struct signals *signals_r)
{
    *signals_r = (struct signals){ 0 };
    for (unsigned id = 0; id < SIGNAL_COUNT; id++) {
        struct measure m = { 0, (float)config[id].threshold };
        float part;

        measures[id](b, (enum signal)id, now, &m);
        if (m.value <= 0)
            continue;
        signals_r->measure[id] = (unsigned)m.value;
        part = m.value < m.full ? 2 * m.value / m.full - 1 : 1;
        if (part <= 0)
            continue;
        signals_r->points[id] = (unsigned)((float)config[id].weight * part);
        signals_r->score += signals_r->points[id];
    }
}

/* The one with the most points of those that are left, or SIGNAL_COUNT. */
static unsigned next_signal(const struct signals *s, unsigned told)
{
    unsigned best = SIGNAL_COUNT;

    for (unsigned id = 0; id < SIGNAL_COUNT; id++)
        if (s->points[id] > 0 && !(told & 1u << id) &&
            (best == SIGNAL_COUNT || s->points[id] > s->points[best]))
            best = id;
    return best;
}

void signals_text(const struct signals *s, struct strbuf *out)
{
    unsigned told = 0, id;

    for (; (id = next_signal(s, told)) < SIGNAL_COUNT; told |= 1u << id)
        strbuf_addf(out, "%s%s %u (%s: %u)", told ? ", " : "", signal_infos[id].name, s->points[id],
                    signal_infos[id].unit, s->measure[id]);
}

unsigned signals_recipients(const struct request *q)
{
    uint64_t recipients;

    return str_number(q->attr[ATTR_RECIPIENT_COUNT], 0, UINT16_MAX, &recipients) == OK ? (unsigned)recipients : 1;
}

void signals_message(struct behaviour *b, const struct request *q, int64_t now)
{
    behaviour_message(b, q->attr[ATTR_INSTANCE], q->has_client && !q->trusted ? &q->client : NULL,
                      signals_recipients(q), now);
}
