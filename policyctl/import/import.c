/* SPDX-License-Identifier: MIT */
#include "policyctl/import/import.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/address.h"
#include "lib/change_text.h"
#include "lib/extra_field.h"
#include "policyctl/change.h"
#include "policyctl/import/existing.h"
#include "policyctl/import/memory.h"

enum { KEY_MAX = 1200, QUOTA_TEXT_MAX = 24 };

static const struct {
    const char *one, *many;
    bool secret; /* its value is a hash */
} names[ITEM_COUNT] = {
    [ITEM_DOMAIN] = { "domain", "domains", false },
    [ITEM_ALIAS_DOMAIN] = { "alias domain", "alias domains", false },
    [ITEM_ACCOUNT] = { "account", "accounts", true },
    [ITEM_STATUS] = { "status", "accounts' status", false },
    [ITEM_SUSPENSION] = { "suspension", "suspensions", false },
    [ITEM_FIELD] = { "field", "fields", false },
    [ITEM_ALIAS] = { "alias", "aliases", false },
    [ITEM_DESTINATION] = { "destination", "destinations", false },
    [ITEM_GRANT] = { "grant", "grants", false },
    [ITEM_POLICY] = { "policy row", "policy rows", false },
    [ITEM_LIST] = { "list entry", "list entries", false },
};

enum result import_error(struct import *im, const char *format, ...)
{
    char text[256];
    va_list list;

    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    if (im->line)
        return error_set(&im->error, BAD, "%s:%lu: %s", im->path, im->line, text);
    return error_set(&im->error, BAD, "%s: %s", im->path, text);
}

/* ---- an item ---- */

static void show(const struct import *im, char sign, enum item item, const char *key, const char *value,
                 const char *is)
{
    char line[KEY_MAX * 2];
    struct strbuf b;

    if (!im->show)
        return;
    strbuf_init(&b, line, sizeof line);
    strbuf_addf(&b, "%c %s ", sign, names[item].one);
    strbuf_add_clean(&b, span_of(key));
    if (names[item].secret) {
        if (is)
            strbuf_adds(&b, ": another password");
    } else if (*value) {
        strbuf_addf(&b, ": ");
        strbuf_add_clean(&b, span_of(value));
    }
    if (is && !names[item].secret) {
        strbuf_adds(&b, ", is ");
        strbuf_add_clean(&b, span_of(*is ? is : "empty"));
    }
    printf("%s%s\n", line, is && !im->update ? " (kept)" : "");
}

/* Whether the input said it before; BAD where it said something else. */
static enum result said_before(struct import *im, enum item item, const char *key, const char *value, bool *before_r)
{
    const struct said *said = memory_find(im->memory, item, key);

    *before_r = said != NULL;
    if (said && strcmp(said->value, value) != 0)
        return im->line ? import_error(im, "%s %s: line %lu says otherwise", names[item].one, key, said->line)
                        : import_error(im, "%s %s stands there twice", names[item].one, key);
    if (!said && memory_add(im->memory, item, key, value, im->line) != OK)
        return import_error(im, "out of memory");
    return OK;
}

enum result import_change(struct import *im, enum item item, const char *key, const char *value,
                          const struct change *change)
{
    struct existing existing;
    struct change update;
    struct error e;
    bool before;

    if (said_before(im, item, key, value, &before) != OK)
        return BAD;
    if (before)
        return OK;
    if (change_validate(change, &e) != OK)
        return import_error(im, "%s", e.text);
    if (existing_find(im->store, item, change, &existing, &update) != OK)
        return import_error(im, "%s cannot be read", im->ctl->config->accounts_db);
    if (!existing.is_there) {
        im->tally[item].added++;
        show(im, '+', item, key, value, NULL);
        change_text_write(change, im->out[item]);
    } else if (strcmp(existing.value, value) == 0)
        im->tally[item].same++;
    else if (item == ITEM_DOMAIN || item == ITEM_ALIAS_DOMAIN)
        return import_error(im, "%s is %s in the file, and %s in the table", key, value, existing.value);
    else {
        im->tally[item].differs++;
        show(im, '~', item, key, value, existing.value);
        if (im->update)
            change_text_write(&update, im->out[item]);
    }
    return OK;
}

