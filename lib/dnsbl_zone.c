/* SPDX-License-Identifier: MIT */
#include "dnsbl_zone.h"

#include <stdlib.h>
#include <string.h>

#include "address.h"

static const char *const kind_names[ZONE_KINDS] = { "client", "helo", "sender", "name" };

/* ---- parsing ---- */

/* What stands before the separator is taken off *rest; all of it where there is none. */
static struct span take_until(struct span *rest, char separator)
{
    const char *end = rest->len > 0 ? memchr(rest->ptr, separator, rest->len) : NULL;
    struct span head = { rest->ptr, end ? (size_t)(end - rest->ptr) : rest->len };

    rest->ptr += head.len;
    rest->len -= head.len;
    return head;
}

static void skip(struct span *s)
{
    s->ptr++;
    s->len--;
}

static enum result take_octet(struct span text, unsigned *octet_r)
{
    uint64_t number;
    enum result r = str_number(text, 0, 255, &number);

    *octet_r = r == OK ? (unsigned)number : 0;
    return r;
}

static void set_range(uint32_t bits[8], unsigned from, unsigned to)
{
    for (unsigned octet = from; octet <= to; octet++)
        bits[octet / 32] |= UINT32_C(1) << octet % 32;
}

/* "a" or "a..b" */
static enum result add_range(struct span text, uint32_t bits[8])
{
    unsigned from, to;
    struct span first = take_until(&text, '.');

    if (take_octet(first, &from) != OK)
        return BAD;
    if (text.len == 0) {
        set_range(bits, from, from);
        return OK;
    }
    if (text.len < 3 || text.ptr[1] != '.' ||
        take_octet((struct span){ text.ptr + 2, text.len - 2 }, &to) != OK || to < from)
        return BAD;
    set_range(bits, from, to);
    return OK;
}

/* "a;b..c" */
static enum result add_alternatives(struct span text, uint32_t bits[8])
{
    while (true) {
        if (add_range(take_until(&text, ';'), bits) != OK)
            return BAD;
        if (text.len == 0)
            return OK;
        skip(&text);
    }
}

/* One octet of a filter, off the front of *rest. */
static enum result take_filter_octet(struct span *rest, uint32_t bits[8])
{
    if (rest->len == 0 || rest->ptr[0] != '[')
        return add_range(take_until(rest, '.'), bits);
    skip(rest);
    struct span inside = take_until(rest, ']');
    if (rest->len == 0)
        return BAD;
    skip(rest);
    return add_alternatives(inside, bits);
}

static enum result parse_filter(struct span text, uint32_t filter[4][8])
{
    for (int i = 0; i < 4; i++) {
        if (take_filter_octet(&text, filter[i]) != OK || (i < 3 && (text.len == 0 || text.ptr[0] != '.')))
            return BAD;
        if (i < 3)
            skip(&text);
    }
    return text.len == 0 ? OK : BAD;
}

static void take_all(struct dnsbl_zone *zone)
{
    set_range(zone->filter[0], 127, 127);
    for (int i = 1; i < 4; i++)
        set_range(zone->filter[i], 0, 255);
}

static enum result parse_weight(struct span text, int *weight_r)
{
    bool negative = text.len > 0 && text.ptr[0] == '-';
    uint64_t number;

    if (negative)
        skip(&text);
    if (str_number(text, 1, ZONE_WEIGHT_MAX, &number) != OK)
        return BAD;
    *weight_r = negative ? -(int)number : (int)number;
    return OK;
}

static void take_kind(struct span *rest, struct dnsbl_zone *zone)
{
    struct span tail = *rest, kind = take_until(&tail, ':');

    for (unsigned i = 0; i < ZONE_KINDS && tail.len > 0; i++)
        if (span_equal(kind, span_of(kind_names[i]))) {
            zone->kind = (enum zone_kind)i;
            skip(&tail);
            *rest = tail;
        }
}

static enum result parse_name(struct span text, struct dnsbl_zone *zone)
{
    char canonical[DOMAIN_MAX + 1];

