/* SPDX-License-Identifier: MIT */
/*
 * The types of options: what a value may look like, and its canonical form.  A new
 * type is a row and a function.  Layer 2.
 */
#include <string.h>
#include <sys/un.h>

#include "address.h"
#include "config_option.h"
#include "extra_field.h"

enum { SOCKET_PATH_MAX = sizeof((struct sockaddr_un *)0)->sun_path - 1 };

/* Each check appends the canonical form of a NUL-terminated value. */
static config_check_fn check_number, check_word, check_path, check_file, check_socket, check_log, check_owner, check_host,
    check_service, check_listener, check_local_listener, check_server, check_network, check_suffix,
    check_self, check_zone, check_field, check_limit;

static const struct type {
    const char *name; /* also in messages */
    enum config_kind kind;
    config_check_fn *check;
    const char *words[2]; /* the second of a KIND_BOOL is true */
} types[CONFIG_TYPE_COUNT] = {
    [CONFIG_NUMBER] = { "number", KIND_NUMBER, check_number, {} },
    [CONFIG_BOOL] = { "true or false", KIND_BOOL, check_word, { "false", "true" } },
    [CONFIG_LOGIN] = { "pass or refuse", KIND_BOOL, check_word, { "pass", "refuse" } },
    [CONFIG_SCHEME] = { "yescrypt or bcrypt", KIND_STRING, check_word, { "yescrypt", "bcrypt" } },
    [CONFIG_PATH] = { "path", KIND_STRING, check_path, {} },
    [CONFIG_FILE] = { "path or empty", KIND_STRING, check_file, {} },
    [CONFIG_SOCKET] = { "path of a socket", KIND_STRING, check_socket, {} },
    [CONFIG_LOG] = { "syslog, stderr or a path", KIND_STRING, check_log, { "syslog", "stderr" } },
    [CONFIG_OWNER] = { "user or group", KIND_STRING, check_owner, {} },
    [CONFIG_HOST] = { "host name", KIND_STRING, check_host, {} },
    [CONFIG_SERVICE] = { "host name or host name:port", KIND_STRING, check_service, {} },
    [CONFIG_URL] = { "URL", KIND_STRING, config_check_url, {} },
    [CONFIG_DELIMITER] = { "characters", KIND_STRING, config_check_delimiter, {} },
    [CONFIG_TEXT] = { "text with placeholders", KIND_STRING, config_check_text, {} },
    [CONFIG_HOME] = { "path with placeholders", KIND_STRING, check_field, {} },
    [CONFIG_MAIL] = { "mail location with placeholders", KIND_STRING, check_field, {} },
    [CONFIG_QUOTA] = { "size", KIND_STRING, check_field, {} },
    [CONFIG_LISTENERS] = { "list of listeners", KIND_STRINGS, check_listener, {} },
    [CONFIG_LOCAL_LISTENERS] = { "list of listeners of this host", KIND_STRINGS, check_local_listener, {} },
    [CONFIG_SERVERS] = { "list of name servers", KIND_STRINGS, check_server, {} },
    [CONFIG_NETWORKS] = { "list of networks", KIND_NETWORKS, check_network, {} },
    [CONFIG_PORTS] = { "list of ports", KIND_PORTS, check_number, {} },
    [CONFIG_SUFFIXES] = { "list of suffixes", KIND_STRINGS, check_suffix, {} },
    [CONFIG_HOOK] = { "end-of-message or rcpt", KIND_BOOL, check_word, { "end-of-message", "rcpt" } },
    [CONFIG_LIMITS] = { "list of limits", KIND_STRINGS, check_limit, {} },
    [CONFIG_ZONES] = { "list of DNS list zones", KIND_ZONES, check_zone, {} },
    [CONFIG_HOSTS] = { "list of host names and addresses", KIND_STRINGS, check_self, {} },
    [CONFIG_ADDRESS] = { "address or empty", KIND_STRING, config_check_address, {} },
    [CONFIG_ADDRESSES] = { "list of addresses", KIND_STRINGS, config_check_address, {} },
    [CONFIG_EVENTS] = { "list of events", KIND_STRINGS, config_check_event, {} },
    [CONFIG_QUEUE] = { "none, list or hold", KIND_STRING, config_check_queue, {} },
    [CONFIG_COMMAND] = { "command", KIND_STRING, config_check_command, {} },
    [CONFIG_COMMANDS] = { "list of commands", KIND_STRINGS, config_check_own_command, {} },
};

