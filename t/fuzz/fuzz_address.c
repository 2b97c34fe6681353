/* SPDX-License-Identifier: MIT */
/*
 * Any octets as an address.  What is checked of each that parses: the canonical
 * text is well formed and parses to itself, ASCII case of the input makes no
 * difference, and whatever is taken off leaves canonical text again.
 */
#include "lib/address.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <idn2.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool holds)
{
    if (!holds)
        abort();
}

static void need_canonical(const struct address *a)
{
    struct span text = { a->text, a->len };
    struct address again;

    need(a->len <= ADDRESS_MAX && strlen(a->text) == a->len && utf8_valid(text));
    need(a->local_len <= LOCAL_MAX);
    need(a->local_len == a->len || (a->local_len < a->len && a->text[a->local_len] == '@'));
    for (size_t i = 0; i < a->len; i++)
        need((unsigned char)a->text[i] >= ' ' && a->text[i] != 0x7f && a->text[i] == ascii_lower(a->text[i]));
    need(address_parse(text, &again) == OK);
    need(address_equal(a, &again) && a->local_len == again.local_len);
}

static void need_same_in_capitals(struct span text, enum result r, const struct address *a)
{
    char *capitals = malloc(text.len + 1);
    struct address again;

    need(capitals != NULL);
    for (size_t i = 0; i < text.len; i++)
        capitals[i] = (char)(text.ptr[i] >= 'a' && text.ptr[i] <= 'z' ? text.ptr[i] - 32 : text.ptr[i]);
    need(address_parse((struct span){ capitals, text.len }, &again) == r);
    need(address_equal(a, &again));
    free(capitals);
}

static bool is_accepted(const char *domain, int flags)
{
    uint8_t *ascii = NULL; /* needed: with NULL libidn2 leaves out the round trip */
    int failure = idn2_lookup_u8((const uint8_t *)domain, &ascii, IDN2_NFC_INPUT | flags);

    idn2_free(ascii);
    return failure == IDN2_OK;
}

/* Without UTS 46 libidn2 lets A-labels pass with a hyphen at the end, with it those
 * whose U-label is mapped to something else (U+00B4). */
static bool is_good_idn(const char *domain)
{
    return domain[0] != '[' && strstr(domain, "xn--") && is_accepted(domain, IDN2_NO_TR46) &&
           is_accepted(domain, IDN2_NONTRANSITIONAL);
}

/* A name of good labels equals its U-label form. */
static void need_same_in_ulabels(struct span text)
{
    char domain[DOMAIN_MAX + 1], again[DOMAIN_MAX + 1], *unicode = NULL;

    if (domain_parse(text, domain) != OK)
        return;
    need(domain_parse(span_of(domain), again) == OK && strcmp(domain, again) == 0);
    if (is_good_idn(domain) && idn2_to_unicode_8z8z(domain, &unicode, 0) == IDN2_OK) {
        need(domain_parse(span_of(unicode), again) == OK && strcmp(domain, again) == 0);
        idn2_free(unicode);
    }
}

static void check_input(struct span text)
{
    char *copy = malloc(text.len + 1), domain[DOMAIN_MAX + 1];
    struct address a;
    struct error e;

    need(copy != NULL);
    if (text.len > 0)
        memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    if (address_check(copy, true, &a, &e) == OK)
        need_canonical(&a);
    else
        need(a.len == 0 && strlen(e.text) > 0);
    if (domain_check(copy, domain, &e) == OK)
        need(strlen(domain) > 0 && address_join(SPAN("a"), span_of(domain), &a) == OK);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = { (const char *)data, size };
    struct address a, less;
    enum result r = address_parse(text, &a);

    need_same_in_capitals(text, r, &a);
    need_same_in_ulabels(text);
    check_input(text);
    if (r != OK) {
        need(a.len == 0 && a.text[0] == '\0');
        return 0;
    }
    need_canonical(&a);
    if (address_strip_extension(&a, "+-", &less) == OK) {
        need(less.local_len < a.local_len + 2); /* it may need quotes now */
        need_canonical(&less);
    }
    if (address_unwrap(&a, &less) == OK)
        need_canonical(&less);
    return 0;
}
