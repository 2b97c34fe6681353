/* SPDX-License-Identifier: MIT */
/*
 * What is said to customers and to other hosts' admins: a file of sections with
 * {placeholders} that an admin can edit and translate (en.txt explains it).  Layer 9.
 */
#ifndef POSTERN_WORDS_H
#define POSTERN_WORDS_H

#include "lib/str.h"

enum { WORDS_TEXT_MAX = 4096, WORDS_LINE_MAX = 2048 };

enum section {
    SECTION_SUBJECT,
    SECTION_OPENING,
    SECTION_CLOSING,
    SECTION_DOMAIN_SUBJECT,
    SECTION_DOMAIN_OPENING,
    SECTION_DOMAIN_ACCOUNT,
    SECTION_DOMAIN_CLOSING,
    SECTION_HOST_SUBJECT,
    SECTION_HOST_OPENING,
    SECTION_HOST_CLOSING,
    SECTION_SEEN,
    SECTION_SEEN_SENDER,
    SECTION_STARTTLS, /* from here on: by check, then by habit */
    SECTION_IMPLICIT_TLS,
    SECTION_SENDER_LOGIN,
    SECTION_SENDER_AUTH,
    SECTION_ACCOUNT_STATUS,
    SECTION_HELO_LOCAL,
    SECTION_HELO_FQDN,
    SECTION_HELO_SELF,
    SECTION_HELO_RESOLVE,
    SECTION_SEND_LIMIT,
    SECTION_BARE_NAME,
    SECTION_OLD_SERVER_NAME,
    SECTION_EXPOSED,
    SECTION_COUNT
};

enum placeholder {
    WORD_ACCOUNT,
    WORD_DOMAIN,
    WORD_HOST,
    WORD_DATE,
    WORD_PROGRAM,
    WORD_SERVER,
    WORD_PORT,
    WORD_ENCRYPTION,
    WORD_OLD_SERVER,
    WORD_SENDER,
    WORD_HELO,
    WORD_REPLY,
    WORD_NETWORK,
    WORD_COUNT_SEEN,
    WORD_LAST_SEEN,
    WORD_URL,
    WORD_COUNT
};

/* NULL: nothing is known. */
struct word_values {
    const char *of[WORD_COUNT];
};

struct words;

/* path NULL: the English ones. BAD, with "FILE:LINE: what and the remedy": no such section
 * or placeholder, a section twice or not at all. The caller frees it. */
enum result words_load(const char *path, struct words **words_r, struct error *) MUST_CHECK;
void words_free(struct words **);

/* Appends a section's text with its values: paragraphs in one line each, apart by an empty
 * line; lines that begin with a space stand for themselves. Control characters in values
 * become '?'. */
void words_fill(const struct words *, enum section, const struct word_values *, struct strbuf *out);

#endif
