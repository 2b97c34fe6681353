/* SPDX-License-Identifier: MIT */
/*
 * Whether each smtpd service asks policyd where it should: every restriction list of
 * every service, as contrib/postfix sets them up.
 */
#include <stdlib.h>
#include <string.h>

#include "policyctl/doctor/hook.h"

#define HOOK_LISTS                                                                                      \
    "Each list has a hook of its own, since the list words the refusal and the context tells policyd "   \
    "which one asks."

static const struct rule missing_helo = {
    "hook_missing", LEVEL_PROBLEM,
    "HELO names are not looked at here: the checks helo_* neither refuse nor observe anything."
};
static const struct rule missing_sender = {
    "hook_missing", LEVEL_PROBLEM,
    "Envelope senders are not looked at here: neither sender_login nor sender_auth refuses or observes anything."
};
static const struct rule missing_recipient = {
    "hook_missing", LEVEL_PROBLEM,
    "What goes by the recipient is not looked at here, and a session is not asked about again once its account is "
    "suspended."
};
static const struct rule missing_end_of_data = {
    "hook_end_of_data", LEVEL_WARNING,
    "Mail that arrived cannot be told from attempts that others refused anyway, and messages are not counted: there "
    "is no evidence of what enforcing a check would have kept out. Sending limits hold nobody, unless they count at "
    "RCPT (send_limit.count_at)."
};
static const struct rule wrong_list = { "hook_list", LEVEL_PROBLEM,
                                        "policyd answers for another list than the one that asks. " HOOK_LISTS };
static const struct rule needless_list = { "hook_list", LEVEL_WARNING,
                                           "The same mail is asked about once more, and refused in the words of this "
                                           "list. " HOOK_LISTS };
static const struct rule no_context = { "hook_context", LEVEL_WARNING,
                                        "policyd cannot tell which list asks: every check answers here, worded as "
                                        "refusals of this list are. " HOOK_LISTS };
static const struct rule unreached = { "hook_after_permit", LEVEL_PROBLEM,
                                       "Whoever is let pass before the hook is never asked about: not a suspended "
                                       "account, not a forged sender. policyd leaves trusted networks alone by itself "
                                       "(trusted_networks)." };
static const struct rule warning_only = {
    "hook_warn_only", LEVEL_PROBLEM,
    "Postfix logs what policyd refuses, and lets it pass. The modes of policyd observe as well, and know for whom."
};
static const struct rule before_relay = {
    "hook_before_relay_check", LEVEL_WARNING,
    "Only the rest of this list keeps strangers from relaying, and the hook stands before it: an answer that permits "
    "would make an open relay, and every attempt to relay is asked about. smtpd_relay_restrictions is for that."
};
static const struct rule before_relay_asked = {
    "hook_before_relay_check", LEVEL_NOTE,
    "Relaying is refused by smtpd_relay_restrictions, but behind this list: attempts to relay are asked about and "
    "observed before."
};
static const struct rule before_relay_harmless = {
    "hook_before_relay_check", LEVEL_NOTE,
    "Harmless, and the right place for the hook, as long as smtpd_relay_restrictions refuses relaying before."
};
static const struct rule slow = { "hook_timeout", LEVEL_WARNING,
                                  "Should policyd hang, every client is held for that long, with an smtpd process." };
static const struct rule hasty = { "hook_timeout", LEVEL_PROBLEM,
                                   "Postfix gives up before policyd's own deadline (limits.deadline_ms), so that an "
                                   "answer that waits for DNS is lost." };
static const struct rule away_permits = { "hook_default_action", LEVEL_PROBLEM,
                                          "While policyd is away, everything behind the hook in this list is skipped: "
                                          "what no other list refuses passes." };
static const struct rule away_refuses = { "hook_default_action", LEVEL_PROBLEM,
                                          "While policyd is away, mail is refused for good or lost, instead of "
                                          "waiting at its sender." };
static const struct rule away_passes = { "hook_default_action", LEVEL_WARNING,
                                         "While policyd is away, suspended accounts send, and anybody as anybody." };
static const struct rule wrong_endpoint = { "hook_endpoint", LEVEL_PROBLEM,
                                            "policyd.conf (listen) has no such socket: Postfix takes default_action "
                                            "for every answer." };
static const struct rule not_in_chroot = { "hook_endpoint", LEVEL_PROBLEM,
                                           "This smtpd is chrooted in the queue directory, where an absolute path "
                                           "leads elsewhere: Postfix takes default_action for every answer." };

