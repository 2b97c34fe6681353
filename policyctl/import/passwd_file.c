/* SPDX-License-Identifier: MIT */
/* Dovecot's passwd-file: user:password:uid:gid:gecos:home:shell:extra fields. */
#include <string.h>

#include "lib/extra_field.h"
#include "policyctl/import/lines.h"

enum { USER, PASSWORD, UID, GID, GECOS, HOME, SHELL, EXTRA, PARTS };

static void split(struct span line, struct span part_r[static PARTS])
{
    for (size_t i = 0; i < PARTS; i++) {
        const char *colon = i + 1 < PARTS && line.len > 0 ? memchr(line.ptr, ':', line.len) : NULL;
        size_t length = colon ? (size_t)(colon - line.ptr) : line.len;
        part_r[i] = (struct span){ line.ptr, length };
        line = (struct span){ line.ptr + length + (colon != NULL), line.len - length - (colon != NULL) };
    }
}

/* Dovecot's variables as ours: %u, %n, %d. */
static void translate(struct span value, struct strbuf *out)
{
    for (size_t i = 0; i < value.len; i++) {
        char letter = value.ptr[i] == '%' && i + 1 < value.len ? value.ptr[i + 1] : '\0';
        const char *ours = letter == 'u' ? "{user}" : letter == 'n' ? "{local}" : letter == 'd' ? "{domain}" : NULL;
        if (ours) {
            strbuf_adds(out, ours);
            i++;
        } else
            strbuf_addc(out, value.ptr[i]);
    }
}

static enum result take_field(struct import *im, const char *address, const char *name, struct span value)
{
    char text[EXTRA_FIELD_VALUE_MAX + 1];
    struct strbuf b;

    strbuf_init(&b, text, sizeof text);
    translate(value, &b);
    if (b.cut)
        return import_error(im, "%s: %s is longer than %d octets", address, name, EXTRA_FIELD_VALUE_MAX);
    return import_field(im, address, name, text);
}

/* "*:storage=500M", "*:bytes=1048576": what quota_rule says of the whole mailbox. A bare
 * number of storage is in KiB. */
static enum result take_quota_rule(struct import *im, const char *address, struct span rule)
{
    static const struct span storage = SPAN_INIT("*:storage="), bytes = SPAN_INIT("*:bytes=");
    bool is_storage = rule.len > storage.len && memcmp(rule.ptr, storage.ptr, storage.len) == 0;
    char text[32];
    uint64_t number;

    if (!is_storage && !(rule.len > bytes.len && memcmp(rule.ptr, bytes.ptr, bytes.len) == 0))
        return import_error(im, "%s: quota rule '%.*s': only *:storage= and *:bytes= are known", address,
                            (int)(rule.len < 80 ? rule.len : 80), rule.ptr);
    size_t skip = is_storage ? storage.len : bytes.len;
    struct span size = { rule.ptr + skip, rule.len - skip };
    if (str_number(size, 0, UINT64_MAX / 1024, &number) == OK && number > 0)
        return import_quota(im, address, is_storage ? number * 1024 : number);
    if (str_copy(size, text, sizeof text) != OK)
        return import_error(im, "%s: no quota", address);
    return import_field(im, address, "quota", text);
}

static enum result take_extra(struct import *im, const char *address, struct span extra)
{
    struct span word;

    while (lines_word(&extra, " \t", &word)) {
        const char *equals = memchr(word.ptr, '=', word.len);
        struct span name = { word.ptr, equals ? (size_t)(equals - word.ptr) : word.len };
        struct span value = equals ? (struct span){ equals + 1, word.len - name.len - 1 } : SPAN("yes");
        char text[EXTRA_FIELD_NAME_MAX + 1];
        enum result r;

        if (str_copy(name, text, sizeof text) != OK)
            return import_error(im, "%s: an extra field's name is too long", address);
        if (strcmp(text, "userdb_quota_rule") == 0)
            r = take_quota_rule(im, address, value);
        else if (strcmp(text, "userdb_quota_storage_size") == 0)
            r = take_field(im, address, "quota", value);
        else {
            bool ours = strncmp(text, "userdb_", 7) == 0 && is_mailbox_field(text + 7);
            r = take_field(im, address, ours ? text + 7 : text, value);
        }
        if (r != OK)
            return r;
    }
    return OK;
}

static enum result take_user(struct import *im, struct span line)
{
    struct span part[PARTS];
    char address[512], hash[1024];
    const char *canonical;
    enum result r;

    split(line, part);
    if (part[PASSWORD].ptr == part[USER].ptr + part[USER].len)
        return import_error(im, "no ':': not a line of a passwd-file");
    if (import_address(im, part[USER], &canonical) != OK)
        return BAD;
    if (str_copy(span_of(canonical), address, sizeof address) != OK ||
        str_copy(part[PASSWORD], hash, sizeof hash) != OK)
        return import_error(im, "a line that is too long");
    r = import_account(im, address, "user", hash);
    explicit_bzero(hash, sizeof hash);
    if (r == OK)
        r = take_field(im, address, "uid", part[UID]);
    if (r == OK)
        r = take_field(im, address, "gid", part[GID]);
    if (r == OK)
        r = take_field(im, address, "home", part[HOME]);
    return r == OK ? take_extra(im, address, part[EXTRA]) : r;
}

enum result read_passwd_file(struct import *im, FILE *f)
{
    struct span line;
    enum result r;

    while ((r = lines_next(im, f, &line)) == OK) {
        if (line.len > 0 && line.ptr[0] != '#')
            r = take_user(im, line);
        if (r != OK)
            return r;
    }
    return r == NOT_FOUND ? OK : r;
}
