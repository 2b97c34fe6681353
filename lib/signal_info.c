/* SPDX-License-Identifier: MIT */
#include "signal_info.h"

enum { HOUR_S = 3600, DAY_S = 86400 };

#define SIGNAL(id, name, weight, threshold, window_s, unit, help)                                            \
    [SIGNAL_##id] = { name, name "_weight", name "_threshold", weight, threshold, window_s, unit, help }

const struct signal_info signal_infos[SIGNAL_COUNT] = {
    SIGNAL(LIMIT_HIT, "limit_hit", "50", "1", HOUR_S, "limits hit", "limits of send_limit that were hit"),
    SIGNAL(MANY_NETWORKS, "many_networks", "60", "6", HOUR_S, "new networks",
           "networks it sends from that it did not use before"),
    SIGNAL(RATE, "rate", "50", "40", HOUR_S, "recipients",
           "recipients in ten minutes or an hour, and three times what is usual for it"),
    SIGNAL(NEW_NETWORK, "new_network", "50", "20", 3 * DAY_S, "recipients",
           "recipients of its mail from networks that it did not use before"),
    SIGNAL(STRANGERS, "strangers", "50", "35", 3 * DAY_S, "recipients",
           "recipients it never wrote to, beyond the share that is usual for it"),
    SIGNAL(REFUSED_SENDERS, "refused_senders", "50", "5", HOUR_S, "senders",
           "different senders that sender_login does not let it use"),
    SIGNAL(REFUSED_RECIPIENTS, "refused_recipients", "50", "20", HOUR_S, "recipients",
           "recipients that were refused, beyond a tenth of all"),
};
