/* SPDX-License-Identifier: MIT */
#include "message_text.h"

#include <ctype.h>
#include <string.h>

#include "str.h"

static unsigned characters(struct span text)
{
    unsigned count = 0;

    for (size_t i = 0; i < text.len; i++)
        count += ((unsigned char)text.ptr[i] & 0xc0) != 0x80;
    return count;
}

static void print_paragraph(struct span text, unsigned width, FILE *out)
{
    unsigned column = 0;

    while (text.len > 0) {
        const char *space = memchr(text.ptr, ' ', text.len);
        struct span word = { text.ptr, space ? (size_t)(space - text.ptr) : text.len };
        unsigned length = characters(word);
        if (length > 0) {
            if (column > 0 && column + 1 + length > width) {
                fputc('\n', out);
                column = 0;
            }
            fprintf(out, "%s%.*s", column > 0 ? " " : "", (int)word.len, word.ptr);
            column += length + (column > 0);
        }
        text = (struct span){ text.ptr + word.len + (space != NULL), text.len - word.len - (space != NULL) };
    }
    fputc('\n', out);
}

void message_wrap(const char *text, unsigned width, FILE *out)
{
    for (const char *end; *text; text = end + (*end == '\n')) {
        end = text + strcspn(text, "\n");
        struct span line = { text, (size_t)(end - text) };
        if (*text == ' ')
            fprintf(out, "%.*s\n", (int)line.len, line.ptr);
        else
            print_paragraph(line, width, out);
    }
}

/* ---- headers ---- */

#define OPENS  "=?utf-8?Q?"
#define CLOSES "?="

enum { ENCODED_MAX = 75 - (sizeof OPENS - 1) - (sizeof CLOSES - 1) };

/* As the Q encoding writes one character (RFC 2047, 4.2). */
static void encode(struct span character, struct strbuf *b)
{
    unsigned char c = (unsigned char)character.ptr[0];

    if (c == ' ' || c == '\n')
        strbuf_addc(b, '_');
    else if (c < 0x80 && isalnum(c))
        strbuf_addc(b, (char)c);
    else
        for (size_t i = 0; i < character.len; i++)
            strbuf_addf(b, "=%02X", (unsigned)(unsigned char)character.ptr[i]);
}

static void print_encoded(struct span text, FILE *out)
{
    unsigned column = 0;

    fputs(OPENS, out);
    while (text.len > 0) {
        size_t length = utf8_length(text.ptr, text.len);
        char encoded[16];
        struct strbuf b;
        length += length == 0;
        strbuf_init(&b, encoded, sizeof encoded);
        encode((struct span){ text.ptr, length }, &b);
        if (column + b.len > ENCODED_MAX) {
            fputs(CLOSES "\n " OPENS, out);
            column = 0;
        }
        fputs(encoded, out);
        column += (unsigned)b.len;
        text = (struct span){ text.ptr + length, text.len - length };
    }
    fputs(CLOSES "\n", out);
}

void message_header(const char *text, FILE *out)
{
    struct span all = span_of(text);
    bool is_ascii = all.len < 900; /* a line ends before 998 octets */

    for (size_t i = 0; i < all.len; i++)
        is_ascii = is_ascii && (unsigned char)text[i] < 0x80;
    if (!is_ascii) {
        print_encoded(all, out);
        return;
    }
    for (; *text; text++)
        fputc(*text == '\n' ? ' ' : *text, out);
    fputc('\n', out);
}