/* Whether the table has it, for items that one name tells. */
static bool is_in_table(struct import *im, enum item item, const char *key)
{
    struct change change = { .field = { NULL } }, update;
    struct existing existing;

    change.field[item == ITEM_DOMAIN || item == ITEM_ALIAS_DOMAIN ? FIELD_DOMAIN
                 : item == ITEM_ALIAS ? FIELD_CATCHALL : FIELD_ADDRESS] = key;
    return existing_find(im->store, item, &change, &existing, &update) == OK && existing.is_there;
}

bool import_knows(struct import *im, enum item item, const char *key)
{
    return memory_find(im->memory, item, key) || is_in_table(im, item, key);
}

/* ---- the kinds of items ---- */

enum result import_address(struct import *im, struct span text, const char **address_r)
{
    static char address[ADDRESS_MAX + 1];
    char raw[ADDRESS_MAX + DOMAIN_MAX + 2];
    struct address parsed;
    struct strbuf b;
    struct error e;
    bool is_bare = text.len == 0 || !memchr(text.ptr, '@', text.len);

    strbuf_init(&b, raw, sizeof raw);
    strbuf_add(&b, text);
    if (is_bare && text.len > 0 && im->domain[0])
        strbuf_addf(&b, "@%s", im->domain);
    else if (is_bare)
        return import_error(im, "'%.*s' has no domain: name it by --domain", (int)(text.len < 80 ? text.len : 80),
                            text.ptr);
    if (raw[0] == '@') {
        address[0] = '@';
        if (domain_check(raw + 1, address + 1, &e) != OK)
            return import_error(im, "%s", e.text);
    } else if (b.cut || address_check(raw, false, &parsed, &e) != OK)
        return import_error(im, "%s", b.cut ? "an address that is too long" : e.text);
    else
        memcpy(address, parsed.text, sizeof address);
    *address_r = address;
    return OK;
}

enum result import_domain(struct import *im, const char *domain, const char *kind, const char *target)
{
    char name[DOMAIN_MAX + 1], of[DOMAIN_MAX + 1] = "", value[DOMAIN_MAX + 16];
    bool is_alias = strcmp(kind, "alias") == 0;
    struct change c = { CHANGE_DOMAIN_ADD, .field = { [FIELD_DOMAIN] = name, [FIELD_KIND] = kind } };
    struct error e;

    if (domain_check(domain, name, &e) != OK || (is_alias && domain_check(target ? target : "", of, &e) != OK))
        return import_error(im, "%s", e.text);
    c.field[FIELD_TARGET] = is_alias ? of : NULL;
    snprintf(value, sizeof value, "%s%s%s", kind, is_alias ? " of " : "", of);
    if (memory_find(im->memory, is_alias ? ITEM_DOMAIN : ITEM_ALIAS_DOMAIN, name))
        return import_error(im, "%s is an alias domain and a domain of its own", name);
    return import_change(im, is_alias ? ITEM_ALIAS_DOMAIN : ITEM_DOMAIN, name, value, &c);
}

static enum result note(struct import *im, unsigned about, const char *key)
{
    if (memory_find(im->memory, about, key) || memory_add(im->memory, about, key, "", im->line) == OK)
        return OK;
    return import_error(im, "out of memory");
}

/* The domain of an account or an alias is added with it, unless it is told of later. */
static enum result need_domain(struct import *im, const char *address)
{
    return note(im, ABOUT_NEEDED, strrchr(address, '@') + 1);
}

static enum result add_needed(const struct said *said, void *context)
{
    struct import *im = context;

    if (import_knows(im, ITEM_DOMAIN, said->key) || import_knows(im, ITEM_ALIAS_DOMAIN, said->key))
        return OK;
    im->line = said->line;
    return import_domain(im, said->key, "mailbox", NULL);
}

static bool is_only(const char *text, const char *characters, size_t length)
{
    return strlen(text) == length && strspn(text, characters) == length;
}

