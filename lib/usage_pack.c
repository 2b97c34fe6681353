/* SPDX-License-Identifier: MIT */
/*
 * Usage as few octets: numbers of seven bits an octet, the last one without the eighth
 * (LEB128).  Windows, each with as many slots as have counts behind them, then the requests
 * that may come again.  Layer 1.
 */
#include <string.h>

#include "usage.h"

enum { MORE = 0x80, BITS = 7, SHIFT_MAX = 63 };

/* ---- packing ---- */

static unsigned char *put(unsigned char *to, uint64_t number)
{
    for (; number >= MORE; number >>= BITS)
        *to++ = (unsigned char)(number | MORE);
    *to++ = (unsigned char)number;
    return to;
}

static unsigned char *put_window(unsigned char *to, const struct usage_window *w)
{
    unsigned slots = usage_slots_used(w);

    to = put(to, w->window_s);
    to = put(to, (uint64_t)w->newest);
    to = put(to, slots);
    for (unsigned i = 0; i < slots; i++)
        for (unsigned unit = 0; unit < USAGE_UNITS; unit++)
            to = put(to, w->slot[i][unit]);
    return to;
}

size_t usage_pack(const struct usage *u, unsigned char packed_r[static USAGE_PACKED_MAX])
{
    unsigned char *to = packed_r;

    to = put(to, u->windows);
    for (size_t i = 0; i < u->windows; i++)
        to = put_window(to, &u->window[i]);
    to = put(to, u->resends);
    for (size_t i = 0; i < u->resends; i++) {
        to = put(to, i == 0 ? (uint64_t)u->resend[0].at : (uint64_t)u->resend[0].at - (uint64_t)u->resend[i].at);
        memcpy(to, &u->resend[i].key, sizeof u->resend[i].key);
        to += sizeof u->resend[i].key;
    }
    return (size_t)(to - packed_r);
}

/* ---- unpacking ---- */

struct packed {
    const unsigned char *p, *end;
    bool bad;
};

static uint64_t get(struct packed *in)
{
    uint64_t number = 0, octet = MORE;

    for (unsigned shift = 0; octet >= MORE && shift <= SHIFT_MAX; shift += BITS) {
        if (in->p == in->end) {
            in->bad = true;
            return 0;
        }
        octet = *in->p++;
        number |= (octet & (MORE - 1)) << shift;
    }
    in->bad |= octet >= MORE;
    return number;
}

static uint64_t get_most(struct packed *in, uint64_t most)
{
    uint64_t number = get(in);

    in->bad |= number > most;
    return in->bad ? 0 : number;
}

static void get_window(struct packed *in, struct usage_window *w)
{
    unsigned slots;

    w->window_s = (uint32_t)get_most(in, USAGE_WINDOW_S_MAX);
    w->newest = (int64_t)get_most(in, INT64_MAX / USAGE_WINDOW_S_MAX);
    slots = (unsigned)get_most(in, USAGE_SLOTS);
    in->bad |= w->window_s == 0;
    for (unsigned i = 0; i < slots; i++)
        for (unsigned unit = 0; unit < USAGE_UNITS; unit++)
            w->slot[i][unit] = get(in);
    memset(w->slot + slots, 0, (USAGE_SLOTS - slots) * sizeof w->slot[0]);
}

static int64_t get_time(struct packed *in, uint64_t first)
{
    uint64_t at = first - get(in);

    in->bad |= at > INT64_MAX;
    return in->bad ? 0 : (int64_t)at;
}

static void get_resends(struct packed *in, struct usage *u)
{
    u->resends = get_most(in, USAGE_RESENDS_MAX);
    for (size_t i = 0; i < u->resends; i++) {
        u->resend[i].at = i == 0 ? (int64_t)get_most(in, INT64_MAX) : get_time(in, (uint64_t)u->resend[0].at);
        if ((size_t)(in->end - in->p) < sizeof u->resend[i].key) {
            in->bad = true;
            return;
        }
        memcpy(&u->resend[i].key, in->p, sizeof u->resend[i].key);
        in->p += sizeof u->resend[i].key;
    }
}

enum result usage_unpack(struct span packed, struct usage *u_r)
{
    const unsigned char *start = (const unsigned char *)packed.ptr;
    struct packed in = { start, start + packed.len, false };

    u_r->windows = get_most(&in, USAGE_WINDOWS_MAX);
    for (size_t i = 0; i < u_r->windows && !in.bad; i++)
        get_window(&in, &u_r->window[i]);
    if (!in.bad)
        get_resends(&in, u_r);
    if (!in.bad && in.p == in.end)
        return OK;
    u_r->windows = u_r->resends = 0;
    return BAD;
}
