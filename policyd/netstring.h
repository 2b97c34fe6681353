/* SPDX-License-Identifier: MIT */
/*
 * Netstrings (cr.yp.to/proto/netstrings.txt), and Postfix's socketmap protocol on
 * top of them (socketmap_table(5)): pure functions.  Layer 4.
 */
#ifndef POSTERN_NETSTRING_H
#define POSTERN_NETSTRING_H

#include "lib/str.h"

/* The length of the first netstring with its frame, 0 where more is to come. BAD: it
 * is none (no digits, a leading zero, more than six digits, no comma). */
enum result netstring_frame(struct span text, size_t *length_r, struct error *) MUST_CHECK;

/* What a whole netstring holds. */
struct span netstring_payload(struct span frame);

/* Appends one. */
void netstring_add(struct strbuf *out, struct span payload);

/* "MAP KEY": the key may be empty and hold spaces. BAD: no space. */
enum result socketmap_parse(struct span payload, struct span *map_r, struct span *key_r) MUST_CHECK;

#endif
