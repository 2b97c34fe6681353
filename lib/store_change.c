/* SPDX-License-Identifier: MIT */
/*
 * The fields of a change: one type a field, checked and brought into canonical
 * form here, whoever sends it.  Layer 2.
 */
#include "store_schema.h"

#include <string.h>

#include "address.h"
#include "check_info.h"
#include "network.h"

/* Stores the canonical form of text (never empty) at *value_r, or sets the error. */
typedef enum result field_check_fn(struct change_values *, const char *text, const char **value_r,
                                   struct error *);

struct field_type {
    const char *name; /* on the control socket, in messages, and as :name in SQL */
    field_check_fn *check;
    bool optional;     /* may be empty */
    const char *empty; /* the value then; NULL: SQL NULL */
};

static enum result keep(struct change_values *v, const char *text, const char **value_r, struct error *e)
{
    size_t size = strlen(text) + 1;

    if (size > sizeof v->text - v->used)
        return error_set(e, LIMIT, "too long: %.40s...", text);
    *value_r = memcpy(v->text + v->used, text, size);
    v->used += size;
    return OK;
}

static enum result check_address(struct change_values *v, const char *text, const char **value_r,
                                 struct error *e)
{
    struct address address;
    enum result r = address_check(text, false, &address, e);

    return r == OK ? keep(v, address.text, value_r, e) : r;
}

static enum result check_domain(struct change_values *v, const char *text, const char **value_r,
                                struct error *e)
{
    char domain[DOMAIN_MAX + 1];
    enum result r = domain_check(text, domain, e);

    return r == OK ? keep(v, domain, value_r, e) : r;
}

static enum result check_at_domain(struct change_values *v, const char *text, const char **value_r,
                                   struct error *e)
{
    char at_domain[DOMAIN_MAX + 2] = "@";
    enum result r = domain_check(text + 1, at_domain + 1, e);

    return r == OK ? keep(v, at_domain, value_r, e) : r;
}

static enum result check_address_or_domain(struct change_values *v, const char *text, const char **value_r,
                                           struct error *e)
{
    return text[0] == '@' ? check_at_domain(v, text, value_r, e) : check_address(v, text, value_r, e);
}

static enum result check_sender(struct change_values *v, const char *text, const char **value_r,
                                struct error *e)
{
    if (strcmp(text, "*") == 0)
        return keep(v, text, value_r, e);
    return check_address_or_domain(v, text, value_r, e);
}

static enum result check_scope(struct change_values *v, const char *text, const char **value_r,
                               struct error *e)
{
    return strchr(text, '@') ? check_address(v, text, value_r, e) : check_domain(v, text, value_r, e);
}

static enum result check_helo(struct change_values *v, const char *text, const char **value_r,
                              struct error *e)
{
    char name[DOMAIN_MAX + 2] = ".";
    bool suffix = text[0] == '.';

    if (domain_parse(span_of(text + suffix), name + 1) != OK || name[1] == '\0' || strchr(text, ' '))
        return error_set(e, BAD, "helo '%s' is no host name and no .suffix", text);
    return keep(v, suffix ? name : name + 1, value_r, e);
}

static enum result check_client(struct change_values *v, const char *text, const char **value_r,
                                struct error *e)
{
    struct network network;
    char canonical[NETWORK_TEXT_MAX];
    enum result r = network_parse(span_of(text), &network, e);

    if (r != OK)
        return r;
    network_text(&network, canonical);
    return keep(v, canonical, value_r, e);
}

/* One line of well-formed text: it is shown on terminals and in replies. */
static enum result check_line(struct change_values *v, const char *text, const char **value_r,
                              struct error *e)
{
    if (strlen(text) > 400)
        return error_set(e, LIMIT, "text of more than 400 octets: %.40s...", text);
    if (!utf8_valid(span_of(text)))
        return error_set(e, BAD, "text that is no UTF-8: %.80s", text);
    for (const char *p = text; *p; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            return error_set(e, BAD, "control character in: %.80s", text);
    return keep(v, text, value_r, e);
}

static enum result check_number(struct change_values *v, const char *text, const char **value_r,
                                struct error *e)
{
    uint64_t number;

