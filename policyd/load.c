/* SPDX-License-Identifier: MIT */
#include "policyd/load.h"

#include <math.h>
#include <string.h>

const char *const load_reading_names[LOAD_READINGS] = {
    [LOAD_CPU] = "cpu_pressure", [LOAD_IO] = "io_pressure",  [LOAD_RUN_QUEUE] = "run_queue",
    [LOAD_LAG] = "lag_ms",       [LOAD_LOOKUPS] = "lookups", [LOAD_STRESS] = "stress",
};

const char *const load_mode_names[LOAD_MODES] = {
    [LOAD_AUTO] = "auto", [LOAD_ON] = "on", [LOAD_OFF] = "off"
};

enum result load_mode_parse(struct span name, enum load_mode *mode_r)
{
    for (unsigned m = 0; m < LOAD_MODES; m++)
        if (span_equal(name, span_of(load_mode_names[m]))) {
            *mode_r = (enum load_mode)m;
            return OK;
        }
    return BAD;
}

void load_init(struct load *l, struct load_time now)
{
    *l = (struct load){ .since = now.date, .changed_ms = now.ms, .holds = 1 };
    for (unsigned i = 0; i < LOAD_READINGS; i++)
        l->sample.value[i] = -1;
}

void load_stressed(struct load *l)
{
    l->stressed = true;
}

/* ---- a sample ---- */

static void shift_stress(struct load *l)
{
    unsigned seen = 0;

    l->stress = (l->stress << 1 | l->stressed) & ((1u << LOAD_STRESS_SAMPLES) - 1);
    l->stressed = false;
    for (unsigned bits = l->stress; bits; bits >>= 1)
        seen += bits & 1;
    l->sample.value[LOAD_STRESS] = seen;
}

/* How far a reading is up to its limit; 0 where it does not count or is not known. */
static double share(const struct load *l, const struct load_limits *limits, unsigned i)
{
    double limit = limits->limit[i], value = l->sample.value[i];

    return limit > 0 && value > 0 ? value / limit : 0;
}

static unsigned furthest(const struct load *l, const struct load_limits *limits)
{
    unsigned most = 0;

    for (unsigned i = 1; i < LOAD_READINGS; i++)
        if (share(l, limits, i) > share(l, limits, most))
            most = i;
    return most;
}

/* ---- a level ---- */

static const struct load_change *change_to(struct load *l, unsigned level, struct load_time now,
                                           const char *cause)
{
    struct load_change *c = &l->change[l->changes++ % LOAD_HISTORY];

    *c = (struct load_change){ .date = now.date, .from = l->level, .to = level };
    (void)!str_copy(span_of(cause), c->cause, sizeof c->cause);
    l->fell = level < l->level;
    l->level = level;
    l->since = now.date;
    l->changed_ms = now.ms;
    return c;
}

static uint64_t hold_ms(const struct load *l, const struct load_limits *limits)
{
    return limits->hold_ms * l->holds;
}

static const struct load_change *rise(struct load *l, const struct load_limits *limits, unsigned reading,
                                      struct load_time now)
{
    bool is_again = l->fell && now.ms - l->changed_ms < hold_ms(l, limits);
    char cause[LOAD_CAUSE_MAX];
    struct strbuf b;

    if (is_again && l->holds < LOAD_HOLDS_MAX)
        l->holds *= 2;
    else if (!is_again && l->level == 0)
        l->holds = 1;
    strbuf_init(&b, cause, sizeof cause);
    strbuf_addf(&b, "%s %g of %g", load_reading_names[reading], round(l->sample.value[reading] * 10) / 10,
                limits->limit[reading]);
    return change_to(l, l->level + 1, now, cause);
}

static const struct load_change *fall(struct load *l, const struct load_limits *limits, struct load_time now)
{
    char cause[LOAD_CAUSE_MAX];
    struct strbuf b;

    strbuf_init(&b, cause, sizeof cause);
    strbuf_addf(&b, "calm for %llu s", (unsigned long long)(hold_ms(l, limits) / 1000));
    return change_to(l, l->level - 1, now, cause);
}

const struct load_change *load_take(struct load *l, const struct load_limits *limits,
                                    const struct load_sample *sample, struct load_time now)
{
    l->sample = *sample;
    shift_stress(l);
    unsigned most = furthest(l, limits);
    double load = share(l, limits, most);
    bool was_calm = l->is_calm;

    l->over = load >= 1 ? l->over + 1 : 0;
    l->is_calm = load * 100 < LOAD_CALM_PERCENT;
    if (!was_calm)
        l->calm_ms = now.ms;
    if (l->mode != LOAD_AUTO)
        return NULL;
    if (l->over >= LOAD_RISE_SAMPLES && l->level < LOAD_LEVEL_MAX && now.ms - l->changed_ms >= LOAD_RISE_MS)
        return rise(l, limits, most, now);
    if (l->is_calm && l->level > 0 && now.ms - l->calm_ms >= hold_ms(l, limits) &&
        now.ms - l->changed_ms >= hold_ms(l, limits))
        return fall(l, limits, now);
    return NULL;
}

const struct load_change *load_set_mode(struct load *l, enum load_mode mode, struct load_time now)
{
    unsigned level = mode == LOAD_ON ? LOAD_LEVEL_MAX : mode == LOAD_OFF ? 0 : l->level;

    if (mode == l->mode)
        return NULL;
    l->mode = mode;
    l->holds = 1;
    if (level != l->level)
        return change_to(l, level, now, "by hand");
    l->changed_ms = now.ms; /* the readings begin here */
    return NULL;
}

const struct load_change *load_history(const struct load *l, size_t i)
{
    if (i >= l->changes || i >= LOAD_HISTORY)
        return NULL;
    return &l->change[(l->changes - 1 - i) % LOAD_HISTORY];
}