static const struct restriction_list {
    const char *name;
    const char *context;        /* NULL: no hook belongs there */
    const struct rule *missing; /* NULL: it may be */
    bool submission;            /* also where mail programs log in */
} lists[] = {
    { "smtpd_helo_restrictions", "helo", &missing_helo, false },
    { "smtpd_sender_restrictions", "sender", &missing_sender, true },
    { "smtpd_recipient_restrictions", "recipient", &missing_recipient, true },
    { "smtpd_end_of_data_restrictions", "end-of-data", &missing_end_of_data, true },
    { "smtpd_client_restrictions", NULL, NULL, false },
    { "smtpd_relay_restrictions", NULL, NULL, false },
    { "smtpd_data_restrictions", NULL, NULL, false },
    { "smtpd_etrn_restrictions", NULL, NULL, false },
};

/* A list of a service while it is looked at. */
struct place {
    struct doctor *d;
    const struct postfix *p;
    const struct service *s;
    const struct restriction_list *list;
    struct words words;   /* in effect, restriction classes opened */
    size_t at;            /* of the hook; words.count: none */
    size_t end;           /* the first word that ends the list; words.count: none */
    struct hook hook;
};

/* ---- finding the hook ---- */

static bool is_class(const struct place *l, struct span word)
{
    static struct words classes;

    words_parse(service_effective(l->p, l->s, "smtpd_restriction_classes"), &classes);
    for (size_t i = 0; i < classes.count; i++)
        if (span_equal(classes.word[i], word))
            return true;
    return false;
}

static void add_words(struct place *l, const char *text, bool open)
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
static bool is_meant_for_us(const struct place *l, const struct hook *h)
{
    return hook_is_ours(l->d, l->p, h) || strstr(h->endpoint, "postern") != NULL;
}

static bool is_hook(const struct place *l, const struct words *w, size_t i, struct hook *h)
{
    return i + 1 < w->count && span_equal(w->word[i], SPAN("check_policy_service")) &&
           hook_parse(l->p, l->s, w->word[i + 1], h) == OK && is_meant_for_us(l, h);
}

