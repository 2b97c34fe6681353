/* SPDX-License-Identifier: MIT */
/*
 * Allow and deny entries: of each shape that the table has (lib/list_entry.h), the one key
 * that a matching entry must have.  An empty table costs nothing and a long one no more
 * than a short one.  Layer 5.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/list_entry.h"
#include "policyd/facts.h"
#include "policyd/list_filter.h"

enum { KEYS_MAX = 2 };

/* What a part of an entry has to say to match. */
struct key {
    const char *text;
    unsigned char rank;
};

/* The parts of an address that an entry may name. */
struct address_texts {
    struct address bare; /* without its extension */
    bool has_bare;
    char at_domain[DOMAIN_MAX + 2];
    char local[LOCAL_MAX + 2], bare_local[LOCAL_MAX + 2];
    char suffix[DOMAIN_MAX + 2];
};

struct search {
    struct facts *facts;
    const struct request *request;
    struct address_texts recipient, sender;
    char name_suffix[DOMAIN_MAX + 2], helo_suffix[DOMAIN_MAX + 2];
    char network[NETWORK_TEXT_MAX];
    struct listed_row *best;
    unsigned char best_rank[LIST_PARTS];
    bool found;
};

static void copy_local(const struct address *a, char text_r[static LOCAL_MAX + 2])
{
    struct strbuf b;

    strbuf_init(&b, text_r, LOCAL_MAX + 2);
    strbuf_add(&b, address_local(a));
    strbuf_addc(&b, '@');
}

static void prepare_address(const struct address *a, const char *delimiters, struct address_texts *t)
{
    struct strbuf b;

    t->at_domain[0] = t->local[0] = t->bare_local[0] = '\0';
    t->has_bare = false;
    if (a->len == 0)
        return;
    strbuf_init(&b, t->at_domain, sizeof t->at_domain);
    strbuf_addc(&b, '@');
    strbuf_add(&b, address_domain(a));
    copy_local(a, t->local);
    t->has_bare = address_strip_extension(a, delimiters, &t->bare) == OK;
    if (t->has_bare)
        copy_local(&t->bare, t->bare_local);
}

/* ---- the keys of each part; how many: 0 where the request cannot match ---- */

static size_t one_key(const char *text, unsigned char rank, struct key keys_r[KEYS_MAX])
{
    keys_r[0] = (struct key){ text, rank };
    return *text != '\0';
}

static size_t suffix_key(const char *name, unsigned char rank, char suffix[static DOMAIN_MAX + 2],
                         struct key keys_r[KEYS_MAX])
{
    struct span found = list_suffix(name, rank - (unsigned)LIST_SUFFIX);

    str_fill(found, suffix, DOMAIN_MAX + 2);
    return one_key(suffix, rank, keys_r);
}

static size_t name_key(const char *name, unsigned char rank, char suffix[static DOMAIN_MAX + 2],
                       struct key keys_r[KEYS_MAX])
{
    return rank == LIST_WHOLE ? one_key(name, rank, keys_r) : suffix_key(name, rank, suffix, keys_r);
}

static size_t address_keys(const struct address *a, struct address_texts *t, unsigned char rank,
                           struct key keys_r[KEYS_MAX])
{
    size_t count = 1;

    if (a->len == 0)
        return 0;
    if (rank == LIST_DOMAIN)
        return t->at_domain[1] ? one_key(t->at_domain, rank, keys_r) : 0;
    if (rank != LIST_WHOLE && rank != LIST_LOCAL)
        return suffix_key(t->at_domain + 1, rank, t->suffix, keys_r);
    keys_r[0] = (struct key){ rank == LIST_WHOLE ? a->text : t->local, rank };
    if (t->has_bare)
        keys_r[count++] = (struct key){ rank == LIST_WHOLE ? t->bare.text : t->bare_local, (unsigned char)(rank - 1) };
    return count;
}

static size_t client_key(struct search *s, const struct list_shape *shape, struct key keys_r[KEYS_MAX])
{
    const struct network *client = &s->request->client;
    unsigned bits = shape->rank[LIST_CLIENT] - (unsigned)LIST_NETWORK;

    if (!s->request->has_client || client->v6 != shape->v6 || bits > client->bits)
        return 0;
    struct network network = network_of(client, bits);
    network_text(&network, s->network);
    return one_key(s->network, shape->rank[LIST_CLIENT], keys_r);
}

static size_t part_keys(struct search *s, const struct list_shape *shape, enum list_part part,
                        struct key keys_r[KEYS_MAX])
{
    const struct request *q = s->request;
    unsigned char rank = shape->rank[part];

