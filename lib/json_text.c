/* SPDX-License-Identifier: MIT */
#include "json_text.h"

void json_text_write(struct span text, FILE *out)
{
    putc('"', out);
    for (size_t i = 0, n; i < text.len; i += n) {
        const unsigned char *p = (const unsigned char *)text.ptr + i;
        n = utf8_length(text.ptr + i, text.len - i);
        if (n == 0) {
            fputs("\xef\xbf\xbd", out); /* U+FFFD */
            n = 1;
        } else if (*p == '"' || *p == '\\')
            fprintf(out, "\\%c", *p);
        else if (*p < ' ' || *p == 0x7f)
            fprintf(out, "\\u%04x", *p);
        else if (*p == 0xc2 && p[1] < 0xa0) /* C1: some terminals obey it */
            fprintf(out, "\\u%04x", p[1]);
        else
            fwrite(p, 1, n, out);
    }
    putc('"', out);
}
