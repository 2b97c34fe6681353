/* SPDX-License-Identifier: MIT */
#include "list_entry.h"

#include <string.h>

const char *const list_part_names[LIST_PARTS] = {
    [LIST_RECIPIENT] = "recipient", [LIST_SENDER] = "sender", [LIST_CLIENT_NAME] = "client-name",
    [LIST_HELO] = "helo",           [LIST_CLIENT] = "client", [LIST_SCOPE] = "domain",
};

/* ---- what a person wrote ---- */

static enum result check_suffix(const char *text, char *text_r, struct error *e)
{
    text_r[0] = '.';
    return domain_check(text + 1, text_r + 1, e);
}

static enum result check_at_domain(const char *text, char *text_r, struct error *e)
{
    text_r[0] = '@';
    return domain_check(text + 1, text_r + 1, e);
}

/* postmaster@: in whatever domain. */
static enum result check_local(const char *text, char *text_r, struct error *e)
{
    static const char any[] = "example.com";
    char whole[ADDRESS_MAX + sizeof any];
    struct address address;
    struct strbuf b;
    enum result r;

    strbuf_init(&b, whole, sizeof whole);
    strbuf_adds(&b, text);
    strbuf_adds(&b, any);
    if (b.cut)
        return error_set(e, LIMIT, "the local part is too long: %.40s...", text);
    r = address_check(whole, false, &address, NULL);
    if (r != OK)
        return error_set(e, r, "'%.80s' is no local part with its @", text);
    return str_copy((struct span){ address.text, address.local_len + 1 }, text_r, LIST_TEXT_MAX);
}

static enum result check_address(const char *text, char *text_r, struct error *e)
{
    size_t len = strlen(text);
    struct address address;
    enum result r;

    if (text[0] == '@')
        return check_at_domain(text, text_r, e);
    if (text[0] == '.' && !strchr(text, '@'))
        return check_suffix(text, text_r, e);
    if (len > 1 && text[len - 1] == '@')
        return check_local(text, text_r, e);
    r = address_check(text, false, &address, e);
    return r == OK ? str_copy(span_of(address.text), text_r, LIST_TEXT_MAX) : r;
}

static enum result check_name(enum list_part part, const char *text, char *text_r, struct error *e)
{
    bool suffix = text[0] == '.';

    text_r[0] = '.';
    if (domain_parse(span_of(text + suffix), text_r + suffix) != OK || text_r[suffix] == '\0' || strchr(text, ' '))
        return error_set(e, BAD, "%s '%.80s' is no host name and no .suffix", list_part_names[part], text);
    return OK;
}

static enum result check_network(const char *text, char *text_r, struct error *e)
{
    struct network network;
    enum result r = network_parse(span_of(text), &network, e);

    if (r == OK)
        network_text(&network, text_r);
    return r;
}

enum result list_part_check(enum list_part part, const char *text, char text_r[static LIST_TEXT_MAX],
                            struct error *e)
{
    switch (part) {
    case LIST_RECIPIENT:
    case LIST_SENDER:
        return check_address(text, text_r, e);
    case LIST_CLIENT_NAME:
    case LIST_HELO:
        return check_name(part, text, text_r, e);
    case LIST_CLIENT:
        return check_network(text, text_r, e);
    case LIST_SCOPE:
    case LIST_PARTS:
        break;
    }
    return domain_check(text, text_r, e);
}

/* ---- shapes ---- */

static unsigned labels_of_suffix(const char *suffix)
{
    unsigned labels = 0;

    for (; *suffix; suffix++)
        labels += *suffix == '.';
    return labels < LIST_DOMAIN - LIST_SUFFIX ? labels : LIST_DOMAIN - LIST_SUFFIX - 1;
}

static unsigned char name_rank(const char *text)
{
    return text[0] == '.' ? (unsigned char)(LIST_SUFFIX + labels_of_suffix(text)) : LIST_WHOLE;
}

