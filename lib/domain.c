/* SPDX-License-Identifier: MIT */
/*
 * Domains and host names in canonical form.  Contract in address.h.  Layer 1.
 *
 * Plain ASCII names never reach libidn2; names with an "xn--" or other than ASCII
 * do, as a whole and, where that is refused, label by label, so that one odd label
 * does not keep the others from their A-labels.
 */
#include "address.h"

#include <arpa/inet.h>
#include <string.h>

#include <idn2.h>

enum {
    NAME_MAX_DNS = 253, /* RFC 1035: 255 octets on the wire */
    LABEL_MAX_DNS = 63,
    INPUT_MAX = 4 * DOMAIN_MAX, /* U-labels in UTF-8 are longer than their A-labels */
    UTS46 = IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL
};

enum { CONTROL = 1, EIGHT_BIT = 2, HYPHEN = 4, NAME = 8, DIGIT = 16 };

/* Of the octets of a lower-case name; NAME: may stand in a host name. */
static const unsigned char class[256] = {
    [0x00 ... 0x1f] = CONTROL,    [0x7f] = CONTROL,     [0x80 ... 0xff] = EIGHT_BIT,
    ['-'] = NAME | HYPHEN,        ['.'] = NAME,         ['_'] = NAME,
    ['0' ... '9'] = NAME | DIGIT, ['a' ... 'z'] = NAME,
};

/* One dot: behind two there is no name that it could end. */
static size_t without_final_dot(const char *name, size_t len)
{
    return len > 1 && name[len - 1] == '.' && name[len - 2] != '.' ? len - 1 : len;
}

static bool is_name(const char *name)
{
    for (; *name; name++)
        if (!(class[(unsigned char)*name] & NAME))
            return false;
    return true;
}

/* NOT_FOUND: IDNA refuses the name, or maps it to what no name can hold (U+FF20
 * would become '@'). */
static enum result add_alabels(struct strbuf *b, const char *name)
{
    uint8_t *ascii = NULL;
    int failure = idn2_lookup_u8((const uint8_t *)name, &ascii, UTS46);
    enum result r = NOT_FOUND;

    if (failure == IDN2_MALLOC)
        return TRY_AGAIN;
    if (failure == IDN2_OK && is_name((const char *)ascii)) {
        strbuf_adds(b, (const char *)ascii);
        r = OK;
    }
    idn2_free(ascii);
    return r;
}

static enum result add_each_label(struct strbuf *b, char *name)
{
    for (char *dot; name; name = dot) {
        enum result r;

        dot = strchr(name, '.');
        if (dot)
            *dot++ = '\0';
        r = add_alabels(b, name);
        if (r == TRY_AGAIN)
            return r;
        if (r == NOT_FOUND)
            strbuf_adds(b, name);
        if (dot)
            strbuf_addc(b, '.');
    }
    return OK;
}

static enum result to_alabels(char *name, char domain_r[static DOMAIN_MAX + 1])
{
    struct strbuf b;
    enum result r;

    strbuf_init(&b, domain_r, DOMAIN_MAX + 1);
    r = add_alabels(&b, name);
    if (r == NOT_FOUND)
        r = add_each_label(&b, name);
    if (r == OK && b.cut)
        r = LIMIT;
    if (r != OK)
        b.len = 0;
    domain_r[without_final_dot(domain_r, b.len)] = '\0'; /* U+3002 is a dot too */
    return r;
}

enum result domain_parse(struct span text, char domain_r[static DOMAIN_MAX + 1])
{
    char name[INPUT_MAX + 1];
    unsigned seen = 0;
    size_t len;

