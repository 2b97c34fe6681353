/* SPDX-License-Identifier: MIT */
/* How a readiness report comes about: rows, then subjects, then conclusions.  Layer 9. */
#ifndef POSTERN_READINESS_GATHER_H
#define POSTERN_READINESS_GATHER_H

#include "policyctl/arena.h"
#include "policyctl/readiness/readiness.h"
#include "policyd/facts.h"

/* What a hit is about: a check, or CHECK_COUNT and a habit. */
enum { ABOUT_HABIT = CHECK_COUNT, ABOUT_COUNT = CHECK_COUNT + HABITS };

/* One row that says that somebody meets a check, or has a habit. */
struct hit {
    unsigned about;
    enum subject_kind kind;
    const char *name;
    struct evidence evidence;
};

/* A row of the table policy. */
struct policy_row {
    const char *scope;
    enum check_id id;
    enum mode mode;
    int64_t starts, expires, changed; /* expires 0: without end */
};

struct gather {
    const struct ctl *ctl;
    struct store *accounts, *state;
    struct rows *rows;
    struct facts facts;
    struct readiness *report;
    struct hit *hit;
    size_t hits, hit_room;
    struct policy_row *policy;
    size_t policies, policy_room;
    const char **connected; /* accounts that were seen, some of them twice */
    size_t connections, connected_room;
    bool is_tallied; /* anything ever was: then from here on */
    int64_t first_tally;
    size_t observations[KIND_HOST + 1]; /* rows of each kind: there is room for OBSERVATION_ROWS_MAX */
    bool smtp_logins, smtp_mail; /* whether any were seen */
    bool smtp_has_name, smtp_has_none; /* whether a message told the server name asked for */
    int64_t shed_since[CHECK_COUNT]; /* 0: it is run */
    bool failed; /* no memory, or a database that cannot be read now */
};

/* Reads all rows that the report goes by; sets `failed`. */
void gather_rows(struct gather *);

/* Of an account: whether it lies in the report's scope. */
bool gather_in_scope(const struct gather *, const char *address);

/* Makes each check's and each habit's subjects of the hits. */
void gather_subjects(struct gather *);

/* Concludes, check by check. */
void gather_conclusions(struct gather *);

/* Room for one more of an array; NULL where there is no memory. */
void *gather_room(void *array, size_t size, size_t count, size_t *room);

#endif
