/* SPDX-License-Identifier: MIT */
#include "event_row.h"

#include <string.h>

#include "json_text.h"

static const char *const kinds[EVENT_KINDS] = {
    [EVENT_ACCOUNT_SUSPENDED] = "account_suspended",
    [EVENT_ACCOUNT_RELEASED] = "account_released",
    [EVENT_PASSWORD_DEMANDED] = "password_demanded",
    [EVENT_LIMIT_HIT] = "limit_hit",
    [EVENT_COMPROMISE] = "compromise",
    [EVENT_CHECK_SHED] = "check_shed",
    [EVENT_CHECK_RESTORED] = "check_restored",
    [EVENT_ZONE_OFF] = "zone_off",
    [EVENT_ZONE_ON] = "zone_on",
    [EVENT_COUNTERS_DEGRADED] = "counters_degraded",
    [EVENT_COUNTERS_RECOVERED] = "counters_recovered",
};

const char *event_kind_name(enum event_kind kind)
{
    return kinds[kind];
}

enum result event_kind_parse(const char *name, enum event_kind *kind_r)
{
    for (unsigned k = 0; k < EVENT_KINDS; k++)
        if (strcmp(name, kinds[k]) == 0) {
            *kind_r = (enum event_kind)k;
            return OK;
        }
    return NOT_FOUND;
}

static const struct {
    const char *name;
    bool is_number;
} members[EVENT_COLUMNS] = {
    [EVENT_ID] = { "id", true },
    [EVENT_TIME] = { "time", true },
    [EVENT_KIND] = { "kind", false },
    [EVENT_ACCOUNT] = { "account", false },
    [EVENT_SUBJECT] = { "subject", false },
    [EVENT_SERVICES] = { "services", false },
    [EVENT_REASON] = { "reason", false },
    [EVENT_UNTIL] = { "until", true },
    [EVENT_BY] = { "by", false },
    [EVENT_EVIDENCE] = { "evidence", false },
};

const char *event_column_name(enum event_column column)
{
    return members[column].name;
}

void event_json(const char *const column[static EVENT_COLUMNS], FILE *out)
{
    uint64_t number;

    fprintf(out, "{\"version\":%d", EVENT_JSON_VERSION);
    for (unsigned i = 0; i < EVENT_COLUMNS; i++) {
        const char *value = column[i] ? column[i] : "";
        fprintf(out, ",\"%s\":", members[i].name);
        if (members[i].is_number && str_number(span_of(value), 0, INT64_MAX, &number) == OK)
            fprintf(out, "%llu", (unsigned long long)number);
        else if (members[i].is_number || *value == '\0')
            fputs("null", out);
        else
            json_text_write(span_of(value), out);
    }
    fputs("}\n", out);
}
