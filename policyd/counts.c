/* SPDX-License-Identifier: MIT */
#include "policyd/counts.h"

#include <string.h>

const char *const outcome_names[OUTCOME_COUNT] = { "pass", "refuse", "defer", "hold" };

enum outcome decision_outcome(const struct decision *d)
{
    return d->decided_by < 0 ? OUTCOME_PASS
           : d->degraded     ? OUTCOME_DEFER
           : d->held         ? OUTCOME_HOLD
                             : OUTCOME_REFUSE;
}

static struct cause_count *find_cause(struct check_counts *c, const char *name)
{
    for (size_t i = 0; i < c->causes; i++)
        if (strcmp(c->cause[i].name, name) == 0)
            return &c->cause[i];
    if (c->causes == COUNTS_CAUSES_MAX || str_copy(span_of(name), c->cause[c->causes].name, CAUSE_MAX) != OK)
        return &c->cause[COUNTS_CAUSES_MAX];
    return &c->cause[c->causes++];
}

static void add_finding(struct check_counts *c, const struct finding *f)
{
    c->verdict[f->verdict]++;
    if (f->elapsed_ns > 0)
        histogram_add(&c->duration, duration_bounds, f->elapsed_ns);
    if (f->verdict != VERDICT_REFUSE || f->mode == MODE_OFF)
        return;
    struct cause_count *cause = find_cause(c, f->cause);
    cause->refused += f->mode == MODE_ENFORCE;
    cause->observed += f->mode == MODE_OBSERVE;
    cause->held += f->mode == MODE_HOLD;
}

void counts_add(struct counts *c, const struct decision *d, uint64_t elapsed_ns)
{
    for (int id = 0; id < CHECK_COUNT; id++)
        add_finding(&c->check[id], &d->finding[id]);
    c->outcome[decision_outcome(d)]++;
    histogram_add(&c->duration, duration_bounds, elapsed_ns);
}