    if (str_number(span_of(text), 0, INT64_MAX, &number) != OK)
        return error_set(e, BAD, "'%.40s' is no number", text);
    return keep(v, text, value_r, e);
}

/* One of the words in a list that is separated by '|'. */
static enum result check_word(struct change_values *v, const char *words, const char *text,
                              const char **value_r, struct error *e)
{
    struct span want = span_of(text);

    for (const char *p = words, *end; p; p = end ? end + 1 : NULL) {
        end = strchr(p, '|');
        if (span_equal((struct span){ p, end ? (size_t)(end - p) : strlen(p) }, want))
            return keep(v, text, value_r, e);
    }
    return error_set(e, BAD, "'%.40s' is none of %s", text, words);
}

static enum result check_kind(struct change_values *v, const char *text, const char **value_r,
                              struct error *e)
{
    return check_word(v, "mailbox|relay|alias|user", text, value_r, e);
}

static enum result check_status(struct change_values *v, const char *text, const char **value_r,
                                struct error *e)
{
    return check_word(v, "active|disabled", text, value_r, e);
}

static enum result check_mode(struct change_values *v, const char *text, const char **value_r,
                              struct error *e)
{
    return check_word(v, "off|observe|enforce", text, value_r, e);
}

static enum result check_action(struct change_values *v, const char *text, const char **value_r,
                                struct error *e)
{
    return check_word(v, "allow|deny", text, value_r, e);
}

static enum result check_flag(struct change_values *v, const char *text, const char **value_r,
                              struct error *e)
{
    return check_word(v, "0|1", text, value_r, e);
}

static enum result check_name(struct change_values *v, const char *text, const char **value_r,
                              struct error *e)
{
    enum check_id id;
    char names[256];
    struct strbuf b;

    if (check_parse(span_of(text), &id) == OK)
        return keep(v, text, value_r, e);
    strbuf_init(&b, names, sizeof names);
    for (unsigned i = 0; i < CHECK_COUNT; i++)
        strbuf_addf(&b, "%s%s", i ? ", " : "", check_infos[i].name);
    return error_set(e, BAD, "no check '%.40s': there are %s", text, names);
}

/* "all", or a comma list without repetition. */
static enum result check_services(struct change_values *v, const char *text, const char **value_r,
                                  struct error *e)
{
    static const char *const names[] = { "smtp", "imap", "pop3", "sieve" };
    unsigned seen = 0;

    if (strcmp(text, "all") == 0)
        return keep(v, text, value_r, e);
    for (const char *p = text, *end; p; p = end ? end + 1 : NULL) {
        end = strchr(p, ',');
        struct span word = { p, end ? (size_t)(end - p) : strlen(p) };
        unsigned i = 0;
        while (i < sizeof names / sizeof *names && !span_equal(word, span_of(names[i])))
            i++;
        if (i == sizeof names / sizeof *names || (seen & 1u << i))
            return error_set(e, BAD, "services '%.40s': all, or a list of smtp,imap,pop3,sieve", text);
        seen |= 1u << i;
    }
    return keep(v, text, value_r, e);
}

/* A hash as Dovecot writes it; a bare password would be taken for one otherwise. */
static enum result check_password(struct change_values *v, const char *text, const char **value_r,
                                  struct error *e)
{
    const char *end = text[0] == '{' ? strchr(text, '}') : NULL;

