/* SPDX-License-Identifier: MIT */
#include "policyctl/host/hook.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

/* ---- reading ---- */

/* "10s", "2m", "100": seconds where no unit is said (postconf(5)). */
static unsigned seconds(const char *text)
{
    static const struct {
        char unit;
        unsigned seconds;
    } units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'w', 604800 } };
    char *end;
    unsigned long value = strtoul(text, &end, 10);

    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (*end == units[i].unit)
            value *= units[i].seconds;
    return value > 86400 ? 86400 : (unsigned)value;
}

static void copy(struct span from, char *array, size_t size)
{
    struct strbuf b;

    strbuf_init(&b, array, size);
    strbuf_add(&b, from);
}

static struct span without_braces(struct span s)
{
    if (s.len >= 2 && s.ptr[0] == '{' && s.ptr[s.len - 1] == '}')
        s = (struct span){ s.ptr + 1, s.len - 2 };
    return span_trim(s);
}

/* "name=value" or, in braces, "name = value". */
static void take_attribute(struct span text, struct hook *h)
{
    char value[256];
    const char *sign;

    text = without_braces(text);
    sign = memchr(text.ptr, '=', text.len);
    if (!sign)
        return;
    struct span name = span_trim((struct span){ text.ptr, (size_t)(sign - text.ptr) });
    copy(span_trim((struct span){ sign + 1, text.len - (size_t)(sign + 1 - text.ptr) }), value, sizeof value);
    if (span_equal(name, SPAN("policy_context")))
        copy(span_of(value), h->context, sizeof h->context);
    else if (span_equal(name, SPAN("default_action")))
        copy(span_of(value), h->default_action, sizeof h->default_action);
    else if (span_equal(name, SPAN("timeout")))
        h->timeout_s = seconds(value);
    else if (span_equal(name, SPAN("try_limit")))
        h->try_limit = seconds(value);
    else if (span_equal(name, SPAN("retry_delay")))
        h->retry_delay_s = seconds(value);
}

enum result hook_parse(const struct postfix *p, const struct service *s, struct span word, struct hook *h)
{
    static struct words w;
    char text[2048];

    memset(h, 0, sizeof *h);
    if (str_copy(without_braces(word), text, sizeof text) != OK)
        return BAD;
    words_parse(text, &w);
    if (w.count == 0 || str_copy(w.word[0], h->endpoint, sizeof h->endpoint) != OK)
        return BAD;
    h->timeout_s = seconds(service_effective(p, s, "smtpd_policy_service_timeout"));
    h->try_limit = seconds(service_effective(p, s, "smtpd_policy_service_try_limit"));
    h->retry_delay_s = seconds(service_effective(p, s, "smtpd_policy_service_retry_delay"));
    copy(span_of(service_effective(p, s, "smtpd_policy_service_default_action")), h->default_action,
         sizeof h->default_action);
    copy(span_of(service_effective(p, s, "smtpd_policy_service_policy_context")), h->context, sizeof h->context);
    for (size_t i = 1; i < w.count; i++)
        take_attribute(w.word[i], h);
    return OK;
}

/* ---- judging ---- */

/* A path of the queue directory, where smtpd works and is chrooted, may be relative. */
static void absolute(const struct postfix *p, const char *endpoint, char *array, size_t size)
{
    struct strbuf b;

    strbuf_init(&b, array, size);
    if (strncmp(endpoint, "unix:", 5) == 0 && endpoint[5] != '/')
        strbuf_addf(&b, "unix:%s/%s", postfix_effective(p, "queue_directory"), endpoint + 5);
    else if (strncmp(endpoint, "inet:localhost:", 15) == 0)
        strbuf_addf(&b, "inet:127.0.0.1:%s", endpoint + 15);
    else
        strbuf_adds(&b, endpoint);
}

