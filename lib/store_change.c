/* SPDX-License-Identifier: MIT */
/*
 * Changes: what each takes, checked field by field and then together.  Layer 2.
 */
#include "store_schema.h"

#include <string.h>

#include "check_info.h"
#include "extra_field.h"
#include "list_entry.h"
#include "network.h"

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

static enum result list_shape(struct change_values *v, struct error *e)
{
    const char *const text[LIST_PARTS] = { v->value[FIELD_LIST_RECIPIENT], v->value[FIELD_SENDER],
                                           v->value[FIELD_CLIENT_NAME],    v->value[FIELD_HELO],
                                           v->value[FIELD_CLIENT],         v->value[FIELD_SCOPE] };
    char shape_text[LIST_SHAPE_MAX];
    struct list_shape shape;

    if (strcmp(text[LIST_SENDER], "*") == 0)
        return error_set(e, BAD, "sender '*' matches everything: leave the sender out");
    if (strchr(text[LIST_SCOPE], '@'))
        return error_set(e, BAD, "a list entry's scope is a recipient's domain, or the host");
    if (list_shape_of(text, &shape) != OK)
        return error_set(e, BAD, "a list entry needs a client, a client name, a HELO name, a sender or a recipient");
    list_shape_text(&shape, shape_text);
    return field_keep(v, shape_text, &v->shape, e);
}

/* What a list entry may name besides is no grant's. */
static enum result check_grant(const struct change_values *v, struct error *e)
{
    const char *sender = v->value[FIELD_SENDER];

    if (sender[0] != '.' && sender[strlen(sender) - 1] != '@')
        return OK;
    return error_set(e, BAD, "a grant is for an address, @domain or *: %s", sender);
}

/* A check asks for the account's row only where it goes by the login, and not every check
 * can hold mail. */
static enum result check_policy(const struct change_values *v, struct error *e)
{
    const char *name = v->value[FIELD_CHECK];
    enum check_id id;

    if (strcmp(v->value[FIELD_MODE], mode_name(MODE_HOLD)) == 0 && check_parse(span_of(name), &id) == OK &&
        !check_infos[id].holds)
        return error_set(e, BAD, "%s cannot hold mail: set it to off, observe or enforce", name);
    if (!strchr(v->value[FIELD_SCOPE], '@') || check_parse(span_of(name), &id) != OK ||
        check_infos[id].subject == SUBJECT_LOGIN)
        return OK;
    return error_set(e, BAD, "%s goes by the %s domain: set it for a domain, or for the host", name,
                     check_infos[id].subject == SUBJECT_SENDER_DOMAIN ? "sender's" : "recipient's");
}

/* Who would have to mend what the check finds. One that goes by logins may name a client
 * that did not log in. */
static const char *subject_kind(const char *check, const char *subject)
{
    static const char *const kinds[] = { [SUBJECT_LOGIN] = "account",
                                         [SUBJECT_SENDER_DOMAIN] = "sender",
                                         [SUBJECT_RECIPIENT_DOMAIN] = "host" };
    enum check_id id;
    struct network client;

    if (check_parse(span_of(check), &id) != OK || network_parse_ip(span_of(subject), &client) == OK)
        return "host";
    return kinds[check_infos[id].subject];
}

/* What a field of an account may be goes by its name. */
static enum result check_value(struct change_values *v, struct error *e)
{
    const char *name = v->value[FIELD_NAME];
    char canonical[EXTRA_FIELD_VALUE_MAX + 1];
    struct strbuf b;
    struct error why;

    strbuf_init(&b, canonical, sizeof canonical);
    if (extra_field_check_value(name, span_of(v->value[FIELD_VALUE]), &b, &why) != OK)
        return error_set(e, BAD, "%s: %s", name, why.text);
    return field_keep(v, canonical, &v->value[FIELD_VALUE], e);
}

/* A limit's scope has to be one in which something is counted that way. */
static enum result check_limit(const struct change *c, const struct change_values *v, struct error *e)
{
    const char *by = v->value[FIELD_COUNTED_BY], *scope = v->value[FIELD_SCOPE];
    bool network = *v->value[FIELD_CLIENT] != '\0', account = strchr(scope, '@') != NULL;
    bool empty = !v->value[FIELD_MESSAGES] && !v->value[FIELD_RECIPIENTS] && !v->value[FIELD_BYTES];