    if (!end || end == text + 1 || end[1] == '\0')
        return error_set(e, BAD, "a password hash starts with its {SCHEME}");
    if (check_line(v, text, value_r, NULL) != OK) /* no echo of a hash */
        return error_set(e, BAD, "a password hash that is too long or has odd characters");
    return OK;
}

static const struct field_type fields[FIELD_COUNT] = {
    [FIELD_ADDRESS] = { "address", check_address, false, NULL },
    [FIELD_CATCHALL] = { "alias", check_address_or_domain, false, NULL },
    [FIELD_DOMAIN] = { "domain", check_domain, false, NULL },
    [FIELD_TARGET] = { "target", check_domain, true, NULL },
    [FIELD_KIND] = { "kind", check_kind, false, NULL },
    [FIELD_PASSWORD] = { "password", check_password, false, NULL },
    [FIELD_STATUS] = { "status", check_status, false, NULL },
    [FIELD_SERVICES] = { "services", check_services, true, "all" },
    [FIELD_REASON] = { "reason", check_line, false, NULL },
    [FIELD_UNTIL] = { "until", check_number, true, NULL },
    [FIELD_DESTINATION] = { "destination", check_address, false, NULL },
    [FIELD_SEND] = { "members_send", check_flag, true, NULL },
    [FIELD_GRANTEE] = { "grantee", check_address_or_domain, false, NULL },
    [FIELD_SENDER] = { "sender", check_sender, false, NULL },
    [FIELD_CHECK] = { "check", check_name, false, NULL },
    [FIELD_SCOPE] = { "scope", check_scope, true, "" },
    [FIELD_MODE] = { "mode", check_mode, false, NULL },
    [FIELD_ACTION] = { "action", check_action, false, NULL },
    [FIELD_CLIENT] = { "client", check_client, true, "" },
    [FIELD_HELO] = { "helo", check_helo, true, "" },
    [FIELD_NOTE] = { "note", check_line, true, "" },
    [FIELD_ID] = { "id", check_number, false, NULL },
    [FIELD_SUBJECT] = { "subject", check_line, true, "" },
    [FIELD_CAUSE] = { "cause", check_line, true, "" },
    [FIELD_SAMPLE] = { "sample", check_line, true, "" },
    [FIELD_NUMBER] = { "number", check_number, false, NULL },
    [FIELD_NOW] = { "now", NULL, true, NULL },
};

const char *field_name(enum field f)
{
    return fields[f].name;
}

enum result field_parse(struct span name, enum field *field_r)
{
    for (unsigned f = 0; f < FIELD_NOW; f++)
        if (span_equal(name, span_of(fields[f].name))) {
            *field_r = (enum field)f;
            return OK;
        }
    return NOT_FOUND;
}

const char *change_name(enum change_kind kind)
{
    return change_types[kind].name;
}

enum result change_parse(struct span name, enum change_kind *kind_r)
{
    for (unsigned k = 0; k < CHANGE_COUNT; k++)
        if (span_equal(name, span_of(change_types[k].name))) {
            *kind_r = (enum change_kind)k;
            return OK;
        }
    return NOT_FOUND;
}

bool change_takes(enum change_kind kind, enum field f)
{
    for (const enum field *p = change_types[kind].field; *p != FIELD_NOW; p++)
        if (*p == f)
            return true;
    return false;
}

enum database change_database(enum change_kind kind)
{
    return change_types[kind].database;
}

/* A list entry is found by its most telling part. */
static enum result list_key(struct change_values *v, struct error *e)
{
    const char *client = v->value[FIELD_CLIENT], *helo = v->value[FIELD_HELO],
               *sender = v->value[FIELD_SENDER];
    struct network network;
    char prefix[8] = "";

    v->key_field = *sender ? "sender" : *helo ? "helo" : "client";
    v->key_value = *sender ? sender : *helo ? helo : client;
    if (*v->key_value == '\0')
        return error_set(e, BAD, "a list entry needs a client, a HELO name or a sender");
    if (strcmp(sender, "*") == 0)
        return error_set(e, BAD, "sender '*' matches everything: leave the sender out");
    if (strchr(v->value[FIELD_SCOPE], '@'))
        return error_set(e, BAD, "a list entry's scope is a recipient's domain, or the host");
    if (v->key_value == client && network_parse(span_of(client), &network, e) == OK) {
        struct strbuf b;
        strbuf_init(&b, prefix, sizeof prefix);
        strbuf_addf(&b, "%c/%u", network.v6 ? '6' : '4', network.bits);
    }
    return keep(v, prefix, &v->key_prefix, e);
}

/* A check asks for the account's row only where it goes by the login. */
static enum result check_scope_counts(const struct change_values *v, struct error *e)
{
    const char *name = v->value[FIELD_CHECK];
    enum check_id id;

