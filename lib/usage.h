/* SPDX-License-Identifier: MIT */
/*
 * How much somebody sent, counted in sliding windows, and limits on that.  Pure: a row of
 * the usage table is a text, and what is added to it depends on that text, the limits and
 * the time alone.  Layer 1.
 *
 * A window of W seconds is counted in buckets of W / USAGE_BUCKETS, rounded up to whole
 * seconds, and all buckets that W seconds can touch are taken for full.  So in no span of W
 * seconds, wherever it begins, more than the limit passes; and room comes back at most one
 * bucket later than it might (two, where W is no multiple of the bucket).  A clock set back
 * by less than a window forgets nothing, and holds nobody for longer than two windows; one set
 * back or forward by more empties the window.
 */
#ifndef POSTERN_USAGE_H
#define POSTERN_USAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "result.h"
#include "str.h"

enum usage_unit { USAGE_MESSAGES, USAGE_RECIPIENTS, USAGE_BYTES };

#define USAGE_WINDOWS_MAX 6 /* also in SQL */

enum {
    USAGE_UNITS = USAGE_BYTES + 1,
    USAGE_BUCKETS = 12,
    USAGE_SLOTS = USAGE_BUCKETS + 1,
    USAGE_WINDOW_S_MAX = 31 * 86400,
    USAGE_RESENDS_MAX = 64,  /* remembered of one row: as many can be under way at once */
    USAGE_RESEND_S = 300,    /* and for how long (answered.h); */
    USAGE_RESEND_NEW_S = 10, /* of those that are older than that, */
    USAGE_RESENDS_OLD = 8,   /* the newest */
    USAGE_TEXT_MAX = 8192,   /* a row's text */
    USAGE_LIMITS_TEXT_MAX = 512
};

#define USAGE_UNLIMITED UINT64_MAX

struct usage_limit {
    uint32_t window_s;
    uint64_t most[USAGE_UNITS]; /* USAGE_UNLIMITED: only counted */
};

/* Several windows at once, each at most once. */
struct usage_limits {
    size_t count;
    struct usage_limit limit[USAGE_WINDOWS_MAX];
};

struct usage {
    size_t windows, resends;
    struct usage_window {
        uint32_t window_s;
        int64_t newest; /* bucket number of the first slot; each next one is older */
        uint64_t slot[USAGE_SLOTS][USAGE_UNITS];
    } window[USAGE_WINDOWS_MAX];
    struct {
        int64_t at;
        uint64_t key;
    } resend[USAGE_RESENDS_MAX]; /* newest first */
};

/* ---- counting ---- */

struct usage_event {
    uint64_t add[USAGE_UNITS];
    uint64_t resend; /* by which it is known when it comes again; 0: by nothing */
};

/* The limit that does not let it pass; of several, the one that does so longest. */
struct usage_over {
    struct usage_limit limit;
    enum usage_unit unit;
    uint64_t used, add;
    int64_t frees_at; /* when the same would pass, as far as is known; INT64_MAX: never */
};

/* OK: added to each window of the limits, and to no other, which are forgotten.
 * NOT_FOUND: nothing is new, it was added before. LIMIT: *over_r says why; *u is no more
 * to be used. now: seconds since 1970. */
enum result usage_add(struct usage *u, const struct usage_limits *, const struct usage_event *, int64_t now,
                      struct usage_over *over_r) MUST_CHECK;

/* What counts now in the window of that many seconds. */
void usage_used(const struct usage *, uint32_t window_s, int64_t now, uint64_t used_r[static USAGE_UNITS]);

/* Of a window's slots the first so many: those behind them have no counts. */
unsigned usage_slots_used(const struct usage_window *);

/* When the row's last count has left its window. */
int64_t usage_expires(const struct usage *);

/* ---- in memory, and in files of this machine (usage_pack.c) ---- */

enum {
    /* ten octets for each number there is at most, and the key of a request */
    USAGE_PACKED_MAX = 10 * (2 + USAGE_WINDOWS_MAX * (3 + USAGE_SLOTS * USAGE_UNITS)) + 18 * USAGE_RESENDS_MAX
};
size_t usage_pack(const struct usage *, unsigned char packed_r[static USAGE_PACKED_MAX]); /* the octets written */
/* BAD: it is none, and u is empty. */
enum result usage_unpack(struct span packed, struct usage *u_r) MUST_CHECK;

/* ---- texts (usage_text.c) ---- */

/* A row's. BAD: it is none, and u is empty. */
enum result usage_parse(const char *text, struct usage *u_r) MUST_CHECK;
void usage_format(const struct usage *, struct strbuf *out);

/* One limit as people write it: "messages=200,recipients=500,bytes=50M/1h". BAD, with a
 * line. */
enum result usage_limit_parse(struct span text, struct usage_limit *limit_r, struct error *) MUST_CHECK;
void usage_limit_format(const struct usage_limit *, struct strbuf *out);
enum result usage_limit_canonical(struct span text, struct strbuf *out, struct error *) MUST_CHECK; /* both */

/* A number of s, m, h, d or w, to seconds, at most USAGE_WINDOW_S_MAX. */
enum result usage_window_parse(struct span text, uint32_t *seconds_r) MUST_CHECK;
void usage_window_format(uint32_t seconds, struct strbuf *out);

/* How many; of bytes with K, M, G or T behind it. */
enum result usage_number_parse(enum usage_unit, struct span text, uint64_t *number_r) MUST_CHECK;
void usage_number_format(enum usage_unit, uint64_t number, struct strbuf *out);
extern const char *const usage_unit_names[USAGE_UNITS]; /* "messages" */

/* All limits of one key, for FIELD_LIMITS of a change (store.h): "60:30::;3600:200:500:". */
enum result usage_limits_parse(const char *text, struct usage_limits *limits_r) MUST_CHECK;
void usage_limits_format(const struct usage_limits *, struct strbuf *out);

/* "john@example.com may send 30 messages in 1 minute, and has sent 30: try again in 45
 * seconds" */
void usage_over_text(const struct usage_over *, const char *who, int64_t now, struct strbuf *out);

#endif
