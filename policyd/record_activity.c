/* SPDX-License-Identifier: MIT */
/* Who sent a message, or was refused, for policyctl top.  Layer 7. */
#include "policyd/clock.h"
#include "policyd/daemon.h"
#include "policyd/record.h"

static struct busy busy_of(const struct request *q, const struct decision *d)
{
    uint64_t recipients;

    if (d->decided_by >= 0)
        return (struct busy){ .refused = 1 };
    if (str_number(q->attr[ATTR_RECIPIENT_COUNT], 0, INT64_MAX, &recipients) != OK)
        recipients = 0;
    return (struct busy){ .sent = 1, .recipients = (double)recipients };
}

void record_activity(const struct request *q, const struct decision *d)
{
    struct busiest *b = the_daemon.busiest;
    const struct busy busy = busy_of(q, d);
    uint64_t now_ms = clock_monotonic_ns() / 1000000;

    if (q->authenticated) {
        busiest_add(b, BY_ACCOUNT, span_of(q->login.text), &busy, now_ms);
        busiest_add(b, BY_DOMAIN, address_domain(&q->login), &busy, now_ms);
    } else /* a stranger: what is aimed at */
        busiest_add(b, BY_DOMAIN, address_domain(&q->recipient), &busy, now_ms);
    busiest_add(b, BY_CLIENT, q->attr[ATTR_CLIENT_ADDRESS], &busy, now_ms);
    busiest_add(b, BY_HELO, q->attr[ATTR_HELO_NAME], &busy, now_ms);
    if (d->decided_by >= 0)
        busiest_add(b, BY_CHECK, span_of(check_infos[d->decided_by].name), &busy, now_ms);
}
