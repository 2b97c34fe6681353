/* SPDX-License-Identifier: MIT */
#include "policyctl/score.h"

#include <string.h>

static bool record_fn(const struct row *row, void *context)
{
    (void)!behaviour_parse(span_of(row->column[0]), context); /* one that is damaged is begun anew */
    return false;
}

enum result score_read(struct store *state, const char *account, struct behaviour *behaviour_r)
{
    enum result r;

    memset(behaviour_r, 0, sizeof *behaviour_r);
    r = store_query(state, QUERY_BEHAVIOUR, &account, 1, record_fn, behaviour_r);
    return r == NOT_FOUND ? OK : r;
}

static const struct behaviour *get(struct behaviour_source *source, const char *account, int64_t now)
{
    struct score_source *s = (struct score_source *)source;

    (void)now;
    if (s->state && score_read(s->state, account, &s->behaviour) != OK)
        return NULL;
    return &s->behaviour;
}

void score_source_init(struct score_source *s, struct store *state)
{
    *s = (struct score_source){ .source = { get }, .state = state };
}

void score_print(const struct signals *s, unsigned of, struct json *json)
{
    char text[512];
    struct strbuf b;

    if (!json) {
        strbuf_init(&b, text, sizeof text);
        signals_text(s, &b);
        printf("score %u of %u%s%s\n", s->score, of, b.len > 0 ? ": " : "", text);
        return;
    }
    json_open(json, "compromise", '{');
    json_number(json, "score", s->score);
    json_number(json, "of", of);
    json_open(json, "signals", '[');
    for (unsigned id = 0; id < SIGNAL_COUNT; id++)
        if (s->points[id] > 0) {
            json_open(json, NULL, '{');
            json_text(json, "signal", signal_infos[id].name);
            json_number(json, "points", s->points[id]);
            json_number(json, "measure", s->measure[id]);
            json_text(json, "unit", signal_infos[id].unit);
            json_close(json, '}');
        }
    json_close(json, ']');
    json_close(json, '}');
}