    domain_r[0] = '\0';
    if (text.len > INPUT_MAX)
        return LIMIT;
    for (size_t i = 0; i < text.len; i++) {
        name[i] = ascii_lower(text.ptr[i]);
        seen |= class[(unsigned char)name[i]];
    }
    len = without_final_dot(text.ptr, text.len);
    name[len] = '\0';
    if ((seen & CONTROL) || ((seen & EIGHT_BIT) && !utf8_valid(text)))
        return BAD;
    if (name[0] != '[' && ((seen & EIGHT_BIT) || ((seen & HYPHEN) && strstr(name, "xn--"))))
        return to_alabels(name, domain_r);
    return str_copy((struct span){ name, len }, domain_r, DOMAIN_MAX + 1);
}

static const char *literal_fault(const char *domain)
{
    static const char ipv6[] = "ipv6:";
    char address[INET6_ADDRSTRLEN];
    size_t len = strlen(domain);
    bool six = strncmp(domain + 1, ipv6, sizeof ipv6 - 1) == 0;
    const char *start = domain + 1 + (six ? sizeof ipv6 - 1 : 0);
    struct in6_addr binary;

    if (domain[len - 1] != ']')
        return "the address literal has no closing bracket";
    if (str_copy((struct span){ start, (size_t)(domain + len - 1 - start) }, address, sizeof address) != OK ||
        inet_pton(six ? AF_INET6 : AF_INET, address, &binary) != 1)
        return "the address literal is neither [IPv4 address] nor [IPv6:address]";
    return NULL;
}

static const char *label_fault(struct span label, bool last)
{
    unsigned all = ~0U;

    if (label.len == 0)
        return "the domain has an empty label";
    if (label.len > LABEL_MAX_DNS)
        return "the domain has a label of more than 63 octets";
    for (size_t i = 0; i < label.len; i++)
        all &= class[(unsigned char)label.ptr[i]];
    if (!(all & NAME))
        return "the domain has a character that no host name can have";
    if (label.ptr[0] == '-' || label.ptr[label.len - 1] == '-')
        return "the domain has a label that begins or ends with a hyphen";
    if (last && (all & DIGIT))
        return "the domain ends in a number (an IP address is written in brackets)";
    return NULL;
}

static bool is_ascii(const char *name)
{
    while (*name && !(class[(unsigned char)*name] & EIGHT_BIT))
        name++;
    return !*name;
}

/* Why domain_parse left more than ASCII in the name. */
static const char *idna_fault(const char *name)
{
    uint8_t *ascii = NULL; /* without one, libidn2 leaves out the round trip of A-labels */
    int failure = idn2_lookup_u8((const uint8_t *)name, &ascii, UTS46);

    idn2_free(ascii);
    if (failure == IDN2_OK)
        return "the domain has a character that no host name can have";
    return idn2_strerror(failure);
}

/* Why a canonical domain cannot be a mail domain, NULL where it can. */
static const char *fault(const char *domain)
{
    const char *reason = NULL;

    if (!*domain)
        return "the domain is empty";
    if (*domain == '[')
        return literal_fault(domain);
    if (!is_ascii(domain))
        return idna_fault(domain);
    if (strlen(domain) > NAME_MAX_DNS)
        return "the domain is longer than 253 octets";
    for (const char *dot; domain && !reason; domain = dot ? dot + 1 : NULL) {
        dot = strchr(domain, '.');
        reason = label_fault((struct span){ domain, dot ? (size_t)(dot - domain) : strlen(domain) }, !dot);
    }
    return reason;
}

enum result domain_check(const char *text, char domain_r[static DOMAIN_MAX + 1], struct error *e)
{
    enum result r = domain_parse(span_of(text), domain_r);
    const char *reason;

    if (r == TRY_AGAIN)
        return error_set(e, r, "no memory left to read the domain: %s", text);
    if (r == LIMIT)
        return error_set(e, r, "the domain is longer than 253 octets: %s", text);
    if (r != OK)
        return error_set(e, r, "the domain holds a control character or is not UTF-8: %s", text);
    reason = fault(domain_r);
    if (!reason)
        return OK;
    domain_r[0] = '\0';
    return error_set(e, BAD, "%s%s%s", reason, *text ? ": " : "", text);
}