    keys_r[0] = (struct key){ "", LIST_ABSENT };
    if (rank == LIST_ABSENT)
        return 1;
    switch (part) {
    case LIST_RECIPIENT:
        return address_keys(&q->recipient, &s->recipient, rank, keys_r);
    case LIST_SENDER:
        return address_keys(&q->sender, &s->sender, rank, keys_r);
    case LIST_CLIENT_NAME:
        return name_key(q->client_name, rank, s->name_suffix, keys_r);
    case LIST_HELO:
        return name_key(q->helo, rank, s->helo_suffix, keys_r);
    case LIST_CLIENT:
        return client_key(s, shape, keys_r);
    default: /* LIST_SCOPE */
        return s->recipient.at_domain[0] ? one_key(s->recipient.at_domain + 1, rank, keys_r) : 0;
    }
}

/* ---- looking up ---- */

static void take_best(struct search *s, const char *id, bool allow, const char *const text[LIST_PARTS])
{
    struct strbuf b;

    s->best->allow = allow;
    str_fill(span_of(id), s->best->id, sizeof s->best->id);
    strbuf_init(&b, s->best->text, sizeof s->best->text);
    list_entry_text(text, &b);
}

/* One exact key: text and rank of each part. */
static enum result look_up(struct search *s, const char *shape, const struct key key[LIST_PARTS])
{
    const char *const text[LIST_PARTS] = { key[0].text, key[1].text, key[2].text,
                                           key[3].text, key[4].text, key[5].text };
    const char *const params[LIST_KEY_TEXTS] = { shape, text[0], text[1], text[2], text[3], text[4], text[5] };
    unsigned char rank[LIST_PARTS];
    struct rowset set;
    enum result r;

    for (int part = 0; part < LIST_PARTS; part++)
        rank[part] = key[part].rank;
    if (s->found && memcmp(rank, s->best_rank, sizeof rank) <= 0)
        return OK; /* what is there is at least as specific */
    if (s->facts->list_filter && list_filter_lacks(s->facts->list_filter, params))
        return OK;
    r = facts_query(s->facts, QUERY_LISTED, params, sizeof params / sizeof *params, &set);
    if (r != OK)
        return r == NOT_FOUND ? OK : r;
    for (const char *id = set.text; set.count > 0; set.count--) {
        const char *action = rowset_next(id), *expires = rowset_next(action);
        if (*expires == '\0' || strtoll(expires, NULL, 10) > s->facts->now) {
            memcpy(s->best_rank, rank, sizeof rank);
            s->found = true;
            take_best(s, id, action[0] == 'a', text);
            return OK; /* the one that allows stands first */
        }
        id = rowset_next(rowset_next(expires));
    }
    return OK;
}

static enum result look_up_shape(struct search *s, const char *text)
{
    struct key keys[LIST_PARTS][KEYS_MAX], key[LIST_PARTS] = { 0 };
    size_t count[LIST_PARTS] = { 0 };
    struct list_shape shape;
    enum result r = OK;

    if (list_shape_parse(text, &shape) != OK)
        return OK; /* of a table that somebody else wrote */
    for (int part = 0; part < LIST_PARTS; part++) {
        count[part] = part_keys(s, &shape, (enum list_part)part, keys[part]);
        if (count[part] == 0)
            return OK;
        key[part] = keys[part][0];
    }
    for (size_t i = 0; r == OK && i < count[LIST_RECIPIENT]; i++)
        for (size_t j = 0; r == OK && j < count[LIST_SENDER]; j++) {
            key[LIST_RECIPIENT] = keys[LIST_RECIPIENT][i];
            key[LIST_SENDER] = keys[LIST_SENDER][j];
            r = look_up(s, text, key);
        }
    return r;
}

enum result facts_listed(struct facts *f, const struct request *q, struct listed_row *row_r)
{
    struct search s;
    struct rowset set;
    char shapes[ROWS_TEXT_MAX]; /* copied: the look-ups below reuse the rows' memory */
    enum result r = facts_query(f, QUERY_LIST_SHAPES, NULL, 0, &set);
    const char *end = set.text, *p = shapes;

    if (r != OK)
        return r;
    s.facts = f;
    s.request = q;
    s.best = row_r;
    s.found = false;
    prepare_address(&q->recipient, f->config->recipient_delimiter, &s.recipient);
    prepare_address(&q->sender, f->config->recipient_delimiter, &s.sender);
    for (size_t i = 0; i < set.count; i++)
        end = rowset_next(end);
    memcpy(shapes, set.text, (size_t)(end - set.text));
    for (size_t i = 0; r == OK && i < set.count; i++, p = rowset_next(p))
        r = look_up_shape(&s, p);
    if (r != OK)
        return r;
    return s.found ? OK : NOT_FOUND;
}
