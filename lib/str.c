/* SPDX-License-Identifier: MIT */
#include "str.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

bool span_equal_case(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || strncasecmp(a.ptr, b.ptr, a.len) == 0);
}

bool span_ends_case(struct span text, struct span suffix)
{
    if (suffix.len > text.len)
        return false;
    return span_equal_case((struct span){ text.ptr + text.len - suffix.len, suffix.len }, suffix);
}

struct span span_trim(struct span s)
{
    while (s.len > 0 && (s.ptr[0] == ' ' || s.ptr[0] == '\t')) {
        s.ptr++;
        s.len--;
    }
    while (s.len > 0 && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
        s.len--;
    return s;
}

void strbuf_addu(struct strbuf *b, uint64_t number)
{
    char digits[20];
    size_t i = sizeof digits;

    do
        digits[--i] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    strbuf_add(b, (struct span){ digits + i, sizeof digits - i });
}

const char *str_number_text(uint64_t number, char text_r[static STR_NUMBER_MAX])
{
    struct strbuf b;

    strbuf_init(&b, text_r, STR_NUMBER_MAX);
    strbuf_addu(&b, number);
    return text_r;
}

void strbuf_addf(struct strbuf *b, const char *format, ...)
{
    va_list args;
    size_t room = b->size - b->len;

    va_start(args, format);
    int n = vsnprintf(b->ptr + b->len, room, format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= room) {
        b->cut = true;
        b->len += strlen(b->ptr + b->len);
    } else
        b->len += (size_t)n;
}

/* The multiplier is 2^64 by the golden ratio (Knuth, volume 3, 6.4); each shift brings the
 * upper half, where a multiplication mixes best, to the lower. */
static uint64_t mix(uint64_t h)
{
    h *= 0x9e3779b97f4a7c15u;
    return h ^ h >> 32;
}

uint64_t str_key_hash(struct span key)
{
    const char *p = key.ptr;
    uint64_t h = key.len, word;
    size_t left = key.len;

    for (; left >= sizeof word; p += sizeof word, left -= sizeof word) {
        memcpy(&word, p, sizeof word);
        h = mix(h ^ word);
    }
    word = 0;
    if (left > 0)
        memcpy(&word, p, left);
    return mix(mix(h ^ word));
}

size_t utf8_length(const char *p, size_t len)
{
    const unsigned char *s = (const unsigned char *)p;
    unsigned char low = 0x80, high = 0xbf; /* bounds of the second octet */
    size_t n;

    if (len == 0)
        return 0;
    if (s[0] < 0x80)
        return 1;
    if (s[0] >= 0xc2 && s[0] <= 0xdf)
        n = 2;
    else if (s[0] >= 0xe0 && s[0] <= 0xef)
        n = 3;
    else if (s[0] >= 0xf0 && s[0] <= 0xf4)
        n = 4;
    else
        return 0;
    if (n > len)
        return 0;
    if (s[0] == 0xe0)
        low = 0xa0; /* shorter forms exist */
    else if (s[0] == 0xed)
        high = 0x9f; /* surrogates */
    else if (s[0] == 0xf0)
        low = 0x90;
    else if (s[0] == 0xf4)
        high = 0x8f; /* past U+10FFFF */
    if (s[1] < low || s[1] > high)
        return 0;
    for (size_t i = 2; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    return n;
}

bool utf8_valid(struct span text)
{
    for (size_t i = 0, n; i < text.len; i += n)
        if ((n = utf8_length(text.ptr + i, text.len - i)) == 0)
            return false;
    return true;
}

/* The character of n octets at p is C0, DEL or C1 (U+0080 to U+009F: terminals obey
 * those too), or no character at all (n is 0). */
static bool is_control(const char *p, size_t n)
{
    unsigned char c = (unsigned char)p[0];

    return n == 0 || c < ' ' || c == 0x7f || (n == 2 && c == 0xc2 && (unsigned char)p[1] < 0xa0);
}

static bool is_plain(struct span text)
{
    bool plain = true;

    for (size_t i = 0; i < text.len; i++)
        plain &= text.ptr[i] >= ' ' && text.ptr[i] < 0x7f;
    return plain;
}

void strbuf_add_clean(struct strbuf *b, struct span text)
{
    if (is_plain(text)) {
        strbuf_add(b, text);
        return;
    }
    for (size_t i = 0, n; i < text.len; i += n) {
        n = utf8_length(text.ptr + i, text.len - i);
        if (b->len + (n ? n : 1) >= b->size) { /* never half a character */
            b->cut = true;
            return;
        }
        if (is_control(text.ptr + i, n)) {
            strbuf_addc(b, '?');
            n = n > 0 ? n : 1;
        } else
            strbuf_add(b, (struct span){ text.ptr + i, n });
    }
}

static bool needs_quotes(struct span text)
{
    static const bool plain[256] = { ['!'] = true, ['#' ... '['] = true, [']' ... '~'] = true };
    bool all_plain = text.len > 0;

    for (size_t i = 0; i < text.len; i++)
        all_plain &= plain[(unsigned char)text.ptr[i]];
    return !all_plain;
}

void strbuf_add_quoted(struct strbuf *b, struct span text)
{
    size_t plain = 0; /* text[plain] to text[i] stands as it is */

    if (!needs_quotes(text)) {
        strbuf_add(b, text);
        return;
    }
    strbuf_addc(b, '"');
    for (size_t i = 0, n; i < text.len; i += n) {
        char c = text.ptr[i];
        n = utf8_length(text.ptr + i, text.len - i);
        bool control = is_control(text.ptr + i, n);
        if (!control && c != '"' && c != '\\')
            continue;
        strbuf_add(b, (struct span){ text.ptr + plain, i - plain });
        n = n > 0 ? n : 1;
        for (size_t k = i; control && k < i + n; k++)
            strbuf_addf(b, "\\x%02x", (unsigned char)text.ptr[k]);
        if (!control) {
            strbuf_addc(b, '\\');
            strbuf_addc(b, c);
        }
        plain = i + n;
    }
    if (plain < text.len)
        strbuf_add(b, (struct span){ text.ptr + plain, text.len - plain });
    strbuf_addc(b, '"');
}

enum result str_copy(struct span text, char *array, size_t size)
{
    if (text.len >= size) {
        array[0] = '\0';
        return LIMIT;
    }
    if (text.len > 0)
        memcpy(array, text.ptr, text.len);
    array[text.len] = '\0';
    return OK;
}

void str_fill(struct span text, char *array, size_t size)
{
    (void)!str_copy(text, array, size);
}

enum result str_number(struct span text, uint64_t min, uint64_t max, uint64_t *number_r)
{
    uint64_t n = 0;

    if (text.len == 0)
        return BAD;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return BAD;
        uint64_t digit = (uint64_t)(text.ptr[i] - '0');
        if (n > (UINT64_MAX - digit) / 10)
            return BAD;
        n = n * 10 + digit;
    }
    if (n < min || n > max)
        return BAD;
    *number_r = n;
    return OK;
}
