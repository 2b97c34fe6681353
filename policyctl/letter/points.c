/* SPDX-License-Identifier: MIT */
#include "policyctl/letter/points.h"

#include <stdlib.h>
#include <string.h>

#include "policyctl/arena.h"

struct search {
    enum letter_kind kind;
    const char *name;
    struct point *point;
    size_t count;
};

static bool is_addressed(const struct search *s, const struct subject *subject, bool is_habit)
{
    bool is_host = subject->kind == KIND_HOST;

    if (is_host != (s->kind == LETTER_HOST) || (!is_host && !strchr(subject->name, '@')))
        return false; /* without a domain: a client that sends too much */
    if (!is_habit && (subject->standing == STANDING_EXCEPTED || subject->standing == STANDING_SETTLED ||
                      (subject->standing == STANDING_ATTEMPT && !is_host)))
        return false;
    return s->kind == LETTER_DOMAIN || span_equal_case(span_of(subject->name), span_of(s->name));
}

static void take(struct search *s, enum section section, const struct subject *subject, size_t count, bool is_habit)
{
    for (size_t i = 0; i < count && section != SECTION_COUNT; i++)
        if (is_addressed(s, &subject[i], is_habit))
            s->point[s->count++] = (struct point){ section, &subject[i] };
}

static const char *domain_of(const struct point *p)
{
    const char *at = strrchr(p->subject->name, '@');

    return at ? at + 1 : "";
}

static int by_name(const void *a, const void *b)
{
    const struct point *x = a, *y = b;
    int order = strcmp(domain_of(x), domain_of(y));

    if (order == 0)
        order = strcmp(x->subject->name, y->subject->name);
    return order ? order : (int)x->section - (int)y->section;
}

enum result points_find(const struct readiness *r, enum letter_kind kind, const char *name, struct point **point_r,
                        size_t *count_r)
{
    struct search s = { .kind = kind, .name = name };
    size_t count = 1;

    for (size_t id = 0; id < CHECK_COUNT; id++)
        count += r->check[id].subjects;
    for (size_t id = 0; id < HABITS; id++)
        count += r->habit[id].subjects;
    s.point = arena_get(r->arena, count * sizeof *s.point);
    if (!s.point)
        return TRY_AGAIN;
    for (unsigned id = 0; id < CHECK_COUNT; id++)
        take(&s, advice_check((enum check_id)id), r->check[id].subject, r->check[id].subjects, false);
    for (unsigned id = 0; id < HABITS; id++)
        take(&s, advice_habit((enum habit_id)id), r->habit[id].subject, r->habit[id].subjects, true);
    qsort(s.point, s.count, sizeof *s.point, by_name);
    *point_r = s.point;
    *count_r = s.count;
    return OK;
}

bool point_is_first(const struct point *p, size_t evidence)
{
    for (size_t i = 0; i < evidence; i++)
        if (advice_same(p->section, &p->subject->evidence[i], &p->subject->evidence[evidence]))
            return false;
    return true;
}

void point_values(const struct point *p, size_t evidence, const struct readiness *r, struct advice *a)
{
    advice_evidence(a, p->section, &p->subject->evidence[evidence]);
    if (p->subject->kind != KIND_HOST)
        a->values.of[WORD_ACCOUNT] = p->subject->name;
    if (p->subject->kind == KIND_SENDER)
        a->values.of[WORD_SENDER] = p->subject->name;
    if (p->section == SECTION_OLD_SERVER_NAME)
        a->values.of[WORD_OLD_SERVER] = r->old_name;
}

static bool is_same_sighting(const struct point *p, const struct evidence *a, const struct evidence *b)
{
    return advice_same(p->section, a, b) && strcmp(a->client, b->client) == 0 &&
           strcmp(a->envelope_sender, b->envelope_sender) == 0;
}

/* The i-th and those like it; false: an earlier one stood for them. */
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

bool point_seen(const struct point *p, size_t first, size_t *position, struct advice *a, enum section *line_r)
{
    const struct evidence *e = p->subject->evidence;
    struct evidence sum;

    if (p->section == SECTION_EXPOSED) /* seen as it stands under starttls */
        return false;
    for (; *position < p->subject->evidences; ++*position) {
        if (!advice_same(p->section, &e[first], &e[*position]) || !add_up(p, *position, &sum))
            continue;
        advice_evidence(a, p->section, &sum);
        *line_r = p->section == SECTION_SENDER_LOGIN ? SECTION_SEEN_SENDER : SECTION_SEEN;
        ++*position;
        return true;
    }
    return false;
}
