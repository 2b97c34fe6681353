/* SPDX-License-Identifier: MIT */
#include "policyctl/letter/words.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const section_names[SECTION_COUNT] = {
    [SECTION_SUBJECT] = "subject",
    [SECTION_OPENING] = "opening",
    [SECTION_CLOSING] = "closing",
    [SECTION_DOMAIN_SUBJECT] = "domain_subject",
    [SECTION_DOMAIN_OPENING] = "domain_opening",
    [SECTION_DOMAIN_ACCOUNT] = "domain_account",
    [SECTION_DOMAIN_CLOSING] = "domain_closing",
    [SECTION_HOST_SUBJECT] = "host_subject",
    [SECTION_HOST_OPENING] = "host_opening",
    [SECTION_HOST_CLOSING] = "host_closing",
    [SECTION_SEEN] = "seen",
    [SECTION_SEEN_SENDER] = "seen_sender",
    [SECTION_STARTTLS] = "starttls",
    [SECTION_IMPLICIT_TLS] = "implicit_tls",
    [SECTION_SENDER_LOGIN] = "sender_login",
    [SECTION_SENDER_AUTH] = "sender_auth",
    [SECTION_ACCOUNT_STATUS] = "account_status",
    [SECTION_HELO_LOCAL] = "helo_local",
    [SECTION_HELO_FQDN] = "helo_fqdn",
    [SECTION_HELO_SELF] = "helo_self",
    [SECTION_HELO_RESOLVE] = "helo_resolve",
    [SECTION_SEND_LIMIT] = "send_limit",
    [SECTION_BARE_NAME] = "bare_name",
    [SECTION_OLD_SERVER_NAME] = "old_server_name",
    [SECTION_EXPOSED] = "exposed",
};

static const char *const placeholder_names[WORD_COUNT] = {
    [WORD_ACCOUNT] = "account",       [WORD_DOMAIN] = "domain",   [WORD_HOST] = "host",
    [WORD_DATE] = "date",             [WORD_PROGRAM] = "program", [WORD_SERVER] = "server",
    [WORD_PORT] = "port",             [WORD_ENCRYPTION] = "encryption",
    [WORD_OLD_SERVER] = "old_server", [WORD_SENDER] = "sender",   [WORD_HELO] = "helo",
    [WORD_REPLY] = "reply",           [WORD_NETWORK] = "network", [WORD_COUNT_SEEN] = "count",
    [WORD_LAST_SEEN] = "last_seen",   [WORD_URL] = "url",
};

extern const char *const words_english[]; /* the lines of en.txt; made by the build */

struct words {
    char *text[SECTION_COUNT]; /* NULL: not there yet */
};

/* Where in a file: for messages. */
struct place {
    const char *path;
    unsigned line;
    int section; /* -1: none yet */
};

static int find_name(const char *const *names, int count, struct span name)
{
    for (int i = 0; i < count; i++)
        if (span_equal(name, span_of(names[i])))
            return i;
    return -1;
}

/* ---- reading ---- */

static enum result begin_section(struct words *w, struct place *p, struct span line, struct error *e)
{
    struct span name = { line.ptr + 1, line.len > 1 ? line.len - 2 : 0 };

    if (line.ptr[line.len - 1] != ']')
        return error_set(e, BAD, "%s:%u: a section's name stands between [ and ]", p->path, p->line);
    p->section = find_name(section_names, SECTION_COUNT, name);
    if (p->section < 0)
        return error_set(e, BAD, "%s:%u: no section '%.*s': see en.txt", p->path, p->line, (int)name.len, name.ptr);
    if (w->text[p->section])
        return error_set(e, BAD, "%s:%u: section '%.*s' is there already", p->path, p->line, (int)name.len, name.ptr);
    w->text[p->section] = calloc(1, WORDS_TEXT_MAX);
    return w->text[p->section] ? OK : error_set(e, TRY_AGAIN, "out of memory");
}

static enum result check_placeholders(const struct place *p, struct span line, struct error *e)
{
    for (size_t i = 0; i < line.len; i++) {
        if (line.ptr[i] != '{')
            continue;
        const char *name = line.ptr + i + 1, *end = memchr(name, '}', line.len - i - 1);
        if (!end || find_name(placeholder_names, WORD_COUNT, (struct span){ name, (size_t)(end - name) }) < 0)
            return error_set(e, BAD, "%s:%u: '%.*s' is no placeholder: see en.txt", p->path, p->line,
                             (int)((end ? (size_t)(end - line.ptr) + 1 : line.len) - i), line.ptr + i);
    }
    return OK;
}

static enum result too_long(const struct place *p, struct error *e)
{
    return error_set(e, LIMIT, "%s:%u: the section is longer than %d octets", p->path, p->line, WORDS_TEXT_MAX - 1);
}

