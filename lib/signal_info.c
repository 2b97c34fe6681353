/* SPDX-License-Identifier: MIT */
#include "signal_info.h"

enum { HOUR_S = 3600, DAY_S = 86400 };

const struct signal_info signal_infos[SIGNAL_COUNT] = {
    [SIGNAL_LIMIT_HIT] = { "limit_hit", "50", "1", HOUR_S, "limits hit", "a limit of send_limit was hit" },
    [SIGNAL_MANY_NETWORKS] = { "many_networks", "60", "6", HOUR_S, "new networks",
                               "it sends from many networks that it did not use before" },
    [SIGNAL_RATE] = { "rate", "50", "40", HOUR_S, "recipients",
                      "far more recipients than its usual busiest hour" },
    [SIGNAL_NEW_NETWORK] = { "new_network", "50", "20", 3 * DAY_S, "recipients",
                             "recipients of mail from networks that it did not use before" },
    [SIGNAL_STRANGERS] = { "strangers", "50", "35", 3 * DAY_S, "recipients",
                           "recipients it never wrote to, beyond the share that is usual for it" },
    [SIGNAL_REFUSED_SENDERS] = { "refused_senders", "50", "5", HOUR_S, "senders",
                                 "different senders that sender_login refuses it" },
    [SIGNAL_REFUSED_RECIPIENTS] = { "refused_recipients", "50", "20", HOUR_S, "recipients",
                                    "recipients that were refused" },
};
