/* SPDX-License-Identifier: MIT */
#include "policyctl/import/lines.h"

#include <errno.h>
#include <string.h>

enum result lines_next(struct import *im, FILE *f, struct span *line_r)
{
    static char line[LINE_LENGTH_MAX];

    if (!fgets(line, sizeof line, f)) {
        if (ferror(f))
            return import_error(im, "%s", strerror(errno));
        return NOT_FOUND;
    }
    im->line++;
    import_progress(im, f);
    size_t length = strlen(line);
    if (length == 0 || (line[length - 1] != '\n' && !feof(f)))
        return import_error(im, "a line of more than %d octets, or with a zero octet", LINE_LENGTH_MAX - 2);
    while (length > 0 && strchr("\r\n", line[length - 1]))
        line[--length] = '\0';
    size_t mark = im->line == 1 && strncmp(line, "\xef\xbb\xbf", 3) == 0 ? 3 : 0; /* of spreadsheets */
    *line_r = (struct span){ line + mark, length - mark };
    return OK;
}

bool lines_word(struct span *rest, const char *separators, struct span *word_r)
{
    while (rest->len > 0 && strchr(separators, rest->ptr[0]))
        *rest = (struct span){ rest->ptr + 1, rest->len - 1 };
    size_t length = 0;
    while (length < rest->len && !strchr(separators, rest->ptr[length]))
        length++;
    *word_r = (struct span){ rest->ptr, length };
    *rest = (struct span){ rest->ptr + length, rest->len - length };
    return length > 0;
}