    if (!strchr(v->value[FIELD_SCOPE], '@') || check_parse(span_of(name), &id) != OK ||
        check_infos[id].subject == SUBJECT_LOGIN)
        return OK;
    return error_set(e, BAD, "%s goes by the %s domain: set it for a domain, or for the host", name,
                     check_infos[id].subject == SUBJECT_SENDER_DOMAIN ? "sender's" : "recipient's");
}

/* What one field cannot know of another. */
static enum result check_together(const struct change *c, struct change_values *v, struct error *e)
{
    const char *of = v->value[FIELD_ADDRESS] ? v->value[FIELD_ADDRESS] : v->value[FIELD_CATCHALL];

    if (of)
        v->domain_of = strrchr(of, '@') + 1;
    if (c->kind == CHANGE_DOMAIN_ADD) {
        bool alias = strcmp(v->value[FIELD_KIND], "alias") == 0;
        if (strcmp(v->value[FIELD_KIND], "user") == 0)
            return error_set(e, BAD, "a domain's kind is mailbox, relay or alias");
        if (alias != (v->value[FIELD_TARGET] != NULL))
            return error_set(e, BAD, "an alias domain, and only that, names the domain it stands for");
    }
    if (c->kind == CHANGE_ACCOUNT_ADD && strcmp(v->value[FIELD_KIND], "user") != 0 &&
        strcmp(v->value[FIELD_KIND], "relay") != 0)
        return error_set(e, BAD, "an account's kind is user or relay");
    if (c->kind == CHANGE_POLICY_SET)
        return check_scope_counts(v, e);
    return c->kind == CHANGE_LIST_ADD ? list_key(v, e) : OK;
}

/* In a list entry the sender is one of three parts, of which two may be absent. */
static bool field_optional(enum change_kind kind, enum field f)
{
    return fields[f].optional ||
           (f == FIELD_SENDER && (kind == CHANGE_LIST_ADD || kind == CHANGE_LIST_REMOVE_ENTRY));
}

enum result change_check(const struct change *c, int64_t now, struct change_values *v, struct error *e)
{
    struct strbuf b;

    memset(v->value, 0, sizeof v->value);
    v->domain_of = v->key_field = v->key_value = v->key_prefix = NULL;
    v->used = 0;
    for (const enum field *f = change_types[c->kind].field; *f != FIELD_NOW; f++) {
        const char *text = c->field[*f];
        enum result r = OK;
        if (text && *text)
            r = fields[*f].check(v, text, &v->value[*f], e);
        else if (!field_optional(c->kind, *f))
            r = error_set(e, BAD, "%s: %s is missing", change_types[c->kind].name, fields[*f].name);
        else
            v->value[*f] = *f == FIELD_SENDER ? "" : fields[*f].empty;
        if (r != OK)
            return r;
    }
    strbuf_init(&b, v->now, sizeof v->now);
    strbuf_addf(&b, "%lld", (long long)now);
    v->value[FIELD_NOW] = v->now;
    return check_together(c, v, e);
}

enum result change_validate(const struct change *c, struct error *e)
{
    struct change_values values;
    enum result r = change_check(c, 0, &values, e);

    explicit_bzero(values.text, values.used);
    return r;
}

const char *change_value(const struct change_values *v, const char *name)
{
    static const char *const derived[] = { "domain_of", "key_field", "key_value", "key_prefix" };
    const char *const values[] = { v->domain_of, v->key_field, v->key_value, v->key_prefix };

    for (size_t i = 0; i < sizeof derived / sizeof *derived; i++)
        if (strcmp(name, derived[i]) == 0)
            return values[i];
    for (unsigned f = 0; f < FIELD_COUNT; f++)
        if (strcmp(name, fields[f].name) == 0)
            return v->value[f];
    return NULL;
}

void change_explain(const char *line, const struct change_values *v, struct error *error_r)
{
    struct strbuf b;

    strbuf_init(&b, error_r->text, sizeof error_r->text);
    while (*line) {
        const char *end = *line == '{' ? strchr(line, '}') : NULL;
        char name[24];
        if (end && str_copy((struct span){ line + 1, (size_t)(end - line) - 1 }, name, sizeof name) == OK) {
            const char *value = change_value(v, name);
            strbuf_add_clean(&b, span_of(value ? value : ""));
            line = end + 1;
        } else
            strbuf_addc(&b, *line++);
    }
}
