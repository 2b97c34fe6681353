/* SPDX-License-Identifier: MIT */
/*
 * When the logs of the databases are written back, and how long one could not be: a process that
 * reads all the time keeps its log from beginning anew, so that it grows until the disk is full.
 * Belongs to the writer's thread.  Layer 7.
 */
#ifndef POSTERN_WRITE_BACK_H
#define POSTERN_WRITE_BACK_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/store.h"

enum { WRITE_BACK_DATABASES = 2, WRITE_BACK_TEXT_MAX = 400 };
/* A log that could not be written back as a whole for as long raises an alarm. */
#define WRITE_BACK_ALARM_NS (UINT64_C(600) * 1000000000)

struct write_back {
    uint64_t alarm_ns;
    uint64_t from_ns; /* CLOCK_MONOTONIC: not before, unless much is there */
    struct held {
        uint64_t since_ns; /* likewise: not as a whole since then; 0: it was the last time */
        uint64_t again_ns; /* tried again then, with nothing new in it */
        bool alarmed;
    } held[WRITE_BACK_DATABASES];
};

enum write_back_news {
    WRITE_BACK_NONE,
    WRITE_BACK_HELD, /* once, when it has lasted for alarm_ns */
    WRITE_BACK_OVER  /* once after that, when all of it was written back */
};

void write_back_init(struct write_back *, uint64_t alarm_ns);

/* Takes in what store_checkpoint answered at the time now_ns. */
enum write_back_news write_back_note(struct write_back *, enum database, enum result, uint64_t now_ns,
                                     uint64_t *lasted_ns_r);

/* Whether a log is to be written back now that has grown by `behind` pages, where the writer
 * wants that from `pages` on. */
bool write_back_is_due(const struct write_back *, enum database, unsigned behind, unsigned pages, uint64_t now_ns);

/* Writes a log back where that is due. text_r: a line for the log where there is news. */
enum write_back_news write_back_run(struct write_back *, enum database, struct store *, const char *path,
                                    unsigned pages, char text_r[static WRITE_BACK_TEXT_MAX]);

#endif
