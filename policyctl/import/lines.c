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

/* ---- tables of postmap(1) ---- */

static const char blanks[] = " \t";

/* The key ends at a blank outside of quotes. */
static enum result take_entry(struct import *im, struct span line, lines_entry_fn *fn)
{
    bool quoted = false;
    size_t length = 0;

    for (; length < line.len && (quoted || !strchr(blanks, line.ptr[length])); length++)
        if (line.ptr[length] == '"')
            quoted = !quoted;
    struct span values = span_trim((struct span){ line.ptr + length, line.len - length });
    if (values.len == 0)
        return import_error(im, "a key without a value");
    return fn(im, (struct span){ line.ptr, length }, values);
}

static bool is_comment(struct span line)
{
    struct span text = span_trim(line);

    return text.len == 0 || text.ptr[0] == '#';
}

enum result lines_entries(struct import *im, FILE *f, lines_entry_fn *fn)
{
    static char entry[LINE_LENGTH_MAX];
    unsigned long first = 0, last;
    struct strbuf b;
    struct span line = SPAN("");
    enum result r;

    strbuf_init(&b, entry, sizeof entry);
    while ((r = lines_next(im, f, &line)) == OK) {
        if (is_comment(line))
            continue;
        bool goes_on = strchr(blanks, line.ptr[0]) != NULL;
        last = im->line;
        if (!goes_on && b.len > 0) {
            im->line = first;
            if (take_entry(im, (struct span){ b.ptr, b.len }, fn) != OK)
                return BAD;
            im->line = last;
            strbuf_init(&b, entry, sizeof entry);
        }
        if (!goes_on)
            first = last;
        strbuf_add(&b, line);
        if (b.cut)
            return import_error(im, "an entry of more than %d octets", LINE_LENGTH_MAX - 1);
    }
    im->line = first;
    if (r == NOT_FOUND)
        r = b.len > 0 ? take_entry(im, (struct span){ b.ptr, b.len }, fn) : OK;
    return r;
}