static void find_hook(struct place *l)
{
    struct hook h;

    l->words.count = 0;
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

/* The parameter that holds the list's text, and whether it is the service's own. */
static const char *find_source(const struct place *l, char *name_r, size_t size, bool *own_r)
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

static bool only_warns(const struct words *w, size_t hook)
{
    return hook > 0 && span_equal(w->word[hook - 1], SPAN("warn_if_reject"));
}

/* As written where that is word for word what is in effect, so that variables stay. */
static void add_rest(const struct place *l, const char *written, struct strbuf *b)
{
    static struct words effective, source;
    struct hook h;

    words_parse(service_effective(l->p, l->s, l->list->name), &effective);
    words_parse(written, &source);
    const struct words *w = source.count == effective.count ? &source : &effective;
    for (size_t i = 0; i < w->count; i++) {
        if (only_warns(&effective, i + 1) && is_hook(l, &effective, i + 1, &h))
            i++;
        if (is_hook(l, &effective, i, &h)) {
            i++;
            continue;
        }
        strbuf_adds(b, b->len == 0 ? "" : i > 0 && takes_next(w->word[i - 1]) ? " " : ", ");
        strbuf_add(b, w->word[i]);
    }
}

/* The list with the hook that belongs there in front, or with none. */
static void mend(const struct place *l, char remedy_r[static REMEDY_MAX])
{
    char value[REMEDY_MAX], name[128];
    struct strbuf v, r;
    bool own;

    strbuf_init(&v, value, sizeof value);
    strbuf_init(&r, remedy_r, REMEDY_MAX);
    const char *written = find_source(l, name, sizeof name, &own);
    if (l->list->context)
        hook_write(l->d, l->p, l->s, l->list->context, &v);
    add_rest(l, written, &v);
    if (own)
        remedy_service(l->p, l->s, name, value, &r);
    else
        remedy_main(l->p, name, value, &r);
    if (r.cut || v.cut || l->words.cut)
        remedy_r[0] = '\0';
}

/* ---- judging ---- */

static void judge_context(struct place *l, const char *remedy)
{
    const char *list = l->list->name, *context = l->hook.context;

    if (*context == '\0')
        doctor_say(l->d, &no_context, l->s->name, remedy, "the hook in %s has no policy_context", list);
    else if (strcmp(context, l->list->context) != 0)
        doctor_say(l->d, &wrong_list, l->s->name, remedy, "the hook in %s says policy_context=%s", list, context);
}

static void judge_reach(struct place *l, const char *remedy)
{
    const char *list = l->list->name;
    struct span end = l->end < l->at ? l->words.word[l->end] : SPAN("");

    if (end.len > 0)
        doctor_say(l->d, &unreached, l->s->name, remedy, "the hook in %s stands behind %.*s", list,
                   end.len < 60 ? (int)end.len : 60, end.ptr);
    if (only_warns(&l->words, l->at))
        doctor_say(l->d, &warning_only, l->s->name, remedy, "the hook in %s stands behind warn_if_reject", list);
    if (!hook_is_ours(l->d, l->p, &l->hook))
        doctor_say(l->d, &wrong_endpoint, l->s->name, remedy, "the hook in %s asks %s", list, l->hook.endpoint);
    else if (l->s->chrooted && strncmp(l->hook.endpoint, "unix:/", 6) == 0)
        doctor_say(l->d, &not_in_chroot, l->s->name, remedy, "the hook in %s asks %s", list, l->hook.endpoint);
}

static void judge_time(struct place *l, const char *remedy)
{
    unsigned deadline_ms = l->d->ctl->config->limits.deadline_ms;
    unsigned stall = hook_stall(&l->hook);

    if (stall > STALL_MAX)
        doctor_say(l->d, &slow, l->s->name, remedy, "the hook in %s waits up to %u s for an answer", l->list->name,
                   stall);
    else if (l->hook.timeout_s * 1000 <= deadline_ms)
        doctor_say(l->d, &hasty, l->s->name, remedy, "the hook in %s waits %u s, policyd takes up to %u ms",
                   l->list->name, l->hook.timeout_s, deadline_ms);
}

static void judge_away(struct place *l, const char *remedy)
{
    enum away away = hook_away(&l->hook);
    bool helo = strcmp(l->list->context, "helo") == 0;
    const struct rule *rule = away == AWAY_PERMITS            ? &away_permits
                              : away == AWAY_REFUSES          ? &away_refuses
                              : away == AWAY_PASSES && !helo ? &away_passes
                                                              : NULL;

    if (rule)
        doctor_say(l->d, rule, l->s->name, remedy, "the hook in %s has default_action=%.120s", l->list->name,
                   l->hook.default_action);
}

/* ---- relaying ---- */

static bool refuses_relaying(struct span word)
{
    return span_equal(word, SPAN("reject_unauth_destination")) || span_equal(word, SPAN("defer_unauth_destination"));
}

static bool relay_list_refuses(const struct place *l)
{
    static struct words w;

    words_parse(service_effective(l->p, l->s, "smtpd_relay_restrictions"), &w);
    for (size_t i = 0; i < w.count; i++)
        if (refuses_relaying(w.word[i]) || span_equal(w.word[i], SPAN("reject")) ||
            span_equal(w.word[i], SPAN("defer")))
            return true;
    return false;
}

static void judge_relaying(struct place *l)
{
    static const char list[] = "smtpd_relay_restrictions", order[] = "smtpd_relay_before_recipient_restrictions";
    bool protected = relay_list_refuses(l), first = service_is_on(l->p, l->s, order);
    const struct rule *rule = !protected ? &before_relay : first ? &before_relay_harmless : &before_relay_asked;
    char remedy[1024] = "";
    struct strbuf b;

    if (strcmp(l->list->context, "recipient") != 0)
        return;
    for (size_t i = l->at; i < l->words.count; i++) {
        if (!refuses_relaying(l->words.word[i]))
            continue;
        strbuf_init(&b, remedy, sizeof remedy);
        if (!protected && service_own(l->p, l->s, list))
            remedy_service(l->p, l->s, list, "permit_mynetworks,permit_sasl_authenticated,reject_unauth_destination",
                           &b);
        else if (!protected)
            remedy_main(l->p, list, "permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination", &b);
        else if (!first)
            remedy_main(l->p, order, "yes", &b);
        doctor_say(l->d, rule, l->s->name, remedy, "the hook in %s stands before %.*s", l->list->name,
                   (int)l->words.word[i].len, l->words.word[i].ptr);
        return;
    }
}

static void examine_list(struct place *l)
{
    char remedy[REMEDY_MAX];
    bool wanted = l->list->missing && (!l->s->submission || l->list->submission);

    find_hook(l);
    bool found = l->at < l->words.count;
    if (!found && !wanted)
        return;
    mend(l, remedy);
    if (!found) {
        doctor_say(l->d, l->list->missing, l->s->name, remedy, "no hook in %s", l->list->name);
    } else if (!l->list->context) {
        doctor_say(l->d, &needless_list, l->s->name, remedy, "a hook in %s", l->list->name);
    } else {
        judge_reach(l, remedy);
        judge_context(l, remedy);
        judge_time(l, remedy);
        judge_away(l, remedy);
        judge_relaying(l);
    }
}

void examine_hooks(struct doctor *d, const struct postfix *p)
{
    static struct place l;

    for (size_t i = 0; i < p->services; i++)
        for (size_t k = 0; k < sizeof lists / sizeof *lists; k++) {
            l = (struct place){ .d = d, .p = p, .s = &p->service[i], .list = &lists[k] };
            examine_list(&l);
        }
}
