/* SPDX-License-Identifier: MIT */
#include "policyctl/letter/letter.h"

#include <stdio.h>
#include <string.h>

#include "lib/message_text.h"

enum { WIDTH = 72, TEXT_MAX = WORDS_TEXT_MAX * 2 };

static const struct sections {
    enum section subject, opening, closing;
} sections[] = {
    [LETTER_ACCOUNT] = { SECTION_SUBJECT, SECTION_OPENING, SECTION_CLOSING },
    [LETTER_DOMAIN] = { SECTION_DOMAIN_SUBJECT, SECTION_DOMAIN_OPENING, SECTION_DOMAIN_CLOSING },
    [LETTER_HOST] = { SECTION_HOST_SUBJECT, SECTION_HOST_OPENING, SECTION_HOST_CLOSING },
};

struct letter {
    enum letter_kind kind;
    const char *name;
    const struct words *words;
    const struct readiness *report;
    struct advice advice;
    struct point *point;
    size_t points;
};

static void put_section(const struct letter *l, enum section section)
{
    char text[TEXT_MAX];
    struct strbuf b;

    strbuf_init(&b, text, sizeof text);
    words_fill(l->words, section, &l->advice.values, &b);
    message_wrap(text, WIDTH, stdout);
}

/* From and Date are sendmail's to add. Out-of-office replies are for people (RFC 3834). */
static void put_header(const struct letter *l)
{
    char subject[TEXT_MAX];
    struct strbuf b;

    strbuf_init(&b, subject, sizeof subject);
    words_fill(l->words, sections[l->kind].subject, &l->advice.values, &b);
    if (l->kind != LETTER_HOST)
        printf("To: %s%s\n", l->kind == LETTER_DOMAIN ? "postmaster@" : "", l->name);
    printf("Subject: ");
    message_header(subject, stdout);
    printf("Auto-Submitted: auto-generated\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
           "Content-Transfer-Encoding: 8bit\n\n");
}

static void put_point(struct letter *l, const struct point *p)
{
    enum section line;

    for (size_t i = 0; i < p->subject->evidences; i++) {
        size_t position = i;
        if (!point_is_first(p, i))
            continue;
        point_values(p, i, l->report, &l->advice);
        put_section(l, p->section);
        printf("\n");
        while (point_seen(p, i, &position, &l->advice, &line))
            put_section(l, line);
        if (position > i)
            printf("\n");
    }
}

static void put_letter(struct letter *l)
{
    const char *name = "";

    put_header(l);
    put_section(l, sections[l->kind].opening);
    printf("\n");
    for (size_t i = 0; i < l->points; i++) {
        const struct subject *s = l->point[i].subject;
        if (l->kind == LETTER_DOMAIN && strcmp(name, s->name) != 0) {
            l->advice.values.of[WORD_ACCOUNT] = s->name;
            put_section(l, SECTION_DOMAIN_ACCOUNT);
            printf("\n");
        }
        name = s->name;
        put_point(l, &l->point[i]);
    }
    l->advice.values.of[WORD_REPLY] = l->point[0].subject->evidence[0].sample; /* the first check's is sent */
    put_section(l, sections[l->kind].closing);
}

enum status letter_print(const struct ctl *ctl, const struct words *words, const struct readiness *report,
                         enum letter_kind kind, const char *name)
{
    static const enum placeholder whom[] = {
        [LETTER_ACCOUNT] = WORD_ACCOUNT, [LETTER_DOMAIN] = WORD_DOMAIN, [LETTER_HOST] = WORD_HELO
    };
    struct letter l = { .kind = kind, .name = name, .words = words, .report = report };

    if (points_find(report, kind, name, &l.point, &l.points) != OK)
        return fail(STATUS_UNREACHABLE, "out of memory");
    if (l.points == 0)
        return fail(STATUS_FAILED, "nothing is known that %s would have to change", name);
    advice_init(&l.advice, ctl, report);
    l.advice.values.of[whom[kind]] = name;
    put_letter(&l);
    return STATUS_DONE;
}
