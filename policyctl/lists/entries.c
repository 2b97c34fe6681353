/* SPDX-License-Identifier: MIT */
/* Postern's own form of list entries, a line each, and plain lists of networks. */
#include <string.h>

#include "policyctl/date.h"
#include "policyctl/import/lines.h"
#include "policyctl/lists/batch.h"

enum { WORD_MAX = 1024, UNTIL_MAX = 24 };

static const char blanks[] = " \t";

/* The texts of one line. */
struct words {
    char part[LIST_PARTS][WORD_MAX];
    char until[UNTIL_MAX], note[WORD_MAX];
};

static enum result take_word(struct batch *b, struct span *rest, const char *behind, char word_r[static WORD_MAX])
{
    struct span word;

    if (!lines_word(rest, blanks, &word))
        return import_error(&b->im, "nothing behind '%s'", behind);
    return str_copy(word, word_r, WORD_MAX) == OK ? OK : import_error(&b->im, "'%.40s...' is too long", word.ptr);
}

static enum result take_until(struct batch *b, struct span *rest, struct words *w, struct list_line *line)
{
    char date[WORD_MAX];
    struct strbuf out;
    struct error e;
    int64_t seconds;

    if (take_word(b, rest, "until", date) != OK)
        return BAD;
    if (date_parse(date, b->im.ctl->now, &seconds, &e) != OK)
        return import_error(&b->im, "%s", e.text);
    strbuf_init(&out, w->until, sizeof w->until);
    strbuf_addu(&out, (uint64_t)seconds);
    line->until = w->until;
    return OK;
}

/* All that follows. */
static enum result take_note(struct batch *b, struct span *rest, struct words *w, struct list_line *line)
{
    if (str_copy(span_trim(*rest), w->note, sizeof w->note) != OK)
        return import_error(&b->im, "the note is too long");
    rest->len = 0;
    line->note = w->note;
    return OK;
}

static enum result take_part(struct batch *b, struct span word, struct span *rest, struct words *w,
                             struct list_line *line)
{
    for (int part = 0; part < LIST_PARTS; part++)
        if (span_equal(word, span_of(list_part_names[part]))) {
            if (line->text[part])
                return import_error(&b->im, "'%s' stands there twice", list_part_names[part]);
            line->text[part] = w->part[part];
            return take_word(b, rest, list_part_names[part], w->part[part]);
        }
    return import_error(&b->im, "'%.*s' is none of client, client-name, helo, sender, recipient, domain, until, note",
                        (int)(word.len < 40 ? word.len : 40), word.ptr);
}

/* "deny client 192.0.2.0/24 sender @example.com until 2027-01-01 note what for" */
static enum result take_entry(struct batch *b, struct span rest)
{
    static struct words w;
    struct list_line line = { .allow = false };
    struct span word;
    enum result r = OK;

    if (!lines_word(&rest, blanks, &word))
        return OK;
    line.allow = span_equal(word, SPAN("allow"));
    if (!line.allow && !span_equal(word, SPAN("deny")))
        return import_error(&b->im, "a line begins with allow or deny, not '%.*s'",
                            (int)(word.len < 40 ? word.len : 40), word.ptr);
    while (r == OK && lines_word(&rest, blanks, &word)) {
        if (span_equal(word, SPAN("until")))
            r = take_until(b, &rest, &w, &line);
        else if (span_equal(word, SPAN("note")))
            r = take_note(b, &rest, &w, &line);
        else
            r = take_part(b, word, &rest, &w, &line);
    }
    return r == OK ? batch_add(b, &line) : r;
}

enum result read_list_entries(struct batch *b, FILE *f)
{
    struct span line;
    enum result r;

    while ((r = lines_next(&b->im, f, &line)) == OK) {
        line = span_trim(line);
        if (line.len > 0 && line.ptr[0] != '#' && take_entry(b, line) != OK)
            return BAD;
    }
    return r == NOT_FOUND ? OK : r;
}

/* Lists that others publish: a network, and behind ';' or '#' what they say of it. */
enum result read_list_networks(struct batch *b, FILE *f)
{
    static char network[WORD_MAX];
    struct list_line entry = { .allow = strcmp(b->action, "allow") == 0, .text = { [LIST_CLIENT] = network } };
    struct span line, word;
    enum result r;

    while ((r = lines_next(&b->im, f, &line)) == OK) {
        line.len = strcspn(line.ptr, ";#");
        if (!lines_word(&line, blanks, &word))
            continue;
        if (span_trim(line).len > 0)
            return import_error(&b->im, "more than a network; a remark begins with ';' or '#'");
        if (str_copy(word, network, sizeof network) != OK)
            return import_error(&b->im, "'%.40s...' is no IP address or network", word.ptr);
        if (batch_add(b, &entry) != OK)
            return BAD;
    }
    return r == NOT_FOUND ? OK : r;
}
