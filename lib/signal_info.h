/* SPDX-License-Identifier: MIT */
/*
 * The signals of a compromised account, as daemon, command and manual name them: one row
 * each.  How a signal is measured stands in policyd/signals.c.  Layer 1.
 */
#ifndef POSTERN_SIGNAL_INFO_H
#define POSTERN_SIGNAL_INFO_H

enum signal {
    SIGNAL_LIMIT_HIT,
    SIGNAL_MANY_NETWORKS,
    SIGNAL_RATE,
    SIGNAL_NEW_NETWORK,
    SIGNAL_STRANGERS,
    SIGNAL_REFUSED_SENDERS,
    SIGNAL_REFUSED_RECIPIENTS,
    SIGNAL_COUNT
};

/* A signal gives its weight in points where its measure reaches the threshold, and less in
 * proportion below.  Weights are such that no signal does it alone. */
struct signal_info {
    const char *name;
    const char *weight_option, *threshold_option; /* of policyd.conf, in the check's section */
    const char *weight, *threshold;               /* their presets */
    unsigned window_s;                            /* over which it is measured */
    const char *unit;                             /* what the measure counts */
    const char *help;                             /* one line */
};

struct signal_config {
    unsigned weight, threshold;
};

extern const struct signal_info signal_infos[SIGNAL_COUNT];

#endif
