/* SPDX-License-Identifier: MIT */
/* The whitelists of postgrey, of clients and of recipients. */
#include <string.h>

#include "policyctl/import/lines.h"
#include "policyctl/lists/batch.h"

enum { WORD_MAX = 1024 };

typedef enum result word_fn(struct batch *, struct list_line *, const char *word);

static enum result take_line(struct batch *b, struct span line, word_fn *fn)
{
    struct list_line entry = { .allow = true };
    char word[WORD_MAX];

    line.len = strcspn(line.ptr, "#");
    line = span_trim(line);
    if (line.len == 0)
        return OK;
    if (line.ptr[0] == '/') {
        batch_leave_out(b, "'%.*s' is a pattern: write out what it matches", (int)(line.len < 80 ? line.len : 80),
                        line.ptr);
        return OK;
    }
    if (str_copy(line, word, sizeof word) != OK || strpbrk(word, " \t"))
        return import_error(&b->im, "more than one word: '%.40s'", line.ptr);
    return fn(b, &entry, word);
}

static enum result read_lines(struct batch *b, FILE *f, word_fn *fn)
{
    struct span line;
    enum result r;

    while ((r = lines_next(&b->im, f, &line)) == OK)
        if (take_line(b, line, fn) != OK)
            return BAD;
    return r == NOT_FOUND ? OK : r;
}

static enum result take_recipient(struct batch *b, struct list_line *entry, const char *word)
{
    return list_add_address(b, entry, LIST_RECIPIENT, word);
}

enum result read_postgrey_clients(struct batch *b, FILE *f)
{
    return read_lines(b, f, list_add_client);
}

enum result read_postgrey_recipients(struct batch *b, FILE *f)
{
    return read_lines(b, f, take_recipient);
}
