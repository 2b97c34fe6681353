/* SPDX-License-Identifier: MIT */
/*
 * What the checks found of one request, and the reply that follows.  Layer 3.
 */
#ifndef POSTERN_DECISION_H
#define POSTERN_DECISION_H

#include "lib/check_info.h"
#include "lib/str.h"
#include "policyd/proposal.h"

/* Postfix cuts a reply's text at 510 octets (smtpd_chat.c); its own prefix wants room. */
enum { REPLY_MAX = 400, CAUSE_MAX = 64, SUBJECT_MAX = 320, ROW_TEXT_MAX = 300 };

enum verdict {
    VERDICT_NONE, /* does not apply to this request */
    VERDICT_PASS,
    VERDICT_REFUSE,
    VERDICT_PENDING,  /* a fact is on its way: run me again */
    VERDICT_TRY_AGAIN, /* a fact could not be had */
    VERDICT_SHED,      /* not run, for the load: it refuses nothing */
    VERDICT_COUNT
};

/* One check's outcome. Texts are valid only with VERDICT_REFUSE; `row` (why, in
 * words, for policyctl explain) only where `explain` was set. */
enum recipient_place { RECIPIENT_UNKNOWN, RECIPIENT_LOCAL, RECIPIENT_ELSEWHERE };

struct finding {
    enum verdict verdict;
    enum mode mode;
    bool explain;
    enum recipient_place recipient; /* of checks that look for it */
    uint64_t elapsed_ns; /* of its last run; 0: not timed */
    char reply[REPLY_MAX];
    char cause[CAUSE_MAX];     /* a word, or what it was, e.g. the suffix */
    char subject[SUBJECT_MAX]; /* who would have to mend it: account or remote host */
    char row[ROW_TEXT_MAX];
    char mode_row[ROW_TEXT_MAX]; /* which policy row set the mode */
};

struct decision {
    struct finding finding[CHECK_COUNT];
    int decided_by;         /* enum check_id, or -1: no check refused */
    bool degraded;          /* decided_by could not have its facts */
    bool held;              /* decided_by holds it: the message is taken all the same */
    bool behaviour_told;    /* it is recorded once, before the reply or after it */
    char action[REPLY_MAX]; /* as Postfix takes it: "DUNNO", "553 5.7.1 text" */
    struct proposals proposed; /* to be committed before the reply leaves */
};

/* Says why, for explain: costs nothing otherwise. */
void finding_row(struct finding *, const char *format, ...) PRINTF(2, 3);

const char *verdict_name(enum verdict);

#endif
