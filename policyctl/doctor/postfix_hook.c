/* SPDX-License-Identifier: MIT */
/*
 * Whether each smtpd service asks policyd where it should: every restriction list of
 * every service, as contrib/postfix sets them up.
 */
#include <stdlib.h>
#include <string.h>

#include "policyctl/doctor/postfix.h"
#include "policyctl/host/hook_list.h"

#define EACH_LIST                                                                                      \
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
                                        "policyd answers for another list than the one that asks. " EACH_LIST };
static const struct rule needless_list = { "hook_list", LEVEL_WARNING,
                                           "The same mail is asked about once more, and refused in the words of this "
                                           "list. " EACH_LIST };
static const struct rule no_context = { "hook_context", LEVEL_WARNING,
                                        "policyd cannot tell which list asks: every check answers here, worded as "
                                        "refusals of this list are. " EACH_LIST };
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

/* By the row of hook_lists; NULL: it may be. */
static const struct rule *const missing[HOOK_LISTS] = { &missing_helo, &missing_sender, &missing_recipient,
                                                        &missing_end_of_data };

/* ---- mending the list ---- */

/* The list with the hook that belongs there in front, or with none. */
static void mend(const struct hook_place *l, char remedy_r[static REMEDY_MAX])
{
    char value[REMEDY_MAX], name[128];
    struct strbuf v, r;
    bool own;

    strbuf_init(&v, value, sizeof value);
    strbuf_init(&r, remedy_r, REMEDY_MAX);
    const char *written = hook_source(l, name, sizeof name, &own);
    if (l->list->context)
        hook_write(l->p, l->s, l->list->context, hook_variables_serve(l->p, l->s), &v);
    hook_add_rest(l, written, &v);
    if (own)
        remedy_service(l->p, l->s, name, value, &r);
    else
        remedy_main(l->p, name, value, &r);
    if (r.cut || v.cut || l->words.cut)
        remedy_r[0] = '\0';
}

/* ---- judging ---- */

static void judge_context(struct doctor *d, const struct hook_place *l, const char *remedy)
{
    const char *list = l->list->name, *context = l->hook.context;

    if (*context == '\0')
        doctor_say(d, &no_context, l->s->name, remedy, "the hook in %s has no policy_context", list);
    else if (strcmp(context, l->list->context) != 0)
        doctor_say(d, &wrong_list, l->s->name, remedy, "the hook in %s says policy_context=%s", list, context);
}

static void judge_reach(struct doctor *d, const struct hook_place *l, const char *remedy)
{
    const char *list = l->list->name;
    struct span end = l->end < l->at ? l->words.word[l->end] : SPAN("");

    if (end.len > 0)
        doctor_say(d, &unreached, l->s->name, remedy, "the hook in %s stands behind %.*s", list,
                   end.len < 60 ? (int)end.len : 60, end.ptr);
    if (hook_only_warns(&l->words, l->at))
        doctor_say(d, &warning_only, l->s->name, remedy, "the hook in %s stands behind warn_if_reject", list);
    if (!hook_is_ours(l->p, &l->hook))
        doctor_say(d, &wrong_endpoint, l->s->name, remedy, "the hook in %s asks %s", list, l->hook.endpoint);
    else if (l->s->chrooted && strncmp(l->hook.endpoint, "unix:/", 6) == 0)
        doctor_say(d, &not_in_chroot, l->s->name, remedy, "the hook in %s asks %s", list, l->hook.endpoint);
}

static void judge_time(struct doctor *d, const struct hook_place *l, const char *remedy)
{
    unsigned deadline_ms = d->ctl->config->limits.deadline_ms;
    unsigned stall = hook_stall(&l->hook);

    if (stall > STALL_MAX)
        doctor_say(d, &slow, l->s->name, remedy, "the hook in %s waits up to %u s for an answer", l->list->name,
                   stall);
    else if (l->hook.timeout_s * 1000 <= deadline_ms)
        doctor_say(d, &hasty, l->s->name, remedy, "the hook in %s waits %u s, policyd takes up to %u ms",
                   l->list->name, l->hook.timeout_s, deadline_ms);
}

static void judge_away(struct doctor *d, const struct hook_place *l, const char *remedy)
{
    enum away away = hook_away(&l->hook);
    bool helo = strcmp(l->list->context, "helo") == 0;
    const struct rule *rule = away == AWAY_PERMITS            ? &away_permits
                              : away == AWAY_REFUSES          ? &away_refuses
                              : away == AWAY_PASSES && !helo ? &away_passes
                                                              : NULL;

    if (rule)
        doctor_say(d, rule, l->s->name, remedy, "the hook in %s has default_action=%.120s", l->list->name,
                   l->hook.default_action);
}

/* ---- relaying ---- */

static bool refuses_relaying(struct span word)
{
    return span_equal(word, SPAN("reject_unauth_destination")) || span_equal(word, SPAN("defer_unauth_destination"));
}

static bool relay_list_refuses(const struct hook_place *l)
{
    static struct words w;

    words_parse(service_effective(l->p, l->s, "smtpd_relay_restrictions"), &w);
    for (size_t i = 0; i < w.count; i++)
        if (refuses_relaying(w.word[i]) || span_equal(w.word[i], SPAN("reject")) ||
            span_equal(w.word[i], SPAN("defer")))
            return true;
    return false;
}

static void judge_relaying(struct doctor *d, const struct hook_place *l)
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
        doctor_say(d, rule, l->s->name, remedy, "the hook in %s stands before %.*s", l->list->name,
                   (int)l->words.word[i].len, l->words.word[i].ptr);
        return;
    }
}

static void examine_list(struct doctor *d, const struct hook_place *l, const struct rule *missing_rule)
{
    char remedy[REMEDY_MAX];
    bool found = l->at < l->words.count;

    if (!found && !hook_is_wanted(l->s, l->list))
        return;
    mend(l, remedy);
    if (!found) {
        doctor_say(d, missing_rule, l->s->name, remedy, "no hook in %s", l->list->name);
    } else if (!l->list->context) {
        doctor_say(d, &needless_list, l->s->name, remedy, "a hook in %s", l->list->name);
    } else {
        judge_reach(d, l, remedy);
        judge_context(d, l, remedy);
        judge_time(d, l, remedy);
        judge_away(d, l, remedy);
        judge_relaying(d, l);
    }
}

void examine_hooks(struct doctor *d, const struct postfix *p)
{
    static struct hook_place l;

    for (size_t i = 0; i < p->services; i++)
        for (size_t k = 0; k < HOOK_LISTS; k++) {
            hook_find(p, &p->service[i], &hook_lists[k], &l);
            examine_list(d, &l, missing[k]);
        }
}