/* Hashes of crypt(5), and of old PHP programs, are told by their form. */
static const char *scheme_of(const char *hash)
{
    if (hash[0] == '{')
        return "";
    if (hash[0] == '$')
        return "{CRYPT}";
    if (is_only(hash, "0123456789abcdefABCDEF", 32))
        return "{PLAIN-MD5}";
    return is_only(hash, "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", 13) ? "{CRYPT}" : NULL;
}

enum result import_account(struct import *im, const char *address, const char *kind, const char *hash)
{
    char whole[EXTRA_FIELD_VALUE_MAX * 2];
    const char *scheme = scheme_of(hash);
    struct change c = { CHANGE_ACCOUNT_ADD,
                        .field = { [FIELD_ADDRESS] = address, [FIELD_KIND] = kind, [FIELD_PASSWORD] = whole } };

    if (!scheme)
        return import_error(im, "the password of %s has no {SCHEME} and is no hash of crypt(5)", address);
    if (snprintf(whole, sizeof whole, "%s%s", scheme, hash) >= (int)sizeof whole)
        return import_error(im, "the password of %s is too long", address);
    if (need_domain(im, address) != OK)
        return BAD;
    enum result r = import_change(im, ITEM_ACCOUNT, address, whole, &c);
    explicit_bzero(whole, sizeof whole);
    return r;
}

enum result import_status(struct import *im, const char *address, bool active)
{
    const char *status = active ? "active" : "disabled";
    struct change c = { CHANGE_ACCOUNT_STATUS, .field = { [FIELD_ADDRESS] = address, [FIELD_STATUS] = status } };

    if (active && !is_in_table(im, ITEM_ACCOUNT, address)) /* a new one is */
        return OK;
    return import_change(im, ITEM_STATUS, address, status, &c);
}

enum result import_field(struct import *im, const char *scope, const char *name, const char *value)
{
    char key[KEY_MAX], canonical[EXTRA_FIELD_VALUE_MAX + 1];
    struct change c = { CHANGE_ACCOUNT_FIELD_SET,
                        .field = { [FIELD_SCOPE] = scope, [FIELD_NAME] = name, [FIELD_VALUE] = canonical } };
    struct strbuf b;
    struct error e;

    strbuf_init(&b, canonical, sizeof canonical);
    if (*value == '\0')
        return OK;
    if (extra_field_check_name(name, &e) != OK)
        return import_error(im, "%s: %s", scope, e.text);
    if (extra_field_check_value(name, span_of(value), &b, &e) != OK)
        return import_error(im, "%s: %s: %s", scope, name, e.text);
    snprintf(key, sizeof key, "%s %s", scope, name);
    return import_change(im, ITEM_FIELD, key, canonical, &c);
}

enum result import_quota(struct import *im, const char *address, uint64_t bytes)
{
    static const char units[] = "KMGT";
    uint64_t size = (bytes + 1023) / 1024; /* nobody loses what he has */
    char text[QUOTA_TEXT_MAX];
    size_t unit = 0;

    if (bytes == 0)
        return OK;
    for (; size % 1024 == 0 && unit < sizeof units - 2; unit++)
        size /= 1024;
    snprintf(text, sizeof text, "%" PRIu64 "%c", size, units[unit]);
    return import_field(im, address, "quota", text);
}

enum result import_alias(struct import *im, const char *alias, const char *members_send)
{
    const char *value = members_send ? members_send : "";
    struct change c = { CHANGE_ALIAS_ADD, .field = { [FIELD_CATCHALL] = alias, [FIELD_SEND] = members_send } };

    if (!members_send && import_knows(im, ITEM_ALIAS, alias))
        return OK;
    return need_domain(im, alias) == OK ? import_change(im, ITEM_ALIAS, alias, value, &c) : BAD;
}

enum result import_destination(struct import *im, const char *alias, const char *destination)
{
    char key[KEY_MAX];
    struct change c = { CHANGE_ALIAS_MEMBER,
                        .field = { [FIELD_CATCHALL] = alias, [FIELD_DESTINATION] = destination } };

