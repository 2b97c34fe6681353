/* SPDX-License-Identifier: MIT */
/* Postfix's access(5) and cidr_table(5) as text files. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "policyctl/import/lines.h"
#include "policyctl/import/memory.h"
#include "policyctl/lists/batch.h"

enum { KEY_MAX = 1024, NOTE_MAX = 512 };

/* ---- what stands behind the key ---- */

/* An action of access(5), in whatever case. */
static const struct {
    const char *word;
    bool allow;
} actions[] = { { "OK", true },       { "PERMIT", true }, { "DUNNO", true },
                { "REJECT", false }, { "DEFER", false } };

static bool is_number(struct span word)
{
    for (size_t i = 0; i < word.len; i++)
        if (!isdigit((unsigned char)word.ptr[i]))
            return false;
    return word.len > 0;
}

/* 4NN and 5NN text refuse, any other number lets pass. */
static bool take_number(struct span word, struct list_line *line)
{
    if (!is_number(word))
        return false;
    line->allow = !(word.len == 3 && (word.ptr[0] == '4' || word.ptr[0] == '5'));
    return true;
}

static bool take_word(struct span word, struct list_line *line)
{
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
        if (span_equal_case(word, span_of(actions[i].word))) {
            line->allow = actions[i].allow;
            return true;
        }
    return take_number(word, line);
}

/* NOT_FOUND: it is none that an entry can say, and was named. The text behind the action
 * becomes the note, in a place that lasts until the next line. */
static enum result take_action(struct batch *b, struct span value, struct list_line *line)
{
    static char note[NOTE_MAX];
    struct span rest = value, word;

    lines_word(&rest, " \t", &word);
    if (!take_word(word, line)) {
        batch_leave_out(b, "'%.*s' is neither allow nor deny: OK, PERMIT, DUNNO, REJECT, DEFER, 4NN and 5NN are",
                        (int)(word.len < 40 ? word.len : 40), word.ptr);
        return NOT_FOUND;
    }
    rest = span_trim(rest);
    if (rest.len > 0 && !line->allow && !b->note) {
        if (str_copy(rest, note, sizeof note) != OK)
            return import_error(&b->im, "the text is too long for a note: give all of them one by --note");
        line->note = note;
    }
    return OK;
}

/* ---- the key ---- */

static enum result add_part(struct batch *b, struct list_line *line, enum list_part part, const char *text)
{
    line->text[part] = text;
    enum result r = batch_add(b, line);
    line->text[part] = NULL;
    return r;
}

enum result list_add_name(struct batch *b, struct list_line *line, enum list_part part, const char *prefix,
                          const char *text)
{
    char key[KEY_MAX + 2];

    if (text[0] == '.')
        return add_part(b, line, part, text);
    snprintf(key, sizeof key, "%s%s", prefix, text);
    if (add_part(b, line, part, key) != OK)
        return BAD;
    if (text[0] == '[' || strcmp(text, "unknown") == 0)
        return OK; /* nothing is below it */
    snprintf(key, sizeof key, ".%s", text);
    return add_part(b, line, part, key);
}

enum result list_add_address(struct batch *b, struct list_line *line, enum list_part part, const char *text)
{
    return strchr(text, '@') ? add_part(b, line, part, text) : list_add_name(b, line, part, "@", text);
}

/* "192.0.2" and "192": their first octets. */
static bool is_part_of_ipv4(const char *text, char network_r[static KEY_MAX])
{
    static const char *const rest[] = { ".0.0.0/8", ".0.0/16", ".0/24" };
    size_t dots = 0;

    for (const char *p = text; *p; p++) {
        if (!isdigit((unsigned char)*p) && (*p != '.' || p[1] == '\0' || p[1] == '.'))
            return false;
        dots += *p == '.';
    }
    if (dots >= sizeof rest / sizeof *rest || !isdigit((unsigned char)text[0]) || strlen(text) > 15)
        return false;
    snprintf(network_r, KEY_MAX, "%s%s", text, rest[dots]);
    return true;
}

/* "2001:db8": its first groups. */
static bool is_part_of_ipv6(const char *text, char network_r[static KEY_MAX])
{
    size_t colons = 0;

    for (const char *p = text; *p; p++) {
        if (!isxdigit((unsigned char)*p) && (*p != ':' || p[1] == '\0' || p[1] == ':'))
            return false;
        colons += *p == ':';
    }
    if (colons == 0 || colons > 6 || strlen(text) > 39)
        return false;
    snprintf(network_r, KEY_MAX, "%s::/%zu", text, 16 * (colons + 1));
    return true;
}

