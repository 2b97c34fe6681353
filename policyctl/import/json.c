/* SPDX-License-Identifier: MIT */
/* What policyctl export writes as JSON. */
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "lib/address.h"
#include "policyctl/import/import.h"

typedef enum result entry_fn(struct import *, const json_t *entry);

/* A text, or a number as text in the array; NULL: it is not there, or null. */
static const char *text_of(const json_t *object, const char *key, char number[static 24])
{
    const json_t *value = json_object_get(object, key);

    if (json_is_integer(value)) {
        snprintf(number, 24, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        return number;
    }
    return json_is_string(value) ? json_string_value(value) : NULL;
}

static enum result need(struct import *im, const json_t *object, const char *key, const char **text_r)
{
    char number[24];
    const char *text = text_of(object, key, number);

    *text_r = text == number ? NULL : text;
    if (!*text_r)
        return import_error(im, "an entry without a text '%s'", key);
    return OK;
}

static enum result take_fields(struct import *im, const char *scope, const json_t *object)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)object, name, value)
        if (!json_is_string(value) || import_field(im, scope, name, json_string_value(value)) != OK)
            return im->error.text[0] ? BAD : import_error(im, "%s: field %s is no text", scope, name);
    return OK;
}

static enum result take_domain(struct import *im, const json_t *entry)
{
    char number[24];
    const char *name, *kind;

    if (need(im, entry, "domain", &name) != OK || need(im, entry, "kind", &kind) != OK ||
        import_domain(im, name, kind, text_of(entry, "alias_of", number)) != OK)
        return BAD;
    return take_fields(im, name, json_object_get(entry, "fields"));
}

static enum result take_suspension(struct import *im, const char *address, const json_t *suspension)
{
    char until[24], reason[24], value[1024];
    struct change c = { CHANGE_ACCOUNT_SUSPEND, .field = { [FIELD_ADDRESS] = address, [FIELD_BY] = "import" } };

    if (!json_is_object(suspension))
        return OK;
    if (need(im, suspension, "services", &c.field[FIELD_SERVICES]) != OK)
        return BAD;
    c.field[FIELD_REASON] = text_of(suspension, "reason", reason);
    c.field[FIELD_UNTIL] = text_of(suspension, "until", until);
    snprintf(value, sizeof value, "%s until %s: %s", c.field[FIELD_SERVICES],
             c.field[FIELD_UNTIL] ? c.field[FIELD_UNTIL] : "released", c.field[FIELD_REASON] ? c.field[FIELD_REASON] : "");
    return import_change(im, ITEM_SUSPENSION, address, value, &c);
}

static enum result take_account(struct import *im, const json_t *entry)
{
    const char *name, *canonical, *kind, *status, *hash;
    char address[ADDRESS_MAX + 1];

    if (need(im, entry, "address", &name) != OK || need(im, entry, "kind", &kind) != OK ||
        need(im, entry, "status", &status) != OK || need(im, entry, "password_hash", &hash) != OK ||
        import_address(im, span_of(name), &canonical) != OK)
        return BAD;
    memcpy(address, canonical, strlen(canonical) + 1);
    if (import_account(im, address, kind, hash) != OK ||
        import_status(im, address, strcmp(status, "disabled") != 0) != OK ||
        take_fields(im, address, json_object_get(entry, "fields")) != OK)
        return BAD;
    return take_suspension(im, address, json_object_get(entry, "suspended"));
}

static enum result take_alias(struct import *im, const json_t *entry)
{
    const char *name, *canonical;
    char alias[ADDRESS_MAX + 1];
    json_t *destination;
    size_t i;

    if (need(im, entry, "alias", &name) != OK || import_address(im, span_of(name), &canonical) != OK)
        return BAD;
    memcpy(alias, canonical, strlen(canonical) + 1);
    if (import_alias(im, alias, json_is_true(json_object_get(entry, "members_send")) ? "1" : "0") != OK)
        return BAD;
    json_array_foreach(json_object_get(entry, "destinations"), i, destination) {
        const char *text = json_string_value(destination);
        if (import_address(im, span_of(text), &canonical) != OK || import_destination(im, alias, canonical) != OK)
            return BAD;
    }
    return OK;
}