static bool is_same_socket(const char *a, const char *b)
{
    struct stat sa, sb;

    if (strcasecmp(a, b) == 0)
        return true;
    return strncmp(a, "unix:", 5) == 0 && strncmp(b, "unix:", 5) == 0 && stat(a + 5, &sa) == 0 &&
           stat(b + 5, &sb) == 0 && sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

bool hook_is_ours(const struct postfix *p, const struct hook *h)
{
    const struct string_list *listen = &p->policyd->listen;
    char endpoint[512];

    absolute(p, h->endpoint, endpoint, sizeof endpoint);
    for (size_t i = 0; i < listen->count; i++)
        if (is_same_socket(endpoint, listen->item[i]))
            return true;
    return false;
}

unsigned hook_stall(const struct hook *h)
{
    unsigned tries = h->try_limit > 0 ? h->try_limit : 1;

    return h->timeout_s * tries + h->retry_delay_s * (tries - 1);
}

enum away hook_away(const struct hook *h)
{
    const char *action = h->default_action;

    if (strncasecmp(action, "dunno", 5) == 0)
        return AWAY_PASSES;
    if (strncasecmp(action, "ok", 2) == 0 || strncasecmp(action, "permit", 6) == 0 || *action == '\0' ||
        strspn(action, "0123456789") == strlen(action)) /* all digits are OK to Postfix (access(5)) */
        return AWAY_PERMITS;
    if (*action == '5' || strncasecmp(action, "reject", 6) == 0 || strncasecmp(action, "discard", 7) == 0)
        return AWAY_REFUSES;
    return AWAY_DEFERS;
}

bool word_ends_list(struct span word)
{
    static const char permit[] = "permit";
    bool permits = word.len >= 6 && memcmp(word.ptr, permit, 6) == 0 && (word.len == 6 || word.ptr[6] == '_');

    return permits || span_equal(word, SPAN("reject")) || span_equal(word, SPAN("defer"));
}

/* ---- writing ---- */

/* The path below the queue directory; NULL: it does not lie there. */
static const char *path_in_queue(const struct postfix *p, const char *socket)
{
    const char *queue = postfix_effective(p, "queue_directory");
    size_t length = strlen(queue);

    if (strncmp(socket, "unix:", 5) != 0 || strncmp(socket + 5, queue, length) != 0 || socket[5 + length] != '/')
        return NULL;
    return socket + 5 + length + 1;
}

enum result hook_endpoint(const struct postfix *p, const struct service *s, struct strbuf *b)
{
    const struct string_list *listen = &p->policyd->listen;
    const char *path;

    for (size_t i = 0; i < listen->count; i++)
        if ((path = path_in_queue(p, listen->item[i])) != NULL) {
            strbuf_addf(b, "unix:%s", path);
            return OK;
        }
    for (size_t i = 0; i < listen->count; i++)
        if (!s->chrooted || strncmp(listen->item[i], "inet:", 5) == 0) {
            strbuf_adds(b, listen->item[i]);
            return OK;
        }
    strbuf_adds(b, listen->count > 0 ? listen->item[0] : "unix:postern/policy");
    return NOT_FOUND;
}

void hook_write_policy(const struct postfix *p, const struct service *s, struct strbuf *b)
{
    (void)hook_endpoint(p, s, b);
    strbuf_addf(b, ", timeout=%us, try_limit=2, retry_delay=1s", p->policyd->limits.deadline_ms / 1000 + 5);
}

bool hook_variables_serve(const struct postfix *p, const struct service *s)
{
    const char *where = postfix_effective(p, "postern_policy"), *away = postfix_effective(p, "postern_away");
    char text[1024];
    struct strbuf b;
    struct hook h;

    if (!*where || !*away)
        return false;
    strbuf_init(&b, text, sizeof text);
    strbuf_addf(&b, "{ %s, %s }", where, away);
    return !b.cut && hook_parse(p, s, span_of(text), &h) == OK && hook_is_ours(p, &h) && hook_stall(&h) <= STALL_MAX &&
           h.timeout_s * 1000 > p->policyd->limits.deadline_ms && hook_away(&h) == AWAY_DEFERS &&
           !(s->chrooted && strncmp(h.endpoint, "unix:/", 6) == 0);
}

void hook_write(const struct postfix *p, const struct service *s, const char *context, bool variables,
                struct strbuf *b)
{
    strbuf_adds(b, "check_policy_service { ");
    if (variables)
        strbuf_adds(b, "$postern_policy");
    else
        hook_write_policy(p, s, b);
    strbuf_addf(b, ", policy_context=%s, ", context);
    if (strcmp(context, "helo") == 0)
        strbuf_adds(b, "default_action=DUNNO }");
    else
        strbuf_adds(b, variables ? "$postern_away }" : HOOK_AWAY " }");
}