/* A paragraph's lines become one, several empty lines one. */
static enum result add_line(struct words *w, const struct place *p, struct span line, struct error *e)
{
    char *text = w->text[p->section];
    size_t length = strlen(text);
    bool is_fixed = line.len > 0 && line.ptr[0] == ' ';
    struct strbuf b = { .ptr = text, .size = WORDS_TEXT_MAX, .len = length };

    if (line.len == 0) {
        while (length > 0 && !b.cut && !(b.len >= 2 && memcmp(b.ptr + b.len - 2, "\n\n", 2) == 0))
            strbuf_addc(&b, '\n');
        return b.cut ? too_long(p, e) : OK;
    }
    if (length > 0 && text[length - 1] != '\n')
        strbuf_addc(&b, is_fixed ? '\n' : ' ');
    strbuf_add(&b, line);
    if (is_fixed)
        strbuf_addc(&b, '\n');
    return b.cut ? too_long(p, e) : check_placeholders(p, line, e);
}

static enum result take_line(struct words *w, struct place *p, struct span line, struct error *e)
{
    p->line++;
    while (line.len > 0 && strchr(" \t\r\n", line.ptr[line.len - 1]))
        line.len--;
    if (line.len > 0 && line.ptr[0] == '#')
        return OK;
    if (!utf8_valid(line))
        return error_set(e, BAD, "%s:%u: not UTF-8", p->path, p->line);
    if (line.len > 0 && line.ptr[0] == '[')
        return begin_section(w, p, line, e);
    if (p->section >= 0)
        return add_line(w, p, line, e);
    return line.len == 0 ? OK : error_set(e, BAD, "%s:%u: text before the first [section]", p->path, p->line);
}

/* Empty lines between sections belong to none. */
static enum result finish(struct words *w, const struct place *p, struct error *e)
{
    for (size_t i = 0; i < SECTION_COUNT; i++) {
        size_t length = w->text[i] ? strlen(w->text[i]) : 0;
        while (length > 0 && w->text[i][length - 1] == '\n')
            w->text[i][--length] = '\0';
        if (length == 0)
            return error_set(e, BAD, "%s: section [%s] is missing: see en.txt", p->path, section_names[i]);
    }
    return OK;
}

static enum result read_file(struct words *w, struct place *p, FILE *f, struct error *e)
{
    char line[WORDS_LINE_MAX];
    enum result r = OK;

    while (r == OK && fgets(line, sizeof line, f)) {
        struct span text = span_of(line);
        if (text.len == sizeof line - 1 && line[text.len - 1] != '\n')
            return error_set(e, LIMIT, "%s:%u: a line of more than %d octets", p->path, p->line + 1,
                             WORDS_LINE_MAX - 2);
        r = take_line(w, p, text, e);
    }
    return r == OK && ferror(f) ? error_set(e, BAD, "%s: %s", p->path, strerror(errno)) : r;
}

static enum result read_all(struct words *w, const char *path, struct error *e)
{
    struct place place = { .path = path ? path : "en.txt", .section = -1 };
    enum result r = OK;

    if (path) {
        FILE *f = fopen(path, "re");
        if (!f)
            return error_set(e, BAD, "%s: %s", path, strerror(errno));
        r = read_file(w, &place, f, e);
        fclose(f);
    } else
        for (size_t i = 0; words_english[i] && r == OK; i++)
            r = take_line(w, &place, span_of(words_english[i]), e);
    return r == OK ? finish(w, &place, e) : r;
}

enum result words_load(const char *path, struct words **words_r, struct error *e)
{
    enum result r = TRY_AGAIN;

    *words_r = calloc(1, sizeof **words_r);
    if (*words_r)
        r = read_all(*words_r, path, e);
    else
        error_set(e, TRY_AGAIN, "out of memory");
    if (r != OK)
        words_free(words_r);
    return r;
}

void words_free(struct words **words)
{
    for (size_t i = 0; *words && i < SECTION_COUNT; i++)
        free((*words)->text[i]);
    free(*words);
    *words = NULL;
}

/* ---- writing ---- */

void words_fill(const struct words *w, enum section section, const struct word_values *values, struct strbuf *out)
{
    const char *p = w->text[section];

    while (*p) {
        size_t plain = strcspn(p, "{");
        strbuf_add(out, (struct span){ p, plain });
        p += plain;
        if (*p == '\0')
            return;
        size_t length = strcspn(p, "}"); /* there is one: it was checked */
        int which = find_name(placeholder_names, WORD_COUNT, (struct span){ p + 1, length - 1 });
        if (which >= 0)
            strbuf_add_clean(out, span_of(values->of[which]));
        p += length + 1;
    }
}