    if (domain_parse(text, canonical) != OK || canonical[0] == '\0' ||
        canonical[strspn(canonical, "abcdefghijklmnopqrstuvwxyz0123456789-_.")] != '\0')
        return BAD;
    return str_copy(span_of(canonical), zone->name, sizeof zone->name);
}

/* filter: as it was written, or empty. */
static enum result write_text(struct dnsbl_zone *zone, struct span filter)
{
    struct strbuf b;

    strbuf_init(&b, zone->text, sizeof zone->text);
    if (zone->kind != ZONE_CLIENT)
        strbuf_addf(&b, "%s:", kind_names[zone->kind]);
    strbuf_adds(&b, zone->name);
    if (filter.len > 0) {
        strbuf_addc(&b, '=');
        strbuf_add(&b, filter);
    }
    if (zone->weight != 1)
        strbuf_addf(&b, "*%d", zone->weight);
    return b.cut ? LIMIT : OK;
}

enum result dnsbl_zone_parse(struct span text, struct dnsbl_zone *zone_r, struct error *e)
{
    struct span rest = text, weight = { NULL, 0 }, filter = { NULL, 0 };

    *zone_r = (struct dnsbl_zone){ .weight = 1 };
    take_kind(&rest, zone_r);
    struct span head = take_until(&rest, '*');
    if (rest.len > 0) {
        skip(&rest);
        weight = rest;
        if (parse_weight(weight, &zone_r->weight) != OK)
            return error_set(e, BAD, "'%.*s': the weight is a number from -%d to %d, not 0", (int)text.len,
                             text.ptr, ZONE_WEIGHT_MAX, ZONE_WEIGHT_MAX);
    }
    struct span name = take_until(&head, '=');
    if (head.len > 0) {
        skip(&head);
        filter = head;
        if (parse_filter(filter, zone_r->filter) != OK)
            return error_set(e, BAD, "'%.*s': write the filter as 127.0.0.2 or 127.0.0.[2;4..11]",
                             (int)text.len, text.ptr);
    } else
        take_all(zone_r);
    if (parse_name(name, zone_r) != OK || write_text(zone_r, filter) != OK)
        return error_set(e, BAD,
                         "'%.*s' is no zone; write zone.example, zone.example=127.0.0.[2..11]*2 or "
                         "helo:zone.example",
                         (int)text.len, text.ptr);
    return OK;
}

/* ---- asking ---- */

bool dnsbl_zone_lists(const struct dnsbl_zone *zone, const unsigned char address[static 4])
{
    if (address[0] != 127 || (address[1] == 255 && address[2] == 255))
        return false;
    for (int i = 0; i < 4; i++)
        if (!(zone->filter[i][address[i] / 32] & UINT32_C(1) << address[i] % 32))
            return false;
    return true;
}

enum result dnsbl_question(const struct dnsbl_zone *zone, const struct network *client,
                           char question_r[static ZONE_QUESTION_MAX + 1])
{
    static const char digits[] = "0123456789abcdef";
    struct strbuf b;

    strbuf_init(&b, question_r, ZONE_QUESTION_MAX + 1);
    for (int i = client->v6 ? 15 : 3; i >= 0; i--)
        if (client->v6)
            strbuf_addf(&b, "%c.%c.", digits[client->bytes[i] & 15], digits[client->bytes[i] >> 4]);
        else
            strbuf_addf(&b, "%u.", client->bytes[i]);
    strbuf_adds(&b, zone->name);
    return b.cut ? BAD : OK;
}

enum result dnsbl_name_question(const struct dnsbl_zone *zone, struct span name,
                                char question_r[static ZONE_QUESTION_MAX + 1])
{
    struct strbuf b;

    strbuf_init(&b, question_r, ZONE_QUESTION_MAX + 1);
    strbuf_add(&b, name);
    strbuf_addc(&b, '.');
    strbuf_adds(&b, zone->name);
    return b.cut ? BAD : OK;
}
