/* SPDX-License-Identifier: MIT */
#include "postern-act/template.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 65536, LINE_SIZE = 1000, ANY = EVENT_KINDS, SECTIONS };

extern const char *const template_english[];

struct section {
    const char *subject, *body; /* NULL: there is none */
};

struct template
{
    struct section section[SECTIONS];
    size_t used;
    char text[TEXT_MAX];
};

/* ---- names ---- */

static bool value_of(struct span name, unsigned *value_r)
{
    static const char *const more[] = { "domain", "host", "queued", "held_back" };

    for (unsigned i = 0; i < TEMPLATE_VALUES; i++) {
        const char *known =
            i < EVENT_COLUMNS ? event_column_name((enum event_column)i) : more[i - EVENT_COLUMNS];
        if (span_equal(name, span_of(known))) {
            *value_r = i;
            return true;
        }
    }
    return false;
}

/* "[account_suspended]", "[*]": false where the line is no head of a section. */
static bool is_head(struct span line)
{
    return line.len > 2 && line.ptr[0] == '[' && line.ptr[line.len - 1] == ']' &&
           !memchr(line.ptr, ' ', line.len);
}

static enum result find_section(struct span head, unsigned *section_r)
{
    char name[64];
    enum event_kind kind;

    *section_r = ANY;
    if (str_copy((struct span){ head.ptr + 1, head.len - 2 }, name, sizeof name) != OK)
        return BAD;
    if (strcmp(name, "*") == 0)
        return OK;
    if (event_kind_parse(name, &kind) != OK)
        return BAD;
    *section_r = kind;
    return OK;
}

/* ---- reading ---- */

struct reading {
    struct template *t;
    const char *path; /* for messages */
    unsigned line;
    struct section *section; /* NULL: above the first */
    bool in_body;
};

static enum result wrong(const struct reading *r, struct error *e, const char *what, struct span which)
{
    return error_set(e, BAD, "%s:%u: %s%.*s", r->path, r->line, what, (int)(which.len < 64 ? which.len : 64),
                     which.ptr ? which.ptr : "");
}

static enum result check_placeholders(const struct reading *r, struct span line, struct error *e)
{
    for (size_t i = 0; i < line.len; i++) {
        if (line.ptr[i] != '{')
            continue;
        const char *end = memchr(line.ptr + i, '}', line.len - i);
        struct span name = { line.ptr + i + 1, end ? (size_t)(end - line.ptr) - i - 1 : 0 };
        unsigned value;
        if (!end || !value_of(name, &value))
            return wrong(r, e, "no placeholder: ", (struct span){ line.ptr + i, line.len - i });
    }
    return OK;
}

/* Each text ends in a zero octet, and goes on where it ends as long as lines come. */
static enum result append(struct reading *r, struct span line, const char *end, struct error *e)
{
    struct template *t = r->t;
    size_t room = sizeof t->text - t->used;

    if (line.len + strlen(end) + 1 > room)
        return wrong(r, e, "the file is too long", (struct span){ NULL, 0 });
    memcpy(t->text + t->used, line.ptr, line.len);
    t->used += line.len;
    memcpy(t->text + t->used, end, strlen(end) + 1);
    t->used += strlen(end);
    return OK;
}

static enum result begin_section(struct reading *r, struct span head, struct error *e)
{
    unsigned section;

    if (find_section(head, &section) != OK)
        return wrong(r, e, "no event: ", head);
    if (r->t->section[section].subject)
        return wrong(r, e, "a second section ", head);
    r->t->used += r->section != NULL; /* behind the zero octet of the last body */
    r->section = &r->t->section[section];
    r->in_body = false;
    return OK;
}

static enum result take_subject(struct reading *r, struct span line, struct error *e)
{
    static const struct span name = SPAN_INIT("Subject: ");

    if (line.len <= name.len || !span_equal((struct span){ line.ptr, name.len }, name))
        return wrong(r, e, "a section begins with \"Subject: ...\", not with: ", line);
    r->section->subject = r->t->text + r->t->used;
    if (append(r, (struct span){ line.ptr + name.len, line.len - name.len }, "", e) != OK)
        return BAD;
    r->t->used++;
    return OK;
}

