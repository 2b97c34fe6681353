/* SPDX-License-Identifier: MIT */
/*
 * Mail addresses, host names and domains in the one form in which they are
 * stored and compared.  Layer 1.
 *
 * Canonical form: the local part in NFC and case-folded, without quotes that it
 * does not need (RFC 5321, 4.1.2: "x y"@d keeps them, "john"@d does not); the
 * domain as lower-case A-labels (RFC 5890) without a final dot, or an address
 * literal in lower case.  What a client may send within the protocol is accepted
 * (RFC 5322 atext, RFC 6531 UTF-8, several '@', no '@'): an address that could
 * not be parsed would be a check that did not run.
 */
#ifndef POSTERN_ADDRESS_H
#define POSTERN_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

#include "result.h"
#include "str.h"

/* In octets of the canonical text, quotes included. */
enum { DOMAIN_MAX = 255, LOCAL_MAX = 255, ADDRESS_MAX = LOCAL_MAX + 1 + DOMAIN_MAX };

struct address {
    char text[ADDRESS_MAX + 1]; /* canonical, NUL-terminated; "" is the null sender */
    size_t len;
    size_t local_len; /* the '@' stands at text[local_len]; equal to len where there is none */
};

/* Of all functions below: an address_r or domain_r is no part of an argument, and
 * is the empty text unless the result is OK (NOT_FOUND leaves it alone).
 * TRY_AGAIN: no memory; possible with non-ASCII text and A-labels only. */

/* Parses an address as it stands in a request or on a command line.  An empty
 * text gives the empty address.  Quoted form ("x y"@d) and the unquoted form in
 * which Postfix hands addresses to a policy server (x y@d) give the same text: a
 * local part is taken for a quoted string only if its quotes embrace it wholly,
 * otherwise every octet before the last '@' stands for itself.  A label that IDNA
 * (UTS 46, non-transitional) refuses is kept, lower-cased, as it is.
 * BAD: NUL or control character, malformed UTF-8.  LIMIT: longer than the above,
 * in canonical form or, for the local part, as given without its quotes. */
enum result address_parse(struct span text, struct address *address_r) MUST_CHECK;

/* The same, for input by a person: also BAD where the address has no local part,
 * no domain (while `bare_allowed` is false), characters outside quotes that need
 * them (space, second '@', <>()[],;:\") or a domain that cannot exist; with a line
 * that says what is wrong, for every result but OK. */
enum result address_check(const char *text, bool bare_allowed, struct address *address_r,
                          struct error *) MUST_CHECK;

/* From a local part without quoting, in any case and normal form, and a domain as
 * domain_parse takes it, without '@'; domain.ptr NULL (not merely an empty text): none. */
enum result address_join(struct span local, struct span domain, struct address *address_r) MUST_CHECK;

struct span address_local(const struct address *);  /* canonical, with the quotes it needs */
struct span address_domain(const struct address *); /* empty, and ptr NULL, where there is no '@' */
bool address_equal(const struct address *, const struct address *);

/* The local part without quotes and quoted-pairs; in `buffer` where it had any. */
struct span address_local_unquoted(const struct address *, char buffer[static LOCAL_MAX + 1]);

/* The same local part in another domain (canonical). LIMIT where too long. */
enum result address_in_domain(const struct address *, struct span domain,
                              struct address *address_r) MUST_CHECK;

/* Takes the extension off as Postfix does (recipient_delimiter, postconf(5)): from
 * the first of the delimiters (ASCII) on, unless that is the first character.
 * postmaster, mailer-daemon and double-bounce have none, nor, where '-' is a
 * delimiter, has owner-x or x-request (owner_request_special is on by default).
 * NOT_FOUND: there is no extension. */
enum result address_strip_extension(const struct address *, const char *delimiters,
                                    struct address *address_r) MUST_CHECK;

/* Takes BATV (draft-levine-smtp-batv: prvs=TAG=local; also prvs=local/KDDDSSSSSS,
 * msprvs1=TAG=local, btv1==TAG==local) and SRS (SRS0=HHH=TT=domain=local,
 * SRS1=HHH=host==HHH=TT=domain=local; the separator before HHH may be + or -)
 * wrappings off, nested ones too, up to eight.  Tags and hashes are not verified.
 * BATV keeps the domain; SRS gives an address in another domain, so the wrapped
 * one and its domain still have to be judged on their own.
 * NOT_FOUND: none there. */
enum result address_unwrap(const struct address *, struct address *address_r) MUST_CHECK;

/* A host name or domain in canonical form: lower-case A-labels, no final dot.  An
 * address literal ([...]) only in lower case.  BAD: NUL or control character,
 * malformed UTF-8.  What IDNA refuses stays, label by label, as it is. */
enum result domain_parse(struct span text, char domain_r[static DOMAIN_MAX + 1]) MUST_CHECK;

/* The same for input by a person: also BAD for a name that cannot be a mail domain
 * (RFC 1035 lengths, letters, digits, hyphens and '_', no number as the last label,
 * or a right IPv4 or IPv6 address literal). */
enum result domain_check(const char *text, char domain_r[static DOMAIN_MAX + 1], struct error *) MUST_CHECK;

#endif