static bool starts_with(struct span text, struct span prefix)
{
    return text.len >= prefix.len && memcmp(text.ptr, prefix.ptr, prefix.len) == 0;
}

static struct span behind(struct span text, size_t n)
{
    return (struct span){ text.ptr + n, text.len - n };
}

/* ---- plain values ---- */

static enum result check_number(const struct config_row *row, struct span value, struct strbuf *b,
                                struct error *e)
{
    uint64_t number;

    if (str_number(value, row->option.min, row->option.max, &number) != OK)
        return error_set(e, BAD, "'%.64s' is no number from %u to %u", value.ptr, row->option.min,
                         row->option.max);
    strbuf_addu(b, number);
    return OK;
}

static enum result check_word(const struct config_row *row, struct span value, struct strbuf *b,
                              struct error *e)
{
    const struct type *type = &types[row->type];

    for (size_t i = 0; i < 2; i++)
        if (span_equal(value, span_of(type->words[i]))) {
            strbuf_add(b, value);
            return OK;
        }
    return error_set(e, BAD, "'%.64s' is not %s", value.ptr, type->name);
}

static enum result check_owner(const struct config_row *row, struct span value, struct strbuf *b,
                               struct error *e)
{
    (void)row;
    return extra_field_check_value("uid", value, b, e);
}

/* ---- paths and listeners ---- */

/* Options of the section dovecot have their fields' names. */
static enum result check_field(const struct config_row *row, struct span value, struct strbuf *b,
                               struct error *e)
{
    return extra_field_check_value(row->option.name, value, b, e);
}

static enum result check_absolute(struct span value, size_t max, struct strbuf *b, struct error *e)
{
    if (value.len < 2 || value.ptr[0] != '/' || value.ptr[value.len - 1] == '/')
        return error_set(e, BAD, "'%.64s' is no absolute path of a file", value.ptr);
    if (value.len > max)
        return error_set(e, BAD, "the path has %zu octets; at most %zu are possible", value.len, max);
    strbuf_add(b, value);
    return OK;
}

static enum result check_path(const struct config_row *row, struct span value, struct strbuf *b,
                              struct error *e)
{
    (void)row;
    return check_absolute(value, CONFIG_VALUE_MAX, b, e);
}

static enum result check_file(const struct config_row *row, struct span value, struct strbuf *b,
                              struct error *e)
{
    return value.len > 0 ? check_path(row, value, b, e) : OK;
}

static enum result check_socket(const struct config_row *row, struct span value, struct strbuf *b,
                                struct error *e)
{
    (void)row;
    return check_absolute(value, SOCKET_PATH_MAX, b, e);
}

static enum result check_log(const struct config_row *row, struct span value, struct strbuf *b,
                             struct error *e)
{
    if (check_word(row, value, b, NULL) == OK || check_path(row, value, b, NULL) == OK)
        return OK;
    return error_set(e, BAD, "'%.64s' is neither syslog nor stderr nor an absolute path", value.ptr);
}

static enum result add_ip(struct span text, struct strbuf *b)
{
    struct network ip;
    char canonical[NETWORK_TEXT_MAX];

    if (network_parse_ip(text, &ip) != OK)
        return BAD;
    network_text(&ip, canonical);
    strbuf_adds(b, canonical);
    return OK;
}

static enum result add_port(char separator, struct span text, struct strbuf *b)
{
    uint64_t port;

    if (str_number(text, 1, 65535, &port) != OK)
        return BAD;
    strbuf_addc(b, separator);
    strbuf_addu(b, port);
    return OK;
}

