/* SPDX-License-Identifier: MIT */
/*
 * What a line of a log means here: who decided, by which check and row, what the same
 * check would say now, and what to do.  explanation.c and login.c conclude, remedy.c
 * advises, print.c shows it to people and programs.  Layer 9.
 */
#ifndef POSTERN_EXPLANATION_H
#define POSTERN_EXPLANATION_H

#include "lib/address.h"
#include "policyctl/command.h"
#include "policyctl/explain/log_line.h"
#include "policyctl/explain/reply_text.h"
#include "policyctl/json.h"
#include "policyd/decision.h"
#include "policyd/request.h"

enum origin {
    ORIGIN_NOBODY,  /* nothing was refused */
    ORIGIN_POSTERN, /* `check` */
    ORIGIN_EITHER,  /* `check`, or a rule of Postfix that says the same words */
    ORIGIN_ACCOUNT, /* the password or the login's name: the account table, no check */
    ORIGIN_FOREIGN  /* Postfix, Dovecot or another service: `foreign` */
};

/* A refusal that is not Postern's, by its words. */
struct foreign {
    const char *words; /* where they stand in the text, it is this one */
    const char *who;   /* "Postfix, reject_unauth_destination" */
    const char *what;  /* what it means and what to do, a paragraph */
};

/* An account as far as logins are concerned. */
enum account_state {
    ACCOUNT_UNREAD,
    ACCOUNT_ABSENT,
    ACCOUNT_ACTIVE,
    ACCOUNT_DISABLED,
    ACCOUNT_SUSPENDED,
    ACCOUNT_NEW_PASSWORD
};

enum { REMEDIES_MAX = 3, REMEDY_TEXT_MAX = 1200, TODAY_MAX = 900 };

/* Something to do: words, and perhaps the command that does it. */
struct remedy {
    char text[REMEDY_TEXT_MAX];
    char command[REMEDY_TEXT_MAX]; /* "": none */
};

struct explanation {
    const struct log_line *line;
    enum origin origin;
    enum check_id check; /* with ORIGIN_POSTERN and ORIGIN_EITHER */
    const struct foreign *foreign;
    bool guessed;      /* the line does not say which check: the one that refuses today, if any */
    struct span cause; /* as the driver says it: "suspended", "unknown", "mismatch"; may be empty */
    struct reply_values values;
    struct request request;     /* as far as the line tells it */
    struct address login;       /* canonical; text "" where none is known */
    enum account_state account; /* of the login today */
    bool login_assumed;         /* taken from the sender, since the line does not name it */
    bool decided;               /* `now` is what policyd would say to the request */
    struct decision now;
    char port[8];          /* the request's server_port, where it has one */
    char today[TODAY_MAX]; /* what the check, or the account, says now: a sentence */
    bool refuses_now;      /* ... which is still a refusal */
    struct remedy remedy[REMEDIES_MAX];
    size_t remedies;
};

/* The companion, or NULL, says what the line itself leaves out: policyd's or the driver's line
 * of the same refusal, or smtpd's of the same message. Everything in *e_r points to the two, which have to outlive it. */
enum status explanation_make(const struct ctl *, const struct log_line *, const struct log_line *companion,
                             struct explanation *e_r);

/* A span as text, until the next call. */
const char *explanation_text(struct span);

void explanation_print(const struct explanation *);
void explanation_json(const struct explanation *, struct json *json, const char *key);

/* ---- the parts ---- */

/* A line about a login: sets all but the remedies. */
enum status explain_login(const struct ctl *, const struct log_line *companion, struct explanation *);

/* Sets the request, and with it the login, from the line, its companion and what the reply
 * says; where a check of the login is concerned and nothing names it, it is taken for the sender. */
void explain_request(const struct ctl *, const struct log_line *companion, struct explanation *);

/* Decides the request again: sets `decided`, `now`, and what `check` says today. */
enum status explain_decide(const struct ctl *, struct explanation *);

/* Reads the login's account; sets `account`, and `today` for a refusal by account_status. service: as
 * suspensions name it ("imap"), or empty: any. */
enum status explain_account(const struct ctl *, struct span service, struct explanation *);

/* The refusal of another service that these words are known for, or NULL. */
const struct foreign *foreign_by_words(struct span text);
extern const struct foreign foreign_unknown, foreign_milter;

/* Sets what to do. */
void explain_remedies(struct explanation *);

#endif
