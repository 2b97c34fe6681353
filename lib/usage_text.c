/* SPDX-License-Identifier: MIT */
/*
 * Usage and limits as texts: a row of the table, what the options say, and what is said to
 * whoever is over a limit.  Layer 1.
 */
#include <string.h>

#include "usage.h"

const char *const usage_unit_names[USAGE_UNITS] = { "messages", "recipients", "bytes" };

/* ---- numbers one after the other ---- */

static bool take_digits(const char **p, uint64_t *number_r)
{
    const char *start = *p;
    uint64_t number = 0;

    for (; **p >= '0' && **p <= '9'; ++*p) {
        unsigned digit = (unsigned)(**p - '0');
        if (number > (UINT64_MAX - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    *number_r = number;
    return *p > start;
}

static bool take_char(const char **p, char c)
{
    if (**p != c)
        return false;
    ++*p;
    return true;
}

static bool take_hex(const char **p, uint64_t *number_r)
{
    static const char digits[] = "0123456789abcdef";
    const char *start = *p, *digit;

    *number_r = 0;
    for (; **p && (digit = strchr(digits, **p)) != NULL && *p - start < 16; ++*p)
        *number_r = *number_r << 4 | (uint64_t)(digit - digits);
    return *p > start;
}

static void add_hex(struct strbuf *out, uint64_t number)
{
    char digits[16];
    size_t i = sizeof digits;

    do
        digits[--i] = "0123456789abcdef"[number & 15];
    while ((number >>= 4) > 0);
    strbuf_add(out, (struct span){ digits + i, sizeof digits - i });
}

/* ---- a row: "60@28333333:1,3,4000;;2,2,900 !1700000000-0:9f3a,5:77ab" ----
 * Window and number of its newest bucket, then buckets from there back, an empty one for
 * nothing; at last when a request was added last, and for each that may come again how many
 * seconds before that, and its key. */

static bool parse_slots(const char **p, struct usage_window *w)
{
    for (unsigned i = 0; i < USAGE_SLOTS; i++) {
        uint64_t *slot = w->slot[i];
        if (**p >= '0' && **p <= '9' &&
            !(take_digits(p, &slot[0]) && take_char(p, ',') && take_digits(p, &slot[1]) &&
              take_char(p, ',') && take_digits(p, &slot[2])))
            return false;
        if (!take_char(p, ';'))
            return true;
    }
    return false;
}

static bool parse_window(const char **p, struct usage *u)
{
    struct usage_window *w = &u->window[u->windows];
    uint64_t seconds, newest;

    if (u->windows == USAGE_WINDOWS_MAX || !take_digits(p, &seconds) || seconds == 0 ||
        seconds > USAGE_WINDOW_S_MAX || !take_char(p, '@') || !take_digits(p, &newest) ||
        newest > INT64_MAX / USAGE_WINDOW_S_MAX || !take_char(p, ':'))
        return false;
    memset(w, 0, sizeof *w);
    w->window_s = (uint32_t)seconds;
    w->newest = (int64_t)newest;
    u->windows++;
    return parse_slots(p, w);
}

static bool parse_resends(const char **p, struct usage *u)
{
    uint64_t last, before, key;

    if (!take_digits(p, &last) || last > INT64_MAX || !take_char(p, '-'))
        return false;
    do {
        if (u->resends == USAGE_RESENDS_MAX || !take_digits(p, &before) || before > last ||
            !take_char(p, ':') || !take_hex(p, &key))
            return false;
        u->resend[u->resends].at = (int64_t)(last - before);
        u->resend[u->resends++].key = key;
    } while (take_char(p, ','));
    return true;
}

enum result usage_parse(const char *text, struct usage *u_r)
{
    bool good = true;

    u_r->windows = u_r->resends = 0;
    while (good && *text) {
        good = take_char(&text, '!') ? parse_resends(&text, u_r) : parse_window(&text, u_r);
        good = good && (*text == '\0' || take_char(&text, ' '));
    }
    if (good)
        return OK;
    u_r->windows = u_r->resends = 0;
    return BAD;
}

static void format_slot(const uint64_t slot[static USAGE_UNITS], struct strbuf *out)
{
    for (unsigned unit = 0; unit < USAGE_UNITS; unit++) {
        if (unit > 0)
            strbuf_addc(out, ',');
        strbuf_addu(out, slot[unit]);
    }
}

static void format_window(const struct usage_window *w, struct strbuf *out)
{
    static const uint64_t nothing[USAGE_UNITS];
    unsigned slots = usage_slots_used(w);

    strbuf_addu(out, w->window_s);
    strbuf_addc(out, '@');
    strbuf_addu(out, (uint64_t)w->newest);
    strbuf_addc(out, ':');
    for (unsigned i = 0; i < slots; i++) {
        if (i > 0)
            strbuf_addc(out, ';');
        if (memcmp(w->slot[i], nothing, sizeof nothing) != 0)
            format_slot(w->slot[i], out);
    }
}

/* Those whose time is behind that of the newest one, of a clock that was set back, are let go. */
static void format_resends(const struct usage *u, struct strbuf *out)
{
    int64_t last = u->resend[0].at;
    const char *separator = "-";

    strbuf_addc(out, '!');
    strbuf_addu(out, (uint64_t)last);
    for (size_t i = 0; i < u->resends; i++) {
        if (u->resend[i].at > last)
            continue;
        strbuf_adds(out, separator);
        strbuf_addu(out, (uint64_t)(last - u->resend[i].at));
        strbuf_addc(out, ':');
        add_hex(out, u->resend[i].key);
        separator = ",";
    }
}

void usage_format(const struct usage *u, struct strbuf *out)
{
    for (size_t i = 0; i < u->windows; i++) {
        if (i > 0)
            strbuf_addc(out, ' ');
        format_window(&u->window[i], out);
    }
    if (u->resends > 0) {
        if (u->windows > 0)
            strbuf_addc(out, ' ');
        format_resends(u, out);
    }
}

/* ---- limits as people write them ---- */

static const struct {
    char letter;
    uint32_t seconds;
    const char *name;
} spans[] = { { 'w', 604800, "week" },
              { 'd', 86400, "day" },
              { 'h', 3600, "hour" },
              { 'm', 60, "minute" },
              { 's', 1, "second" } };

enum { SPANS = sizeof spans / sizeof *spans };

enum result usage_window_parse(struct span text, uint32_t *seconds_r)
{
    uint64_t number;

    for (size_t i = 0; i < SPANS && text.len > 0; i++)
        if (text.ptr[text.len - 1] == spans[i].letter &&
            str_number((struct span){ text.ptr, text.len - 1 }, 1, USAGE_WINDOW_S_MAX / spans[i].seconds,
                       &number) == OK) {
            *seconds_r = (uint32_t)number * spans[i].seconds;
            return OK;
        }
    return BAD;
}

/* The largest unit that divides the seconds. */
static size_t span_of_seconds(uint32_t seconds)
{
    size_t i = 0;

    while (seconds % spans[i].seconds != 0)
        i++;
    return i;
}

void usage_window_format(uint32_t seconds, struct strbuf *out)
{
    size_t i = span_of_seconds(seconds);

    strbuf_addu(out, seconds / spans[i].seconds);
    strbuf_addc(out, spans[i].letter);
}

static const char sizes[] = "KMGT";

enum result usage_number_parse(enum usage_unit unit, struct span text, uint64_t *number_r)
{
    const char *size = unit == USAGE_BYTES && text.len > 0 ? strchr(sizes, text.ptr[text.len - 1]) : NULL;
    unsigned shift = size && *size ? (unsigned)(size - sizes + 1) * 10 : 0;
    enum result r;

    if (shift > 0)
        text.len--;
    r = str_number(text, 0, (uint64_t)INT64_MAX >> shift, number_r);
    if (r == OK)
        *number_r <<= shift;
    return r;
}

void usage_number_format(enum usage_unit unit, uint64_t number, struct strbuf *out)
{
    size_t size = 0;

    while (unit == USAGE_BYTES && number > 0 && number % 1024 == 0 && size < sizeof sizes - 1) {
        number /= 1024;
        size++;
    }
    strbuf_addu(out, number);
    if (size > 0)
        strbuf_addc(out, sizes[size - 1]);
}

/* "messages=200" */
static enum result parse_most(struct span text, struct usage_limit *limit)
{
    const char *equals = text.len > 0 ? memchr(text.ptr, '=', text.len) : NULL;
    struct span name = { text.ptr, equals ? (size_t)(equals - text.ptr) : 0 };

    for (unsigned unit = 0; equals && unit < USAGE_UNITS; unit++)
        if (span_equal(name, span_of(usage_unit_names[unit])) && limit->most[unit] == USAGE_UNLIMITED)
            return usage_number_parse((enum usage_unit)unit,
                                      (struct span){ equals + 1, text.len - name.len - 1 },
                                      &limit->most[unit]);
    return BAD;
}

enum result usage_limit_parse(struct span text, struct usage_limit *limit_r, struct error *e)
{
    const char *slash = text.len > 0 ? memchr(text.ptr, '/', text.len) : NULL;
    struct span rest = { text.ptr, slash ? (size_t)(slash - text.ptr) : 0 };
    enum result r =
        slash ? usage_window_parse((struct span){ slash + 1, text.len - rest.len - 1 }, &limit_r->window_s)
              : BAD;

    for (unsigned unit = 0; unit < USAGE_UNITS; unit++)
        limit_r->most[unit] = USAGE_UNLIMITED;
    while (r == OK) {
        const char *comma = rest.len > 0 ? memchr(rest.ptr, ',', rest.len) : NULL;
        struct span part = { rest.ptr, comma ? (size_t)(comma - rest.ptr) : rest.len };
        r = parse_most(part, limit_r);
        if (!comma)
            break;
        rest = (struct span){ comma + 1, rest.len - part.len - 1 };
    }
    if (r == OK)
        return OK;
    return error_set(
        e, BAD,
        "'%.*s' is no limit: write messages=100,recipients=300/1h, with bytes=50M where wanted, and a "
        "window from 1s to 31d",
        (int)(text.len < 64 ? text.len : 64), text.len > 0 ? text.ptr : "");
}

void usage_limit_format(const struct usage_limit *limit, struct strbuf *out)
{
    const char *separator = "";

    for (unsigned unit = 0; unit < USAGE_UNITS; unit++) {
        if (limit->most[unit] == USAGE_UNLIMITED)
            continue;
        strbuf_adds(out, separator);
        strbuf_adds(out, usage_unit_names[unit]);
        strbuf_addc(out, '=');
        usage_number_format((enum usage_unit)unit, limit->most[unit], out);
        separator = ",";
    }
    strbuf_addc(out, '/');
    usage_window_format(limit->window_s, out);
}

enum result usage_limit_canonical(struct span text, struct strbuf *out, struct error *e)
{
    struct usage_limit limit = { .window_s = 0 };
    enum result r = usage_limit_parse(text, &limit, e);

    if (r == OK)
        usage_limit_format(&limit, out);
    return r;
}

/* ---- all of one key, in a change ---- */

enum result usage_limits_parse(const char *text, struct usage_limits *limits_r)
{
    uint64_t seconds;

    for (limits_r->count = 0; *text; limits_r->count++) {
        struct usage_limit *limit = &limits_r->limit[limits_r->count];
        if (limits_r->count == USAGE_WINDOWS_MAX || !take_digits(&text, &seconds) || seconds == 0 ||
            seconds > USAGE_WINDOW_S_MAX)
            return BAD;
        limit->window_s = (uint32_t)seconds;
        for (unsigned unit = 0; unit < USAGE_UNITS; unit++) {
            if (!take_char(&text, ':'))
                return BAD;
            if (!take_digits(&text, &limit->most[unit]))
                limit->most[unit] = USAGE_UNLIMITED;
        }
        if (*text && !take_char(&text, ';'))
            return BAD;
        for (size_t i = 0; i < limits_r->count; i++)
            if (limits_r->limit[i].window_s == limit->window_s)
                return BAD;
    }
    return OK;
}

void usage_limits_format(const struct usage_limits *limits, struct strbuf *out)
{
    for (size_t i = 0; i < limits->count; i++) {
        if (i > 0)
            strbuf_addc(out, ';');
        strbuf_addu(out, limits->limit[i].window_s);
        for (unsigned unit = 0; unit < USAGE_UNITS; unit++) {
            strbuf_addc(out, ':');
            if (limits->limit[i].most[unit] != USAGE_UNLIMITED)
                strbuf_addu(out, limits->limit[i].most[unit]);
        }
    }
}

/* ---- what is said ---- */

/* "1 minute", "90 seconds" */
static void add_seconds(struct strbuf *out, uint32_t seconds)
{
    size_t i = span_of_seconds(seconds);
    uint32_t number = seconds / spans[i].seconds;

    strbuf_addf(out, "%u %s%s", (unsigned)number, spans[i].name, number == 1 ? "" : "s");
}

/* Rounded up to what people wait by. */
static void add_wait(struct strbuf *out, int64_t seconds)
{
    int64_t unit = seconds < 120 ? 1 : seconds < 7200 ? 60 : 3600;

    seconds = seconds < 1 ? 1 : seconds;
    add_seconds(out, (uint32_t)((seconds + unit - 1) / unit * unit));
}

/* "30 messages", "1 message", "50M bytes" */
static void add_amount(struct strbuf *out, enum usage_unit unit, uint64_t number)
{
    const char *name = usage_unit_names[unit];

    usage_number_format(unit, number, out);
    strbuf_addf(out, " %.*s", (int)(strlen(name) - (number == 1)), name);
}

void usage_over_text(const struct usage_over *over, const char *who, int64_t now, struct strbuf *out)
{
    strbuf_addf(out, "%s may send ", who);
    add_amount(out, over->unit, over->limit.most[over->unit]);
    strbuf_adds(out, " in ");
    add_seconds(out, over->limit.window_s);
    if (over->frees_at == INT64_MAX) {
        strbuf_adds(out, ", and this is more: ");
        usage_number_format(over->unit, over->add, out);
        return;
    }
    strbuf_adds(out, " and has sent ");
    usage_number_format(over->unit, over->used, out);
    strbuf_adds(out, ": try again in ");
    add_wait(out, over->frees_at - now);
}
