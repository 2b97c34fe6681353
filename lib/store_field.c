/* SPDX-License-Identifier: MIT */
/*
 * The fields of a change: one type a field, checked and brought into canonical
 * form here, whoever sends it.  Layer 2.
 */
#include "store_schema.h"

#include <string.h>

#include "address.h"
#include "check_info.h"
#include "event_row.h"
#include "extra_field.h"
#include "list_entry.h"

enum result field_keep(struct change_values *v, const char *text, const char **value_r, struct error *e)
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

    return r == OK ? field_keep(v, address.text, value_r, e) : r;
}

static enum result check_domain(struct change_values *v, const char *text, const char **value_r,
                                struct error *e)
{
    char domain[DOMAIN_MAX + 1];
    enum result r = domain_check(text, domain, e);

    return r == OK ? field_keep(v, domain, value_r, e) : r;
}

static enum result check_at_domain(struct change_values *v, const char *text, const char **value_r,
                                   struct error *e)
{
    char at_domain[DOMAIN_MAX + 2] = "@";
    enum result r = domain_check(text + 1, at_domain + 1, e);

    return r == OK ? field_keep(v, at_domain, value_r, e) : r;
}

static enum result check_address_or_domain(struct change_values *v, const char *text, const char **value_r,
                                           struct error *e)
{
    return text[0] == '@' ? check_at_domain(v, text, value_r, e) : check_address(v, text, value_r, e);
}

static enum result check_part(struct change_values *v, enum list_part part, const char *text, const char **value_r,
                              struct error *e)
{
    char canonical[LIST_TEXT_MAX];
    enum result r = list_part_check(part, text, canonical, e);

    return r == OK ? field_keep(v, canonical, value_r, e) : r;
}

static enum result check_sender(struct change_values *v, const char *text, const char **value_r,
                                struct error *e)
{
    if (strcmp(text, "*") == 0)
        return field_keep(v, text, value_r, e);
    return check_part(v, LIST_SENDER, text, value_r, e);
}

static enum result check_scope(struct change_values *v, const char *text, const char **value_r,
                               struct error *e)
{
    return strchr(text, '@') ? check_address(v, text, value_r, e) : check_domain(v, text, value_r, e);
}

static enum result check_helo(struct change_values *v, const char *text, const char **value_r,
                              struct error *e)
{
    return check_part(v, LIST_HELO, text, value_r, e);
}

static enum result check_client_name(struct change_values *v, const char *text, const char **value_r,
                                     struct error *e)
{
    return check_part(v, LIST_CLIENT_NAME, text, value_r, e);
}

static enum result check_client(struct change_values *v, const char *text, const char **value_r,
                                struct error *e)
{
    return check_part(v, LIST_CLIENT, text, value_r, e);
}

static enum result check_list_recipient(struct change_values *v, const char *text, const char **value_r,
                                        struct error *e)
{
    return check_part(v, LIST_RECIPIENT, text, value_r, e);
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
    return field_keep(v, text, value_r, e);
}

/* What policyd wrote itself, and reads with care. */
static enum result check_record(struct change_values *v, const char *text, const char **value_r,
                                struct error *e)
{
    for (const char *p = text; *p; p++)
        if (*p < ' ' || *p == 0x7f)
            return error_set(e, BAD, "a record is one line of printable ASCII");
    return field_keep(v, text, value_r, e);
}

static enum result check_number(struct change_values *v, const char *text, const char **value_r,
                                struct error *e)
{
    uint64_t number;

    if (str_number(span_of(text), 0, INT64_MAX, &number) != OK)
        return error_set(e, BAD, "'%.40s' is no number", text);
    return field_keep(v, text, value_r, e);
}

/* Of 64 bits, which a column of the table need not hold. */
static enum result check_resend(struct change_values *v, const char *text, const char **value_r,
                                struct error *e)
{
    uint64_t number;

    if (str_number(span_of(text), 0, UINT64_MAX, &number) != OK)
        return error_set(e, BAD, "'%.40s' is no number", text);
    return field_keep(v, text, value_r, e);
}