static unsigned char address_rank(const char *text)
{
    if (text[0] == '@')
        return LIST_DOMAIN;
    if (text[0] == '.' && !strchr(text, '@'))
        return name_rank(text);
    return text[strlen(text) - 1] == '@' ? LIST_LOCAL : LIST_WHOLE;
}

static enum result network_rank(const char *text, struct list_shape *s)
{
    struct network network;

    if (network_parse(span_of(text), &network, NULL) != OK)
        return BAD;
    s->v6 = network.v6;
    s->rank[LIST_CLIENT] = (unsigned char)(LIST_NETWORK + network.bits);
    return OK;
}

enum result list_shape_of(const char *const text[LIST_PARTS], struct list_shape *shape_r)
{
    bool any = false;

    *shape_r = (struct list_shape){ .v6 = false };
    for (int part = 0; part < LIST_PARTS; part++) {
        if (*text[part] == '\0')
            continue;
        any |= part != LIST_SCOPE;
        if (part == LIST_CLIENT) {
            if (network_rank(text[part], shape_r) != OK)
                return BAD;
        } else if (part == LIST_SCOPE)
            shape_r->rank[part] = LIST_WHOLE;
        else
            shape_r->rank[part] =
                part == LIST_RECIPIENT || part == LIST_SENDER ? address_rank(text[part]) : name_rank(text[part]);
    }
    return any ? OK : BAD;
}

/* A letter for each part; C: an IPv6 network. */
static const char letters[] = "rsnhcd";

void list_shape_text(const struct list_shape *s, char text_r[static LIST_SHAPE_MAX])
{
    struct strbuf b;

    strbuf_init(&b, text_r, LIST_SHAPE_MAX);
    for (int part = 0; part < LIST_PARTS; part++) {
        if (s->rank[part] == LIST_ABSENT)
            continue;
        strbuf_addc(&b, part == LIST_CLIENT && s->v6 ? 'C' : letters[part]);
        if (part != LIST_SCOPE)
            strbuf_addu(&b, s->rank[part]);
    }
}

enum result list_shape_parse(const char *text, struct list_shape *shape_r)
{
    *shape_r = (struct list_shape){ .v6 = false };
    while (*text) {
        const char *letter = strchr(letters, *text == 'C' ? 'c' : *text);
        unsigned rank = 0, part = letter ? (unsigned)(letter - letters) : LIST_PARTS;
        if (part == LIST_PARTS)
            return BAD;
        shape_r->v6 |= *text == 'C';
        for (text++; *text >= '0' && *text <= '9' && rank <= LIST_WHOLE; text++)
            rank = rank * 10 + (unsigned)(*text - '0');
        if (part == LIST_SCOPE)
            rank = LIST_WHOLE;
        if (rank == LIST_ABSENT || rank > LIST_WHOLE)
            return BAD;
        shape_r->rank[part] = (unsigned char)rank;
    }
    return OK;
}

struct span list_suffix(const char *name, unsigned labels)
{
    const char *end = name + strlen(name), *p = end;

    for (; labels > 0 && p > name; labels--)
        do
            p--;
        while (p > name && *p != '.');
    if (labels > 0 || p == end || *p != '.' || p == name)
        return (struct span){ end, 0 };
    return (struct span){ p, (size_t)(end - p) };
}

void list_entry_text(const char *const text[LIST_PARTS], struct strbuf *out)
{
    static const enum list_part order[] = { LIST_CLIENT, LIST_CLIENT_NAME, LIST_HELO, LIST_SENDER, LIST_RECIPIENT };
    const char *separator = "";

    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        if (*text[order[i]]) {
            strbuf_addf(out, "%s%s ", separator, list_part_names[order[i]]);
            strbuf_add_clean(out, span_of(text[order[i]]));
            separator = ", ";
        }
    if (*text[LIST_SCOPE])
        strbuf_addf(out, ", for %s", text[LIST_SCOPE]);
}