/* ADDRESS:PORT, an IPv6 address in brackets */
static enum result add_endpoint(struct span text, struct strbuf *b)
{
    bool bracketed = text.len > 0 && text.ptr[0] == '[';
    const char *end = text.len > 0 ? memchr(text.ptr, bracketed ? ']' : ':', text.len) : NULL;
    size_t skip = bracketed ? 1 : 0;
    struct network ip;
    char canonical[NETWORK_TEXT_MAX];

    if (!end ||
        network_parse_ip((struct span){ text.ptr + skip, (size_t)(end - text.ptr) - skip }, &ip) != OK)
        return BAD;
    network_text(&ip, canonical);
    strbuf_addf(b, ip.v6 ? "[%s]" : "%s", canonical);
    struct span tail = behind(text, (size_t)(end - text.ptr) + skip);
    if (tail.len == 0 || tail.ptr[0] != ':')
        return BAD;
    return add_port(':', behind(tail, 1), b);
}

static enum result check_listener(const struct config_row *row, struct span value, struct strbuf *b,
                                  struct error *e)
{
    struct span unix_prefix = SPAN("unix:"), inet_prefix = SPAN("inet:");

    (void)row;
    if (starts_with(value, unix_prefix)) {
        strbuf_add(b, unix_prefix);
        return check_absolute(behind(value, unix_prefix.len), SOCKET_PATH_MAX, b, e);
    }
    strbuf_add(b, inet_prefix);
    if (!starts_with(value, inet_prefix) || add_endpoint(behind(value, inet_prefix.len), b) != OK)
        return error_set(e, BAD,
                         "'%.64s' is no listener; write unix:/path, inet:127.0.0.1:10040 or "
                         "inet:[::1]:10040",
                         value.ptr);
    return OK;
}

/* unix:, or an address that only this host reaches. */
static enum result check_local_listener(const struct config_row *row, struct span value, struct strbuf *b,
                                        struct error *e)
{
    size_t before = b->len;
    enum result r = check_listener(row, value, b, e);
    struct span canonical = { b->ptr + before, b->len - before };

    if (r != OK || starts_with(canonical, SPAN("unix:")) || starts_with(canonical, SPAN("inet:127.")) ||
        starts_with(canonical, SPAN("inet:[::1]:")))
        return r;
    return error_set(e, BAD, "'%.64s' is open to other hosts; write unix:/path, inet:127.0.0.1:9464 or inet:[::1]:9464",
                     value.ptr);
}

/* ---- addresses and names ---- */

static enum result check_server(const struct config_row *row, struct span value, struct strbuf *b,
                                struct error *e)
{
    const char *at = value.len > 0 ? memchr(value.ptr, '@', value.len) : NULL;
    struct span ip = { value.ptr, at ? (size_t)(at - value.ptr) : value.len };

    (void)row;
    if (add_ip(ip, b) != OK || (at && add_port('@', behind(value, ip.len + 1), b) != OK))
        return error_set(e, BAD, "'%.64s' is no name server; write 127.0.0.1, 127.0.0.1@5353 or ::1@5353",
                         value.ptr);
    return OK;
}

static enum result check_zone(const struct config_row *row, struct span value, struct strbuf *b, struct error *e)
{
    struct dnsbl_zone zone;

    (void)row;
    if (dnsbl_zone_parse(value, &zone, e) != OK)
        return BAD;
    strbuf_adds(b, zone.text);
    return OK;
}

static enum result check_network(const struct config_row *row, struct span value, struct strbuf *b,
                                 struct error *e)
{
    struct network n;
    char canonical[NETWORK_TEXT_MAX];

    (void)row;
    if (network_parse(value, &n, e) != OK)
        return BAD;
    network_text(&n, canonical);
    strbuf_adds(b, canonical);
    return OK;
}

static bool is_host_label(struct span label)
{
    if (label.len == 0 || label.len > 63)
        return false;
    for (size_t i = 0; i < label.len; i++)
        if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789-_", label.ptr[i]))
            return false;
    return label.ptr[0] != '-' && label.ptr[label.len - 1] != '-';
}

