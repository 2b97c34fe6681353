/* SPDX-License-Identifier: MIT */
#include "greylist.h"

#include <stdlib.h>

/* What lies in the future was written before the clock was set back. */
static int64_t past(int64_t time, int64_t now)
{
    return time < now ? time : now;
}

static bool is_known(const struct greylist_rule *rule, const struct greylist_row *row, int64_t now)
{
    return row->passes > 0 && (uint64_t)(now - row->last_seen) <= rule->lifetime_s;
}

static bool is_client_known(const struct greylist_rule *rule, const struct greylist_client *client,
                            int64_t now)
{
    return rule->client_passes > 0 && client->passes >= rule->client_passes &&
           (uint64_t)(now - client->last_seen) <= rule->lifetime_s;
}

/* It came in time, after the delay and within the window. */
static bool has_waited(const struct greylist_rule *rule, const struct greylist_row *row, int64_t now)
{
    uint64_t age = (uint64_t)(now - row->first_seen);

    return row->first_seen > 0 && row->passes == 0 && age >= rule->delay_s && age <= rule->window_s;
}

static uint64_t pass(struct greylist_row *row, struct greylist_client *client, bool is_new, int64_t now)
{
    if (row->first_seen == 0)
        row->first_seen = now;
    row->passes++;
    client->passes += is_new;
    client->last_seen = now;
    return 0;
}

uint64_t greylist_meet(const struct greylist_rule *rule, struct greylist_row *row,
                       struct greylist_client *client, int64_t now)
{
    bool known, waited, client_known;
    uint64_t age;

    row->first_seen = past(row->first_seen, now);
    row->last_seen = past(row->last_seen, now);
    client->last_seen = past(client->last_seen, now);
    known = is_known(rule, row, now);
    waited = has_waited(rule, row, now);
    client_known = is_client_known(rule, client, now);
    if (client->passes > 0 && (uint64_t)(now - client->last_seen) > rule->lifetime_s)
        client->passes = 0;
    row->last_seen = now;
    if (known || waited || client_known)
        return pass(row, client, waited, now);
    age = (uint64_t)(now - row->first_seen);
    if (row->first_seen == 0 || row->passes > 0 || age > rule->window_s) {
        *row = (struct greylist_row){ .first_seen = now, .last_seen = now };
        return rule->delay_s;
    }
    return rule->delay_s - age;
}

int64_t greylist_expires(const struct greylist_rule *rule, const struct greylist_row *row)
{
    return row->passes > 0 ? row->last_seen + (int64_t)rule->lifetime_s
                           : row->first_seen + (int64_t)rule->window_s;
}

/* ---- as text ---- */

/* `count` numbers, a blank between two, and nothing else. */
static enum result parse_numbers(const char *text, uint64_t *number_r, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *end = text;
        while (*end && *end != ' ')
            end++;
        if (str_number((struct span){ text, (size_t)(end - text) }, 0, INT64_MAX, &number_r[i]) != OK ||
            (*end == '\0') != (i + 1 == count))
            return BAD;
        text = end + 1;
    }
    return OK;
}

void greylist_rule_format(const struct greylist_rule *rule, struct strbuf *out)
{
    strbuf_addf(out, "%llu %llu %llu %llu", (unsigned long long)rule->delay_s,
                (unsigned long long)rule->window_s, (unsigned long long)rule->lifetime_s,
                (unsigned long long)rule->client_passes);
}

enum result greylist_rule_parse(const char *text, struct greylist_rule *rule_r)
{
    uint64_t number[4];

    if (parse_numbers(text, number, 4) != OK)
        return BAD;
    *rule_r = (struct greylist_rule){ number[0], number[1], number[2], number[3] };
    return OK;
}

void greylist_row_format(const struct greylist_row *row, struct strbuf *out)
{
    strbuf_addf(out, "%lld %lld %llu", (long long)row->first_seen, (long long)row->last_seen,
                (unsigned long long)row->passes);
}

enum result greylist_row_parse(const char *text, struct greylist_row *row_r)
{
    uint64_t number[3];

    if (parse_numbers(text, number, 3) != OK)
        return BAD;
    *row_r = (struct greylist_row){ (int64_t)number[0], (int64_t)number[1], number[2] };
    return OK;
}
