/* SPDX-License-Identifier: MIT */
#include "policyd/write_back.h"

#include <stdio.h>
#include <string.h>

#include "policyd/clock.h"

enum {
    PAGES_MAX = 4096, /* with a slow disk no more than this */
    SHARE = 4         /* of the time, the part that writing back may take */
};
#define AGAIN_NS (5 * SECOND_NS)

void write_back_init(struct write_back *b, uint64_t alarm_ns)
{
    memset(b, 0, sizeof *b);
    b->alarm_ns = alarm_ns;
}

enum write_back_news write_back_note(struct write_back *b, enum database d, enum result r, uint64_t now_ns,
                                     uint64_t *lasted_ns_r)
{
    struct held *h = &b->held[d];
    bool alarmed = h->alarmed;

    *lasted_ns_r = h->since_ns > 0 ? now_ns - h->since_ns : 0;
    if (r == OK) {
        *h = (struct held){ 0 };
        return alarmed ? WRITE_BACK_OVER : WRITE_BACK_NONE;
    }
    if (h->since_ns == 0)
        h->since_ns = now_ns;
    h->again_ns = now_ns + AGAIN_NS;
    h->alarmed = alarmed || *lasted_ns_r >= b->alarm_ns;
    return h->alarmed && !alarmed ? WRITE_BACK_HELD : WRITE_BACK_NONE;
}

/* Where a reader holds it, nothing new need come for it to be looked at again. */
bool write_back_is_due(const struct write_back *b, enum database d, unsigned behind, unsigned pages, uint64_t now_ns)
{
    const struct held *h = &b->held[d];

    if (h->since_ns > 0 && now_ns >= h->again_ns)
        return true;
    return behind >= pages && (now_ns >= b->from_ns || behind >= PAGES_MAX);
}

enum write_back_news write_back_run(struct write_back *b, enum database d, struct store *store, const char *path,
                                    unsigned pages, char text_r[static WRITE_BACK_TEXT_MAX])
{
    uint64_t begin = clock_monotonic_ns(), lasted;

    if (!write_back_is_due(b, d, store_behind(store), pages, begin))
        return WRITE_BACK_NONE;
    enum result r = store_checkpoint(store);
    uint64_t end = clock_monotonic_ns();
    b->from_ns = end + (end - begin) * (SHARE - 1);
    enum write_back_news news = write_back_note(b, d, r, end, &lasted);
    unsigned long long minutes = lasted / (60 * SECOND_NS);
    if (news == WRITE_BACK_HELD)
        snprintf(text_r, WRITE_BACK_TEXT_MAX, "%s: its log was not written back as a whole for %llu minutes: %s", path, minutes,
                 r == PENDING ? "a process that reads holds it, and it grows: fuser names those that have it open"
                              : "it is locked, or the disk fails");
    else if (news == WRITE_BACK_OVER)
        snprintf(text_r, WRITE_BACK_TEXT_MAX, "%s: its log is written back again, after %llu minutes", path, minutes);
    return news;
}
