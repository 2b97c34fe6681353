/* SPDX-License-Identifier: MIT */
#include "login_event.h"

#include <stddef.h>
#include <string.h>

const char *const login_security_names[LOGIN_SECURITIES] = {
    [LOGIN_NONE] = "none",         [LOGIN_TRUSTED] = "trusted",   [LOGIN_SECURED] = "secured",
    [LOGIN_STARTTLS] = "starttls", [LOGIN_IMPLICIT] = "implicit",
};

const char *const login_outcome_names[LOGIN_OUTCOMES] = {
    [LOGIN_OK] = "ok",           [LOGIN_LOOKUP] = "lookup",   [LOGIN_MISMATCH] = "mismatch",
    [LOGIN_UNKNOWN] = "unknown", [LOGIN_REFUSED] = "refused", [LOGIN_UNAVAILABLE] = "unavailable",
};

static void add_text(struct strbuf *b, const char *name, const char *value)
{
    if (!*value)
        return;
    strbuf_addf(b, "%s=", name);
    strbuf_add_clean(b, span_of(value));
    strbuf_addc(b, '\n');
}

static void add_number(struct strbuf *b, const char *name, uint64_t value)
{
    if (value > 0)
        strbuf_addf(b, "%s=%llu\n", name, (unsigned long long)value);
}

enum result login_event_format(const struct login_event *e, struct strbuf *b)
{
    strbuf_adds(b, "event=login\n");
    add_text(b, "account", e->account);
    add_text(b, "service", e->service);
    add_text(b, "mechanism", e->mechanism);
    add_text(b, "server_name", e->server_name);
    add_text(b, "client", e->client);
    add_text(b, "cause", e->cause);
    add_text(b, "security", login_security_names[e->security]);
    add_text(b, "outcome", login_outcome_names[e->outcome]);
    add_number(b, "port", e->port);
    add_number(b, "bare", e->bare);
    add_number(b, "lost", e->lost);
    return b->cut ? LIMIT : OK;
}

/* ---- parsing ---- */

static bool parse_account(struct span value, struct login_event *e)
{
    struct address a;

    return address_parse(value, &a) == OK && a.len == value.len && memcmp(a.text, value.ptr, a.len) == 0 &&
           str_copy(value, e->account, sizeof e->account) == OK;
}

static bool parse_server_name(struct span value, struct login_event *e)
{
    char name[DOMAIN_MAX + 1];

    return str_copy(value, name, sizeof name) == OK && domain_check(name, e->server_name, NULL) == OK;
}

static bool parse_client(struct span value, struct login_event *e)
{
    struct network n;

    if (network_parse_ip(value, &n) != OK)
        return false;
    network_text(&n, e->client);
    return true;
}

/* Letters, digits and what mechanisms and causes have besides. */
static bool parse_word(struct span value, char word_r[static LOGIN_WORD_MAX])
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    for (size_t i = 0; i < value.len; i++)
        if (!memchr(letters, value.ptr[i], sizeof letters - 1))
            return false;
    return value.len > 0 && str_copy(value, word_r, LOGIN_WORD_MAX) == OK;
}

static bool parse_service(struct span value, struct login_event *e)
{
    return parse_word(value, e->service);
}

static bool parse_mechanism(struct span value, struct login_event *e)
{
    return parse_word(value, e->mechanism);
}

static bool parse_cause(struct span value, struct login_event *e)
{
    return parse_word(value, e->cause);
}

/* The place of the name in a table, or `count`. */
static unsigned find_name(struct span value, const char *const *names, unsigned count)
{
    unsigned i = 0;

    while (i < count && !span_equal(value, span_of(names[i])))
        i++;
    return i;
}

static bool parse_security(struct span value, struct login_event *e)
{
    e->security = (enum login_security)find_name(value, login_security_names, LOGIN_SECURITIES);
    return e->security < LOGIN_SECURITIES;
}

static bool parse_outcome(struct span value, struct login_event *e)
{
    e->outcome = (enum login_outcome)find_name(value, login_outcome_names, LOGIN_OUTCOMES);
    return e->outcome < LOGIN_OUTCOMES;
}

static bool parse_port(struct span value, struct login_event *e)
{
    uint64_t number = 0;
    bool good = str_number(value, 1, 65535, &number) == OK;

    e->port = (unsigned)number;
    return good;
}

static bool parse_bare(struct span value, struct login_event *e)
{
    e->bare = true;
    return span_equal(value, SPAN("1"));
}

static bool parse_lost(struct span value, struct login_event *e)
{
    return str_number(value, 1, UINT32_MAX, &e->lost) == OK;
}

static const struct {
    struct span name;
    bool (*parse)(struct span value, struct login_event *);
} parts[] = {
    { SPAN_INIT("account"), parse_account },         { SPAN_INIT("service"), parse_service },
    { SPAN_INIT("mechanism"), parse_mechanism },     { SPAN_INIT("server_name"), parse_server_name },
    { SPAN_INIT("client"), parse_client },           { SPAN_INIT("cause"), parse_cause },
    { SPAN_INIT("security"), parse_security },       { SPAN_INIT("outcome"), parse_outcome },
    { SPAN_INIT("port"), parse_port },               { SPAN_INIT("bare"), parse_bare },
    { SPAN_INIT("lost"), parse_lost },
};

static enum result parse_line(struct span line, struct login_event *e, struct error *error)
{
    const char *equals = line.len > 0 ? memchr(line.ptr, '=', line.len) : NULL;
    struct span name, value;

    if (!equals)
        return error_set(error, BAD, "login event: a line without '='");
    name = (struct span){ line.ptr, (size_t)(equals - line.ptr) };
    value = (struct span){ equals + 1, line.len - name.len - 1 };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (span_equal(name, parts[i].name) && !parts[i].parse(value, e))
            return error_set(error, BAD, "login event: %.*s: '%.*s' cannot be", (int)name.len, name.ptr,
                             value.len < 80 ? (int)value.len : 80, value.ptr);
    return OK;
}

enum result login_event_parse(struct span text, struct login_event *e, struct error *error)
{
    static const struct span begins = SPAN_INIT("event=login\n");

    memset(e, 0, sizeof *e);
    if (text.len > LOGIN_EVENT_MAX || text.len <= begins.len || memcmp(text.ptr, begins.ptr, begins.len) != 0 ||
        text.ptr[text.len - 1] != '\n' || memchr(text.ptr, '\0', text.len))
        return error_set(error, BAD, "login event: no event=login");
    for (struct span rest = text; rest.len > 0;) {
        size_t len = (size_t)((const char *)memchr(rest.ptr, '\n', rest.len) - rest.ptr);
        enum result r = parse_line((struct span){ rest.ptr, len }, e, error);
        if (r != OK)
            return r;
        rest.ptr += len + 1;
        rest.len -= len + 1;
    }
    if (e->outcome != LOGIN_UNKNOWN && !*e->account)
        return error_set(error, BAD, "login event: no account");
    if (e->outcome == LOGIN_UNKNOWN)
        e->account[0] = '\0';
    return OK;
}