    if (network && *scope)
        return error_set(e, BAD, "a client's limit goes without a domain or account");
    if (network != (strcmp(by, "client") == 0) && (network || *scope))
        return error_set(e, BAD, network ? "a network's limit counts by client"
                                         : "only a network, or the host, has limits by client");
    if (account && strcmp(by, "account") != 0)
        return error_set(e, BAD, "an account's limit counts by account");
    if (*scope && strcmp(by, "host") == 0)
        return error_set(e, BAD, "what counts by host has no narrower scope");
    if (c->kind == CHANGE_LIMIT_SET && empty != (strcmp(v->value[FIELD_WINDOW], "0") == 0))
        return error_set(e, BAD, empty ? "a limit of what? Name messages, recipients or bytes"
                                       : "a limit needs a window of at least a second");
    return OK;
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
    if (c->kind == CHANGE_OBSERVE)
        v->subject_kind = subject_kind(v->value[FIELD_CHECK], v->value[FIELD_SUBJECT]);
    if (c->kind == CHANGE_POLICY_SET)
        return check_policy(v, e);
    if (c->kind == CHANGE_ACCOUNT_FIELD_SET)
        return check_value(v, e);
    if (c->kind == CHANGE_LIMIT_SET || c->kind == CHANGE_LIMIT_UNSET)
        return check_limit(c, v, e);
    if (c->kind == CHANGE_GRANT_ADD || c->kind == CHANGE_GRANT_REMOVE)
        return check_grant(v, e);
    return change_takes(c->kind, FIELD_LIST_RECIPIENT) ? list_shape(v, e) : OK;
}

/* Fields that only this change may leave out: in a list entry the sender is one of several
 * parts, of which all but one may be absent, and likewise in a limit; a tally without a check is of
 * all mail; most events need no reason. */
static bool field_optional(enum change_kind kind, enum field f)
{
    static const struct {
        enum change_kind kind;
        enum field field;
    } optional[] = {
        { CHANGE_TALLY, FIELD_CHECK },          { CHANGE_EVENT_ADD, FIELD_REASON },
        { CHANGE_LIST_ADD, FIELD_SENDER },      { CHANGE_LIST_REMOVE_ENTRY, FIELD_SENDER },
        { CHANGE_LIST_SET, FIELD_SENDER },
        { CHANGE_LIMIT_SET, FIELD_RECIPIENTS }, { CHANGE_LIMIT_SET, FIELD_BYTES },
        { CHANGE_LIMIT_UNSET, FIELD_WINDOW },
    };

    for (size_t i = 0; i < sizeof optional / sizeof *optional; i++)
        if (optional[i].kind == kind && optional[i].field == f)
            return true;
    return field_types[f].optional;
}

enum result change_check(const struct change *c, int64_t now, struct change_values *v, struct error *e)
{
    struct strbuf b;

    memset(v->value, 0, sizeof v->value);
    v->domain_of = v->shape = v->subject_kind = NULL;
    v->used = 0;
    v->merged[0] = v->expires[0] = v->client_passes[0] = v->client_seen[0] = v->client_expires[0] = '\0';
    v->is_known = NULL;
    for (const enum field *f = change_types[c->kind].field; *f != FIELD_NOW; f++) {
        const char *text = c->field[*f];
        enum result r = OK;
        if (text && *text)
            r = field_types[*f].check(v, text, &v->value[*f], e);
        else if (!field_optional(c->kind, *f))
            r = error_set(e, BAD, "%s: %s is missing", change_types[c->kind].name, field_types[*f].name);
        else
            v->value[*f] = field_types[*f].empty;
        if (r != OK)
            return r;
    }
    strbuf_init(&b, v->now, sizeof v->now);
    strbuf_addf(&b, "%lld", (long long)now);
    v->value[FIELD_NOW] = v->now;
    return check_together(c, v, e);
}

size_t change_texts_size(const struct change *c)
{
    size_t size = 0;

    for (unsigned f = 0; f < FIELD_COUNT; f++)
        size += c->field[f] ? strlen(c->field[f]) + 1 : 0;
    return size;
}

struct change change_copy(const struct change *c, char *texts)
{
    struct change copy = { .kind = c->kind };

    for (unsigned f = 0; f < FIELD_COUNT; f++)
        if (c->field[f]) {
            size_t size = strlen(c->field[f]) + 1;
            copy.field[f] = memcpy(texts, c->field[f], size);
            texts += size;
        }
    return copy;
}

enum result change_validate(const struct change *c, struct error *e)
{
    struct change_values values;
    enum result r = change_check(c, 0, &values, e);

    explicit_bzero(values.text, values.used);
    return r;
}

/* Values that no field has. */
static const char *const derived[] = { "domain_of", "shape", "subject_kind",  "merged",
                                       "expires",   "known", "client_passes", "client_seen", "client_expires" };

int change_value_number(const char *name)
{
    for (unsigned f = 0; f < FIELD_COUNT; f++)
        if (strcmp(name, field_types[f].name) == 0)
            return (int)f;
    for (unsigned i = 0; i < sizeof derived / sizeof *derived; i++)
        if (strcmp(name, derived[i]) == 0)
            return (int)(FIELD_COUNT + i);
    return -1;
}

const char *change_value_at(const struct change_values *v, int number)
{
    const char *const values[] = { v->domain_of, v->shape,    v->subject_kind,  v->merged,
                                   v->expires,   v->is_known, v->client_passes, v->client_seen, v->client_expires };

    if (number < 0)
        return NULL;
    return number < FIELD_COUNT ? v->value[number] : values[number - FIELD_COUNT];
}

const char *change_value(const struct change_values *v, const char *name)
{
    return change_value_at(v, change_value_number(name));
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
