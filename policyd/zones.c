/* SPDX-License-Identifier: MIT */
#include "policyd/zones.h"

const char *const zone_health_texts[ZONE_HEALTHS] = {
    [ZONE_WELL] = "it answers",
    [ZONE_SILENT] = "it does not answer",
    [ZONE_LISTS_ALL] = "it lists everything",
    [ZONE_REFUSES] = "it refuses to answer this resolver",
};

void zones_init(struct zones *zs, size_t count, unsigned retry_s, int64_t now)
{
    *zs = (struct zones){ .count = count, .retry_s = retry_s };
    for (size_t i = 0; i < count; i++)
        zs->zone[i] = (struct zone_state){ .test_at = now, .wait_s = retry_s };
}

bool zones_usable(const struct zones *zs, size_t zone)
{
    return zone < zs->count && zs->zone[zone].health == ZONE_WELL &&
           zs->zone[zone].failures < ZONE_FAILURES_MAX;
}

void zones_answered(struct zones *zs, size_t zone, enum dns_status status)
{
    struct zone_state *z = &zs->zone[zone];

    if (status == DNS_FAILED)
        z->failures += z->failures < ZONE_FAILURES_MAX;
    else if (status != DNS_PENDING)
        z->failures = 0;
}

bool zones_due(const struct zones *zs, size_t zone, int64_t now)
{
    const struct zone_state *z = &zs->zone[zone];
    bool suspect = z->health == ZONE_WELL && z->failures == ZONE_FAILURES_MAX;

    /* A clock that was set back must not put a test off for ever. */
    return suspect || now >= z->test_at || z->test_at - now > ZONE_RETRY_MAX_S;
}

bool zones_tested(struct zones *zs, size_t zone, enum zone_health health, int64_t now)
{
    struct zone_state *z = &zs->zone[zone];
    bool changed = (z->health == ZONE_WELL) != (health == ZONE_WELL);

    z->health = health;
    z->failures = 0;
    if (health == ZONE_WELL) {
        z->test_at = now + ZONE_TEST_S;
        z->wait_s = zs->retry_s;
        return changed;
    }
    z->test_at = now + z->wait_s;
    z->wait_s = z->wait_s * 2 < ZONE_RETRY_MAX_S ? z->wait_s * 2 : ZONE_RETRY_MAX_S;
    return changed;
}

/* 127.255.255.0/24: "you may not ask", by way of an answer. */
static bool refuses(const struct dns_answer *answer)
{
    for (size_t i = 0; answer->status == DNS_FOUND && i < answer->count; i++)
        if (answer->address[i][0] == 127 && answer->address[i][1] == 255 && answer->address[i][2] == 255)
            return true;
    return false;
}

enum zone_health zones_judge(const struct dns_answer *never, const struct dns_answer *always)
{
    if (refuses(never) || refuses(always))
        return ZONE_REFUSES;
    if (never->status == DNS_FOUND)
        return ZONE_LISTS_ALL;
    return never->status == DNS_FAILED || always->status == DNS_FAILED ? ZONE_SILENT : ZONE_WELL;
}