enum result list_add_client(struct batch *b, struct list_line *line, const char *text)
{
    char network[KEY_MAX];

    if (strchr(text, '/') || strchr(text, ':') || isdigit((unsigned char)text[strlen(text) - 1])) {
        bool is_part = is_part_of_ipv4(text, network) || is_part_of_ipv6(text, network);
        return add_part(b, line, LIST_CLIENT, is_part ? network : text);
    }
    return list_add_name(b, line, LIST_CLIENT_NAME, "", text);
}

/* ---- tables ---- */

static enum result take_key(struct batch *b, struct list_line *line, enum list_part part, const char *key)
{
    switch (part) {
    case LIST_CLIENT:
        return list_add_client(b, line, key);
    case LIST_HELO:
        return list_add_name(b, line, part, "", key);
    default:
        return list_add_address(b, line, part, key);
    }
}

static enum result take_entry(struct import *im, struct span key, struct span value, enum list_part part)
{
    struct batch *b = (struct batch *)im; /* its first member */
    struct list_line line = { .allow = false };
    char text[KEY_MAX];
    enum result r;

    if (key.len == 0 || str_copy(key, text, sizeof text) != OK)
        return import_error(im, "'%.40s...' is too long", key.ptr);
    if (text[0] == '/' || text[0] == '!') {
        batch_leave_out(b, "'%.80s' is a pattern: write out what it matches", text);
        return OK;
    }
    if (text[0] == '<' || (text[0] == '@' && part != LIST_CLIENT)) {
        batch_leave_out(b, "'%.80s' is no address or domain of access(5)", text);
        return OK;
    }
    r = take_action(b, value, &line);
    if (r != OK)
        return r == NOT_FOUND ? OK : r;
    return take_key(b, &line, part, text);
}

static enum result take_client(struct import *im, struct span key, struct span value)
{
    return take_entry(im, key, value, LIST_CLIENT);
}

static enum result take_helo(struct import *im, struct span key, struct span value)
{
    return take_entry(im, key, value, LIST_HELO);
}

static enum result take_sender(struct import *im, struct span key, struct span value)
{
    return take_entry(im, key, value, LIST_SENDER);
}

static enum result take_recipient(struct import *im, struct span key, struct span value)
{
    return take_entry(im, key, value, LIST_RECIPIENT);
}

enum result read_access_client(struct batch *b, FILE *f)
{
    return lines_entries(&b->im, f, take_client);
}

enum result read_access_helo(struct batch *b, FILE *f)
{
    return lines_entries(&b->im, f, take_helo);
}

enum result read_access_sender(struct batch *b, FILE *f)
{
    return lines_entries(&b->im, f, take_sender);
}

enum result read_access_recipient(struct batch *b, FILE *f)
{
    return lines_entries(&b->im, f, take_recipient);
}

/* ---- cidr tables: the first that matches counts there, the longest prefix here ---- */

static const struct said *earlier(struct batch *b, const struct network *n)
{
    char text[NETWORK_TEXT_MAX];

    for (unsigned bits = 0; bits <= n->bits; bits++) {
        struct network wider = network_of(n, bits);
        network_text(&wider, text);
        const struct said *said = memory_find(b->im.memory, ITEM_LIST, text);
        if (said)
            return said;
    }
    return NULL;
}

static enum result take_network(struct import *im, struct span key, struct span value)
{
    struct batch *b = (struct batch *)im;
    struct list_line line = { .allow = false };
    char text[NETWORK_TEXT_MAX];
    struct network network;
    struct error e;
    enum result r;

    if (span_equal_case(key, SPAN("if")) || (key.len > 0 && key.ptr[0] == '!'))
        return import_error(im, "'if' and '!' cannot be taken over: write the networks out");
    if (network_parse(key, &network, &e) != OK)
        return import_error(im, "%s", e.text);
    network_text(&network, text);
    const struct said *said = earlier(b, &network);
    if (said) {
        batch_leave_out(b, "%s never counts there: line %lu, %s, comes first", text, said->line, said->key);
        return OK;
    }
    if (memory_add(im->memory, ITEM_LIST, text, "", im->line) != OK)
        return import_error(im, "out of memory");
    r = take_action(b, value, &line);
    if (r != OK)
        return r == NOT_FOUND ? OK : r;
    return add_part(b, &line, LIST_CLIENT, text);
}

enum result read_access_cidr(struct batch *b, FILE *f)
{
    return lines_entries(&b->im, f, take_network);
}
