/* SPDX-License-Identifier: MIT */
/*
 * policyctl doctor: what is configured against what is in effect.  Each area of the
 * host is examined by a file of its own, which says what it found by rules: a rule has
 * a name for programs and the reason why it matters, a finding is where it is broken
 * and the command that mends it.  Nothing is changed.  Layer 9.
 */
#ifndef POSTERN_DOCTOR_H
#define POSTERN_DOCTOR_H

#include "policyctl/command.h"

enum level {
    LEVEL_UNKNOWN, /* could not be examined, or not as this user */
    LEVEL_NOTE,    /* worth knowing; nothing is wrong */
    LEVEL_WARNING, /* works, and will bite */
    LEVEL_PROBLEM, /* does not do what it is there for */
    LEVELS
};

enum area { AREA_POLICYD, AREA_DATABASES, AREA_POSTFIX, AREA_DOVECOT, AREA_DNS, AREA_CLOCK, AREAS };

/* One a kind of finding, constant. */
struct rule {
    const char *id; /* "hook_missing" */
    enum level level;
    const char *why; /* sentences: what follows from it */
};

enum { WHERE_MAX = 160, WHAT_MAX = 240, REMEDY_MAX = 3000, BREACHES_MAX = 64 };

/* A rule that is broken. */
struct breach {
    const struct rule *rule;
    enum area area;
    char where[WHERE_MAX];   /* services of Postfix, a path; "" where the area says it all */
    char what[WHAT_MAX];
    char remedy[REMEDY_MAX]; /* a line for the shell; "" where no command can mend it */
};

/* How the host's rows of `starttls` stand: whether Dovecot's and Postfix's own settings may be on. */
struct exceptions {
    bool known;     /* accounts.db could be read */
    bool enforced;  /* for the host */
    size_t count;   /* rows that are less strict, of domains and accounts */
    char first[320]; /* the scope of one of them */
    bool helo_enforced; /* an administrator enforces a HELO check */
};

struct doctor {
    const struct ctl *ctl;
    const char *postfix_config;  /* a directory; NULL: postconf(1)'s own */
    const char *dovecot_config;  /* a file; NULL: doveconf(1)'s own */
    enum area area;              /* that is being examined */
    struct exceptions exceptions;
    char seen[AREAS][WHERE_MAX]; /* what was examined, in short */
    struct breach breach[BREACHES_MAX];
    size_t breaches, dropped;
};

/* Notes a breach in the area at hand. One of the same rule with the same text and remedy
 * becomes one with it, its places in a row. */
void doctor_say(struct doctor *, const struct rule *, const char *where, const char *remedy, const char *format,
                ...) PRINTF(5, 6);

/* Could not be examined, and why. */
void doctor_unknown(struct doctor *, const char *where, const char *format, ...) PRINTF(3, 4);

/* Names what was examined, for the first lines of the report. */
void doctor_saw(struct doctor *, const char *what);

/* ---- areas ---- */

void examine_policyd(struct doctor *);
void examine_databases(struct doctor *);
void examine_postfix(struct doctor *);
void examine_dovecot(struct doctor *);
void examine_dns(struct doctor *);
void examine_clock(struct doctor *);

/* ---- printing ---- */

const char *area_name(enum area);
const char *level_name(enum level); /* "not examined", "note", "warning", "problem" */
void doctor_print(const struct doctor *, bool quiet);
void doctor_json(const struct doctor *);

#endif
