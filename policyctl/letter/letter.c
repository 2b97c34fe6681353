/* SPDX-License-Identifier: MIT */
#include "policyctl/letter/letter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/message_text.h"
#include "policyctl/arena.h"
#include "policyctl/letter/advice.h"

enum { WIDTH = 72, TEXT_MAX = WORDS_TEXT_MAX * 2 };

static const struct sections {
    enum section subject, opening, closing;
} sections[] = {
    [LETTER_ACCOUNT] = { SECTION_SUBJECT, SECTION_OPENING, SECTION_CLOSING },
    [LETTER_DOMAIN] = { SECTION_DOMAIN_SUBJECT, SECTION_DOMAIN_OPENING, SECTION_DOMAIN_CLOSING },
    [LETTER_HOST] = { SECTION_HOST_SUBJECT, SECTION_HOST_OPENING, SECTION_HOST_CLOSING },
};

/* Something to change, and whose. */
struct point {
    enum section section;
    const struct subject *subject;
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

/* ---- what there is to change ---- */

static bool is_addressed(const struct letter *l, const struct subject *s, bool is_habit)
{
    bool is_host = s->kind == KIND_HOST;

    if (is_host != (l->kind == LETTER_HOST))
        return false;
    if (!is_habit && (s->standing == STANDING_EXCEPTED || s->standing == STANDING_SETTLED ||
                      (s->standing == STANDING_ATTEMPT && !is_host)))
        return false;
    return l->kind == LETTER_DOMAIN || span_equal_case(span_of(s->name), span_of(l->name));
}

static void take(struct letter *l, enum section section, const struct subject *subject, size_t count, bool is_habit)
{
    for (size_t i = 0; i < count && section != SECTION_COUNT; i++)
        if (is_addressed(l, &subject[i], is_habit))
            l->point[l->points++] = (struct point){ section, &subject[i] };
}

static int by_name(const void *a, const void *b)
{
    const struct point *x = a, *y = b;
    int order = strcmp(x->subject->name, y->subject->name);

    return order ? order : (int)x->section - (int)y->section;
}

static enum status find_points(struct letter *l)
{
    const struct readiness *r = l->report;
    size_t count = 1;

    for (size_t id = 0; id < CHECK_COUNT; id++)
        count += r->check[id].subjects;
    for (size_t id = 0; id < HABITS; id++)
        count += r->habit[id].subjects;
    l->point = arena_get(r->arena, count * sizeof *l->point);
    if (!l->point)
        return fail(STATUS_UNREACHABLE, "out of memory");
    for (unsigned id = 0; id < CHECK_COUNT; id++)
        take(l, advice_check((enum check_id)id), r->check[id].subject, r->check[id].subjects, false);
    for (unsigned id = 0; id < HABITS; id++)
        take(l, advice_habit((enum habit_id)id), r->habit[id].subject, r->habit[id].subjects, true);
    qsort(l->point, l->points, sizeof *l->point, by_name);
    return STATUS_DONE;
}

/* ---- writing ---- */

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

static bool is_first(enum section section, const struct subject *s, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (advice_same(section, &s->evidence[k], &s->evidence[i]))
            return false;
    return true;
}

static bool is_same_sighting(const struct point *p, const struct evidence *a, const struct evidence *b)
{
    return advice_same(p->section, a, b) && strcmp(a->client, b->client) == 0 &&
           strcmp(a->envelope_sender, b->envelope_sender) == 0;
}

/* Several programs behind one network are one sighting: the i-th and those like it. False:
 * an earlier one said it. */
static bool add_up(const struct point *p, size_t i, struct evidence *sum_r)
{
    const struct evidence *e = p->subject->evidence;

    *sum_r = e[i];
    for (size_t k = 0; k < p->subject->evidences; k++) {
        if (k == i || !is_same_sighting(p, &e[i], &e[k]))
            continue;
        if (k < i)
            return false;
        sum_r->count += e[k].count;
        if (e[k].last_seen > sum_r->last_seen)
            sum_r->last_seen = e[k].last_seen;
    }
    return true;
}

/* The lines of all that calls for the same remedy as the i-th. */
static void put_seen(struct letter *l, const struct point *p, size_t i)
{
    enum section line = p->section == SECTION_SENDER_LOGIN ? SECTION_SEEN_SENDER : SECTION_SEEN;
    struct evidence sum;

    printf("\n");
    for (size_t k = i; k < p->subject->evidences; k++) {
        if (!advice_same(p->section, &p->subject->evidence[i], &p->subject->evidence[k]) || !add_up(p, k, &sum))
            continue;
        advice_evidence(&l->advice, p->section, &sum);
        put_section(l, line);
    }
}

static void put_point(struct letter *l, const struct point *p)
{
    const struct subject *s = p->subject;

    for (size_t i = 0; i < s->evidences; i++) {
        if (!is_first(p->section, s, i))
            continue;
        advice_evidence(&l->advice, p->section, &s->evidence[i]);
        if (s->kind == KIND_SENDER)
            l->advice.values.of[WORD_SENDER] = s->name;
        if (p->section == SECTION_OLD_SERVER_NAME)
            l->advice.values.of[WORD_OLD_SERVER] = l->report->old_name;
        put_section(l, p->section);
        if (p->section != SECTION_EXPOSED) /* seen as it stands above it */
            put_seen(l, p, i);
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
        if (s->kind != KIND_HOST)
            l->advice.values.of[WORD_ACCOUNT] = s->name;
        if (l->kind == LETTER_DOMAIN && strcmp(name, s->name) != 0) {
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
    enum status status = find_points(&l);

    if (status != STATUS_DONE)
        return status;
    if (l.points == 0)
        return fail(STATUS_FAILED, "nothing is known that %s would have to change", name);
    advice_init(&l.advice, ctl, report);
    l.advice.values.of[whom[kind]] = name;
    put_letter(&l);
    return STATUS_DONE;
}
