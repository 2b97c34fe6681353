/* SPDX-License-Identifier: MIT */
#include "policyd/busiest.h"

#include <math.h>
#include <stdlib.h>

const char *const busiest_names[BUSIEST_KINDS] = { "account", "domain", "client", "helo", "check" };

static const double span_ms[BUSIEST_SPANS] = { 60e3, 3600e3 };
static const double nothing = 1e-3; /* less than a thousandth of a message is history */

enum { SAMPLE = 16, SLOTS = 1024 };

struct kind {
    size_t count, hand;
    uint16_t first[SLOTS], next[BUSIEST_MAX]; /* of the rows of a slot: where, plus 1; 0: none */
    uint64_t hash[BUSIEST_MAX];
    uint64_t seen_ms[BUSIEST_MAX]; /* what the row says is as of then */
    struct busiest_row row[BUSIEST_MAX];
};

struct busiest {
    struct kind kind[BUSIEST_KINDS];
};

enum result busiest_open(struct busiest **busiest_r)
{
    *busiest_r = calloc(1, sizeof **busiest_r);
    return *busiest_r ? OK : TRY_AGAIN;
}

void busiest_close(struct busiest **busiest)
{
    free(*busiest);
    *busiest = NULL;
}

/* The row as it is at `now`. */
static void decay(struct busiest_row *row, uint64_t seen_ms, uint64_t now_ms)
{
    double age = now_ms > seen_ms ? (double)(now_ms - seen_ms) : 0;

    for (int s = 0; s < BUSIEST_SPANS; s++) {
        double left = exp(-age / span_ms[s]);
        row->busy[s].sent *= left;
        row->busy[s].recipients *= left;
        row->busy[s].refused *= left;
    }
}

/* What keeps a row: all that it did within the hour. */
static double weight(const struct kind *k, size_t i, uint64_t now_ms)
{
    const struct busy *b = &k->row[i].busy[SPAN_HOUR];
    double age = now_ms > k->seen_ms[i] ? (double)(now_ms - k->seen_ms[i]) : 0;

    return (b->sent + b->refused) * exp(-age / span_ms[SPAN_HOUR]);
}

/* Who did least of the next few: to look at all of them would cost more than a decision. */
static size_t least(struct kind *k, uint64_t now_ms)
{
    size_t found = k->hand;
    double smallest = weight(k, found, now_ms);

    for (int n = 1; n < SAMPLE; n++) {
        size_t i = (k->hand + (size_t)n) % BUSIEST_MAX;
        double w = weight(k, i, now_ms);
        if (w < smallest) {
            smallest = w;
            found = i;
        }
    }
    k->hand = (k->hand + SAMPLE) % BUSIEST_MAX;
    return found;
}

static void leave_slot(struct kind *k, size_t i)
{
    uint16_t *link = &k->first[k->hash[i] % SLOTS];

    while (*link != i + 1)
        link = &k->next[*link - 1];
    *link = k->next[i];
}

static size_t room(struct kind *k, uint64_t now_ms)
{
    size_t i = k->count;

    if (k->count < BUSIEST_MAX) {
        k->count++;
        return i;
    }
    i = least(k, now_ms);
    leave_slot(k, i);
    return i;
}

static size_t find(struct kind *k, struct span key, uint64_t now_ms)
{
    uint64_t hash = str_key_hash(key);
    uint16_t *slot = &k->first[hash % SLOTS];
    size_t i;

    for (unsigned at = *slot; at != 0; at = k->next[at - 1])
        if (k->hash[at - 1] == hash && span_equal(span_of(k->row[at - 1].key), key))
            return at - 1;
    i = room(k, now_ms);
    k->next[i] = *slot;
    *slot = (uint16_t)(i + 1);
    k->row[i] = (struct busiest_row){ 0 };
    k->hash[i] = hash;
    k->seen_ms[i] = now_ms;
    (void)!str_copy(key, k->row[i].key, sizeof k->row[i].key); /* fits: the caller saw to it */
    return i;
}

void busiest_add(struct busiest *b, enum busiest_by by, struct span key, const struct busy *amounts,
                 uint64_t now_ms)
{
    struct kind *k = &b->kind[by];
    size_t i;

    if (key.len == 0 || key.len >= BUSIEST_KEY_MAX)
        return;
    i = find(k, key, now_ms);
    decay(&k->row[i], k->seen_ms[i], now_ms);
    k->seen_ms[i] = now_ms;
    for (int s = 0; s < BUSIEST_SPANS; s++) {
        k->row[i].busy[s].sent += amounts->sent;
        k->row[i].busy[s].recipients += amounts->recipients;
        k->row[i].busy[s].refused += amounts->refused;
    }
}

static double amount(const struct busiest_row *row, enum busiest_span span, enum busiest_order order)
{
    return order == ORDER_SENT ? row->busy[span].sent : row->busy[span].refused;
}

static bool is_busier(const struct busiest_row *a, const struct busiest_row *b, enum busiest_order order)
{
    for (int s = 0; s < BUSIEST_SPANS; s++) {
        double x = amount(a, (enum busiest_span)s, order), y = amount(b, (enum busiest_span)s, order);
        if (fabs(x - y) > nothing)
            return x > y;
    }
    return false;
}

size_t busiest_list(const struct busiest *b, enum busiest_by by, enum busiest_order order, uint64_t now_ms,
                    struct busiest_row *rows_r, size_t max)
{
    const struct kind *k = &b->kind[by];
    size_t count = 0;

    for (size_t i = 0; i < k->count && max > 0; i++) {
        struct busiest_row row = k->row[i];
        decay(&row, k->seen_ms[i], now_ms);
        if (amount(&row, SPAN_HOUR, order) < nothing)
            continue;
        size_t at = count < max ? count++ : max;
        for (; at > 0 && is_busier(&row, &rows_r[at - 1], order); at--)
            if (at < max)
                rows_r[at] = rows_r[at - 1];
        if (at < max)
            rows_r[at] = row;
    }
    return count;
}
