/* SPDX-License-Identifier: MIT */
#include "policyctl/explain/reply_text.h"

enum { PLACEHOLDERS_MAX = 8 };

struct match {
    struct span name[PLACEHOLDERS_MAX], value[PLACEHOLDERS_MAX];
    size_t count;
    size_t literal; /* octets of the template that stand for themselves */
};

/* Depth: one for each placeholder, and no more than PLACEHOLDERS_MAX. */
static bool match_from(const char *template, struct span text, struct match *m)
{
    for (; *template && *template != '{'; template ++) {
        if (text.len == 0 || text.ptr[0] != *template)
            return false;
        text = (struct span){ text.ptr + 1, text.len - 1 };
        m->literal++;
    }
    if (!*template)
        return text.len == 0;
    const char *end = strchr(template, '}');
    if (!end || m->count == PLACEHOLDERS_MAX)
        return false;
    size_t mine = m->count++, literal = m->literal;
    m->name[mine] = (struct span){ template + 1, (size_t)(end - template) - 1 };
    for (size_t len = 0; len <= text.len; len++) {
        m->value[mine] = (struct span){ text.ptr, len };
        if (match_from(end + 1, (struct span){ text.ptr + len, text.len - len }, m))
            return true;
        m->count = mine + 1;
        m->literal = literal;
    }
    return false;
}

static bool match_text(const char *template, struct span text, struct match *m)
{
    *m = (struct match){ .count = 0 };
    return match_from(template, text, m);
}

static struct span without_url(struct span text, const char *url)
{
    size_t len = strlen(url);

    if (len > 0 && span_ends_case(text, span_of(url)) && text.len > len)
        text = span_trim((struct span){ text.ptr, text.len - len });
    return text;
}

/* REJECT is Postfix's own 554 5.7.1 (access(5)). */
static bool is_code(enum check_id id, struct span code)
{
    const char *action = check_infos[id].action;

    return code.len == 0 ||
           span_equal(code, strcmp(action, "REJECT") == 0 ? SPAN("554 5.7.1") : span_of(action));
}

static void take_values(const struct match *m, struct reply_values *v)
{
    const struct {
        struct span name, *value;
    } places[] = { { SPAN("login"), &v->login },   { SPAN("sender"), &v->sender },
                   { SPAN("helo"), &v->helo },     { SPAN("recipient"), &v->recipient },
                   { SPAN("suffix"), &v->suffix }, { SPAN("reason"), &v->reason } };

    *v = (struct reply_values){ .login = { NULL, 0 } };
    for (size_t i = 0; i < m->count; i++)
        for (size_t k = 0; k < sizeof places / sizeof *places; k++)
            if (span_equal(m->name[i], places[k].name))
                *places[k].value = m->value[i];
}

enum result reply_text_check(const struct config *c, struct span code, struct span text, enum check_id *id_r,
                             struct reply_values *values_r)
{
    struct match best = { .count = 0 }, m;
    bool found = false;

    for (unsigned id = 0; id < CHECK_COUNT; id++) {
        const char *template = c->text[id];
        if (!is_code((enum check_id)id, code) ||
            !(match_text(template, text, &m) || match_text(template, without_url(text, c->help_url), &m)))
            continue;
        if (!found || m.literal > best.literal) {
            *id_r = (enum check_id)id;
            best = m;
        }
        found = true;
    }
    if (!found)
        return NOT_FOUND;
    take_values(&best, values_r);
    return OK;
}
