/* SPDX-License-Identifier: MIT */
#include "policyctl/date.h"

#include <string.h>
#include <time.h>

#include "lib/str.h"

/* Takes `digits` digits and the character behind them ('\0': the end) off *p. */
static enum result take_number(const char **p, size_t digits, char end, unsigned min, unsigned max, int *number_r)
{
    uint64_t number;

    if (strnlen(*p, digits) < digits || (*p)[digits] != end ||
        str_number((struct span){ *p, digits }, min, max, &number) != OK)
        return BAD;
    *number_r = (int)number;
    *p += digits + 1;
    return OK;
}

static int days_in_month(int year, int month)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return month == 2 && leap ? 29 : days[month - 1];
}

static enum result parse(const char *text, struct tm *tm)
{
    bool with_time = strchr(text, 'T') != NULL;
    int year, month, day, hour = 0, minute = 0;

    if (take_number(&text, 4, '-', 1970, 9999, &year) != OK || take_number(&text, 2, '-', 1, 12, &month) != OK ||
        take_number(&text, 2, with_time ? 'T' : '\0', 1, 31, &day) != OK || day > days_in_month(year, month))
        return BAD;
    if (with_time &&
        (take_number(&text, 2, ':', 0, 23, &hour) != OK || take_number(&text, 2, '\0', 0, 59, &minute) != OK))
        return BAD;
    *tm = (struct tm){ .tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day, .tm_hour = hour,
                       .tm_min = minute, .tm_isdst = -1 };
    return OK;
}

enum result date_parse(const char *text, int64_t now, int64_t *seconds_r, struct error *e)
{
    struct tm tm;

    if (parse(text, &tm) != OK)
        return error_set(e, BAD, "no date '%.40s': write YYYY-MM-DD or YYYY-MM-DDTHH:MM", text);
    *seconds_r = mktime(&tm);
    if (*seconds_r <= now)
        return error_set(e, BAD, "%s is past: name a later date", text);
    return OK;
}

enum result date_since(const char *text, int64_t now, int64_t *seconds_r, struct error *e)
{
    static const struct {
        char name;
        unsigned seconds;
    } units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'w', 7 * 86400 } };
    size_t length = strlen(text);
    uint64_t count;
    struct tm tm;

    for (size_t i = 0; length > 1 && i < sizeof units / sizeof *units; i++)
        if (text[length - 1] == units[i].name &&
            str_number((struct span){ text, length - 1 }, 1, (uint64_t)now / units[i].seconds, &count) == OK) {
            *seconds_r = now - (int64_t)(count * units[i].seconds);
            return OK;
        }
    if (parse(text, &tm) != OK)
        return error_set(e, BAD, "no time '%.40s': write 7d (s, m, h, d or w) or a date YYYY-MM-DD", text);
    *seconds_r = mktime(&tm);
    if (*seconds_r >= now)
        return error_set(e, BAD, "%s is not past: name an earlier date", text);
    return OK;
}

void date_text(int64_t seconds, char text_r[static DATE_TEXT_MAX])
{
    time_t t = (time_t)seconds;
    struct strbuf b;
    struct tm tm;

    if (localtime_r(&t, &tm) && strftime(text_r, DATE_TEXT_MAX, "%Y-%m-%d %H:%M", &tm) > 0)
        return;
    strbuf_init(&b, text_r, DATE_TEXT_MAX);
    strbuf_addf(&b, "%lld", (long long)seconds);
}