static enum result take_line(struct reading *r, struct span line, struct error *e)
{
    r->line++;
    if (is_head(line))
        return begin_section(r, line, e);
    if (!r->section)
        return line.len == 0 || line.ptr[0] == '#' ? OK
                                                   : wrong(r, e, "stands above the first section: ", line);
    if (!utf8_valid(line))
        return wrong(r, e, "is no UTF-8", (struct span){ NULL, 0 });
    if (check_placeholders(r, line, e) != OK)
        return BAD;
    if (!r->section->subject)
        return take_subject(r, line, e);
    if (!r->section->body && line.len > 0)
        return wrong(r, e, "an empty line stands behind the subject, not: ", line);
    if (!r->section->body) {
        r->section->body = r->t->text + r->t->used;
        return append(r, line, "", e);
    }
    return append(r, line, "\n", e);
}

static enum result read_file(struct reading *r, FILE *f, struct error *e)
{
    char line[LINE_SIZE];

    while (fgets(line, sizeof line, f)) {
        size_t length = strcspn(line, "\n");
        if (line[length] == '\0' && !feof(f)) {
            r->line++;
            return wrong(r, e, "the line is too long", (struct span){ NULL, 0 });
        }
        if (take_line(r, (struct span){ line, length }, e) != OK)
            return BAD;
    }
    return ferror(f) ? error_set(e, BAD, "%s: %s", r->path, strerror(errno)) : OK;
}

static enum result read_english(struct reading *r, struct error *e)
{
    for (const char *const *line = template_english; *line; line++)
        if (take_line(r, span_of(*line), e) != OK)
            return BAD;
    return OK;
}

static enum result check_complete(const struct reading *r, struct error *e)
{
    for (unsigned i = 0; i < SECTIONS; i++) {
        const struct section *s = &r->t->section[i];
        const char *name = i == ANY ? "*" : event_kind_name((enum event_kind)i);
        if ((s->subject || i == ANY) && !s->body)
            return error_set(e, BAD, "%s: the section [%s] is missing, or has no text", r->path, name);
    }
    return OK;
}

enum result template_load(const char *path, struct template **template_r, struct error *e)
{
    struct reading r = { .t = calloc(1, sizeof *r.t), .path = *path ? path : "template" };
    FILE *f;
    enum result result;

    if (!r.t)
        return error_set(e, TRY_AGAIN, "out of memory");
    f = *path ? fopen(path, "re") : NULL;
    if (*path && !f)
        result = error_set(e, BAD, "%s: %s", path, strerror(errno));
    else
        result = f ? read_file(&r, f, e) : read_english(&r, e);
    if (f)
        fclose(f);
    if (result == OK)
        result = check_complete(&r, e);
    if (result == OK)
        *template_r = r.t;
    else
        free(r.t);
    return result;
}

void template_free(struct template **t)
{
    free(*t);
    *t = NULL;
}

/* ---- filling in ---- */

/* Returns false where the line has placeholders, and all are empty. */
static bool fill_line(struct span line, const char *const *value, struct strbuf *out)
{
    const char *end = line.ptr + line.len;
    bool any = false, filled = false;
    unsigned index;

    for (const char *p = line.ptr; p < end;) {
        const char *close = *p == '{' ? memchr(p, '}', (size_t)(end - p)) : NULL;
        if (!close || !value_of((struct span){ p + 1, (size_t)(close - p) - 1 }, &index)) {
            strbuf_addc(out, *p++);
            continue;
        }
        any = true;
        filled = filled || (value[index] && *value[index]);
        strbuf_add_clean(out, span_of(value[index]));
        p = close + 1;
    }
    return !any || filled;
}

void template_fill(const struct template *t, enum event_kind kind,
                   const char *const value[static TEMPLATE_VALUES], struct strbuf *subject,
                   struct strbuf *body)
{
    const struct section *s = t->section[kind].subject ? &t->section[kind] : &t->section[ANY];

    (void)fill_line(span_of(s->subject), value, subject);
    for (const char *p = s->body; *p;) {
        struct span line = { p, strcspn(p, "\n") };
        size_t before = body->len;
        if (fill_line(line, value, body))
            strbuf_addc(body, '\n');
        else
            body->ptr[body->len = before] = '\0';
        p += line.len + (p[line.len] == '\n');
    }
}
