/* SPDX-License-Identifier: MIT */
#include "postern-act/argv.h"

#include <string.h>

static enum result begin_word(struct argv *a, struct error *e)
{
    if (a->count == ARGV_MAX)
        return error_set(e, LIMIT, "more than %d words", ARGV_MAX);
    a->word[a->count] = a->b.ptr + a->b.len;
    return OK;
}

/* The next word begins behind its zero octet. */
static enum result end_word(struct argv *a, struct error *e)
{
    if (a->b.cut || a->b.len + 2 >= a->b.size)
        return error_set(e, LIMIT, "more than %d octets of words", ARGV_TEXT_MAX);
    a->b.ptr[++a->b.len] = '\0';
    a->word[++a->count] = NULL;
    return OK;
}

static void init(struct argv *a)
{
    a->count = 0;
    a->word[0] = NULL;
    strbuf_init(&a->b, a->text, sizeof a->text);
}

/* Takes the first word off. False: there is none. */
static bool next_word(const char **rest, struct span *word_r)
{
    const char *begin = *rest + strspn(*rest, " ");

    *word_r = (struct span){ begin, strcspn(begin, " ") };
    *rest = begin + word_r->len;
    return word_r->len > 0;
}

static enum result add(struct argv *a, struct span word, struct error *e)
{
    if (begin_word(a, e) != OK)
        return LIMIT;
    strbuf_add(&a->b, word);
    return end_word(a, e);
}

enum result argv_words(struct argv *a, const char *command, struct error *e)
{
    struct span word;
    enum result r = OK;

    init(a);
    while (r == OK && next_word(&command, &word))
        r = add(a, word, e);
    return r;
}

enum result argv_add(struct argv *a, const char *word, struct error *e)
{
    return add(a, span_of(word), e);
}

static const char *member(const struct task *t, struct span name)
{
    for (unsigned i = 0; i < EVENT_COLUMNS; i++)
        if (span_equal(name, span_of(event_column_name((enum event_column)i))))
            return t->column[i];
    return t->domain; /* the configuration's check lets no other pass */
}

static enum result fill_word(struct argv *a, struct span word, const struct task *t, struct error *e)
{
    const char *end = word.ptr + word.len;
    size_t begin = a->b.len;

    for (const char *p = word.ptr; p < end;) {
        const char *close = *p == '{' ? memchr(p, '}', (size_t)(end - p)) : NULL;
        if (!close) {
            strbuf_addc(&a->b, *p++);
            continue;
        }
        strbuf_adds(&a->b, member(t, (struct span){ p + 1, (size_t)(close - p) - 1 }));
        p = close + 1;
    }
    if (word.ptr[0] == '{' && a->b.ptr[begin] == '-')
        return error_set(e, BAD, "'%.64s' would be taken for an option: write --NAME=%.*s in the command",
                         a->b.ptr + begin, (int)word.len, word.ptr);
    return OK;
}

enum result argv_event(struct argv *a, const char *command, const struct task *t, struct error *e)
{
    struct span word;
    enum result r = OK;

    init(a);
    while (r == OK && next_word(&command, &word)) {
        r = begin_word(a, e);
        if (r == OK)
            r = fill_word(a, word, t, e);
        if (r == OK)
            r = end_word(a, e);
    }
    return r;
}
