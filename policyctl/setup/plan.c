/* SPDX-License-Identifier: MIT */
/* A plan while it grows: changes, what is left, notes, and the files that come of it. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policyctl/setup/setup.h"

enum { TEXT_MAX = 8192 };

struct setup *setup_open(const struct ctl *ctl, const struct args *a)
{
    struct setup *s = calloc(1, sizeof *s);

    if (!s)
        return NULL;
    s->ctl = ctl;
    s->postfix_config = a->option[OPT_POSTFIX_CONFIG];
    s->dovecot_config = a->option[OPT_DOVECOT_CONFIG];
    s->want_postfix = !a->option[OPT_DOVECOT_ONLY];
    s->want_dovecot = !a->option[OPT_POSTFIX_ONLY];
    s->arena = arena_open();
    if (!s->arena)
        setup_close(&s);
    return s;
}

void setup_close(struct setup **s)
{
    if (!*s)
        return;
    for (size_t i = 0; i < (*s)->edits; i++)
        edit_free(&(*s)->edit[i]);
    arena_close(&(*s)->arena);
    free(*s);
    *s = NULL;
}

const char *setup_text(struct setup *s, struct span text)
{
    char *copy = arena_get(s->arena, text.len + 1);

    if (!copy) {
        s->cut = true;
        return "";
    }
    if (text.len > 0)
        memcpy(copy, text.ptr, text.len);
    return copy;
}

static const char *format_text(struct setup *s, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
static const char *format_text(struct setup *s, const char *format, va_list args)
{
    char text[TEXT_MAX];
    int length = vsnprintf(text, sizeof text, format, args);

    s->cut = s->cut || length < 0 || (size_t)length >= sizeof text;
    return setup_text(s, span_of(text));
}

const char *setup_format(struct setup *s, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    const char *text = format_text(s, format, args);
    va_end(args);
    return text;
}

void setup_add_change(struct setup *s, const struct setup_change *change)
{
    if (s->changes < SETUP_CHANGES_MAX)
        s->change[s->changes++] = *change;
    else
        s->cut = true;
}

void setup_add_left(struct setup *s, bool gap, const char *file, size_t line, struct span text,
                    const char *format, ...)
{
    va_list args;

    if (s->lefts == SETUP_LEFT_MAX) {
        s->cut = true;
        return;
    }
    va_start(args, format);
    s->left[s->lefts++] = (struct setup_left){ .gap = gap,
                                               .file = setup_text(s, span_of(file)),
                                               .line = line,
                                               .text = text.len > 0 ? setup_text(s, text) : NULL,
                                               .what = format_text(s, format, args) };
    va_end(args);
}

void setup_add_note(struct setup *s, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    const char *text = format_text(s, format, args);
    va_end(args);
    for (size_t i = 0; i < s->notes; i++)
        if (strcmp(s->note[i], text) == 0)
            return;
    if (s->notes < SETUP_NOTES_MAX)
        s->note[s->notes++] = text;
}

void setup_add_edit(struct setup *s, const char *path, struct content *old, struct content *new)
{
    struct edit *edit = &s->edit[s->edits];

    if (s->edits == SETUP_EDITS_MAX || str_copy(span_of(path), edit->path, sizeof edit->path) != OK) {
        s->cut = true;
        content_free(old);
        content_free(new);
        return;
    }
    edit->old = *old;
    edit->new = *new;
    s->edits++;
}

bool setup_has_gap(const struct setup *s)
{
    for (size_t i = 0; i < s->lefts; i++)
        if (s->left[i].gap)
            return true;
    return false;
}

enum result setup_plan(struct setup *s, struct error *e)
{
    enum result r = OK;

    if (s->want_postfix)
        r = plan_postfix(s, e);
    if (r == OK && s->want_dovecot)
        r = plan_dovecot(s, e);
    if (r == OK && s->cut)
        r = error_set(
            e, BAD,
            "more services or lines than policyctl setup has room for: set it up by hand (postern(7))");
    return r;
}