/* One of the words in a list that is separated by '|'. */
static enum result check_word(struct change_values *v, const char *words, const char *text,
                              const char **value_r, struct error *e)
{
    struct span want = span_of(text);

    for (const char *p = words, *end; p; p = end ? end + 1 : NULL) {
        end = strchr(p, '|');
        if (span_equal((struct span){ p, end ? (size_t)(end - p) : strlen(p) }, want))
            return field_keep(v, text, value_r, e);
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
    return check_word(v, "off|observe|hold|enforce", text, value_r, e);
}

static enum result check_counted_by(struct change_values *v, const char *text, const char **value_r,
                                    struct error *e)
{
    return check_word(v, "account|relay|domain|client|host", text, value_r, e);
}

static enum result check_window(struct change_values *v, const char *text, const char **value_r,
                                struct error *e)
{
    uint64_t seconds;

    if (str_number(span_of(text), 0, USAGE_WINDOW_S_MAX, &seconds) != OK)
        return error_set(e, BAD, "'%.40s' is no window in seconds, at most %d", text, USAGE_WINDOW_S_MAX);
    return field_keep(v, text, value_r, e);
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

static enum result check_field_name(struct change_values *v, const char *text, const char **value_r,
                                    struct error *e)
{
    enum result r = extra_field_check_name(text, e);

    return r == OK ? field_keep(v, text, value_r, e) : r;
}

static enum result check_event(struct change_values *v, const char *text, const char **value_r,
                               struct error *e)
{
    enum event_kind kind;

    if (event_kind_parse(text, &kind) == OK)
        return field_keep(v, text, value_r, e);
    return error_set(e, BAD, "no event '%.40s'", text);
}

static enum result check_name(struct change_values *v, const char *text, const char **value_r,
                              struct error *e)
{
    enum check_id id;
    char names[256];
    struct strbuf b;

    if (check_parse(span_of(text), &id) == OK)
        return field_keep(v, text, value_r, e);
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
        return field_keep(v, text, value_r, e);
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
    return field_keep(v, text, value_r, e);
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

static enum result check_counts(struct change_values *v, const char *text, const char **value_r, struct error *e)
{
    struct usage usage;

    if (usage_parse(text, &usage) != OK)
        return error_set(e, BAD, "counts that are none: %.80s", text);
    return field_keep(v, text, value_r, e);
}

const struct field_type field_types[FIELD_COUNT] = {
    [FIELD_ADDRESS] = { "address", check_address, false, NULL },
    [FIELD_CATCHALL] = { "alias", check_address_or_domain, false, NULL },
    [FIELD_DOMAIN] = { "domain", check_domain, false, NULL },
    [FIELD_TARGET] = { "target", check_domain, true, NULL },
    [FIELD_KIND] = { "kind", check_kind, false, NULL },
    [FIELD_PASSWORD] = { "password", check_password, false, NULL },
    [FIELD_STATUS] = { "status", check_status, false, NULL },
    [FIELD_SERVICES] = { "services", check_services, true, "all" },
    [FIELD_REASON] = { "reason", check_line, false, "" },
    [FIELD_UNTIL] = { "until", check_number, true, NULL },
    [FIELD_DESTINATION] = { "destination", check_address, false, NULL },
    [FIELD_SEND] = { "members_send", check_flag, true, NULL },
    [FIELD_GRANTEE] = { "grantee", check_address_or_domain, false, NULL },
    [FIELD_SENDER] = { "sender", check_sender, false, "" },
    [FIELD_CHECK] = { "check", check_name, false, "" },
    [FIELD_SCOPE] = { "scope", check_scope, true, "" },
    [FIELD_MODE] = { "mode", check_mode, false, NULL },
    [FIELD_ACTION] = { "action", check_action, false, NULL },
    [FIELD_CLIENT] = { "client", check_client, true, "" },
    [FIELD_HELO] = { "helo", check_helo, true, "" },
    [FIELD_CLIENT_NAME] = { "client_name", check_client_name, true, "" },
    [FIELD_LIST_RECIPIENT] = { "list_recipient", check_list_recipient, true, "" },
    [FIELD_NOTE] = { "note", check_line, true, "" },
    [FIELD_ID] = { "id", check_number, false, NULL },
    [FIELD_NEW_PASSWORD] = { "new_password", check_flag, true, "0" },
    [FIELD_NAME] = { "name", check_field_name, false, NULL },
    [FIELD_VALUE] = { "value", check_line, false, NULL },
    [FIELD_SUBJECT] = { "subject", check_line, true, "" },
    [FIELD_CAUSE] = { "cause", check_line, true, "" },
    [FIELD_SAMPLE] = { "sample", check_line, true, "" },
    [FIELD_ENVELOPE_SENDER] = { "envelope_sender", check_line, true, "" },
    [FIELD_OUTCOME] = { "outcome", check_line, false, NULL },
    [FIELD_SERVICE] = { "service", check_line, true, "" },
    [FIELD_MECHANISM] = { "mechanism", check_line, true, "" },
    [FIELD_SECURITY] = { "security", check_line, false, NULL },
    [FIELD_PORT] = { "port", check_number, true, "0" },
    [FIELD_SERVER_NAME] = { "server_name", check_line, true, "" },
    [FIELD_BARE] = { "bare", check_flag, true, "0" },
    [FIELD_START] = { "start", check_number, true, "0" },
    [FIELD_NUMBER] = { "number", check_number, false, NULL },
    [FIELD_DELIVERED] = { "delivered", check_number, false, NULL },
    [FIELD_RECIPIENTS] = { "recipients", check_number, false, NULL },
    [FIELD_BYTES] = { "bytes", check_number, false, NULL },
    [FIELD_EVENT] = { "event", check_event, false, NULL },
    [FIELD_ACCOUNT] = { "account", check_address, true, "" },
    [FIELD_BY] = { "by", check_line, true, "" },
    [FIELD_EVIDENCE] = { "evidence", check_line, true, "" },
    [FIELD_ORIGIN] = { "origin", check_number, true, NULL },
    [FIELD_MESSAGES] = { "messages", check_number, true, NULL },
    [FIELD_COUNTED_BY] = { "counted_by", check_counted_by, false, NULL },
    [FIELD_WINDOW] = { "window", check_window, false, NULL },
    [FIELD_KEY] = { "key", check_line, false, NULL },
    [FIELD_LIMITS] = { "limits", check_line, true, "" },
    [FIELD_COUNTS] = { "counts", check_counts, false, NULL },
    [FIELD_RECORD] = { "record", check_record, false, NULL },
    [FIELD_RECIPIENT] = { "recipient", check_line, true, "" },
    [FIELD_RULE] = { "rule", check_line, false, NULL },
    [FIELD_RESEND] = { "resend", check_resend, true, "0" },
    [FIELD_NOW] = { "now", NULL, true, NULL },
};

const char *field_name(enum field f)
{
    return field_types[f].name;
}

enum result field_parse(struct span name, enum field *field_r)
{
    for (unsigned f = 0; f < FIELD_NOW; f++)
        if (span_equal(name, span_of(field_types[f].name))) {
            *field_r = (enum field)f;
            return OK;
        }
    return NOT_FOUND;
}
