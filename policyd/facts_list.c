/* SPDX-License-Identifier: MIT */
/*
 * Allow and deny entries.  Only keys of kinds that the table holds are looked up,
 * so an empty table costs nothing and a long one no more than a short one.
 * Layer 5.
 */
#include <stdlib.h>
#include <string.h>

#include "policyd/facts.h"

enum { SUFFIX_LABELS_MAX = 8 };

struct search {
    struct facts *facts;
    const struct request *request;
    struct listed_row *best;
    int best_rank; /* -1: none yet */
};

/* How much of the request an entry names; -1 where a part of it does not match. */
static int sender_rank(const struct request *q, const char *sender)
{
    if (*sender == '\0')
        return 0;
    if (*sender == '@')
        return span_equal(span_of(sender + 1), address_domain(&q->sender)) ? 1 : -1;
    return strcmp(sender, q->sender.text) == 0 ? 2 : -1;
}

static int helo_rank(const struct request *q, const char *helo)
{
    if (*helo == '\0')
        return 0;
    if (*helo == '.')
        return span_ends_case(span_of(q->helo), span_of(helo)) ? 1 : -1;
    return strcmp(helo, q->helo) == 0 ? 2 : -1;
}

static int client_rank(const struct request *q, const char *client)
{
    struct network network;

    if (*client == '\0')
        return 0;
    if (!q->has_client || network_parse(span_of(client), &network, NULL) != OK ||
        !network_contains(&network, &q->client))
        return -1;
    return network.bits + 1;
}

static int scope_rank(const struct request *q, const char *scope)
{
    if (*scope == '\0')
        return 0;
    return span_equal(span_of(scope), address_domain(&q->recipient)) ? 1 : -1;
}

/* One row of QUERY_LISTED: id, action, client, helo, sender, scope, expires. */
static void weigh(struct search *s, const char *const column[7])
{
    const struct request *q = s->request;
    int sender = sender_rank(q, column[4]), helo = helo_rank(q, column[3]);
    int client = client_rank(q, column[2]), scope = scope_rank(q, column[5]);
    bool allow = column[1][0] == 'a';

    if (sender < 0 || helo < 0 || client < 0 || scope < 0)
        return;
    if (*column[6] && strtoll(column[6], NULL, 10) <= s->facts->now)
        return;
    int rank = ((sender * 3 + helo) * 130 + client) * 4 + scope * 2 + allow;
    if (rank <= s->best_rank)
        return;
    s->best_rank = rank;
    s->best->allow = allow;
    if (str_copy(span_of(column[0]), s->best->id, sizeof s->best->id) != OK)
        s->best->id[0] = '\0';
}

static enum result look_up(struct search *s, const char *field, const char *value)
{
    const char *const params[] = { field, value };
    const char *column[7];
    struct rowset set;
    enum result r = facts_query(s->facts, QUERY_LISTED, params, 2, &set);

    if (r != OK)
        return r == NOT_FOUND ? OK : r;
    for (const char *p = set.text; set.count > 0; set.count--) {
        for (size_t i = 0; i < 7; i++, p = rowset_next(p))
            column[i] = p;
        weigh(s, column);
    }
    return OK;
}

static enum result look_up_sender(struct search *s)
{
    char domain[DOMAIN_MAX + 2];
    struct strbuf b;
    enum result r = OK;

    if (s->request->sender.len == 0)
        return OK;
    strbuf_init(&b, domain, sizeof domain);
    strbuf_addc(&b, '@');
    strbuf_add(&b, address_domain(&s->request->sender));
    r = look_up(s, "sender", s->request->sender.text);
    return r == OK ? look_up(s, "sender", domain) : r;
}

static enum result look_up_helo(struct search *s)
{
    const char *name = s->request->helo, *suffix = name + strlen(name);
    enum result r = *name ? look_up(s, "helo", name) : OK;

    /* From the right: labels in front do not hide a suffix. */
    for (int labels = 0; r == OK && labels < SUFFIX_LABELS_MAX && suffix > name; labels++) {
        do
            suffix--;
        while (suffix > name && *suffix != '.');
        if (*suffix == '.')
            r = look_up(s, "helo", suffix);
    }
    return r;
}

/* prefix: "4/24". */
static enum result look_up_client(struct search *s, const char *prefix)
{
    const struct request *q = s->request;
    char text[NETWORK_TEXT_MAX];
    uint64_t bits;

    if (!q->has_client || q->client.v6 != (prefix[0] == '6') ||
        str_number(span_of(prefix + 2), 0, q->client.bits, &bits) != OK)
        return OK;
    struct network network = network_of(&q->client, (unsigned)bits);
    network_text(&network, text);
    return look_up(s, "client", text);
}

enum result facts_listed(struct facts *f, const struct request *q, struct listed_row *row_r)
{
    struct search s = { .facts = f, .request = q, .best = row_r, .best_rank = -1 };
    struct rowset set;
    char shape[2048]; /* copied: the look-ups below reuse the rows' memory */
    enum result r = facts_query(f, QUERY_LIST_SHAPE, NULL, 0, &set);

    if (r != OK)
        return r;
    const char *end = set.text;
    for (size_t i = 0; i < set.count * set.columns; i++)
        end = rowset_next(end);
    if ((size_t)(end - set.text) > sizeof shape)
        return LIMIT;
    memcpy(shape, set.text, (size_t)(end - set.text));
    const char *p = shape;
    for (size_t i = 0; r == OK && i < set.count; i++) {
        const char *field = p, *prefix = rowset_next(field);
        p = rowset_next(prefix);
        r = field[0] == 's'   ? look_up_sender(&s)
            : field[0] == 'h' ? look_up_helo(&s)
                              : look_up_client(&s, prefix);
    }
    if (r != OK)
        return r;
    return s.best_rank >= 0 ? OK : NOT_FOUND;
}
