/* SPDX-License-Identifier: MIT */
/*
 * Spans of text that somebody else owns, and bounded builders that never write
 * past their array.  Layer 1.
 */
#ifndef POSTERN_STR_H
#define POSTERN_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "result.h"

/* Not NUL-terminated; ptr may be NULL where len is 0. */
struct span {
    const char *ptr;
    size_t len;
};

/* clang-format off */
#define SPAN_INIT(literal) { (literal), sizeof(literal) - 1 }
/* clang-format on */
#define SPAN(literal) ((struct span)SPAN_INIT(literal))

/* text may be NULL: empty */
static inline struct span span_of(const char *text)
{
    return (struct span){ text, text ? strlen(text) : 0 };
}

static inline bool span_equal(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool span_equal_case(struct span a, struct span b); /* ASCII letters alike */
bool span_ends_case(struct span text, struct span suffix);
struct span span_trim(struct span s); /* spaces and tabs at both ends */

/* Writes into a caller's array, which is NUL-terminated at all times.  What does
 * not fit is dropped and `cut` set. */
struct strbuf {
    char *ptr;
    size_t size; /* of the array, at least 1 */
    size_t len;  /* without the NUL */
    bool cut;
};

static inline void strbuf_init(struct strbuf *b, char *array, size_t size)
{
    *b = (struct strbuf){ .ptr = array, .size = size };
    array[0] = '\0';
}

static inline void strbuf_add(struct strbuf *b, struct span text)
{
    size_t room = b->size - 1 - b->len;

    if (text.len > room) {
        b->cut = true;
        text.len = room;
    }
    if (text.len > 0)
        memcpy(b->ptr + b->len, text.ptr, text.len);
    b->len += text.len;
    b->ptr[b->len] = '\0';
}

static inline void strbuf_adds(struct strbuf *b, const char *text)
{
    strbuf_add(b, span_of(text));
}

static inline void strbuf_addc(struct strbuf *b, char c)
{
    strbuf_add(b, (struct span){ &c, 1 });
}

void strbuf_addu(struct strbuf *b, uint64_t number);
void strbuf_addf(struct strbuf *b, const char *format, ...) PRINTF(2, 3);

/* For replies: control characters and malformed UTF-8 become '?' (Postfix turns
 * a malformed reply into its default action). */
void strbuf_add_clean(struct strbuf *b, struct span text);

/* For logs: visible ASCII but quote and backslash stands as it is; a value that is empty
 * or holds anything else is quoted, with \\ \", and \xNN for control characters and
 * malformed UTF-8. */
void strbuf_add_quoted(struct strbuf *b, struct span text);

/* Copies text into array; LIMIT (and an empty array) where it does not fit. */
enum result str_copy(struct span text, char *array, size_t size) MUST_CHECK;

/* The same where an empty array says enough. */
void str_fill(struct span text, char *array, size_t size);

/* A whole decimal number from min to max, nothing before or behind it; else BAD. */
enum result str_number(struct span text, uint64_t min, uint64_t max, uint64_t *number_r) MUST_CHECK;

/* The other way: text_r, with the number in decimal. */
enum { STR_NUMBER_MAX = 21 };
const char *str_number_text(uint64_t number, char text_r[static STR_NUMBER_MAX]);

/* FNV-1a, 64 bits (www.isthe.com/chongo/tech/comp/fnv), for what is stored: of a text in
 * parts, each goes on with what the one before returned. */
#define STR_HASH_START 14695981039346656037u
static inline uint64_t str_hash(uint64_t hash, struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ (unsigned char)text.ptr[i]) * 1099511628211u;
    return hash;
}

/* Eight octets a step, all bits of it alike. It may be another one in another version, or on
 * another kind of machine: for tables in memory, and files that say what wrote them. */
uint64_t str_key_hash(struct span key);

/* The length in octets of the well-formed UTF-8 character at p (RFC 3629), 0
 * where there is none within len octets. */
size_t utf8_length(const char *p, size_t len);
bool utf8_valid(struct span text);

/* ASCII letters only, whatever the locale. */
static inline char ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

#endif