static enum result add_host(struct span text, struct strbuf *b)
{
    char host[DOMAIN_MAX + 1];
    struct span rest;

    if (domain_parse(text, host) != OK)
        return BAD;
    for (rest = span_of(host);;) {
        const char *dot = memchr(rest.ptr, '.', rest.len);
        struct span label = { rest.ptr, dot ? (size_t)(dot - rest.ptr) : rest.len };
        if (!is_host_label(label))
            return BAD;
        if (!dot)
            break;
        rest = behind(rest, label.len + 1);
    }
    strbuf_adds(b, host);
    return OK;
}

static enum result check_host(const struct config_row *row, struct span value, struct strbuf *b,
                              struct error *e)
{
    (void)row;
    if (value.len > 0 && add_host(value, b) != OK)
        return error_set(e, BAD, "'%.64s' is no host name or domain", value.ptr);
    return OK;
}

static enum result check_service(const struct config_row *row, struct span value, struct strbuf *b,
                                 struct error *e)
{
    const char *colon = value.len > 0 ? memchr(value.ptr, ':', value.len) : NULL;
    struct span host = { value.ptr, colon ? (size_t)(colon - value.ptr) : value.len };

    (void)row;
    if (value.len > 0 &&
        (add_host(host, b) != OK || (colon && add_port(':', behind(value, host.len + 1), b) != OK)))
        return error_set(e, BAD, "'%.64s' is no host name or NAME:PORT", value.ptr);
    return OK;
}

static enum result check_suffix(const struct config_row *row, struct span value, struct strbuf *b,
                                struct error *e)
{
    (void)row;
    strbuf_addc(b, '.');
    if (value.len < 2 || value.ptr[0] != '.' || add_host(behind(value, 1), b) != OK)
        return error_set(e, BAD, "'%.64s' is no suffix; write one with its dot, such as .local", value.ptr);
    return OK;
}

/* A host name, or an address as it may stand in HELO: with brackets or without. */
static enum result check_self(const struct config_row *row, struct span value, struct strbuf *b,
                              struct error *e)
{
    struct span ip = value;

    (void)row;
    if (ip.len > 2 && ip.ptr[0] == '[' && ip.ptr[ip.len - 1] == ']')
        ip = (struct span){ ip.ptr + 1, ip.len - 2 };
    if (add_ip(ip, b) != OK && add_host(value, b) != OK)
        return error_set(e, BAD, "'%.64s' is neither a host name nor an address", value.ptr);
    return OK;
}

static enum result check_limit(const struct config_row *row, struct span value, struct strbuf *b, struct error *e)
{
    (void)row;
    return usage_limit_canonical(value, b, e);
}

/* ---- the types ---- */

bool config_word_value(enum config_type type, const char *word)
{
    return strcmp(word, types[type].words[1]) == 0;
}

const char *config_word(enum config_type type, bool value)
{
    return types[type].words[value];
}

const char *config_type_name(enum config_type type)
{
    return types[type].name;
}

enum config_kind config_type_kind(enum config_type type)
{
    return types[type].kind;
}

static bool has_control(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < ' ' || text.ptr[i] == 0x7f)
            return true;
    return false;
}

enum result config_value_check(const struct config_row *row, struct span value, struct strbuf *canonical,
                               struct error *e)
{
    char name[CONFIG_NAME_MAX], text[CONFIG_VALUE_MAX + 1];
    struct error why = { "" };
    enum result r;

    if (str_copy(value, text, sizeof text) != OK)
        r = error_set(&why, BAD, "longer than %d octets", CONFIG_VALUE_MAX);
    else if (has_control(value) || !utf8_valid(value))
        r = error_set(&why, BAD, "holds a control character or malformed UTF-8");
    else
        r = types[row->type].check(row, (struct span){ text, value.len }, canonical, &why);
    if (r == OK)
        return OK;
    config_row_name(row, name);
    return error_set(e, BAD, "%s: %s", name, why.text);
}