static enum result take_grant(struct import *im, const json_t *entry)
{
    const char *grantee, *sender;

    if (need(im, entry, "grantee", &grantee) != OK || need(im, entry, "sender", &sender) != OK)
        return BAD;
    return import_grant(im, grantee, sender);
}

static enum result take_policy(struct import *im, const json_t *entry)
{
    char from[24], until[24], key[1024], value[64];
    struct change c = { .kind = CHANGE_POLICY_SET };

    if (need(im, entry, "check", &c.field[FIELD_CHECK]) != OK || need(im, entry, "scope", &c.field[FIELD_SCOPE]) != OK ||
        need(im, entry, "mode", &c.field[FIELD_MODE]) != OK)
        return BAD;
    c.field[FIELD_START] = text_of(entry, "from", from);
    c.field[FIELD_UNTIL] = text_of(entry, "until", until);
    snprintf(key, sizeof key, "%s for %s from %s", c.field[FIELD_CHECK], c.field[FIELD_SCOPE],
             c.field[FIELD_START] ? c.field[FIELD_START] : "0");
    snprintf(value, sizeof value, "%s until %s", c.field[FIELD_MODE], c.field[FIELD_UNTIL] ? c.field[FIELD_UNTIL] : "");
    return import_change(im, ITEM_POLICY, key, value, &c);
}

static enum result take_list(struct import *im, const json_t *entry)
{
    static const struct {
        const char *key;
        enum field field;
    } parts[] = { { "action", FIELD_ACTION }, { "client", FIELD_CLIENT }, { "helo", FIELD_HELO },
                  { "sender", FIELD_SENDER }, { "scope", FIELD_SCOPE }, { "until", FIELD_UNTIL }, { "note", FIELD_NOTE },
                  { "client_name", FIELD_CLIENT_NAME }, { "recipient", FIELD_LIST_RECIPIENT } };
    char number[sizeof parts / sizeof *parts][24], key[2048];
    struct change c = { .kind = CHANGE_LIST_ADD };
    struct strbuf b;

    strbuf_init(&b, key, sizeof key);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        const char *text = text_of(entry, parts[i].key, number[i]);
        c.field[parts[i].field] = text;
        if (parts[i].field != FIELD_UNTIL && parts[i].field != FIELD_NOTE)
            strbuf_addf(&b, "%s%s", i > 0 ? " " : "", text && *text ? text : "-");
    }
    return import_change(im, ITEM_LIST, key, "", &c);
}

static const struct {
    const char *key;
    entry_fn *take;
} parts[] = {
    { "domains", take_domain }, { "accounts", take_account }, { "aliases", take_alias },
    { "grants", take_grant },   { "policy", take_policy },    { "lists", take_list },
};

static enum result take_all(struct import *im, const json_t *root)
{
    if (json_integer_value(json_object_get(root, "postern_export")) != 1)
        return import_error(im, "no export of policyctl, or one of a newer version");
    for (size_t p = 0; p < sizeof parts / sizeof *parts; p++) {
        const json_t *array = json_object_get(root, parts[p].key);
        json_t *entry;
        size_t i;
        json_array_foreach(array, i, entry)
            if (parts[p].take(im, entry) != OK)
                return BAD;
    }
    return OK;
}

enum result read_json(struct import *im, FILE *f)
{
    json_error_t why;
    json_t *root = json_loadf(f, JSON_REJECT_DUPLICATES, &why);
    enum result r;

    if (!root) {
        im->line = why.line > 0 ? (unsigned long)why.line : 0;
        return import_error(im, "%s", why.text);
    }
    r = take_all(im, root);
    json_decref(root);
    return r;
}
