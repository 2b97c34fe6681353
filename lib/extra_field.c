/* SPDX-License-Identifier: MIT */
#include "extra_field.h"

#include "address.h"

/* As much of a wrong value as a line shows. */
enum { SHOWN_MAX = 64 };
#define SHOWN(text) (int)((text).len < SHOWN_MAX ? (text).len : SHOWN_MAX), (text).ptr

/* ---- values ---- */

static bool is_placeholder(struct span name)
{
    return span_equal(name, SPAN("user")) || span_equal(name, SPAN("local")) || span_equal(name, SPAN("domain"));
}

/* '%' would be a variable of Dovecot's, which the userdb does not fill in. */
static enum result check_mail(struct span value, struct strbuf *b, struct error *e)
{
    for (size_t i = 0; i < value.len; i++) {
        struct span rest = { value.ptr + i, value.len - i };
        const char *end = *rest.ptr == '{' ? memchr(rest.ptr, '}', rest.len) : NULL;

        if (*rest.ptr != '%' && *rest.ptr != '{')
            continue;
        if (!end || !is_placeholder((struct span){ rest.ptr + 1, (size_t)(end - rest.ptr) - 1 }))
            return error_set(e, BAD, "'%.*s' is no placeholder; there are {user}, {local} and {domain}",
                             SHOWN(rest));
    }
    strbuf_add(b, value);
    return OK;
}

static enum result check_home(struct span value, struct strbuf *b, struct error *e)
{
    if (value.len > 0 && value.ptr[0] != '/')
        return error_set(e, BAD, "'%.*s' is no absolute path", SHOWN(value));
    return check_mail(value, b, e);
}

static enum result check_owner(struct span value, struct strbuf *b, struct error *e)
{
    for (size_t i = 0; i < value.len; i++)
        if (strchr(" :/,;\"'", value.ptr[i]))
            return error_set(e, BAD, "'%.*s' is no name of a user or group", SHOWN(value));
    strbuf_add(b, value);
    return OK;
}

/* With a unit: a bare number is kilobytes to Dovecot 2.3 and octets to 2.4. */
static enum result check_quota(struct span value, struct strbuf *b, struct error *e)
{
    static const char units[] = "KMGTkmgt";
    const char *unit = value.len > 1 ? strchr(units, value.ptr[value.len - 1]) : NULL;
    uint64_t number;

    if (unit && str_number((struct span){ value.ptr, value.len - 1 }, 1, 99999999, &number) == OK) {
        strbuf_addu(b, number);
        strbuf_addc(b, units[(unit - units) % 4]);
        return OK;
    }
    if (value.len > 0 && !span_equal(value, SPAN("0")))
        return error_set(e, BAD, "'%.*s' is no size; write 500M or 2G (K, M, G, T), or 0 for unlimited",
                         SHOWN(value));
    strbuf_add(b, value);
    return OK;
}

bool extra_field_is_contact(const char *name)
{
    return strcmp(name, "contact") == 0;
}

static enum result check_contact(struct span value, struct strbuf *b, struct error *e)
{
    struct address address;
    char text[ADDRESS_MAX + 1];

    if (str_copy(value, text, sizeof text) != OK || address_check(text, false, &address, e) != OK)
        return BAD;
    strbuf_adds(b, address.text);
    return OK;
}

enum result extra_field_check_value(const char *name, struct span value, struct strbuf *canonical, struct error *e)
{
    static enum result (*const checks[MAILBOX_FIELDS])(struct span, struct strbuf *, struct error *) = {
        check_home, check_mail, check_owner, check_owner, check_quota
    };

    for (size_t i = 0; i < MAILBOX_FIELDS; i++)
        if (strcmp(name, mailbox_fields[i]) == 0)
            return checks[i](value, canonical, e);
    if (extra_field_is_contact(name))
        return check_contact(value, canonical, e);
    strbuf_add(canonical, value);
    return OK;
}

/* ---- names ---- */

const char *const mailbox_fields[MAILBOX_FIELDS] = { "home", "mail", "uid", "gid", "quota" };

bool is_mailbox_field(const char *name)
{
    for (size_t i = 0; i < MAILBOX_FIELDS; i++)
        if (strcmp(name, mailbox_fields[i]) == 0)
            return true;
    return false;
}

static const char *behind_prefix(const char *name)
{
    return strncmp(name, "userdb_", 7) == 0 ? name + 7 : NULL;
}

const char *extra_field_of_userdb(const char *name)
{
    return is_mailbox_field(name) ? name : behind_prefix(name);
}

/* What Dovecot calls one of the five; NULL: it is none of them. */
static const char *mailbox_field_called(const char *name)
{
    static const struct {
        const char *name, *ours;
    } others[] = {
        { "quota_rule", "quota" }, { "quota_storage_size", "quota" }, { "mail_location", "mail" },
        { "mail_driver", "mail" }, { "mail_path", "mail" },
    };

    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (strcmp(name, others[i].name) == 0)
            return others[i].ours;
    return is_mailbox_field(name) ? name : NULL;
}

/* Who a login is, and whether it needs its password, is the table's to say, and a reason
 * the driver's; an import would bring any of them along. */
static bool is_refused(const char *name)
{
    static const char *const names[] = {
        "password",  "password_noscheme", "nopassword",  "noauthenticate", "k5principals", "user",
        "username",  "domain",            "login_user",  "original_user",  "auth_user",    "master_user",
        "anonymous", "passdb_import",     "uidgid_file", "reason",
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

/* Without a colon: to Dovecot "x:remove" and "x:protected" are orders. */
static bool is_name(const char *name)
{
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./");

    return len > 0 && name[len] == '\0' && len <= EXTRA_FIELD_NAME_MAX;
}

enum result extra_field_check_name(const char *name, struct error *e)
{
    const char *bare = behind_prefix(name);

    if (!is_name(name) || (bare && (!is_name(bare) || behind_prefix(bare)))) /* userdb_userdb_import */
        return error_set(e, BAD, "'%.80s' is no name of a field", name);
    if (is_refused(bare ? bare : name))
        return error_set(e, BAD, "field %s: who a login is, and whether it passes, is no extra field", name);
    if (bare && mailbox_field_called(bare))
        return error_set(e, BAD, "field %s: it is called %s here", name, mailbox_field_called(bare));
    return OK;
}
