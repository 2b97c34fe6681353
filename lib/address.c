/* SPDX-License-Identifier: MIT */
/*
 * Addresses: taking them apart, their canonical text, comparing.  Contract in
 * address.h.  Layer 1.
 *
 * Every request passes here several times, so plain ASCII local parts are copied
 * and classified in one pass; only what has other octets goes to libunistring.
 */
#include "address.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <unicase.h>
#include <uninorm.h>

/* Octets of a local part; all others are atext (RFC 5322). */
enum { CONTROL = 1, EIGHT_BIT = 2, SPECIAL = 4, DOT = 8 };

static const unsigned char class[256] = {
    [0x00 ... 0x1f] = CONTROL, [0x7f] = CONTROL, [0x80 ... 0xff] = EIGHT_BIT,
    [' '] = SPECIAL,           ['"'] = SPECIAL,  ['('] = SPECIAL,
    [')'] = SPECIAL,           [','] = SPECIAL,  [':'] = SPECIAL,
    [';'] = SPECIAL,           ['<'] = SPECIAL,  ['>'] = SPECIAL,
    ['@'] = SPECIAL,           ['['] = SPECIAL,  [']'] = SPECIAL,
    ['\\'] = SPECIAL,          ['.'] = DOT,
};

struct parts {
    struct span local, domain; /* domain.ptr NULL: no '@' */
    bool quoted;               /* the local part is a quoted string */
};

/* The length of the quoted string at the start of text, 0 where there is none. */
static size_t quoted_length(struct span text)
{
    if (text.len == 0 || text.ptr[0] != '"')
        return 0;
    for (size_t i = 1; i < text.len; i++) {
        if (text.ptr[i] == '\\')
            i++;
        else if (text.ptr[i] == '"')
            return i + 1;
    }
    return 0;
}

static struct parts split(struct span text)
{
    size_t quoted = quoted_length(text), at = text.len;

    while (at > 0 && text.ptr[at - 1] != '@')
        at--;
    if (at == 0 || (quoted > 0 && quoted == text.len))
        return (struct parts){ .local = text, .quoted = quoted > 0 && quoted == text.len };
    return (struct parts){
        .local = { text.ptr, at - 1 },
        .domain = { text.ptr + at, text.len - at },
        .quoted = quoted == at - 1 && quoted > 0,
    };
}

/* Takes quotes and backslashes off a quoted string; the result is in buffer. */
static enum result unquote(struct span *text, char buffer[static LOCAL_MAX + 1])
{
    size_t len = 0;

    if (!utf8_valid(*text)) /* a backslash may stand amid a character */
        return BAD;
    for (size_t i = 1; i < text->len - 1; i++) {
        if (text->ptr[i] == '\\')
            i++;
        if (len == LOCAL_MAX)
            return LIMIT;
        buffer[len++] = text->ptr[i];
    }
    *text = (struct span){ buffer, len };
    return OK;
}

static enum result fold_local(struct span local, struct address *a)
{
    uint8_t buffer[LOCAL_MAX], *folded;
    size_t len = sizeof buffer;

    if (!utf8_valid(local))
        return BAD;
    folded = u8_casefold((const uint8_t *)local.ptr, local.len, NULL, UNINORM_NFC, buffer, &len);
    if (!folded)
        return errno == ENOMEM ? TRY_AGAIN : BAD;
    if (len <= LOCAL_MAX) {
        memcpy(a->text, folded, len);
        a->local_len = len;
    }
    if (folded != buffer)
        free(folded);
    return len <= LOCAL_MAX ? OK : LIMIT;
}

static bool needs_quotes(const struct address *a)
{
    char before = '.'; /* RFC 5321 Dot-string: no dot at either end, no two together */

    for (size_t i = 0; i < a->local_len; i++) {
        char c = a->text[i];
        if ((class[(unsigned char)c] & SPECIAL) || (c == '.' && before == '.'))
            return true;
        before = c;
    }
    return a->local_len > 0 && before == '.';
}

static bool needs_backslash(char c)
{
    return c == '"' || c == '\\';
}

static enum result quote_local(struct address *a)
{
    size_t len = a->local_len + 2, to;

    for (size_t i = 0; i < a->local_len; i++)
        len += needs_backslash(a->text[i]);
    if (len > LOCAL_MAX)
        return LIMIT;
    to = len;
    a->text[--to] = '"';
    for (size_t i = a->local_len; i-- > 0;) { /* from the end, since it grows in place */
        char c = a->text[i];
        a->text[--to] = c;
        if (needs_backslash(c))
            a->text[--to] = '\\';
    }
    a->text[0] = '"';
    a->local_len = len;
    return OK;
}

