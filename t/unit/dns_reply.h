/* SPDX-License-Identifier: MIT */
/*
 * DNS replies from text, right and wrong ones, for the tests: built with libldns
 * alone, so that nothing under test has a hand in them.
 */
#ifndef POSTERN_T_DNS_REPLY_H
#define POSTERN_T_DNS_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { REPLY_OCTETS_MAX = 65535 };

struct reply_text {
    const char *question; /* "host.example. A"; NULL: none */
    const char *answer;   /* records in master file form, a line each; NULL: none */
    const char *authority;
    unsigned rcode; /* above 15: with an OPT record */
    bool truncated;
};

/* Octets of the reply, which are at most REPLY_OCTETS_MAX; aborts on a mistake in the text. */
size_t reply_build(const struct reply_text *text, uint16_t id, unsigned char *octets_r);

#endif
