/* SPDX-License-Identifier: MIT */
#include "policyctl/host/hook_list.h"

#include <string.h>

const struct hook_list hook_lists[HOOK_LISTS] = {
    { "smtpd_helo_restrictions", "helo", false },
    { "smtpd_sender_restrictions", "sender", true },
    { "smtpd_recipient_restrictions", "recipient", true },
    { "smtpd_end_of_data_restrictions", "end-of-data", true },
    { "smtpd_client_restrictions", NULL, false },
    { "smtpd_relay_restrictions", NULL, false },
    { "smtpd_data_restrictions", NULL, false },
    { "smtpd_etrn_restrictions", NULL, false },
};

bool hook_is_wanted(const struct service *s, const struct hook_list *list)
{
    return list->context && (!s->submission || list->submission);
}

/* ---- finding the hook ---- */

static bool is_class(const struct hook_place *l, struct span word)
{
    static struct words classes;

    words_parse(service_effective(l->p, l->s, "smtpd_restriction_classes"), &classes);
    for (size_t i = 0; i < classes.count; i++)
        if (span_equal(classes.word[i], word))
            return true;
    return false;
}

static void add_words(struct hook_place *l, const char *text, bool open)
{
    struct words w;

    words_parse(text, &w);
    l->words.cut = l->words.cut || w.cut;
    for (size_t i = 0; i < w.count; i++) {
        char name[128];
        if (open && is_class(l, w.word[i]) && str_copy(w.word[i], name, sizeof name) == OK)
            add_words(l, service_effective(l->p, l->s, name), false);
        else if (l->words.count < WORDS_MAX)
            l->words.word[l->words.count++] = w.word[i];
        else
            l->words.cut = true;
    }
}

/* A hook that names policyd's folder, but no socket of policyd's, is a slip of the hand. */
static bool is_meant_for_us(const struct hook_place *l, const struct hook *h)
{
    return hook_is_ours(l->p, h) || strstr(h->endpoint, "postern") != NULL;
}

static bool is_hook(const struct hook_place *l, const struct words *w, size_t i, struct hook *h)
{
    return i + 1 < w->count && span_equal(w->word[i], SPAN("check_policy_service")) &&
           hook_parse(l->p, l->s, w->word[i + 1], h) == OK && is_meant_for_us(l, h);
}

void hook_find(const struct postfix *p, const struct service *s, const struct hook_list *list, struct hook_place *l)
{
    struct hook h;

    *l = (struct hook_place){ .p = p, .s = s, .list = list };
    add_words(l, service_effective(l->p, l->s, l->list->name), true);
    l->at = l->end = l->words.count;
    for (size_t i = l->words.count; i-- > 0;) {
        if (word_ends_list(l->words.word[i]))
            l->end = i;
        if (is_hook(l, &l->words, i, &h)) {
            l->at = i;
            l->hook = h;
        }
    }
}

/* ---- mending the list ---- */

/* "$name" or "${name}" and nothing else: that parameter is the one to change. */
static bool is_reference(const char *text, char *name_r, size_t size)
{
    struct span s = span_of(text);

    if (s.len < 2 || s.ptr[0] != '$')
        return false;
    s = (struct span){ s.ptr + 1, s.len - 1 };
    if (s.len > 2 && s.ptr[0] == '{' && s.ptr[s.len - 1] == '}')
        s = (struct span){ s.ptr + 1, s.len - 2 };
    for (size_t i = 0; i < s.len; i++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_", s.ptr[i]))
            return false;
    return str_copy(s, name_r, size) == OK;
}

const char *hook_source(const struct hook_place *l, char *name_r, size_t size, bool *own_r)
{
    const char *text = service_own(l->p, l->s, l->list->name);

    *own_r = text != NULL;
    if (str_copy(span_of(l->list->name), name_r, size) != OK)
        return "";
    text = text ? text : postfix_written(l->p, l->list->name);
    for (int depth = 0; depth < 8 && is_reference(text, name_r, size); depth++) {
        text = postfix_written(l->p, name_r);
        *own_r = false;
    }
    return text;
}

/* Words that take the next one. */
static bool takes_next(struct span word)
{
    static const char *const beginnings[] = { "check_",        "reject_rbl_", "reject_rhsbl_", "permit_dnswl_",
                                              "permit_rhswl_", "sleep",       "warn_if_reject" };

    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++) {
        size_t length = strlen(beginnings[i]);
        if (word.len >= length && memcmp(word.ptr, beginnings[i], length) == 0)
            return true;
    }
    return false;
}

bool hook_only_warns(const struct words *w, size_t hook)
{
    return hook > 0 && span_equal(w->word[hook - 1], SPAN("warn_if_reject"));
}

void hook_add_rest(const struct hook_place *l, const char *written, struct strbuf *b)
{
    static struct words effective, source;
    struct hook h;

    words_parse(service_effective(l->p, l->s, l->list->name), &effective);
    words_parse(written, &source);
    const struct words *w = source.count == effective.count ? &source : &effective;
    for (size_t i = 0; i < w->count; i++) {
        if (hook_only_warns(&effective, i + 1) && is_hook(l, &effective, i + 1, &h))
            i++;
        if (is_hook(l, &effective, i, &h)) {
            i++;
            continue;
        }
        strbuf_adds(b, b->len == 0 ? "" : i > 0 && takes_next(w->word[i - 1]) ? " " : ", ");
        strbuf_add(b, w->word[i]);
    }
}
