/* SPDX-License-Identifier: MIT */
/* The words of policyctl letter as HTML. */
#include "policyctl/readiness/html_words.h"

#include "policyctl/readiness/html_text.h"

enum { TEXT_MAX = WORDS_TEXT_MAX * 2 };

/* What lines that begin with a space are put into. */
enum list { LIST_NONE, LIST_SETTINGS, LIST_SEEN };

static const struct {
    const char *open, *close;
} lists[] = {
    [LIST_NONE] = { "", "" },
    [LIST_SETTINGS] = { "<dl class=\"settings\">\n", "</dl>\n" },
    [LIST_SEEN] = { "<ul class=\"seen\">\n", "</ul>\n" },
};

static void enter(const struct html *h, enum list *now, enum list next)
{
    if (*now == next)
        return;
    fputs(lists[*now].close, h->out);
    fputs(lists[next].open, h->out);
    *now = next;
}

/* "Port        143": the name, and the value behind at least two spaces; NULL: none. */
static char *split_setting(char *line)
{
    char *gap = strstr(line, "  ");

    if (!gap)
        return NULL;
    *gap = '\0';
    return gap + 1 + strspn(gap + 1, " ");
}

static void fixed_line(const struct html *h, char *line, enum list *now)
{
    char *text = line + strspn(line, " "), *value = split_setting(text);

    enter(h, now, value ? LIST_SETTINGS : LIST_SEEN);
    fputs(value ? "<div><dt>" : "<li>", h->out);
    html_text(h->out, text);
    if (value) {
        fputs("</dt><dd>", h->out);
        html_text(h->out, value);
    }
    fputs(value ? "</dd></div>\n" : "</li>\n", h->out);
}

static void put_line(const struct html *h, char *line, enum list *now)
{
    if (*line == ' ') {
        fixed_line(h, line, now);
        return;
    }
    if (*line == '\0')
        return;
    enter(h, now, LIST_NONE);
    fputs("<p>", h->out);
    html_text(h->out, line);
    fputs("</p>\n", h->out);
}

static void put_section(const struct html *h, enum section section, const struct word_values *values,
                        enum list *now)
{
    char text[TEXT_MAX], *end;
    struct strbuf b;

    strbuf_init(&b, text, sizeof text);
    words_fill(h->words, section, values, &b);
    for (char *line = text; line; line = end) {
        end = strchr(line, '\n');
        if (end)
            *end++ = '\0';
        put_line(h, line, now);
    }
}

void html_words(const struct html *h, enum section section, const struct word_values *values)
{
    enum list list = LIST_NONE;

    put_section(h, section, values, &list);
    enter(h, &list, LIST_NONE);
}

void html_words_line(const struct html *h, enum section section, const struct word_values *values)
{
    char text[TEXT_MAX];
    struct strbuf b;

    strbuf_init(&b, text, sizeof text);
    words_fill(h->words, section, values, &b);
    html_text(h->out, text);
}

void html_point(const struct html *h, const struct point *p, struct advice *a)
{
    enum section line;

    for (size_t i = 0; i < p->subject->evidences; i++) {
        enum list list = LIST_NONE;
        size_t position = i;
        if (!point_is_first(p, i))
            continue;
        point_values(p, i, h->report, a);
        fputs("<div class=\"point\">\n", h->out);
        put_section(h, p->section, &a->values, &list);
        while (point_seen(p, i, &position, a, &line))
            put_section(h, line, &a->values, &list);
        enter(h, &list, LIST_NONE);
        fputs("</div>\n", h->out);
    }
}

/* The text to a remote host's admin, as the first of them would get it. */
static void host_remedy(const struct html *h, enum section section, const struct subject *s, struct advice *a)
{
    advice_evidence(a, section, &s->evidence[0]);
    a->values.of[WORD_HELO] = s->name;
    html_words(h, SECTION_HOST_OPENING, &a->values);
    html_words(h, section, &a->values);
    html_words(h, SECTION_HOST_CLOSING, &a->values);
}

enum { REMEDIES_MAX = 8 };

/* Whether one of those before has the same. */
static bool is_known(enum section section, const struct evidence *const *known, size_t count,
                     const struct evidence *e)
{
    for (size_t i = 0; i < count; i++)
        if (advice_same(section, known[i], e))
            return true;
    return false;
}

static void customer_remedies(const struct html *h, enum section section, const struct subject *s,
                              size_t count, struct advice *a)
{
    static const char somebody[] = "NAME@DOMAIN";
    const struct evidence *known[REMEDIES_MAX];
    size_t remedies = 0;

    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < s[i].evidences && remedies < REMEDIES_MAX; k++) {
            const struct point p = { section, &s[i] };
            if (is_known(section, known, remedies, &s[i].evidence[k]))
                continue;
            known[remedies++] = &s[i].evidence[k];
            point_values(&p, k, h->report, a);
            a->values.of[WORD_ACCOUNT] = a->values.of[WORD_SENDER] = somebody;
            fputs("<div class=\"point\">\n", h->out);
            html_words(h, section, &a->values);
            fputs("</div>\n", h->out);
        }
}

void html_remedies(const struct html *h, enum section section, const struct subject *s, size_t count)
{
    struct advice a;

    if (count == 0 || section == SECTION_COUNT)
        return;
    advice_init(&a, h->ctl, h->report);
    fprintf(h->out, "<details class=\"words\" open><summary>What to tell %s</summary>\n<div%s>\n",
            s->kind == KIND_HOST ? "their admins" : "them", html_words_language(h));
    if (s->kind == KIND_HOST)
        host_remedy(h, section, s, &a);
    else
        customer_remedies(h, section, s, count, &a);
    fputs("</div>\n", h->out);
    if (s->kind == KIND_HOST) {
        fputs("<p class=\"hint\">This one is for ", h->out);
        html_name(h->out, s->name);
        fputs("; <code>policyctl letter --helo NAME</code> writes it for each.</p>\n", h->out);
    }
    fputs("</details>\n", h->out);
}
