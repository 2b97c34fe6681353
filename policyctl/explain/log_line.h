/* SPDX-License-Identifier: MIT */
/*
 * A line of a mail log taken apart: Postfix 3 (smtpd, cleanup, qmgr and the delivery
 * agents), Dovecot 2.3 and 2.4 (login processes, and the lines of the driver "postern" in
 * its auth workers) and policyd, each from syslog (RFC 3164 or RFC 3339 time), the
 * journal's short form or the server's own file.  Nothing in a line is believed beyond
 * its grammar: HELO names and senders are a stranger's words.  Layer 9.
 */
#ifndef POSTERN_LOG_LINE_H
#define POSTERN_LOG_LINE_H

#include "lib/str.h"

enum line_kind {
    LINE_OTHER,        /* of none of the programs below, or nothing that is told here */
    LINE_REJECT,       /* Postfix refused a command: state, reply and envelope */
    LINE_SASL_FAILED,  /* Postfix refused AUTH */
    LINE_QUEUE,        /* Postfix, something about a queue file: queue ID and event */
    LINE_ACCEPTED,     /* Postfix's smtpd has opened a queue file for a client */
    LINE_QUEUED,       /* Postfix's queue manager: sender, size, number of recipients */
    LINE_DELIVERY,     /* Postfix, one recipient: status and reason */
    LINE_REMOVED,      /* Postfix: the queue file is gone */
    LINE_LOGIN,        /* Dovecot let somebody in */
    LINE_LOGIN_FAILED, /* Dovecot did not; status: "user disabled", "auth failed", ... */
    LINE_DRIVER,       /* the driver in Dovecot's auth worker; status: "refused", "observed" (would be, if the
                          check were enforced), "unknown", "mismatch" */
    LINE_DECISION      /* policyd; status: "pass", "refuse", "defer" */
};

enum log_field {
    LOG_TIME,    /* as it stands there */
    LOG_PROGRAM, /* "postfix/submission/smtpd", "imap-login", "auth-worker", "policyd" */
    LOG_QUEUE_ID,
    LOG_EVENT, /* what stands behind the queue ID */
    LOG_STATE, /* of SMTP: "RCPT" */
    LOG_CLIENT_NAME,
    LOG_CLIENT, /* its address */
    LOG_REPLY,  /* "554 5.7.1 <x.local>: Helo command rejected: text" */
    LOG_SENDER,
    LOG_RECIPIENT,
    LOG_HELO,
    LOG_LOGIN_NAME,
    LOG_MECHANISM,
    LOG_SERVICE, /* of Dovecot, as suspensions name it: "imap", "sieve" */
    LOG_SECURITY, /* of a login: "TLS", "secured", or empty: neither */
    LOG_SESSION, /* Dovecot's, by which worker and login process name one login */
    LOG_STATUS,
    LOG_REASON, /* why: a delivery's status text, the words in which AUTH was refused */
    LOG_SIZE,
    LOG_RECIPIENTS, /* how many */
    LOG_CHECK,      /* the check that decided or objects, or the driver's cause: "suspended" */
    LOG_OBSERVED,   /* checks that only observe and object, separated by commas */
    LOG_FIELDS
};

/* "HELO: x": what a field is called in front of people and, with '_' for ' ', in JSON. */
extern const char *const log_field_names[LOG_FIELDS];
const char *line_kind_name(enum line_kind);

struct log_line {
    enum line_kind kind;
    struct span field[LOG_FIELDS]; /* into the text; empty where the line does not say it */
};

/* Longer lines are cut before they are parsed: rsyslog cuts at 8192 too. */
enum { LOG_TEXT_MAX = 8192 };

/* Takes a line without its line feed apart. The text is the caller's, is written to
 * (escapes of policyd's own are taken off in place), and has to outlive *line_r. */
void log_line_parse(char *text, size_t len, struct log_line *line_r);

/* Short: upper-case hexadecimal; long: letters and digits without vowels (mail_queue.h). */
bool log_is_queue_id(struct span text);

/* The sender address, HELO name, ... behind "<...>: Sender address rejected: " in a
 * reply: the words after it, and which restriction list they are from ("helo", "sender",
 * "recipient", "end-of-data"; NULL where the reply names none). Postfix puts what it
 * refuses there, so it is compared with the line's own fields, quotes aside. */
struct span log_line_reply_text(const struct log_line *, const char **list_r);

#endif
