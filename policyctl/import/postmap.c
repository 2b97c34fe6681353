/* SPDX-License-Identifier: MIT */
/* Postfix's virtual(5) and smtpd_sender_login_maps as text files, in the form of postmap(1). */
#include <string.h>

#include "lib/address.h"
#include "policyctl/import/lines.h"

static const char commas[] = " \t,";

/* ---- virtual ---- */

/* "example.com  anything" says that the domain is one; "user  ..." has no domain. */
static bool is_domain_line(struct span key, struct span values)
{
    return !memchr(key.ptr, '@', key.len) && memchr(key.ptr, '.', key.len) &&
           !memchr(values.ptr, '@', values.len) && !memchr(values.ptr, ',', values.len);
}

static enum result whole_domain(struct import *im, const char *from, struct span to)
{
    char target[DOMAIN_MAX + 1];

    if (str_copy((struct span){ to.ptr + 1, to.len - 1 }, target, sizeof target) != OK)
        return import_error(im, "a domain that is too long");
    return import_domain(im, from + 1, "alias", target);
}

static enum result take_virtual(struct import *im, struct span key, struct span values)
{
    char alias[ADDRESS_MAX + 1], domain[DOMAIN_MAX + 1];
    const char *canonical;
    struct span word;

    if (is_domain_line(key, values))
        return str_copy(key, domain, sizeof domain) == OK ? import_domain(im, domain, "mailbox", NULL)
                                                          : import_error(im, "a domain that is too long");
    if (import_address(im, key, &canonical) != OK)
        return BAD;
    if (str_copy(span_of(canonical), alias, sizeof alias) != OK)
        return import_error(im, "an alias that is too long");
    while (lines_word(&values, commas, &word)) {
        if (word.ptr[0] == '@' && alias[0] == '@')
            return whole_domain(im, alias, word);
        if (strchr("|/:\"", word.ptr[0]))
            return import_error(im, "%s: '%.*s' is no address: commands and files are for aliases(5)", alias,
                                (int)(word.len < 80 ? word.len : 80), word.ptr);
        if (import_address(im, word, &canonical) != OK || import_destination(im, alias, canonical) != OK)
            return BAD;
    }
    return OK;
}

enum result read_virtual(struct import *im, FILE *f)
{
    return lines_entries(im, f, take_virtual);
}

/* ---- smtpd_sender_login_maps ---- */

static enum result take_sender(struct import *im, struct span key, struct span values)
{
    char sender[ADDRESS_MAX + 1];
    const char *login;
    struct span word;

    if (import_address(im, key, &login) != OK)
        return BAD;
    if (str_copy(span_of(login), sender, sizeof sender) != OK)
        return import_error(im, "a sender that is too long");
    while (lines_word(&values, commas, &word)) {
        if (import_address(im, word, &login) != OK)
            return BAD;
        if (strcmp(login, sender) == 0)
            continue; /* everybody may send as himself */
        if (!import_knows(im, ITEM_ACCOUNT, login))
            return import_error(im, "%s may send as %s, and is no account: import accounts first", login, sender);
        if (import_grant(im, login, sender) != OK)
            return BAD;
    }
    return OK;
}

enum result read_sender_login(struct import *im, FILE *f)
{
    return lines_entries(im, f, take_sender);
}
