/* SPDX-License-Identifier: MIT */
#include "tally.h"

#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void tally_init(struct tally *t, uint64_t room)
{
    *t = (struct tally){ .room = room };
    if (!(t->latency_ns = calloc(room, sizeof *t->latency_ns)))
        err(2, "calloc");
}

void tally_add_latency(struct tally *t, uint64_t ns)
{
    if (t->count < t->room)
        t->latency_ns[t->count++] = ns;
}

void tally_add_verb(struct tally *t, const char *verb)
{
    size_t i = 0;

    while (i < TALLY_VERBS - 1 && t->verbs[i].count > 0 && strcmp(t->verbs[i].verb, verb) != 0)
        i++;
    if (t->verbs[i].count++ == 0)
        snprintf(t->verbs[i].verb, sizeof t->verbs[i].verb, "%s", i < TALLY_VERBS - 1 ? verb : "(others)");
}

static int compare_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

/* latency_ns is sorted. */
static double quantile_us(const struct tally *t, double q)
{
    uint64_t i = (uint64_t)(q * (double)t->count);

    if (t->count == 0)
        return 0;
    return (double)t->latency_ns[i < t->count ? i : t->count - 1] / 1e3;
}

static void print_string(const char *text)
{
    putchar('"');
    for (; *text; text++)
        putchar(*text == '"' || *text == '\\' || (unsigned char)*text < ' ' ? '?' : *text);
    putchar('"');
}

static void print_quantiles(const struct tally *t)
{
    static const struct {
        const char *name;
        double q;
    } quantiles[] = {
        { "p50_us", .5 }, { "p90_us", .9 }, { "p99_us", .99 }, { "p999_us", .999 }, { "max_us", 1 },
    };

    for (size_t i = 0; i < sizeof quantiles / sizeof *quantiles; i++)
        printf(",\"%s\":%.1f", quantiles[i].name, quantile_us(t, quantiles[i].q));
}

/* So that parts of a long run can be taken together. */
static void print_late(const struct tally *t)
{
    static const unsigned bounds_ms[] = { 5, 10 };

    for (size_t i = 0; i < sizeof bounds_ms / sizeof *bounds_ms; i++) {
        uint64_t late = 0;
        while (late < t->count && t->latency_ns[t->count - 1 - late] > bounds_ms[i] * UINT64_C(1000000))
            late++;
        printf(",\"over_%ums\":%" PRIu64, bounds_ms[i], late);
    }
}

static void print_verbs(const struct tally *t)
{
    printf(",\"verbs\":{");
    for (size_t i = 0; i < TALLY_VERBS && t->verbs[i].count > 0; i++) {
        if (i > 0)
            putchar(',');
        print_string(t->verbs[i].verb);
        printf(":%" PRIu64, t->verbs[i].count);
    }
    putchar('}');
}

void tally_print(struct tally *t, const struct tally_context *c)
{
    double seconds = (double)c->run_ns / 1e9, requests = t->count > 0 ? (double)t->count : 1;

    qsort(t->latency_ns, t->count, sizeof *t->latency_ns, compare_u64);
    printf("{\"label\":");
    print_string(c->label ? c->label : "");
    printf(",\"connections\":%" PRIu64 ",\"connect_s\":%.3f,\"requests\":%" PRIu64
           ",\"seconds\":%.3f,\"per_s\":%.0f",
           c->connections, (double)c->connect_ns / 1e9, t->count, seconds,
           seconds > 0 ? (double)t->count / seconds : 0);
    print_quantiles(t);
    print_late(t);
    printf(",\"cpu_s\":%.3f,\"cpu_us\":%.2f,\"rss_kib\":%" PRIu64, (double)c->cpu_ns / 1e9,
           (double)c->cpu_ns / 1e3 / requests, c->rss_kib);
    printf(",\"errors\":%" PRIu64 ",\"timeouts\":%" PRIu64 ",\"reconnects\":%" PRIu64
           ",\"mismatches\":%" PRIu64,
           t->errors, t->timeouts, t->reconnects, t->mismatches);
    print_verbs(t);
    printf("}\n");
}