    snprintf(key, sizeof key, "%s to %s", alias, destination);
    return import_alias(im, alias, NULL) == OK ? import_change(im, ITEM_DESTINATION, key, "", &c) : BAD;
}

enum result import_copy(struct import *im, const char *address)
{
    return note(im, ABOUT_COPY, address);
}

static enum result add_copy(const struct said *said, void *context)
{
    struct import *im = context;

    return import_knows(im, ITEM_ALIAS, said->key) ? import_destination(im, said->key, said->key) : OK;
}

enum result import_finish(struct import *im)
{
    if (memory_each(im->memory, ABOUT_COPY, add_copy, im) == OK &&
        memory_each(im->memory, ABOUT_NEEDED, add_needed, im) == OK)
        return OK;
    return im->error.text[0] ? BAD : import_error(im, "out of memory");
}

enum result import_grant(struct import *im, const char *grantee, const char *sender)
{
    char key[KEY_MAX];
    struct change c = { CHANGE_GRANT_ADD, .field = { [FIELD_GRANTEE] = grantee, [FIELD_SENDER] = sender } };

    snprintf(key, sizeof key, "%s as %s", grantee, sender);
    return import_change(im, ITEM_GRANT, key, "", &c);
}

/* ---- from begin to end ---- */

enum result import_open(struct import *im, const struct ctl *ctl, const char *path)
{
    *im = (struct import){ .ctl = ctl, .path = path, .memory = memory_open() };
    for (size_t i = 0; i < ITEM_COUNT && im->memory; i++)
        if (!(im->out[i] = open_memstream(&im->text[i], &im->size[i]))) {
            import_close(im);
            return error_set(&im->error, TRY_AGAIN, "out of memory");
        }
    return im->memory ? OK : error_set(&im->error, TRY_AGAIN, "out of memory");
}

void import_close(struct import *im)
{
    for (size_t i = 0; i < ITEM_COUNT; i++) {
        if (im->out[i])
            fclose(im->out[i]);
        if (im->text[i])
            explicit_bzero(im->text[i], im->size[i]); /* hashes */
        free(im->text[i]);
        im->out[i] = NULL;
        im->text[i] = NULL;
    }
    memory_close(&im->memory);
    store_close(&im->store);
}

size_t import_changes(const struct import *im)
{
    size_t count = 0;

    for (size_t i = 0; i < ITEM_COUNT; i++)
        count += im->tally[i].added + (im->update ? im->tally[i].differs : 0);
    return count;
}

/* All kinds one behind the other. */
static bool write_all(const struct import *im, int file)
{
    for (size_t i = 0; i < ITEM_COUNT; i++) {
        if (fflush(im->out[i]) != 0)
            return false;
        for (size_t written = 0; written < im->size[i];) {
            ssize_t n = write(file, im->text[i] + written, im->size[i] - written);
            if (n <= 0)
                return false;
            written += (size_t)n;
        }
    }
    return true;
}

enum status import_commit(struct import *im)
{
    int file = memfd_create("import", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    enum status status;

    store_close(&im->store); /* a reader would keep the log from being written back */
    if (file >= 0 && write_all(im, file))
        status = change_submit_file(im->ctl, file);
    else
        status = fail(STATUS_UNREACHABLE, "out of memory");
    if (file >= 0)
        close(file);
    return status;
}

void import_summary(const struct import *im, bool done)
{
    size_t differs = 0;

    for (size_t i = 0; i < ITEM_COUNT; i++) {
        const struct tally *t = &im->tally[i];
        if (t->added + t->differs + t->same == 0)
            continue;
        printf("%-17s %zu new, %zu %s, %zu the same\n", names[i].many, t->added, t->differs,
               im->update ? "updated" : "kept that differ", t->same);
        differs += t->differs;
    }
    if (im->passed_over > 0)
        printf("%zu rows that mean nothing here were passed over\n", im->passed_over);
    if (import_changes(im) == 0)
        printf("nothing to change\n");
    else if (!done)
        printf("nothing was changed: --dry-run\n");
    if (differs > 0 && !im->update)
        printf("--update takes over what differs\n");
}