static enum result set_local(struct span local, struct address *a)
{
    unsigned seen = 0;

    if (local.len > LOCAL_MAX)
        return LIMIT;
    for (size_t i = 0; i < local.len; i++) {
        seen |= class[(unsigned char)local.ptr[i]];
        a->text[i] = ascii_lower(local.ptr[i]);
    }
    a->local_len = local.len;
    if (seen & CONTROL)
        return BAD;
    if (seen & EIGHT_BIT) {
        enum result r = fold_local(local, a);
        if (r != OK)
            return r;
    }
    /* Folding can bring a special: U+037E is canonically ';'. */
    return seen != 0 && needs_quotes(a) ? quote_local(a) : OK;
}

static enum result unset(struct address *a, enum result r)
{
    a->text[0] = '\0';
    a->len = a->local_len = 0;
    return r;
}

enum result address_join(struct span local, struct span domain, struct address *address_r)
{
    enum result r = set_local(local, address_r);

    if (r != OK)
        return unset(address_r, r);
    address_r->len = address_r->local_len;
    if (domain.ptr) {
        char *to = address_r->text + address_r->len + 1;
        r = domain_parse(domain, to);
        if (r != OK)
            return unset(address_r, r);
        address_r->text[address_r->local_len] = '@';
        address_r->len += 1 + strlen(to);
    }
    address_r->text[address_r->len] = '\0';
    return OK;
}

static enum result join(struct parts p, struct address *address_r)
{
    char buffer[LOCAL_MAX + 1];

    if (p.quoted) {
        enum result r = unquote(&p.local, buffer);
        if (r != OK)
            return unset(address_r, r);
    }
    return address_join(p.local, p.domain, address_r);
}

enum result address_parse(struct span text, struct address *address_r)
{
    return join(split(text), address_r);
}

/* What a person may not have meant, NULL where nothing is wrong. */
static const char *fault(struct parts p, const struct address *a, bool bare_allowed)
{
    if (a->local_len == 0)
        return "the address has no local part";
    if (!p.domain.ptr && !bare_allowed)
        return "the address has no domain";
    if (p.quoted)
        return NULL;
    for (size_t i = 0; i < p.local.len; i++)
        if (class[(unsigned char)p.local.ptr[i]] & SPECIAL)
            return "the local part of the address must stand in double quotes, or is wrong";
    return NULL;
}

enum result address_check(const char *text, bool bare_allowed, struct address *address_r, struct error *e)
{
    struct parts p = split(span_of(text));
    enum result r = join(p, address_r);
    char domain[DOMAIN_MAX + 1];
    const char *reason;

    if (r == TRY_AGAIN)
        return error_set(e, r, "no memory left to read the address: %s", text);
    if (r == LIMIT)
        return error_set(e, r, "the address is longer than %d octets before or %d after the '@': %s",
                         LOCAL_MAX, DOMAIN_MAX, text);
    if (r != OK)
        return error_set(e, r, "the address holds a control character or is not UTF-8: %s", text);
    reason = fault(p, address_r, bare_allowed);
    if (reason)
        return error_set(e, unset(address_r, BAD), "%s: %s", reason, text);
    if (p.domain.ptr) {
        r = domain_check(p.domain.ptr, domain, e); /* it ends where the text ends */
        if (r != OK)
            return unset(address_r, r);
    }
    return OK;
}

struct span address_local(const struct address *a)
{
    return (struct span){ a->text, a->local_len };
}

struct span address_domain(const struct address *a)
{
    if (a->local_len == a->len)
        return (struct span){ NULL, 0 };
    return (struct span){ a->text + a->local_len + 1, a->len - a->local_len - 1 };
}

bool address_equal(const struct address *a, const struct address *b)
{
    return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
}

struct span address_local_unquoted(const struct address *a, char buffer[static LOCAL_MAX + 1])
{
    struct span local = address_local(a);

    if (local.len > 0 && local.ptr[0] == '"' && unquote(&local, buffer) != OK)
        local.len = 0; /* not with a canonical text */
    return local;
}

enum result address_in_domain(const struct address *a, struct span domain, struct address *address_r)
{
    if (domain.len > DOMAIN_MAX)
        return unset(address_r, LIMIT);
    memcpy(address_r->text, a->text, a->local_len);
    address_r->text[a->local_len] = '@';
    if (domain.len > 0)
        memcpy(address_r->text + a->local_len + 1, domain.ptr, domain.len);
    address_r->local_len = a->local_len;
    address_r->len = a->local_len + 1 + domain.len;
    address_r->text[address_r->len] = '\0';
    return OK;
}
