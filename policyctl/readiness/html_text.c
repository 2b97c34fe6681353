/* SPDX-License-Identifier: MIT */
#include "policyctl/readiness/html_text.h"

#include <inttypes.h>

#include "lib/str.h"
#include "policyctl/date.h"

static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */

static const char *reference(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

/* C0, DEL, C1 (U+0080 to U+009F), and what turns the direction of text: U+061C, U+200E,
 * U+200F, U+202A to U+202E, U+2066 to U+2069. */
static bool is_control(const unsigned char *p, size_t length)
{
    if (length == 1)
        return p[0] < 0x20 || p[0] == 0x7f;
    if (length == 2)
        return (p[0] == 0xc2 && p[1] < 0xa0) || (p[0] == 0xd8 && p[1] == 0x9c);
    return length == 3 && p[0] == 0xe2 &&
           ((p[1] == 0x80 && (p[2] == 0x8e || p[2] == 0x8f || (p[2] >= 0xaa && p[2] <= 0xae))) ||
            (p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9));
}

void html_text(FILE *out, const char *text)
{
    size_t left = strlen(text);

    while (left > 0) {
        size_t length = utf8_length(text, left);
        const char *instead =
            length == 0 || is_control((const unsigned char *)text, length) ? replacement : reference(*text);
        if (length == 0)
            length = 1;
        if (instead)
            fputs(instead, out);
        else
            fwrite(text, 1, length, out);
        text += length;
        left -= length;
    }
}

void html_name(FILE *out, const char *text)
{
    fputs("<bdi>", out);
    html_text(out, text);
    fputs("</bdi>", out);
}

void html_count(FILE *out, uint64_t number)
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%" PRIu64, number);

    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            fputc(',', out);
        fputc(digits[i], out);
    }
}

void html_date(FILE *out, int64_t seconds)
{
    char date[DATE_TEXT_MAX];

    date_text(seconds, date);
    fprintf(out, "<time>%s</time>", date);
}

void html_lines(FILE *out, const char *const *line)
{
    for (; *line; line++)
        fprintf(out, "%s\n", *line);
}
